"""Memory of GPUs, by the driver's library: here one that was compiled for the test, with two devices."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kubenb.inside import gpu

DRIVER = """
static int looked = 0;
int nvmlInit_v2(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) { *device = (void *)(long)(index + 1); return 0; }
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *memory) {
    static const unsigned long long used[] = {100, 700, 300};
    memory[0] = 1000; memory[2] = used[(looked / 2) % 3] * (long)device; memory[1] = 1000 - memory[2]; looked++; return 0;
}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    (tmp_path / "nvml.c").write_text(DRIVER)
    library = tmp_path / "libnvml.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(tmp_path / "nvml.c")], check=True)
    (tmp_path / "nvidiactl").write_text("")
    monkeypatch.setattr(gpu, "DEVICE", str(tmp_path / "nvidiactl"))
    monkeypatch.setattr(gpu, "LIBRARY", str(library))
    return tmp_path


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(("alone", "peak"), [(True, 3 * 700), (False, 3 * 600)])
def test_the_peak_over_all_devices_is_kept(alone: bool, peak: int) -> None:
    found = gpu.gpus(alone)
    assert found is not None
    for _ in range(3):
        found.look()
    assert found.peak == peak


def test_without_a_driver_there_is_none(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "LIBRARY", str(driver / "not there.so"))
    assert gpu.gpus(True) is None
    (driver / "nvidiactl").unlink()
    assert gpu.gpus(True) is None


@pytest.mark.usefixtures("driver")
def test_a_run_says_the_peak() -> None:
    import os

    from kubenb.inside.usage import Meter

    meter = Meter(os.getpid())
    meter.gpus = gpu.gpus(True)
    meter.sample()
    meter.sample()
    assert meter.end(None, 1.0)["gpu"] == 3 * 700

"""The meter: a cell's own peak is seen, however short; an earlier peak is not."""

from __future__ import annotations

import os
import time

import pytest

from kubenb.run.here import Meter

SPIKE = 150 * 2**20


def spike() -> None:
    held = bytearray(SPIKE)
    del held


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="this system can't reset VmHWM")
def test_the_peak_of_a_cell_is_its_own() -> None:
    meter = Meter()
    meter.start()
    spike()
    used = meter.stop()
    assert used.before is not None
    assert SPIKE * 0.95 < used.peak - used.before < SPIKE * 1.3
    meter.start()
    calm = meter.stop()
    assert calm.peak < used.peak - SPIKE * 0.5


def test_without_the_kernels_help_the_life_long_peak_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(path: str, flags: int) -> int:
        raise PermissionError(path)

    monkeypatch.setattr("kubenb.run.here.os.open", nothing)
    meter = Meter()
    meter.start()
    used = meter.stop()
    assert used.before is None
    assert used.peak > 2**20


def test_waiting_counts_as_time_and_not_as_cpu() -> None:
    meter = Meter()
    meter.start()
    time.sleep(0.1)
    used = meter.stop()
    assert used.seconds >= 0.1
    assert 0 < used.cpu < used.seconds

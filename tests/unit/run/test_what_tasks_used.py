"""What a task used is on record: native memory, child processes and forks, CPU, what it asked for, how it ended."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kubenb.model.measured import OUT_OF_MEMORY, Asked, Measured, digest_of
from kubenb.run import measures
from kubenb.run.local import Wish, run_pipeline
from kubenb.run.measured import cause_of, of_report
from tests.unit.run.made import pipeline, plan

MIB = 2**20
CHILD = "import sys, time; held = bytearray(int(sys.argv[1])); time.sleep(1.5)"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))


def ran(tmp_path: Path, body: str, **options: Any) -> Measured:
    whole = pipeline(plan("one", body, **options))
    run_pipeline(whole, tmp_path / "out", Wish())
    (found,) = measures.of_task("one", "", digest_of(body))
    return found


FOOTPRINTS = [
    ("held = bytearray(120 << 20)", 120),
    ("held = bytearray(120 << 20)\ndel held", 120),
    ("import mmap\nheld = mmap.mmap(-1, 100 << 20)\nheld.write(b'x' * (100 << 20))", 200),
    (f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {CHILD!r}, str(90 << 20)])", 90),
    (
        f"import subprocess, sys\nall = [subprocess.Popen([sys.executable, '-c', {CHILD!r}, str(60 << 20)]) for _ in range(3)]\n"
        "held = bytearray(50 << 20)\nfor each in all: each.wait()",
        230,
    ),
    (
        "import os, time\nheld = bytearray(120 << 20)\n"
        "kids = [os.fork() for _ in range(1)]\nif kids == [0]:\n    time.sleep(1.5)\n    os._exit(0)\nos.wait()",
        120,
    ),
]
IDS = ["held", "held for a moment", "native", "a child", "children and its own", "a fork shares its pages"]


@pytest.mark.parametrize(("body", "mib"), FOOTPRINTS, ids=IDS)
def test_the_peak_is_what_the_task_and_its_children_held(tmp_path: Path, body: str, mib: int) -> None:
    assert (found := ran(tmp_path, body)).peak
    assert mib * MIB < found.peak < (mib + 90) * MIB  # interpreters have some of their own


def test_the_record_says_what_was_asked_for_and_the_curve_reaches_the_end(tmp_path: Path) -> None:
    body = "import time\nuntil = time.time() + 1.5\nwhile time.time() < until: pass\ntime.sleep(0.5)"
    found = ran(tmp_path, body, cpu="500m", memory="256Mi", memory_request="128Mi")
    assert (found.how, found.end, found.task, found.dag) == ("local", "done", "one", "made")
    assert found.asked.cpu == 0.5
    assert (found.asked.memory, found.asked.memory_limit) == (128 * MIB, 256 * MIB)
    assert len(found.curve) > 5
    assert found.curve[-1][0] == pytest.approx(found.wall, abs=0.5)
    assert found.cpu is not None
    assert found.curve[-1][2] == pytest.approx(found.cpu, abs=0.1)
    assert max(point[1] for point in found.curve) <= (found.peak or 0)
    assert found.cores is not None
    assert found.cores > found.cpu / found.wall


ENDS = [
    ("x = 1", "done"),
    ("raise ValueError('no')", "user"),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "out of memory"),
]


@pytest.mark.parametrize(("body", "end"), ENDS)
def test_every_end_leaves_a_record(tmp_path: Path, body: str, end: str) -> None:
    found = ran(tmp_path, body)
    assert found.end == end
    assert found.peak
    assert abs(found.start - os.stat(tmp_path / "data" / "runs.sqlite").st_mtime) < 120


def test_what_is_taken_over_leaves_none(tmp_path: Path) -> None:
    whole = pipeline(plan("one", "x = 1"))
    for _ in range(2):
        run_pipeline(whole, tmp_path / "out", Wish())
    assert len(measures.of_task("one", "", digest_of("x = 1"))) == 1


KILLS = [
    ({"state": "killed", "peak": 50, "limit": 100}, "killed"),
    ({"state": "killed", "peak": 50, "limit": 100, "killed": 1}, OUT_OF_MEMORY),
    ({"state": "killed", "peak": 95, "limit": 100}, OUT_OF_MEMORY),
    ({"state": "killed", "peak": 95}, OUT_OF_MEMORY),
    ({"state": "user", "peak": 95, "limit": 100}, "user"),
]


@pytest.mark.parametrize(("used", "end"), KILLS)
def test_a_kill_that_was_not_for_memory_says_nothing_of_memory(used: dict[str, object], end: str) -> None:
    assert cause_of(used) == of_report(used, Asked(), "one", "pod").end == end
    assert cause_of({}, no_memory=True) == OUT_OF_MEMORY

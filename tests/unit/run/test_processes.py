"""A task's process: its group ends as a whole, its lines arrive, its children don't stay."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from pathlib import Path

import pytest

from kubenb.run.machine import Spec
from kubenb.run.process import Process, end, start, sweep
from kubenb.run.work import Work

FORKS = "import subprocess,sys,time;c=subprocess.Popen([sys.executable,'-c','import time;time.sleep(60)']);print(c.pid,flush=True);"


def begin(code: str, tmp_path: Path, ended: queue.SimpleQueue[Work] | None = None) -> Process:
    spec = Spec((sys.executable, "-c", code), dict(os.environ), tmp_path)
    return start("task", spec, tmp_path / "task.log", ended or queue.SimpleQueue())


def wait_for_line(process: Process) -> str:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for line in process.lines():
            return line
        time.sleep(0.01)
    raise AssertionError("no line came")


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_lines_arrive_while_it_runs_and_the_last_needs_no_newline(tmp_path: Path) -> None:
    ended: queue.SimpleQueue[Work] = queue.SimpleQueue()
    process = begin("print('one'); print('two', end='')", tmp_path, ended)
    assert ended.get(timeout=20) is process
    assert list(process.lines(final=True)) == ["one", "two"]
    assert process.code == 0
    assert (tmp_path / "task.log").read_text() == "one\ntwo"


def test_a_line_is_never_cut(tmp_path: Path) -> None:
    process = begin("import sys,time; sys.stdout.write('a'); sys.stdout.flush(); time.sleep(0.2); print('b')", tmp_path)
    assert wait_for_line(process) == "ab"


def test_ending_ends_the_whole_group(tmp_path: Path) -> None:
    process = begin(FORKS + "time.sleep(60)", tmp_path)
    child = int(wait_for_line(process))
    end([process], grace=2)
    assert process.code == -signal.SIGTERM
    assert gone(child)


def test_one_that_does_not_listen_is_killed_after_the_grace(tmp_path: Path) -> None:
    process = begin(
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(0, flush=True); time.sleep(60)",
        tmp_path,
    )
    wait_for_line(process)
    end([process], grace=0.2)
    assert process.code == -signal.SIGKILL


def test_children_that_a_task_forgot_end_with_it(tmp_path: Path) -> None:
    ended: queue.SimpleQueue[Work] = queue.SimpleQueue()
    process = begin(FORKS, tmp_path, ended)
    ended.get(timeout=20)
    child = int(next(iter(process.lines(final=True))))
    sweep(process)
    assert gone(child)


def test_a_program_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-program"):
        start("task", Spec(("/no-such-program",), {}, tmp_path), tmp_path / "task.log", queue.SimpleQueue())

"""Clocks and rows: what a path costs, what the least it could cost is, and the bar between them.

CPU seconds come first: wall time on a shared machine says more about its neighbours than about us.
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Row:
    """One line of the table. `bar` is the largest ratio of `ours` to `floor` that meets it (None: only shown)."""

    path: str
    ours: float
    floor: float
    floor_name: str
    bar: float | None = None
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.floor

    @property
    def met(self) -> bool | None:
        """None where there is no bar."""
        return None if self.bar is None else self.ratio <= self.bar


Rows = Iterator[Row]


class FailedError(Exception):
    """A measured process failed: its command and the end of what it said."""


def process(
    command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[float, float, str]:
    """CPU seconds, wall seconds and stdout of a process and its children."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise FailedError(f"{' '.join(command)[:200]}\n{said[-2000:]}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start, said


def cpu(
    command: Sequence[str], env: Mapping[str, str] | None = None, repeat: int = 5, cwd: Path | None = None
) -> float:
    """The median CPU seconds of whole processes."""
    return statistics.median(process(command, env, cwd)[0] for _ in range(repeat))


def spent(call: Callable[[], object], repeat: int = 5) -> float:
    """The median CPU seconds of a call in this process."""
    found = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return statistics.median(found)


@functools.cache
def bare_python() -> float:
    """`python -c pass`: the floor of every process."""
    return cpu([sys.executable, "-c", "pass"], repeat=9)


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for one measurement, in memory where the machine has that."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="kubenb-bench-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)

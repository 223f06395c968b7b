"""A cell in the kernel, measured: peak memory, CPU and wall seconds, at a cost that nobody feels.

The kernel of Linux keeps each process's highest memory (VmHWM) and sets it back on request, so the peak is exact and
costs two small reads. Where that is not to be had, `ru_maxrss` gives the highest of the process's whole life. In:
nothing. Out: `Used`. Next room: the magics.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass

RESET = b"5"  # proc(5): resets the peak resident set size


@dataclass(frozen=True)
class Used:
    """What a cell used. `before`: memory in use when it began; None where only the process's whole life is known."""

    seconds: float
    cpu: float
    peak: int
    before: int | None


class Meter:
    """Measures one stretch at a time; its two files stay open between cells."""

    def __init__(self) -> None:
        self._pid = 0
        self._status = self._reset = -1
        self._began = self._cpu = 0.0
        self._before: int | None = None

    def start(self) -> None:
        """Begins; the peak counts from here."""
        if self._pid != os.getpid():
            self._open()
        self._before = None
        if self._reset >= 0:
            try:
                os.pwrite(self._reset, RESET, 0)
                self._before = self._read(b"VmHWM:")
            except OSError:
                self._reset = -1
        self._cpu = _cpu()
        self._began = time.perf_counter()

    def stop(self) -> Used:
        """Ends; what was used since `start`."""
        seconds = time.perf_counter() - self._began
        cpu = _cpu() - self._cpu
        if self._before is None:
            return Used(seconds, cpu, _life_peak(), None)
        return Used(seconds, cpu, self._read(b"VmHWM:") or _life_peak(), self._before)

    def _open(self) -> None:
        """The files of this process (a fork's are its own)."""
        self._pid = os.getpid()
        try:
            self._status = os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
            self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            self._reset = -1

    def _read(self, name: bytes) -> int | None:
        """A line of /proc/self/status, in bytes."""
        text = os.pread(self._status, 4096, 0)
        at = text.find(name)
        return None if at < 0 else int(text[at + len(name) : text.index(b"kB", at)]) * 1024


def _cpu() -> float:
    """CPU seconds of this process and of the children it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _life_peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

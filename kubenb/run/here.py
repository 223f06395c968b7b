"""A cell in the kernel, measured: peak memory, CPU and wall seconds, at a cost that nobody feels.

The kernel of Linux keeps each process's highest memory (VmHWM) and sets it back on request, so the peak is exact and
costs two small reads, native allocations included. Where that is not to be had, `ru_maxrss` gives the highest of the process's
whole life. Child processes are seen by `sampling`, and at their end by what the system says of the largest. In: nothing. Out:
`Used`. Next room: the magics.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass, field

from kubenb.inside.curve import Curve, cores
from kubenb.run.sampling import Sampler

RESET = b"5"  # proc(5): resets the peak resident set size


@dataclass(frozen=True)
class Used:
    """What a cell used. `before`: memory in use when it began; None where only the process's whole life is known."""

    seconds: float
    cpu: float
    peak: int
    before: int | None
    curve: Curve = field(default_factory=Curve, compare=False)
    gpu: int | None = None

    @property
    def cores(self) -> float:
        """The most cores that were busy for a twentieth of the time."""
        return cores(self.curve.points, self.seconds, self.cpu)


class Meter:
    """Measures one stretch at a time; its two files stay open between cells."""

    def __init__(self) -> None:
        self._pid = 0
        self._status = self._reset = -1
        self._began = self._cpu = 0.0
        self._before: int | None = None
        self._child = 0
        self._sampler = Sampler(lambda: _cpu()[0] - self._cpu)

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
        self._cpu, self._child = _cpu()
        self._began = time.perf_counter()
        self._sampler.start(self._began)

    def stop(self) -> Used:
        """Ends; what was used since `start`."""
        seconds = time.perf_counter() - self._began
        curve = self._sampler.stop()
        cpu, child = _cpu()
        cpu -= self._cpu
        own = (self._read(b"VmHWM:") if self._before is not None else None) or _life_peak()
        peak = max(own, self._sampler.tree.peak)
        if child > self._child:  # the largest child that ended meanwhile, beside what the kernel held
            peak = max(peak, (self._before or 0) + child)
        if curve.points:
            cpu = max(cpu, curve.points[-1][2])
        else:
            curve.add(0.0, self._before or own, 0.0)
        curve.add(seconds, curve.points[-1][1] if len(curve.points) > 1 else peak, cpu)
        gpus = self._sampler.gpus
        return Used(seconds, cpu, peak, self._before, curve, gpus.peak if gpus else None)

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


def _cpu() -> tuple[float, int]:
    """CPU seconds of this process and of the children it has waited for; bytes of the largest of these."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime, children.ru_maxrss * _UNIT


_UNIT = 1 if sys.platform == "darwin" else 1024


def _life_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT

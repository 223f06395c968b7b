"""What a task used: memory with its children over the run and at its peak, CPU seconds, the most cores, wall seconds.

In: the child's process id, asked ten times a second at most while it runs (asking takes less than a hundredth of a core),
and its resource usage at the end. Out: what stands in `usage.json`.
"""

from __future__ import annotations

import os
import time

from .curve import Curve, cores
from .exits import size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# cgroup v2, then v1. They count the whole container, so they are asked only where the task is its first process.
_PEAKS = ("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes")
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# What the kernel could give back at once is not counted, as `kubectl top` does not.
_NOW = (
    ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"),
    ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file"),
)
_CPU = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpuacct/cpuacct.usage")
_KILLS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


FIRST, EVERY, SHARE = 0.02, 0.1, 200  # seconds to the first sample, between samples; so many times what one costs
LOOKING, PART = 0.02, 0.004  # CPU seconds for shared pages at the start, and a second


class Meter:
    """Measures a process and all it starts. `peak` is what the container was charged, `needed` the part of it that could not be
    given back: all but the cache of files.
    """

    def __init__(self, process: int) -> None:
        """`process` is the child's id."""
        self.tree, self.peak, self.needed = Tree(process), 0, 0
        self.curve, self.began = Curve(), time.monotonic()
        self.pause, self.growing = FIRST, FIRST
        self.gpus: Any = None
        if os.path.exists("/dev/nvidiactl"):
            from .gpu import gpus

            self.gpus = gpus(os.getpid() == 1)

    def sample(self) -> int:
        """The memory of the whole tree, now; a point of the curve."""
        used, cpu, cost = self.tree.look()
        here, spent = of_process(os.getpid())
        used, cpu = used + here, cpu + spent
        self.peak = max(self.peak, used)
        if os.getpid() == 1:
            used, self.peak = _container() or used, max(self.peak, _number(_PEAKS) or 0)
            cpu = _container_cpu() or cpu
        if self.gpus:
            self.gpus.look()
        self.needed = max(self.needed, used)
        self.curve.add(time.monotonic() - self.began, used, cpu)
        self.growing = min(EVERY, 1.5 * self.growing)
        self.pause = max(self.growing, SHARE * cost)
        return used

    def now(self) -> tuple[int, int]:
        """Memory now and its peak: the container's where this is its first process, else the tree's."""
        return self.sample(), self.peak

    def end(self, usage: Any, seconds: float) -> dict[str, Any]:
        """What `usage.json` says of memory and CPU, once the child has been waited for; without `usage` it was lost."""
        cpu, here = 0.0, of_process(os.getpid())[0]
        if usage:
            unit, own = 1 if os.uname().sysname == "Darwin" else 1024, os.times()
            cpu = usage.ru_utime + usage.ru_stime + own.user + own.system
            self.needed = max(self.needed, int(usage.ru_maxrss) * unit + here)
        container = _number(_PEAKS) if os.getpid() == 1 else None
        if container:  # what two processes share was counted twice
            self.needed = min(self.needed, container)
        self.peak = max(container or self.peak, self.needed)
        self.curve.add(time.monotonic() - self.began, self.curve.points[-1][1] if self.curve.points else here, cpu)
        found = {"cpu": round(cpu, 3), "peak": self.peak, "needed": self.needed}
        found["cores"] = cores(self.curve.points, seconds, cpu)
        most = limit() if os.getpid() == 1 else None
        gpu = {"gpu": self.gpus.peak} if self.gpus else {}
        return {**found, **gpu, "limit": most} if most else {**found, **gpu}


class Tree:
    """A process and all below it. Pages that forks share count once; looking for them costs milliseconds, so it is done where there
    may be a new peak and there is time for it. In between they are taken for as many as they were.
    """

    def __init__(self, process: int) -> None:
        """Nothing is known yet."""
        self.process, self.peak, self.shared, self.count = process, 0, 0, 1
        self.began, self.looked = time.monotonic(), 0.0  # CPU seconds that looking for shared pages has taken

    def look(self) -> tuple[int, float, float]:
        """Bytes and CPU seconds, now; and the CPU seconds that knowing it took, but for shared pages, which have their own budget."""
        began = time.thread_time()
        found = tree(self.process)
        memory, cpu = map(sum, zip(*map(of_process, found)))
        cost = time.thread_time() - began
        if len(found) == 1:
            self.shared = 0
        elif len(found) != self.count or memory - self.shared > 1.05 * self.peak:
            self._share(found, int(memory))
        self.count, memory = len(found), max(0, int(memory) - self.shared)
        self.peak = max(self.peak, memory)
        return memory, cpu, cost

    def _share(self, found: list[int], memory: int) -> None:
        began = time.thread_time()
        if self.looked > LOOKING + PART * (time.monotonic() - self.began):
            self.shared = 0 if len(found) != self.count else self.shared  # rather too much than too little
            return
        self.shared = max(0, memory - (sum(map(_own_share, found)) or memory))
        self.looked += time.thread_time() - began


def of_process(process: int) -> tuple[int, float]:
    """Bytes that a process holds, and CPU seconds, with those of the children that it has waited for."""
    try:
        with open("/proc/%d/stat" % process, "rb") as file:
            words = file.read().rpartition(b")")[2].split()
        return int(words[21]) * _PAGE, sum(map(int, words[11:15])) / _TICKS
    except (OSError, ValueError, IndexError):
        return 0, 0.0


_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


def _own_share(process: int) -> int:
    """A process's memory, a page that it shares counted in parts."""
    try:
        with open("/proc/%d/smaps_rollup" % process, "rb") as file:
            text = file.read()
        return int(text[text.index(b"Pss:") + 4 :].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        return of_process(process)[0]


def tree(process: int) -> list[int]:
    """A process and all below it."""
    found, waiting = [], [process]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for thread in os.listdir("/proc/%d/task" % one):
                with open("/proc/%d/task/%s/children" % (one, thread), "rb") as file:
                    waiting.extend(map(int, file.read().split()))
        except OSError:
            continue
    return found


def _number(paths: tuple[str, ...]) -> int | None:
    for path in paths:
        try:
            with open(path, "rb") as file:
                text = file.read().strip()
            return int(text) if text.isdigit() else None
        except OSError:
            continue
    return None


def _container() -> int | None:
    for path, stat, name in _NOW:
        used = _number((path,))
        if used is not None:
            try:
                with open(stat, encoding="ascii") as file:
                    idle = [int(line.split()[1]) for line in file if line.split()[0] == name]
            except (OSError, ValueError, IndexError):
                idle = []
            return max(0, used - sum(idle))
    return None


def _container_cpu() -> float | None:
    for path in _CPU:
        try:
            with open(path, "rb") as file:
                words = file.read().split()
            return int(words[1]) / 1e6 if words[0] == b"usage_usec" else int(words[0]) / 1e9
        except (OSError, ValueError, IndexError):
            continue
    return None


def limit() -> int | None:
    """The container's memory limit, where it has one."""
    found = _number(_LIMITS)
    return found if found and found < 1 << 60 else None


def killed() -> int | None:
    """How many processes of this container were killed for want of memory; None where nobody counts them."""
    for path in _KILLS if os.getpid() == 1 else ():
        try:
            with open(path, encoding="ascii") as file:
                found = [int(line.split()[1]) for line in file if line.startswith("oom_kill ")]
            return found[0] if found else None
        except (OSError, ValueError, IndexError):
            continue
    return None


def why_killed(what: str, peak: int, lost: int | None) -> tuple[str, str]:
    """What is said of a process that SIGKILL ended, and what to do. `lost`: see `killed`."""
    most = limit()
    text = "%s, %s: its peak was %s%s." % (
        what,
        "most often for memory" if lost is None else "for want of memory" if lost else "and not for its memory",
        mib(peak),
        " of %s" % mib(most) if most else "",
    )
    if lost == 0:
        return text, "The code or something outside the pod sent that signal: look for os.kill and the like in it."
    return text, "Give the task more `memory`."


def mib(count: int) -> str:
    """Bytes as Kubernetes writes them."""
    return "%d MiB" % round(count / 1048576.0) if count < 10 << 30 else "%.1f GiB" % (count / 1073741824.0)


def sentence(used: dict[str, Any]) -> str:
    """The last line of a task that is done. A process that it lost on the way is said, as its results may lack a part."""
    text = "in %.1f s, peak memory %s, cpu %.1f s, in %s, out %s"
    said = text % (used["seconds"], mib(used["peak"]), used["cpu"], size(used["in"]), size(used["out"]))
    lost = used.get("killed", 0)
    if lost:
        said += "; warning: %d of its processes %s killed for want of memory" % (lost, "was" if lost == 1 else "were")
        most = limit()
        said += " (limit %s)" % mib(most) if most else ""
    return said

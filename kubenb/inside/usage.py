"""What a task used: peak memory with its children, CPU seconds, wall seconds.

In: the child's process id, asked now and then while it runs, and its resource usage at the end. Out: `usage.json`.
"""

from __future__ import annotations

import os

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
_KILLS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


class Meter:
    """Measures a process and all it starts."""

    def __init__(self, process: int) -> None:
        """`process` is the child's id."""
        self.process, self.peak = process, 0

    def sample(self) -> None:
        """The memory of the whole tree, now."""
        self.peak = max(self.peak, sum(map(resident, tree(self.process))))

    def now(self) -> tuple[int, int]:
        """Memory now and its peak: the container's where this is its first process, else the tree's."""
        used = sum(map(resident, tree(self.process))) + resident(os.getpid())
        self.peak = max(self.peak, used)
        if os.getpid() == 1:
            used, self.peak = _container() or used, max(self.peak, _number(_PEAKS) or 0)
        return used, self.peak

    def end(self, usage: Any) -> tuple[int, float]:
        """Peak bytes and CPU seconds, once the child has been waited for."""
        unit = 1 if os.uname().sysname == "Darwin" else 1024
        own = os.times()
        container = _number(_PEAKS) if os.getpid() == 1 else None
        return max(
            self.peak, int(usage.ru_maxrss) * unit, container or 0
        ), usage.ru_utime + usage.ru_stime + own.user + own.system


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


def resident(process: int) -> int:
    """Bytes of memory that a process holds."""
    try:
        with open("/proc/%d/statm" % process, "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


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

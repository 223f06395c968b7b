"""How much cpu and memory a task should ask for, by what its runs used; the rule is said with the answer.

In: a task's records (newest first), what it asks for now, and the size of the input that is to come. Out: `Advice`. Pure: the same
records give the same advice. Next rooms: `growth` for inputs of other sizes; `kubenb.actions.measured`, which asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from kubenb.export.growth import Growth, growth
from kubenb.model.measured import OUT_OF_MEMORY, Asked, Measured
from kubenb.model.problems import Place, Problem, Severity
from kubenb.model.quantities import show_bytes

MIB, GIB = 2**20, 2**30
NEWEST, SEVERAL, MANY = 50, 3, 5  # records that count; runs that make it fairly sure; that make it sure
HEADROOM, FEW_RUNS, LEAST = 0.15, 0.25, 16 * MIB  # above what is needed; with fewer than SEVERAL runs; at least
AFTER_OOM = 1.5
ENDED_BY_ITSELF = ("done", OUT_OF_MEMORY, "user", "failed")

NOTHING = Asked()
Sureness = Literal["sure", "fairly sure", "a first guess", "a lower bound"]


@dataclass(frozen=True)
class Saved:
    """What the advice asks for less than now, in cores and bytes (more, where negative); `hours`: GiB-hours in a run."""

    cpu: float | None = None
    memory: int | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Advice:
    """`cpu` and `memory` as a header has them, None where nothing is known. `needed`: the memory that they are made from.

    `rule`: how, in words; `sureness` and `why`: how sure, and by what. `text` of the task may have changed since: then it is a guess.
    """

    task: str
    cpu: str | None = None
    memory: str | None = None
    needed: int | None = None
    rule: str = ""
    sureness: Sureness = "a first guess"
    why: str = ""
    saves: Saved = Saved()
    problems: tuple[Problem, ...] = ()


def advise(
    task: str,
    text: str,
    records: Sequence[Measured],
    now: Asked = NOTHING,
    where: Place = Place(),
    size: int | None = None,
) -> Advice:
    """What the task should ask for. `size`: the bytes that it will read; unless given, the most that it has read."""
    counted, same, apart = _counted(text, records)
    if not counted:
        return Advice(task, why="no run of it is on record")
    done = [each for each in counted if each.done]
    wanted = size or max((each.size or 0 for each in counted), default=0) or None
    grown = growth([(each.size, each.peak) for each in done if each.size and each.peak], wanted)
    seen = max(each.peak or 0 for each in counted)
    needed = max(seen, grown.needed if grown else 0)
    bound = _killed_at(counted)
    killed = bound is not None and bound >= max((each.peak or 0 for each in done), default=0)
    share = HEADROOM if len(done) >= SEVERAL else FEW_RUNS
    needed = int(needed if not killed else max(needed, bound or 0))
    memory = needed * AFTER_OOM if killed else needed + max(share * needed, LEAST)
    asked = round_memory(memory)
    cores = max((each.cores or 0.0 for each in counted), default=0.0)
    cpu = round_cpu(cores) if cores else None
    rule = _rule(needed, cores, grown, killed, share, apart)
    sureness, why = _sureness(done, grown, same, apart, killed, wanted)
    return Advice(
        task, None if cpu is None else show_cpu(cpu), show_memory(asked), needed, rule, sureness, why, _saved(now, cpu, asked, done),
        _problems(where, now, needed, "was killed with" if killed else "has needed" if needed <= seen else "would need"),
    )  # fmt: skip


def _counted(text: str, records: Sequence[Measured]) -> tuple[list[Measured], bool, bool]:
    """The records that count: of this text where there are any, and from outside the kernel where there are any."""
    usable = [each for each in records if each.peak and each.end in ENDED_BY_ITSELF]
    same = [each for each in usable if each.text == text]
    chosen = same or usable
    apart = [each for each in chosen if each.how != "here"]
    return (apart or chosen)[:NEWEST], bool(same), bool(apart)


def _killed_at(records: Iterable[Measured]) -> int | None:
    """Where runs were killed for want of memory, the highest limit: that was too little."""
    return max(
        (max(each.peak or 0, each.asked.memory_limit or 0) for each in records if each.end == OUT_OF_MEMORY),
        default=None,
    )


def round_memory(size: float) -> int:
    """Up to a step of about a sixteenth, never less than 16Mi.

    >>> [show_memory(round_memory(mebi * MIB)) for mebi in (40, 345, 1000, 5200)]
    ['48Mi', '352Mi', '1Gi', '5376Mi']
    """
    step = max(LEAST, 2 ** math.floor(math.log2(max(size, 1) / 16)))
    return int(math.ceil(size / step) * step)


def round_cpu(cores: float) -> float:
    """Up to 50m below one core, to 100m below four, then to half a core. A hundredth of a core is within the error of the clock.

    >>> [show_cpu(round_cpu(cores)) for cores in (0.01, 0.31, 1.004, 1.02, 3.3, 6.1)]
    ['50m', '350m', '1', '1100m', '3300m', '6500m']
    """
    step = 50 if cores < 1 else 100 if cores < 4 else 500
    return math.ceil(round(cores, 2) * 1000 / step - 1e-9) * step / 1000 or 0.05


def show_memory(size: int) -> str:
    """As a header has it."""
    return f"{size // GIB}Gi" if size % GIB == 0 else f"{math.ceil(size / MIB)}Mi"


def show_cpu(cores: float) -> str:
    """As a header has it."""
    return f"{cores:.0f}" if cores == int(cores) else f"{cores * 1000:.0f}m"


def _rule(needed: int, cores: float, grown: Growth | None, killed: bool, share: float, apart: bool) -> str:
    said = f"memory: {show_bytes(needed)}"
    if killed:
        said += f" was too little; {AFTER_OOM:g} times that"
    else:
        said += " at the peak" if not grown or not grown.beyond else f" at {grown.words}"
        said += f", and {share:.0%} headroom (at least {show_bytes(LEAST)})"
        said += f"; it grows with the input: {grown.words}" if grown and not grown.beyond else ""
    said += ", rounded up."
    if cores:
        said += f" cpu: {cores:.2f} cores in the busiest twentieth of a run, rounded up; there is no limit, so bursts take what is idle."
    return said + ("" if apart else " The kernel held more than the task: --run local measures it alone.")


def _sureness(
    done: Sequence[Measured], grown: Growth | None, same: bool, apart: bool, killed: bool, wanted: int | None
) -> tuple[Sureness, str]:
    runs = f"{len(done)} good run{'s' * (len(done) != 1)}"
    if killed:
        return "a lower bound", "it was killed for want of memory, and how much it wanted nobody saw"
    if not same:
        return "a first guess", f"{runs}, all of an earlier text"
    if not apart:
        return "a first guess", f"{runs}, all in the kernel"
    if grown is not None and grown.far:
        return "a first guess", f"{runs}, and an input beyond twice the largest of them"
    peaks = [each.peak or 0 for each in done]
    steady = bool(peaks) and (max(peaks) <= 1.1 * min(peaks) or (grown is not None and grown.fits))
    if len(done) >= MANY and steady:
        return "sure", f"{runs} of this text, and their peaks agree"
    if len(done) >= SEVERAL:
        return "fairly sure", f"{runs} of this text" + ("" if steady else ", and their peaks differ")
    return "a first guess", f"{runs} of this text"


def _saved(now: Asked, cpu: float | None, memory: int, done: Sequence[Measured]) -> Saved:
    had = now.memory if now.memory is not None else now.memory_limit
    less = None if had is None else had - memory
    wall = sum(each.wall for each in done) / len(done) if done else 0.0
    hours = None if less is None else round(less / GIB * wall / 3600, 4)
    return Saved(None if now.cpu is None or cpu is None else round(now.cpu - cpu, 3), less, hours)


def _problems(where: Place, now: Asked, needed: int, how: str) -> tuple[Problem, ...]:
    if now.memory_limit is None or now.memory_limit > needed:
        return ()
    what = f"its memory limit is {show_bytes(now.memory_limit)}, and it {how} {show_bytes(needed)}."
    fix = "`kubenb advise --write` writes what it should ask for."
    return (Problem(where, what, fix, "resources.little", Severity.WARNING),)

"""What a run says: events while it goes, outcomes of its tasks, and the whole at the end.

In: nothing. Out: `Event`, `Outcome`, `Run`; `kubenb.show` draws them, `records` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kubenb.model.measured import Asked

State = Literal["done", "reused", "failed", "not run", "interrupted", "detached"]
GOOD: tuple[State, ...] = ("done", "reused")


@dataclass(frozen=True)
class Outcome:
    """How one task (or one item of a mapped task) ended; bytes and seconds are None where nothing was measured."""

    task: str
    state: State
    why: str = ""
    item: int | None = None
    seconds: float | None = None
    cpu: float | None = None
    peak: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    exit_code: int | None = None
    log: Path | None = None
    notebook: Path | None = None
    tail: tuple[str, ...] = ()
    again: str = ""  # why it ran, though an earlier run had done it
    lost: int | None = None  # processes that it had started, killed for want of memory
    fix: str = ""  # what to do, where that is known beside `why`; it ends it too
    cause: str = ""  # of a failure: 'out of memory', or the kind of end that the runtime in the task names
    used: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)  # the runtime's whole report
    asked: Asked = field(default=Asked(), repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Later tasks may use its results."""
        return self.state in GOOD

    @property
    def name(self) -> str:
        """'train', 'score[3]'."""
        return self.task if self.item is None else f"{self.task}[{self.item}]"


@dataclass(frozen=True)
class Event:
    """Something to show: a unit started (`text`: why again, if it ran before), printed (`text`: whole lines, as many as
    came), moved a progress bar (`text`: the bar now), is in another state (`text`: in words; `memory` in use and its
    `limit`, in bytes, where known), or ended (`outcome`); 'stop': an interrupt was seen; 'warning': what should be known
    before anything starts.
    """

    kind: Literal["start", "lines", "bar", "state", "end", "stop", "warning"]
    name: str = ""
    text: str = ""
    outcome: Outcome | None = None
    memory: int | None = None
    limit: int | None = None


Progress = Callable[[Event], None]


@dataclass(frozen=True)
class Run:
    """A finished run: an outcome for every task and item, in the notebook's order."""

    dag: str
    id: str
    folder: Path
    outcomes: tuple[Outcome, ...]
    seconds: float
    interrupted: bool = False
    where: str = ""  # the cluster that took part; '' for none

    @property
    def ok(self) -> bool:
        """Every task succeeded, now or before."""
        return not self.interrupted and all(outcome.ok for outcome in self.outcomes)

    @property
    def states(self) -> dict[str, State]:
        """Each task's state; a mapped task's is its worst item's."""
        found: dict[str, list[State]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.task, []).append(outcome.state)
        return {name: worst(states) for name, states in found.items()}

    @property
    def left(self) -> tuple[str, ...]:
        """What is still to be done: tasks that failed, were ended or never began."""
        return tuple(dict.fromkeys(outcome.task for outcome in self.outcomes if not outcome.ok))


def worst(states: Iterable[State]) -> State:
    """The state of a whole by those of its parts.

    >>> worst(["done", "failed", "reused"]), worst([])
    ('failed', 'reused')
    """
    order: tuple[State, ...] = ("interrupted", "failed", "not run", "detached", "done", "reused")
    return min(states, key=order.index, default="reused")


def silent(event: Event) -> None:
    """The progress of nobody watching."""

"""What happened in a notebook, in order: its statements with their owners and needs, and for each name its events.

In: written by `forward`. Out: read by `slices`, `plans`, `travel` and `judge`. The words of the dataflow's second half stand here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from kubenb.model.pipeline import Task
from kubenb.model.problems import Place
from kubenb.notebook.dataflow.objects import Heap, Objects
from kubenb.notebook.dataflow.records import CellRecord, Unit

KILL, MAYBE, CHANGE, GONE, TOUCH = range(5)  # bound; bound on some way; changed in place; deleted; begins to share data
ORDINARY, PARAMETERS = -1, -2  # owners beside the tasks' indexes


@dataclass(frozen=True)
class FlowCell:
    """A cell, or the part of one with a role. `line` is where `source` begins in the cell."""

    number: int
    role: Literal["ordinary", "parameters", "task"]
    source: str
    line: int = 1
    task: Task | None = None


@dataclass(slots=True)
class Span:
    """A task's statements: `start` to `end` (not included); `body` is its first own one."""

    task: Task
    start: int
    end: int
    cell: int
    index: int


@dataclass(slots=True)
class Events:
    """What happens to one name: statement numbers in order, and the kind of each event."""

    at: list[int] = field(default_factory=list)
    kind: list[int] = field(default_factory=list)

    def add(self, at: int, kind: int) -> None:
        """The latest event; of two in one statement the stronger counts."""
        if self.at and self.at[-1] == at:
            if kind == KILL:
                self.kind[-1] = kind
            return
        self.at.append(at)
        self.kind.append(kind)

    def before(self, at: int) -> int:
        """The position of the last event before a statement; -1 if there is none."""
        return bisect_left(self.at, at) - 1

    def kind_at(self, at: int) -> int:
        """What happens in a statement; TOUCH where it is only that the name begins to share data."""
        position = bisect_left(self.at, at)
        return self.kind[position] if position < len(self.at) and self.at[position] == at else TOUCH


@dataclass(slots=True)
class Missing:
    """A name that is read where nothing has bound it. `gone`: the statement that deleted it; `by`: the function that reads it, `sure`ly."""

    name: str
    at: int
    line: int
    gone: int | None
    by: str = ""
    sure: bool = True


class Story:
    """What happened, in order. A statement is its number (`at`), a version of a name is (name, at).

    By statement: `units`, with their `cell`, `owner` (a task's index, ORDINARY or PARAMETERS) and `needs` (name -> line); `changed`
    names and `things` (objects); `setups` (libraries it sets up; `firm`: by its own text, for certain; `works`: the call beside that
    which is a task's own work, on files say), `wanders` (why it differs from
    run to run), `asks` (for input), `counts` (a cache's statistics), `calls` (it enters the notebook's functions), `stale` (it meets
    what an older definition made). By version: `codes` (it is code, taken as text), `plain` (nobody can change it), `streams` (read
    once), `objects` (what it points at), `states` (it is a library's own value), `kin` (packages it was made with), `classes`
    (definitions that whoever loads it needs). `heap` is as the last statement left it.
    """

    def __init__(self, cells: Sequence[FlowCell]) -> None:
        self.cells = cells
        self.heap = Heap()
        self.records: list[CellRecord] = []
        self.units: list[Unit] = []
        self.cell: list[int] = []
        self.owner: list[int] = []
        self.needs: list[dict[str, int]] = []
        self.spans: list[Span] = []
        self.events: dict[str, Events] = {}
        self.missing: list[Missing] = []
        self.setups: list[tuple[int, tuple[str, ...]]] = []
        self.firm: set[int] = set()
        self.works: dict[int, str] = {}
        self.kin: dict[tuple[str, int], frozenset[str]] = {}
        self.states: set[tuple[str, int]] = set()
        self.wanders: dict[int, str] = {}
        self.asks: list[int] = []
        self.counts: list[int] = []
        self.stale: list[tuple[int, str, str]] = []
        self.codes: set[tuple[str, int]] = set()
        self.plain: set[tuple[str, int]] = set()
        self.streams: set[tuple[str, int]] = set()
        self.calls: set[int] = set()
        self.changed: dict[int, tuple[str, ...]] = {}
        self.things: dict[int, set[int]] = {}
        self.objects: dict[tuple[str, int], Objects] = {}
        self.classes: dict[tuple[str, int], tuple[str, ...]] = {}

    def place(self, at: int, line: int | None = None) -> Place:
        """Where a statement stands."""
        cell = self.cells[self.cell[at]]
        owner = self.owner[at]
        unit = self.units[at]
        if unit.first == 0:
            return self.spans[owner].task.where
        number = (line if line is not None else unit.line) + cell.line - 1
        return Place(cell.number, number, self.spans[owner].task.name if owner >= 0 else None)

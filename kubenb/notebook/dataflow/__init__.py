"""Who needs what: from cells to the tasks' plans and the edges between them. Nothing of the notebook runs.

One cell's way through the rooms: `magics` and `cells` read its text into a record (`statements`, `branches`, `definitions`,
`calling`, `expressions`; `effects`, `libraries` and `configuring` are the tables of what calls do). `forward` replays all records in the
notebook's order (`replay` and `owncode` on `values`, `objects` and `sharing`; `kin` notes set-up) and writes the `story`; `slices`
finds backwards what a task takes along, `plans` writes steps and edges, `travel` and `judge` name what can't be decided or can't travel.
In: `FlowCell`s. Out: `Flow`. The kernel's magics use `body_names`. Next room: `kubenb.notebook.pipeline`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kubenb.model.pipeline import Code, Edge, Plan
from kubenb.model.problems import Problem
from kubenb.notebook.dataflow.cells import read_cell
from kubenb.notebook.dataflow.forward import Forward
from kubenb.notebook.dataflow.judge import judge
from kubenb.notebook.dataflow.plans import Planner, left_out
from kubenb.notebook.dataflow.slices import Slicer
from kubenb.notebook.dataflow.story import FlowCell

__all__ = ["Flow", "FlowCell", "analyse", "body_names"]


@dataclass(frozen=True)
class Flow:
    """Plans in the notebook's order, edges by data, problems, and ordinary code that no task takes."""

    plans: tuple[Plan, ...]
    edges: tuple[Edge, ...]
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Code, ...] = ()


def analyse(cells: Sequence[FlowCell], shell_lines: str = "refuse") -> Flow:
    """The dataflow of a notebook's cells.

    >>> from kubenb.model.pipeline import Task
    >>> flow = analyse([FlowCell(1, "task", "n = 1", task=Task("a")), FlowCell(2, "task", "m = n", task=Task("b"))])
    >>> [(edge.upstream, edge.downstream, edge.reasons[0].variable) for edge in flow.edges]
    [('a', 'b', 'n')]
    """
    with _nothing_collected():
        story = Forward(cells).tell()
        slicer = Slicer(story)
        slices = slicer.all()
        planner = Planner(story, slicer, slices)
        planned = planner.all()
        problems = judge(story, slices, planner, shell_lines)
        return Flow(planned.plans, planned.edges, problems, left_out(story, planned.taken, planner))


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """All that is made here is in use to the end: looking for garbage would take a fifth of the time and find none."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def body_names(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Names that a task's body reads from outside, and names it binds, changes or deletes.

    >>> reads, binds = body_names("total = sum(rows)")
    >>> sorted(reads - {"sum"}), sorted(binds)
    (['rows'], ['total'])
    """
    reads: set[str] = set()
    bound: set[str] = set()
    binds: set[str] = set()
    for unit in read_cell(source).units:
        reads.update(name for name in (*unit.reads, *unit.soft) if name not in bound)
        for function in unit.made.values():
            reads.update(name for name in function.reads if name not in bound)
        bound.update(unit.binds)
        binds.update(unit.binds, unit.maybes)
    return frozenset(reads), frozenset(binds)

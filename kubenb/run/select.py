"""Which tasks a run is about: all, one and what it needs, or everything from one on.

In: the pipeline and the names given. Out: `Selection`, or problems with near names. Next room: `local`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubenb.model.names import near
from kubenb.model.pipeline import Pipeline
from kubenb.model.problems import NOWHERE, KubenbError, Problem


@dataclass(frozen=True)
class Selection:
    """`wanted`: tasks that must have results at the end; `again`: those that run even where an earlier result would do."""

    wanted: frozenset[str]
    again: frozenset[str]


def select(pipeline: Pipeline, tasks: Iterable[str] = (), from_: Iterable[str] = (), fresh: bool = False) -> Selection:
    """`tasks` run again, and before them whatever they need and has no result yet; `from_` run again with all that
    follows.
    """
    tasks, from_ = tuple(tasks), tuple(from_)
    names = [plan.task.name for plan in pipeline.plans]
    problems = tuple(_unknown(name, names) for name in (*tasks, *from_) if name not in names)
    if problems:
        raise KubenbError(problems)
    down: dict[str, set[str]] = {name: set() for name in names}
    up: dict[str, set[str]] = {name: set() for name in names}
    for edge in pipeline.edges:
        down[edge.upstream].add(edge.downstream)
        up[edge.downstream].add(edge.upstream)
    again = set(tasks) | _reach(from_, down)
    wanted = _reach(again, up) if again else set(names)
    return Selection(frozenset(wanted), frozenset(wanted if fresh else again))


def _reach(start: Iterable[str], links: Mapping[str, Iterable[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(start)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(links[name])
    return found


def _unknown(name: str, names: list[str]) -> Problem:
    likely = near(name, names, 1)
    return Problem(
        NOWHERE,
        f"There is no task {name}.",
        f"Did you mean {likely[0]}?" if likely else f"There are: {', '.join(names)}.",
        "run.unknown-task",
    )

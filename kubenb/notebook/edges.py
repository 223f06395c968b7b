"""The edges that a user asked for by `after`, beside those of the data; and cycles, named.

In: dataflow's edges and the tasks. Out: all edges, in the tasks' order, and a problem for each cycle. Next room: `pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubenb.model.pipeline import Edge, Reason, Task
from kubenb.model.problems import Place, Problem


def with_after(
    edges: Sequence[Edge], tasks: Sequence[Task], known: dict[str, Task]
) -> tuple[tuple[Edge, ...], tuple[Problem, ...]]:
    """Dataflow's edges and those of `after` in one list; the problems are the cycles."""
    reasons: dict[tuple[str, str], list[Reason]] = {
        (edge.upstream, edge.downstream): list(edge.reasons) for edge in edges
    }
    for task in tasks:
        for other in task.options.after:
            if other not in known or other == task.name:
                continue
            there = reasons.setdefault((other, task.name), [])
            if all(reason.variable is not None for reason in there):
                there.append(Reason(None, known[other].where, task.where, "after"))
    order = {name: index for index, name in enumerate(known)}
    pairs = sorted(reasons, key=lambda pair: (order.get(pair[0], 0), order.get(pair[1], 0)))
    found = tuple(Edge(up, down, tuple(reasons[up, down])) for up, down in pairs)
    cycle = find_cycle(list(known), pairs)
    if not cycle:
        return found, ()
    first = known[cycle[0]]
    what = f"the tasks wait for each other: {' -> '.join([*cycle, cycle[0]])}."
    place = Place(first.where.cell, first.where.line, first.name)
    return found, (Problem(place, what, "Take one of them out of after.", "task.cycle"),)


def find_cycle(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The tasks of one cycle, each before the one that waits for it; [] where there is none."""
    after: dict[str, list[str]] = {name: [] for name in names}
    waits = dict.fromkeys(names, 0)
    for up, down in pairs:
        if up in after and down in waits:
            after[up].append(down)
            waits[down] += 1
    free = [name for name in names if not waits[name]]
    while free:
        name = free.pop()
        del waits[name]
        for down in after[name]:
            waits[down] -= 1
            if not waits[down]:
                free.append(down)
    if not waits:
        return []
    before = {down: up for up, down in reversed(pairs) if up in waits and down in waits}
    path, at = [], next(iter(waits))
    while at not in path:
        path.append(at)
        at = before[at]
    cycle = path[path.index(at) :][::-1]
    start = min(range(len(cycle)), key=lambda index: names.index(cycle[index]))
    return cycle[start:] + cycle[:start]

"""A whole notebook's code as one task's body: for a notebook without task cells, and for `%k8s_notebook`.

In: the sources of code cells. Out: one text without kubenb's own lines, and where each of its lines stands. Next room: `pipeline`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kubenb.model.problems import Place, Problem

_OURS = ("%k8s_", "%load_ext kubenb", "%reload_ext kubenb", "%unload_ext kubenb")


def joined(cells: Iterable[tuple[int, int, str]]) -> tuple[str, tuple[Place, ...]]:
    """The code of (cell, first line, source) triples, an empty line between cells; and the place of each line.

    >>> joined([(1, 1, "%k8s_dag a\\nx = 1"), (3, 1, "y = 2")])[0]
    'x = 1\\n\\ny = 2'
    """
    lines: list[str] = []
    places: list[Place] = []
    for number, first, source in cells:
        kept = _kept(source)
        if not kept:
            continue
        if lines:
            lines.append("")
            places.append(Place(number, first))
        lines += [text for _, text in kept]
        places += [Place(number, first + index) for index, _ in kept]
    return "\n".join(lines), tuple(places)


def _kept(source: str) -> list[tuple[int, str]]:
    """The lines that are the user's own, with their index; without empty lines at both ends."""
    kept: list[tuple[int, str]] = []
    ours = False
    for index, line in enumerate(source.split("\n")):
        ours = line.startswith(_OURS) or (ours and line.startswith("#|"))
        if not ours:
            kept.append((index, line))
    while kept and not kept[0][1].strip():
        kept.pop(0)
    while kept and not kept[-1][1].strip():
        kept.pop()
    return kept


def at_home(problems: Iterable[Problem], task: str, places: tuple[Place, ...]) -> tuple[Problem, ...]:
    """Problems of the joined body, each at the cell and line that the user knows."""
    found = []
    for problem in problems:
        line = problem.where.line
        if problem.where.task == task and line is not None and 0 < line <= len(places):
            home = places[line - 1]
            problem = replace(problem, where=Place(home.cell, home.line, task))
        found.append(problem)
    return tuple(found)

"""Tracebacks in the user's own terms: the cell and the line of the notebook, not of the task's notebook made from it.

In: a task notebook's text, the plan and the notebook it was made from; lines that a task printed. Out: those lines, with the
places in them told anew. A line whose place can't be told for certain stays as it is. Pure. Next room: `units`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubenb.model.pipeline import Cell, Notebook, Plan

_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_ENGINE = re.compile(r'File "<cell (\d+)>", line (\d+)')
_KERNEL = re.compile(rf"Cell {_COLOUR}In ?\[(\d+)\]{_COLOUR}, line {_COLOUR}(\d+)")


@dataclass(frozen=True)
class Origin:
    """Where a cell of the task's notebook comes from: a cell there, and of each of its lines the line there (0: not known)."""

    cell: int
    lines: tuple[int, ...]


def origins(text: str, plan: Plan, notebook: Notebook) -> dict[int, Origin]:
    """By the number of the task notebook's cell, from 1."""
    if not text:
        return {}
    found = {}
    for number, cell in enumerate(json.loads(text)["cells"], 1):
        name, source = str(cell.get("id", "")), "".join(cell["source"])
        if name == "body" and plan.task.where.cell:
            first = plan.task.where.line or 1
            found[number] = Origin(plan.task.where.cell, tuple(range(first, first + source.count("\n") + 1)))
        elif name.startswith("cell-"):
            at = int(name.split("-")[1])
            if 0 < at <= len(notebook.cells):
                found[number] = Origin(at, _lines(source, notebook.cells[at - 1]))
    return found


def _lines(source: str, cell: Cell) -> tuple[int, ...]:
    """A piece of a cell, line by line: a line that the cell has once is that one; the others lie between."""
    there: dict[str, list[int]] = {}
    for number, line in enumerate(cell.source.split("\n"), 1):
        there.setdefault(line, []).append(number)
    return tuple(there[line][0] if len(there.get(line, ())) == 1 else 0 for line in source.split("\n"))


def retold(text: str, found: Mapping[int, Origin], task: str, counted: Callable[[int], int]) -> str:
    """Printed lines with places of the notebook. `counted`: the cell with an execution count of a kernel.

    >>> retold('File "<cell 2>", line 1, in f', {2: Origin(5, (3,))}, "train", int)
    'File "cell 5 of the notebook (train)", line 3, in f'
    """
    if "<cell " not in text and "In" not in text:
        return text

    def place(cell: int, line: int) -> tuple[int, int] | None:
        origin = found.get(cell)
        if origin is None or not 0 < line <= len(origin.lines) or not origin.lines[line - 1]:
            return None
        return origin.cell, origin.lines[line - 1]

    def engine(match: re.Match[str]) -> str:
        at = place(int(match[1]), int(match[2]))
        return f'File "cell {at[0]} of the notebook ({task})", line {at[1]}' if at else match[0]

    def kernel(match: re.Match[str]) -> str:
        at = place(counted(int(match[1])), int(match[2]))
        return f"cell {at[0]} of the notebook ({task}), line {at[1]} (here line {match[2]})" if at else match[0]

    return _KERNEL.sub(kernel, _ENGINE.sub(engine, text))


def counter(text: str, parameters: bool) -> Callable[[int], int]:
    """Execution counts of a kernel as cells: empty cells have none, injected parameters have one."""
    if not text:
        return lambda count: 0
    cells = json.loads(text)["cells"]
    ran = [n for n, cell in enumerate(cells, 1) if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    if parameters:
        tagged = [n for n in ran if "parameters" in cells[n - 1]["metadata"].get("tags", ())]
        ran.insert(ran.index(tagged[0]) + 1 if tagged else 0, 0)
    return lambda count: ran[count - 1] if 0 < count <= len(ran) else 0

"""Tracebacks in the user's own terms: the cell and the line of the notebook, not of the task's notebook made from it.

In: a task notebook's text, and where its lines come from; lines that a task printed. Out: those lines, with the places in
them told anew. A place that is not the user's stays as it is. Pure. Next room: `kubenb.export.origin`; `units` asks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

Written = Callable[
    [str, int], "tuple[int, int] | None"
]  # a cell's id and a line of it -> cell and line of the notebook

_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_ENGINE = re.compile(r'File "<cell (\d+)>", line (\d+)')
_SUMMED_UP = re.compile(
    r"cell (\d+)(?:, line (\d+))? \((?:the task's own code|taken from cell \d+ of the notebook)\)"
)  # `kubenb.inside.trace` says it so, who has the task's notebook only
_KERNEL = re.compile(rf"Cell {_COLOUR}In ?\[(\d+)\]{_COLOUR}, line {_COLOUR}(\d+)")


class Traces:
    """Of one task: `text` is its notebook, `written` says where a line of that stands in the user's."""

    def __init__(self, text: str, written: Written, task: str, parameters: bool) -> None:
        self.task, self.written = task, written
        cells = json.loads(text)["cells"] if text else []
        self.ids = [str(cell.get("id", "")) for cell in cells]
        # What a kernel counts: cells with code, and among them the parameters that were injected.
        ran = [n for n, cell in enumerate(cells, 1) if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
        if parameters and cells:
            tagged = [n for n in ran if "parameters" in cells[n - 1]["metadata"].get("tags", ())]
            ran.insert(ran.index(tagged[0]) + 1 if tagged else 0, 0)
        self.counted = ran
        # What the own engine counts: all cells, and that one too.
        self.numbered = list(range(1, len(cells) + 1))
        if parameters and cells:
            marked = [n for n, cell in enumerate(cells, 1) if "parameters" in cell["metadata"].get("tags", ())]
            self.numbered.insert(marked[0] if marked else 0, 0)

    def retold(self, text: str) -> str:
        """The lines, with places of the notebook."""
        if not may_hold(text):
            return text
        return _SUMMED_UP.sub(self._summed_up, _KERNEL.sub(self._kernel, _ENGINE.sub(self._engine, text)))

    def _summed_up(self, match: re.Match[str]) -> str:
        at = self._place(_at(self.numbered, int(match[1])), int(match[2] or 1))
        line = f", line {at[1]}" if at and match[2] else ""
        return f"cell {at[0]}{line} of the notebook" if at else match[0]

    def _engine(self, match: re.Match[str]) -> str:
        at = self._place(_at(self.numbered, int(match[1])), int(match[2]))
        return f'File "cell {at[0]} of the notebook ({self.task})", line {at[1]}' if at else match[0]

    def _kernel(self, match: re.Match[str]) -> str:
        at = self._place(_at(self.counted, int(match[1])), int(match[2]))
        return f"cell {at[0]} of the notebook ({self.task}), line {at[1]} (here line {match[2]})" if at else match[0]

    def _place(self, cell: int, line: int) -> tuple[int, int] | None:
        return self.written(self.ids[cell - 1], line) if 0 < cell <= len(self.ids) else None


def _at(cells: list[int], count: int) -> int:
    """The cell of the task's notebook; 0 for one that it does not have."""
    return cells[count - 1] if 0 < count <= len(cells) else 0


def may_hold(text: str) -> bool:
    """Whether there may be a place in it.

    >>> may_hold("row 1"), may_hold('File "<cell 2>", line 1')
    (False, True)
    """
    return "<cell " in text or "Cell " in text or " (the task's own code)" in text or " (taken from cell " in text

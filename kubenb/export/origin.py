"""Where a line of a task's notebook stands in the user's own.

In: a plan, the id of a cell of its notebook, a line in it. Out: the cell and the line as the user wrote them.
Next room: `kubenb.run.pods`, which hears from a pod which line runs.
"""

from __future__ import annotations

from kubenb.export.task_notebook import drafts
from kubenb.model.pipeline import Code, Notebook, Plan


def as_written(notebook: Notebook, plan: Plan, id: str, line: int) -> tuple[int, int] | None:
    """None for what kubenb wrote itself, or what comes from another notebook."""
    if plan.task.kind != "cell":
        return None
    where = plan.task.where
    if id == "body":
        return (where.cell, (where.line or 1) + line - 1) if where.cell else None
    source = next((draft.source for draft in drafts(plan, notebook) if draft.id == id), "")
    number, at = id.removeprefix("cell-").partition("-")[0], 0
    for piece in plan.steps:
        if not isinstance(piece, Code) or str(piece.where.cell) != number or piece.source not in source[at:]:
            continue
        at = source.index(piece.source, at)
        begins = source.count("\n", 0, at) + 1
        if begins <= line <= begins + piece.source.count("\n"):
            return int(number), (piece.where.line or 1) + line - begins
        at += len(piece.source)
    return None

"""`%k8s_usage`: what the tasks of this notebook used, as text and as a picture.

In: the session and the line. Out: shown values. Next room: `kubenb.actions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubenb.magics.lines import words_of
from kubenb.magics.source import from_kernel, notebook

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.model.pipeline import Pipeline


def k8s_usage(session: Session, line: str) -> Any:
    """Of all tasks, or of the one that is named; of this notebook, or of the file after --file."""
    from kubenb import actions

    names, options = words_of(line, 1, {"--file": True, "--from": True})
    pipeline = _pipeline(session, options.get("--file", ""))
    tried = session.failed.get(names[0]) if names and "--file" not in options else None
    if tried and names[0] not in [plan.task.name for plan in pipeline.plans]:
        pipeline = actions.read(from_kernel(session, tried))
    return actions.usage(pipeline, *names, store=options.get("--from"))


def _pipeline(session: Session, file: str) -> Pipeline:
    """The file's tasks; without one, or before it was saved, those of the cells that ran."""
    from kubenb import actions

    saved = actions.read(notebook(session, file))
    return saved if saved.plans or file else actions.read(from_kernel(session))

"""What each task takes along: its plan in words and code.

In: a `Pipeline`. Out: `Plans`. The text is what the task notebook will hold, with the place of every piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubenb.model.pipeline import Apart, Code, Load, Pipeline, Plan, Step
from kubenb.show.shown import Shown


@dataclass(frozen=True, repr=False)
class Plans(Shown):
    """All plans, or the one of `task`."""

    pipeline: Pipeline
    task: str | None = None

    def __str__(self) -> str:
        return "\n".join(line for plan in self._plans() for line in _lines(plan))

    def json(self) -> Any:
        """Each plan as a dict."""
        return [
            {
                "task": plan.task.name,
                "steps": [_step_json(step) for step in plan.steps],
                "outputs": list(plan.outputs),
                "changes": list(plan.changes),
                "modules": list(plan.modules),
            }
            for plan in self._plans()
        ]

    def _plans(self) -> Iterator[Plan]:
        return (plan for plan in self.pipeline.plans if self.task in (None, plan.task.name))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"# --- {plan.task.name}"
    for step in plan.steps:
        if isinstance(step, Code):
            yield f"# {step.where}"
            yield from step.source.splitlines()
        elif isinstance(step, Load):
            yield f"# {', '.join(step.names)} from {step.producer}" + (
                f", a list over {step.items}" if step.items else ""
            )
        else:
            yield f"# {step.name} must be apart from {', '.join(step.others)}"
    yield f"# the cell itself{f', {plan.task.where}' if str(plan.task.where) else ''}; leaves {', '.join(plan.outputs) or 'nothing'}"


def _step_json(step: Step) -> dict[str, Any]:
    if isinstance(step, Code):
        return {"code": step.source, "cell": step.where.cell, "line": step.where.line}
    if isinstance(step, Load):
        return {"load": list(step.names), "from": step.producer, "items": step.items}
    assert isinstance(step, Apart)
    return {"apart": step.name, "others": list(step.others), "by": step.by}

"""Can the kernel's values travel? Before export, where the kernel has run the cells, each output is asked.

In: the pipeline and the kernel's names. Out: a problem for each value that no later task could get, with the line to
paste.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.problems import Problem


def untravelled(pipeline: Pipeline, namespace: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Problems of all tasks' outputs that have a value here."""
    return tuple(problem for plan in pipeline.plans for problem in _of(plan, namespace))


def _of(plan: Plan, namespace: Mapping[str, Any]) -> Iterator[Problem]:
    from kubenb.inside.documents import can_carry, refusal

    for name in plan.outputs:
        if name.startswith("<") or name not in namespace:
            continue
        values = _items(plan, namespace[name])
        for value in values:
            reason = can_carry(value, name in plan.task.options.pickle)
            if reason:
                refused = refusal(name, value, reason)
                yield Problem(plan.task.where, refused.what, refused.fix, "magic.carry")
                break


def _items(plan: Plan, value: Any) -> list[Any]:
    """A mapped task's names are lists here; each item's task saves its own."""
    return value if plan.task.options.map and isinstance(value, list) else [value]

"""Pipelines made by hand: tasks with their bodies, and who takes what from whom. No notebook is read here."""

from __future__ import annotations

import dataclasses
from typing import Any

from kubenb.model.options import DagOptions, TaskOptions
from kubenb.model.pipeline import Cell, Code, Edge, Load, Notebook, Parameter, Pipeline, Plan, Reason, Task
from kubenb.model.problems import Place


def plan(name: str, body: str, *steps: Load | Code, out: tuple[str, ...] = (), **options: Any) -> Plan:
    """A task; the small engine runs it, as a start of a kernel costs a second."""
    task = Task(name, TaskOptions(**{"engine": "kubenb", **options}), body=body, where=Place(1, 1, name))
    return Plan(task, steps, out, out)


def pipeline(*plans: Plan, after: tuple[tuple[str, str], ...] = (), **parameters: object) -> Pipeline:
    """The edges are those that the loads say, and `after`."""
    edges: dict[tuple[str, str], list[Reason]] = {}
    for each in plans:
        for step in each.steps:
            if isinstance(step, Load):
                reasons = [Reason(name, Place(1, 1), Place(1, 1)) for name in step.names]
                edges.setdefault((step.producer, each.task.name), []).extend(reasons)
    for pair in after:
        edges.setdefault(pair, []).append(Reason(None, Place(), Place(1, 1)))
    source = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    cells = (Cell(1, "code", source, ("parameters",)),) if parameters else ()
    made = tuple(Parameter(name, value) for name, value in parameters.items())
    joined = tuple(Edge(up, down, tuple(reasons)) for (up, down), reasons in edges.items())
    return Pipeline(Notebook("made.ipynb", cells), DagOptions(id="made"), made, plans, joined)


def changed(whole: Pipeline, name: str, body: str) -> Pipeline:
    """The same pipeline with another body of one task."""
    plans = tuple(
        dataclasses.replace(each, task=dataclasses.replace(each.task, body=body)) if each.task.name == name else each
        for each in whole.plans
    )
    return dataclasses.replace(whole, plans=plans)

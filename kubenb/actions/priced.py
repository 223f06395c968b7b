"""The verbs about what a platform team allows and asks for: what may be chosen, and what a notebook costs.

In: a notebook, an option's name; measured times by task. Out: values. Next rooms: `export.allowed`, `export.cost`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kubenb.model.names import did_you_mean
from kubenb.model.problems import KubenbError, Place, errors, refuse

if TYPE_CHECKING:
    from kubenb.actions import Source
    from kubenb.export.allowed import Choices
    from kubenb.model.pipeline import Pipeline
    from kubenb.show.cost import CostOf


def choices(source: Source | None, option: str, profile: str | None = None, *, dag: bool = False) -> Choices:
    """What an option may be in a task of this profile, or with `dag` an option of %k8s_dag: a range or a list, and why
    the rest is barred. `source`: a notebook, or None for one in this folder.
    """
    from kubenb.actions import read
    from kubenb.export.allowed import choices as allowed
    from kubenb.model.pipeline import Notebook, Pipeline
    from kubenb.notebook.settings import find_settings

    if isinstance(source, Pipeline):
        source = source.notebook
    path = source.path if isinstance(source, Notebook) else source
    found = find_settings(Path(path).absolute().parent if path else Path.cwd())
    if source is not None and not isinstance(source, Notebook) and not Path(source).exists():
        read(source)  # says that it is not there
    unread = errors(problem for policy in found.policies for problem in policy.problems)
    if unread:
        raise KubenbError(unread)
    return allowed(found.policies, option, profile, found.profiles, dag=dag)


def cost(source: Source, took: Mapping[str, float | str] | None = None) -> CostOf:
    """Time and cost of each task, of a run of the DAG, and of a day by its schedule, at the policy's prices.

    `took`: what one pod of a task took, in seconds or as `12m`. What is not in it is not guessed: its time is not known,
    and the timeout only an upper bound.
    """
    from kubenb.actions import read
    from kubenb.export.cost import cost as cost_of
    from kubenb.show.cost import CostOf

    pipeline = read(source)
    wrong = errors(pipeline.problems)
    if wrong:
        raise KubenbError(wrong)
    walls = {name: _seconds(pipeline, name, value) for name, value in (took or {}).items()}
    return CostOf(pipeline.notebook.path or pipeline.dag.id or "notebook", cost_of(pipeline, walls))


def _seconds(pipeline: Pipeline, name: str, value: float | str) -> float:
    from kubenb.model.quantities import parse_duration
    from kubenb.model.values import BadValue

    tasks = [plan.task.name for plan in pipeline.plans]
    if name not in tasks:
        fix = did_you_mean(name, tasks) or f"There are: {', '.join(tasks)}."
        raise refuse(Place(file=pipeline.notebook.path or None), f"there is no task {name}.", fix, "cost.unknown-task")
    try:
        seconds = parse_duration(value).total_seconds() if isinstance(value, str) else float(value)
    except BadValue as bad:
        raise refuse(Place(task=name), f"the time {bad.what}", bad.fix, "cost.time") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise refuse(Place(task=name), f"{value} is no time.", "Give seconds, like 90.", "cost.time")
    return seconds

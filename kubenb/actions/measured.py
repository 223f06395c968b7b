"""The verbs of what was measured: what tasks used, and what they should ask for.

In: a notebook. Out: `Usage`, `Advices`. Next rooms: `kubenb.run.measures` for the records, `kubenb.export.advice` for the rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubenb.model.names import did_you_mean
from kubenb.model.problems import Place, refuse

if TYPE_CHECKING:
    from kubenb.actions import Source
    from kubenb.model.measured import Measured
    from kubenb.model.pipeline import Pipeline, Plan
    from kubenb.show.usage import Usage


def usage(source: Source, task: str | None = None, *, store: str | None = None) -> Usage:
    """What the tasks used in every run that is on record; with `store` Airflow's runs are read back from there first."""
    from kubenb import actions
    from kubenb.show.usage import Usage, read_back_note

    pipeline = actions.read(source)
    note = ""
    if store is not None:
        from kubenb.run.read_back import read_back

        note = read_back_note(read_back(pipeline, store), store)
    runs = tuple((plan.task.name, records(pipeline, plan)) for plan in plans_of(pipeline, task))
    return Usage(task or pipeline.notebook.path or pipeline.dag.id or "the notebook", runs, task is not None, note)


def records(pipeline: Pipeline, plan: Plan) -> tuple[Measured, ...]:
    """A task's records, newest first."""
    from kubenb.model.measured import digest_of
    from kubenb.run.later import LATER
    from kubenb.run.measured import notebook_key
    from kubenb.run.measures import of_task

    LATER.flush()
    return of_task(plan.task.name, notebook_key(pipeline.notebook.path), digest_of(plan.task.body))


def plans_of(pipeline: Pipeline, task: str | None) -> tuple[Plan, ...]:
    """All tasks, or the one of that name."""
    names = [each.task.name for each in pipeline.plans]
    if task is not None and task not in names:
        fix = did_you_mean(task, names) or f"There are: {', '.join(names)}."
        raise refuse(Place(file=pipeline.notebook.path or None), f"there is no task {task}.", fix, "plan.unknown-task")
    return tuple(plan for plan in pipeline.plans if task in (None, plan.task.name))

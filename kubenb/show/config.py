"""Effective settings: every option that is in force, per task and for the DAG, with its value and its origin.

In: a `Pipeline`. Out: a `Table`. Values are printed as a user would type them. A default that holds in every task is one
row, of `every task`.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubenb.export.ids import dag_id
from kubenb.model.kinds import KINDS
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.pipeline import Pipeline, Task
from kubenb.notebook.effective import THROUGH_DAG
from kubenb.show.table import Table

Row = tuple[str, str, str, str]


def config_table(pipeline: Pipeline) -> Table:
    """One row a value; the DAG first, then what holds in every task, then the tasks in the notebook's order."""
    rows = [*_dag(pipeline)]
    tasks = [plan.task for plan in pipeline.plans]
    everywhere = [option for option in TASK.values() if all(_free(task, option) for task in tasks)]
    rows += [("every task", *row) for option in everywhere for row in _default(pipeline, option)]
    for task in tasks:
        origins = task.origins
        rows += [(task.name, name, value, origins.get(name, "")) for name, value in _set(TASK, task.options)]
        others = [option for option in TASK.values() if option not in everywhere and _free(task, option)]
        rows += [(task.name, *row) for option in others for row in _default(pipeline, option)]
    return Table("", ("of", "option", "value", "from"), tuple(rows))


def _dag(pipeline: Pipeline) -> Iterator[Row]:
    where = str(pipeline.dag_where) or "default"
    given = _set(DAG, pipeline.dag)
    if pipeline.dag.id is None:
        yield "%k8s_dag", "id", dag_id(pipeline), "the notebook's name"
    yield from (("%k8s_dag", name, value, pipeline.dag_origins.get(name, where)) for name, value in given)
    named = {name for name, _ in given}
    for option in DAG.values():
        if option.name not in named and option.default and option.name not in THROUGH_DAG.values():
            yield "%k8s_dag", option.name, option.default, _whose(option)
    for item in pipeline.parameters:
        yield "%k8s_dag", f"param {item.name}", item.template or repr(item.default), str(item.where)


def _default(pipeline: Pipeline, option: Option) -> Iterator[tuple[str, str, str]]:
    """What holds where a task does not set this: the DAG's word for all tasks, else the default."""
    through = DAG.get(THROUGH_DAG.get(option.name, ""))
    value = getattr(pipeline.dag, through.field) if through else None
    if through and value is not None:
        shown = KINDS[option.kind].show(value)
        yield option.name, shown, f"{pipeline.dag_origins.get(through.name, '')} ({through.name} of the DAG)"
    elif option.default:
        yield option.name, option.default, _whose(option)


def _whose(option: Option) -> str:
    return f"{option.whose}'s default"


def _free(task: Task, option: Option) -> bool:
    """Whether the task leaves this to the default."""
    return getattr(task.options, option.field) in (None, ())


def _set(table: dict[str, Option], values: object) -> list[tuple[str, str]]:
    found = []
    for option in table.values():
        value = getattr(values, option.field)
        if value is None or value == ():
            continue
        show = KINDS[option.kind].show
        found += [(option.name, show(one)) for one in (value if option.repeats else (value,))]
    return found

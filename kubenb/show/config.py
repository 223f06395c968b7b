"""Effective settings: each option that is set, per task and for the DAG, with its value and its origin.

In: a `Pipeline`. Out: a `Table`. Values are printed as a user would type them.
"""

from __future__ import annotations

from kubenb.model.kinds import KINDS
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.pipeline import Pipeline
from kubenb.show.table import Table


def config_table(pipeline: Pipeline) -> Table:
    """One row a value; the DAG first, then the tasks in the notebook's order."""
    where = str(pipeline.dag_where) or "default"
    rows = [("%k8s_dag", name, value, pipeline.dag_origins.get(name, where)) for name, value in _set(DAG, pipeline.dag)]
    rows += [
        ("%k8s_dag", f"param {item.name}", item.template or repr(item.default), str(item.where))
        for item in pipeline.parameters
    ]
    for plan in pipeline.plans:
        origins = plan.task.origins
        rows += [(plan.task.name, name, value, origins.get(name, "")) for name, value in _set(TASK, plan.task.options)]
    return Table("", ("of", "option", "value", "from"), tuple(rows))


def _set(table: dict[str, Option], values: object) -> list[tuple[str, str]]:
    found = []
    for option in table.values():
        value = getattr(values, option.field)
        if value is None or value == ():
            continue
        show = KINDS[option.kind].show
        found += [(option.name, show(one)) for one in (value if option.repeats else (value,))]
    return found

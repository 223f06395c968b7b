"""Runs that Airflow made, read back from the store that its tasks wrote to, into the records of this machine.

In: a pipeline and its store. Out: how many runs were new. Nothing is asked but the store. Next room: `measures`.
"""

from __future__ import annotations

from dataclasses import replace

from kubenb.export.ids import dag_id
from kubenb.inside.exits import Refused
from kubenb.model.measured import Asked, digest_of
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.problems import Place, refuse
from kubenb.run import measures
from kubenb.run.measured import asked_by, notebook_key, of_report
from kubenb.store.reports import reports


def read_back(pipeline: Pipeline, store: str) -> int:
    """The runs of the notebook's DAG that the store has and the records have not."""
    plans = {plan.task.name: plan for plan in pipeline.plans}
    key, dag = notebook_key(pipeline.notebook.path), dag_id(pipeline)
    known = {(each.run, each.task, each.item) for each in measures.of_notebook(key)}
    try:
        found = list(reports(store, dag, plans, known))
    except Refused as refused:
        raise refuse(Place(), refused.what, refused.fix, "usage.store") from None
    made = []
    for each in found:
        plan = plans[each.task]
        text = digest_of(each.text) if each.text else ""
        asked = asked_of(pipeline, plan) if text == digest_of(plan.task.body) else Asked()
        record = of_report(each.used, asked, each.task, "airflow")
        made.append(replace(record, notebook=key, text=text, dag=dag, run=each.run, item=each.item))
    measures.add(made)
    return len(made)


def asked_of(pipeline: Pipeline, plan: Plan) -> Asked:
    """What the task's pod asks for, as the notebook says it now."""
    from kubenb.export.manifest import manifest

    return asked_by(manifest(pipeline, plan, ""))

"""Every option that is set ends where its row of the table says, or is refused: none is dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubenb.export.checks import check
from kubenb.export.files import export_files
from kubenb.export.manifest import manifest
from kubenb.export.task_notebook import task_notebook
from kubenb.model.options import DAG, TASK, DagOptions, Option, TaskOptions
from kubenb.model.pipeline import Load, Parameter, Pipeline, Plan
from kubenb.model.problems import errors
from tests.unit.export.pipelines import container, dag_options, pipeline, plan, task, task_options

# What it takes for an option to mean something.
BESIDE: dict[str, dict[str, Any]] = {
    "memory-request": {"memory": "4Gi"},
    "max-parallel": {"map": "x in [1, 2]"},
    "item-resources": {"map": "x in [1, 2]"},
    "retry-delay": {"retries": "3"},
}
ELSEWHERE = {
    "profile",
    "run",
    "in",
    "param",
}  # read before there is a task, by the magic, by the analysis, with the other notebook
NAMED = {
    "retries": "retries=3",
    "retry-delay": "retry_delay=timedelta(minutes=5)",
    "timeout": "execution_timeout=timedelta(hours=2)",
    "trigger-rule": 'trigger_rule="all_done"',
    "pool": 'pool="warehouse"',
    "queue": 'queue="kubernetes"',
    "priority": "priority_weight=10",
    "deferrable": "deferrable=True",
    "on-finish": 'on_finish_action="keep_pod"',
    "map": ".expand(",
    "max-parallel": "max_active_tis_per_dagrun=4",
    "item-resources": ".expand_kwargs(",
    "xcom": "do_xcom_push=True",
    "description": 'doc_md="Train the delay model"',
    "after": "load >> one",
}


def outcome(made: Pipeline) -> tuple[str, str, str]:
    """The DAG's text with the JSON beside it, the pod, the task notebook."""
    files = export_files(made)
    one = made.plans[-1]
    notebook = task_notebook(made, one)
    texts = "".join(text for name, text in files.items() if name.endswith(".py") and "/" not in name)
    return texts, json.dumps(manifest(made, one, "")), notebook


def with_option(option: Option | None, typed: dict[str, Any]) -> Pipeline:
    value = {option.field: option.example} if option else {}
    one = plan(task("one", "score = model = 1", **{**typed, **value}), outputs=["model"], binds=["model", "score"])
    return pipeline(container("load"), one)


@pytest.mark.parametrize(
    "option", [option for option in TASK.values() if option.name not in ELSEWHERE], ids=lambda option: option.name
)
def test_an_option_of_a_task_ends_where_its_row_says(option: Option) -> None:
    beside = BESIDE.get(option.name, {})
    before, after = with_option(None, beside), with_option(option, beside)
    assert not errors(check(after)) or option.name in ("store",)
    dag, pod, notebook = ([b, a] for b, a in zip(outcome(before), outcome(after), strict=True))
    by_airflow = option.name in ("map", "xcom")  # it sets the item's number, and adds the companion that reads
    if option.goes.startswith("pod") or ("; pod:" in option.goes and not by_airflow):
        assert pod[0] != pod[1], "the manifest is the same without it"
    if "DAG:" in option.goes:
        assert NAMED[option.name] in dag[1]
        assert NAMED[option.name] not in dag[0]
    if option.goes.startswith("task notebook") and option.name != "out":
        assert notebook[0] != notebook[1]


DAG_LINES = {
    "id": '"flights"',
    "schedule": 'schedule="@daily"',
    "start": "start_date=datetime(2026, 1, 1, ",
    "end": "end_date=datetime(2026, 12, 31, ",
    "timezone": 'ZoneInfo("Europe/Berlin")',
    "catchup": "catchup=True",
    "owner": '"owner": "analytics"',
    "tags": 'tags=["pricing"]',
    "description": 'description="Delays of flights"',
    "max-active-runs": "max_active_runs=1",
    "max-active-tasks": "max_active_tasks=8",
    "retries": '"retries": 3',
    "retry-delay": '"retry_delay": timedelta(minutes=5)',
    "timeout": "dagrun_timeout=timedelta(hours=6)",
    "task-timeout": "timedelta(hours=2)",
    "on-failure": 'import_module("alerts").page(context)',
    "on-success": 'import_module("alerts").cheer(context)',
    "in-cluster": '"in_cluster": True',
    "context": '"cluster_context": "prod"',
    "connection": '"kubernetes_conn_id": "kubernetes_prod"',
}


@pytest.mark.parametrize(
    "option",
    [option for option in DAG.values() if option.name not in ("param", "shell-lines")],
    ids=lambda option: option.name,
)
def test_an_option_of_the_dag_ends_in_the_file(option: Option) -> None:
    made = pipeline(task("one"), task("two"), dag=dag_options(**{option.field: option.example}))
    assert DAG_LINES[option.name] in outcome(made)[0]


def test_a_param_ends_in_the_dag_or_in_the_pod() -> None:
    made = pipeline(task("one"), parameters=[Parameter("year", 2013), Parameter("day", "2026-01-01", "{{ ds }}")])
    dag, pod, notebook = outcome(made)
    assert 'params={"year": 2013}' in dag
    assert json.dumps('{{ {"year": params.year, "day": ds} | tojson | replace("$", "\\\\u0024") }}') in pod
    assert "day = " in notebook


def test_the_table_and_this_test_know_the_same_options() -> None:
    assert {option.field for option in TASK.values()} == set(TaskOptions.__dataclass_fields__)
    assert {option.field for option in DAG.values()} == set(DagOptions.__dataclass_fields__)
    assert {option.name for option in TASK.values() if "DAG:" in option.goes} == set(NAMED)
    assert set(DAG) == set(DAG_LINES) | {"param", "shell-lines"}
    assert all(task_options(**{option.field.rstrip("_"): option.example}) for option in TASK.values())


def test_what_is_read_takes_part() -> None:
    one = Plan(task("one"), (Load("load", ("x",)),))
    assert '_kubenb.load(\\"load\\", \\"x\\")' in task_notebook(pipeline(one), one)


def test_retries_that_every_task_sets_are_written_once() -> None:
    same = export_files(pipeline(task("one", retries="4"), task("two", retries="4")))["flights.py"]
    assert '"retries": 4' in same
    assert "retries=4" not in same
    apart = export_files(pipeline(task("one", retries="4"), task("two", retries="5")))["flights.py"]
    assert '"retries": 2' in apart
    assert "retries=4" in apart
    assert "retries=5" in apart

"""Runs inside somebody's Airflow (2.11 or 3.x), in a process of its own; `kubenb.airflow.process` starts it, and nothing imports it.

In, as JSON on standard input: `dag_file`, `answer` (the file to write), `fields` (Airflow fields of our manifests), `pods` (build them?).
Out, as JSON in the file `answer`: what this Airflow says of the DAG file: versions, import errors, warnings, how it is serialised,
each task's pod, and what it fills in for each field. It checks nothing. Python 3.9 and later; needs nothing of kubenb.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import warnings
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
RUN_ID = "scheduled__2026-01-01T00:00:00+00:00"


class Something(str):
    """Stands for what only a running Airflow has (variables, connections, XComs): text that has any attribute and can be called."""

    def __getattr__(self, name: str) -> Something:
        """Any attribute."""
        # what Jinja's sandbox asks of a callable
        if name.startswith("__") or name in ("unsafe_callable", "alters_data"):
            raise AttributeError(name)
        return Something(f"{self}.{name}")

    def __call__(self, *args: object, **kwargs: object) -> Something:
        """Any method."""
        return self


def first(*names: str) -> Any:
    """The first of `module:attribute` (or module) that this Airflow has."""
    for name in names:
        module, _, attribute = name.partition(":")
        try:
            found = importlib.import_module(module)
            return getattr(found, attribute) if attribute else found
        except (ImportError, AttributeError):
            continue
    return None


def load(path: str) -> Any:
    """The DAG file as Airflow's DAG processor loads it; writes no byte code beside it."""
    bag_type = first("airflow.dag_processing.dagbag:DagBag", "airflow.models.dagbag:DagBag")
    if bag_type is None:
        sys.exit("it has no Airflow, or one older than 2.11")
    if first("airflow.providers.cncf.kubernetes.operators.pod") is None:  # its own warnings are not the file's
        sys.exit("its Airflow has no cncf.kubernetes provider")
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.dirname(path))
    warnings.simplefilter("always")
    try:
        return bag_type(dag_folder=path, include_examples=False)
    except TypeError:
        return bag_type(dag_folder=path)


def serialised(dag: Any) -> str:
    """A digest of the DAG as Airflow stores it, less where the file lies; fails as Airflow would."""
    kind = first("airflow.serialization.serialized_objects:DagSerialization") or first(
        "airflow.serialization.serialized_objects:SerializedDAG"
    )
    data = kind.to_dict(dag)
    kind.from_dict(json.loads(json.dumps(data)))
    inner = {key: value for key, value in data["dag"].items() if key not in _PLACES}
    return hashlib.sha256(json.dumps({**data, "dag": inner}, sort_keys=True).encode()).hexdigest()


_PLACES = ("fileloc", "relative_fileloc", "_processor_dags_folder", "last_loaded")


def version_inflation(path: str) -> str | None:
    """What Airflow 3.3's own check says of values that differ at each parse."""
    check = first("airflow.utils.dag_version_inflation_checker:check_dag_file_stability")
    found = check(path).format_warnings() if check else None
    return str(found) if found else None


def context_of(dag: Any, task: Any, map_index: int = -1) -> dict[str, Any]:
    """What a template may name, for a first try of a scheduled run."""
    date = first("pendulum").instance(START)
    after = date + timedelta(days=1)
    run = SimpleNamespace(
        run_id=RUN_ID, dag_id=dag.dag_id, logical_date=date, run_after=date, conf={}, run_type="scheduled",
        data_interval_start=date, data_interval_end=after, start_date=date, queued_at=date, external_trigger=False,
    )  # fmt: skip
    pulled = Something("xcom")
    ti = SimpleNamespace(
        dag_id=dag.dag_id, task_id=task.task_id, run_id=RUN_ID, try_number=1, map_index=map_index, task=task, dag_run=run, hostname="",
        logical_date=date, start_date=date, max_tries=0, xcom_pull=pulled, log_url="", mark_success_url="", rendered_map_index=None,
    )  # fmt: skip
    days = {"ds": "2026-01-01", "ds_nodash": "20260101", "ts": date.isoformat(), "ts_nodash": "20260101T000000"}
    rest = "expanded_ti_count inlets outlets inlet_events outlet_events triggering_asset_events prev_data_interval_start_success"
    rest += " prev_data_interval_end_success prev_start_date_success prev_end_date_success test_mode conf"
    return {
        **{name: Something(name) for name in rest.split()},
        **days,
        "ts_nodash_with_tz": "20260101T000000+0000",
        "dag": dag, "task": task, "ti": ti, "task_instance": ti, "dag_run": run, "run_id": RUN_ID, "logical_date": date,
        "data_interval_start": date, "data_interval_end": after, "params": params_of(dag), "map_index_template": None,
        "task_instance_key_str": f"{dag.dag_id}__{task.task_id}__20260101",
        "macros": first("airflow.sdk.execution_time.macros", "airflow.macros"),
        "var": SimpleNamespace(value=Something("var"), json=Something("var")), "conn": Something("conn"),
    }  # fmt: skip


def params_of(dag: Any) -> dict[str, Any]:
    """The DAG's params with their defaults; a required one has none yet."""
    values = {}
    for name in dag.params:
        try:
            values[name] = dag.params[name]
        except Exception as error:  # noqa: BLE001
            values[name] = Something(str(error))
    return values


def operator_of(task: Any) -> tuple[Any, list[str]]:
    """The task as it runs: of a mapped one its first item; and the fields that each item has its own of."""
    if not hasattr(task, "_get_specified_expand_input"):
        return task, []
    value = task._get_specified_expand_input().value
    items = value if isinstance(value, list) else None
    if isinstance(value, dict):
        items = [
            {name: each[0] if isinstance(each, list) and each else {"KUBENB_ITEM": "0"} for name, each in value.items()}
        ]
    chosen = items[0] if items else {"env_vars": {"KUBENB_ITEM": "0"}}
    return task.unmap(chosen), sorted(chosen)


def pod_of(dag: Any, task: Any) -> dict[str, Any]:
    """The pod that the task would create, as it goes to the API server."""
    operator, mapped = operator_of(task)
    if not hasattr(operator, "build_pod_request_obj"):
        return {"operator": type(operator).__name__}
    name = getattr(operator, "kubernetes_conn_id", None)
    if name:
        os.environ.setdefault("AIRFLOW_CONN_" + name.upper(), '{"conn_type": "kubernetes"}')
    context = context_of(dag, operator, 0 if mapped else -1)
    operator.render_template_fields(context)
    pod = operator.build_pod_request_obj(context, dry_run=True)
    client = first("kubernetes.client").ApiClient()
    return {"pod": client.sanitize_for_serialization(pod), "mapped": mapped, "xcom": bool(operator.do_xcom_push)}


def attempt(action: Any, *args: Any) -> Any:
    """The result, or what went wrong: one bad task must not hide what is said of the others."""
    try:
        return action(*args)
    except Exception as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {error}"}


def ask(question: dict[str, Any]) -> dict[str, Any]:
    """Everything about one DAG file."""
    path = question["dag_file"]
    bag = load(path)
    answer: dict[str, Any] = {
        "airflow": str(first("airflow").__version__),
        "import_errors": [str(text) for text in bag.import_errors.values()],
        "warnings": [text for group in bag.captured_warnings.values() for text in group],
        "inflation": version_inflation(path),
        "dags": {},
    }
    for dag_id, dag in sorted(bag.dags.items()):
        shown: dict[str, Any] = {"serialised": attempt(serialised, dag)}
        shown["edges"] = sorted([task.task_id, below] for task in dag.tasks for below in task.downstream_task_ids)
        if question["pods"]:
            shown["tasks"] = {task.task_id: attempt(pod_of, dag, task) for task in dag.tasks}
            shown["fields"] = fields_of(dag, question["fields"])
        answer["dags"][dag_id] = shown
    return answer


def fields_of(dag: Any, fields: dict[str, list[str]]) -> dict[str, Any]:
    """What Airflow fills in, by task and field."""
    found: dict[str, Any] = {}
    environment = dag.get_template_env()
    for task in dag.tasks:
        context = context_of(dag, task)
        texts = fields.get(task.task_id, [])
        found[task.task_id] = {text: attempt(environment.from_string(text).render, context) for text in texts}
    return found


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    result = ask(asked)
    with open(asked["answer"], "w", encoding="utf-8") as file:
        json.dump(result, file)

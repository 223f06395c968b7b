"""Runs inside somebody's Airflow (2.11 or 3.x), in a process of its own: plays one DAG once, and tells of each task as it goes.

`playing` starts it, with this file as Airflow's cluster policy and as its listener too: those are Airflow's own means, so that no line of
it is changed. In, as JSON lines on standard input: the DAG file; then, to begin, the run's conf and date. Its end ends this process.
Out, as JSON lines on the descriptor `KUBENB_REHEARSAL_EVENTS`: the DAG, each task's start and end, all states at the end.
Python 3.9 and later; needs nothing of kubenb but `probe`, which travels with it.
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import signal
import sys
import threading
from datetime import datetime
from typing import Any

from kubenb.airflow import probe

# Every pod is on this machine: looked at often, started at once, tried once, and on no cluster that the file may name.
OFTEN = {
    "startup_check_interval_seconds": 0.1,
    "base_container_status_polling_interval": 0.1,
    "startup_timeout_seconds": 30,
    "poll_interval": 0.2,
}


def task_policy(task: Any) -> None:
    """Airflow's hook for a cluster's rules, as its `airflow_local_settings` has it."""
    here = {
        "config_file": os.environ.get("KUBENB_REHEARSAL_KUBECONFIG"),
        "in_cluster": False,
        "cluster_context": None,
        "kubernetes_conn_id": "kubernetes_default",
    }
    wanted = {**OFTEN, **here, "retries": 0}
    if hasattr(task, "partial_kwargs"):
        kind = task.operator_class
        pods = hasattr(kind, "build_pod_request_obj")
        task.partial_kwargs.update(
            {name: value for name, value in wanted.items() if pods or name in task.partial_kwargs or name == "retries"}
        )
    else:
        vars(task).update({name: value for name, value in wanted.items() if name in vars(task)})


def listener() -> Any:
    """What Airflow tells of a task when it starts and ends it."""
    hook = importlib.import_module("airflow.listeners").hookimpl

    class Listener:
        @hook  # type: ignore[untyped-decorator]
        def on_task_instance_running(self, task_instance: Any) -> None:
            told("start", task_instance)

        @hook  # type: ignore[untyped-decorator]
        def on_task_instance_success(self, task_instance: Any) -> None:
            told("success", task_instance)

        @hook  # type: ignore[untyped-decorator]
        def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
            told(
                "failed",
                task_instance,
                f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error or ""),
            )

    return Listener()


def told(event: str, instance: Any, text: str = "") -> None:
    """One event of one task."""
    item = getattr(instance, "map_index", -1)
    tell({"event": event, "task": instance.task_id, "item": None if item is None or item < 0 else item, "text": text})


def tell(event: dict[str, Any]) -> None:
    """One line to whoever started this."""
    with os.fdopen(os.dup(int(os.environ["KUBENB_REHEARSAL_EVENTS"])), "wb") as pipe:
        pipe.write(json.dumps(event).encode() + b"\n")


def about(path: str) -> tuple[dict[str, Any], Any]:
    """What the file holds, and its DAG where it holds one."""
    bag = probe.load(path)
    dags = sorted(bag.dags.items())
    found: dict[str, Any] = {
        "event": "dag",
        "airflow": str(probe.first("airflow").__version__),
        "import_errors": [str(text) for text in bag.import_errors.values()],
        "dags": [name for name, _ in dags],
        "tasks": [],
        "params": {},
    }
    if len(dags) != 1:
        return found, None
    dag = dags[0][1]
    found["params"] = {name: value if _plain(value) else None for name, value in probe.params_of(dag).items()}
    for task in dag.topological_sort():
        made = probe.attempt(probe.pod_of, dag, copy.copy(task))
        kind = getattr(task, "operator_class", type(task))
        operator = kind.__name__ if isinstance(kind, type) else str(kind)
        found["tasks"].append(
            {"task": task.task_id, "operator": operator, "upstream": sorted(task.upstream_task_ids), **made}
        )
    return found, dag


def _plain(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return not isinstance(value, probe.Something)


def play(dag: Any, conf: dict[str, Any], date: str) -> None:
    """`airflow dags test`, told as it goes."""
    when = probe.first("pendulum").instance(datetime.fromisoformat(date))
    name = "execution_date" if probe.first("airflow").__version__.startswith("2.") else "logical_date"
    run = dag.test(**{name: when}, run_conf=conf)
    states = [
        {
            "task": instance.task_id,
            "item": instance.map_index if instance.map_index >= 0 else None,
            "state": str(getattr(instance.state, "value", instance.state)),
        }
        for instance in run.get_task_instances()
    ]
    tell({"event": "ended", "run": run.run_id, "state": str(getattr(run.state, "value", run.state)), "tasks": states})


def leave() -> None:
    """When whoever started this is gone: nothing of it stays."""
    sys.stdin.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Reads the DAG, waits for the word to begin, plays it."""
    path = json.loads(sys.stdin.readline())["dag_file"]
    found, dag = about(path)
    tell(found)
    line = sys.stdin.readline()
    if not line:
        return
    threading.Thread(target=leave, daemon=True).start()
    asked = json.loads(line)
    play(dag, asked["conf"], asked["date"])


if __name__ == "__main__":
    main()

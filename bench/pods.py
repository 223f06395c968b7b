"""A pod's first line, from the moment it is asked for: `--run pod` beside a bare pod made and followed by the API alone.

Wall seconds, as a cluster's own work counts. Needs one: KUBENB_TEST_KUBECONFIG names it (`tests/cluster/up` prints it), with its image.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import Row, Rows
from kubenb.actions import read
from kubenb.cluster import paths
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.run.events import Event
from kubenb.run.pods import Where, run_pods
from kubenb.testing.notebooks import save

IMAGE = "kubenb.test/python:3.11"
TIMES = 5


def bare(client: Client) -> float:
    """POST, then the log asked for until there is a line."""
    name = f"bench-{secrets.token_hex(4)}"
    base = {"name": "base", "image": IMAGE, "command": ["python", "-c", "print('first', flush=True)"]}
    pod: dict[str, Any] = {
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [base]},
    }
    began = time.perf_counter()
    client.create(paths.pods(client.namespace), pod)
    while True:
        try:
            if b"first" in b"".join(client.stream(paths.pods(client.namespace, name, "log"), follow="true")):
                break
        except ApiError:
            time.sleep(0.01)
    took = time.perf_counter() - began
    client.delete(paths.pods(client.namespace, name), 0)
    return took


def ours(client: Client, notebook: Path, folder: Path) -> float:
    """Until the line is shown."""
    shown: list[float] = []

    def watch(event: Event) -> None:
        if event.kind == "lines" and "first" in event.text:
            shown.append(time.perf_counter())

    pipeline = read(notebook)
    began = time.perf_counter()
    run_pods(pipeline, folder, Where(client, check=False), None, watch)
    return shown[0] - began


OPERATOR = """
import os, time
from datetime import datetime
from airflow import DAG
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

class First(KubernetesPodOperatorCallback):
    @staticmethod
    def progress_callback(*, line, **kwargs):
        if "first" in line:
            with open(os.environ["BENCH_SAID"], "a") as file:
                print(time.time() - Timed.began, file=file)

class Timed(KubernetesPodOperator):
    def execute(self, context):
        Timed.began = time.time()
        return super().execute(context)

with DAG("bench", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    before = None
    for number in range({times}):
        task = Timed(task_id=f"t{{number}}", image={image!r}, cmds=["python", "-c", "print('first', flush=True)"], callbacks=First,
                     termination_grace_period=0, config_file={config!r}, in_cluster=False)
        before and before >> task
        before = task
"""


def operators(python: Path, config: str, folder: Path) -> float:
    """KubernetesPodOperator's own, as a data engineer would write it: from `execute` to the line in the task's log."""
    from kubenb.airflow.homes import put_database, version_of
    from kubenb.airflow.process import environment

    home, said = folder / "home", folder / "said"
    (home / "dags").mkdir(parents=True)
    put_database(python, version_of(python), home, print)
    (home / "dags" / "bench.py").write_text(OPERATOR.format(times=TIMES, image=IMAGE, config=config))
    env = environment(home, BENCH_SAID=str(said))
    command = [str(python), "-m", "airflow", "dags", "test", "bench", "2026-01-01"]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=600)
    return statistics.median(float(line) for line in said.read_text().split())


def rows(slow: bool) -> Rows:
    given = os.environ.get("KUBENB_TEST_KUBECONFIG")
    if not given:
        print("a pod's first line: not measured, KUBENB_TEST_KUBECONFIG names no cluster")
        return
    client = Client(find_access(None, Path(given)))
    with tempfile.TemporaryDirectory() as folder:
        notebook = save(
            Path(folder, "one.ipynb"), f"%k8s_dag one --image {IMAGE} --cpu 10m", "%%k8s_task first\nprint('first')"
        )
        bare(client), ours(client, notebook, Path(folder, "warm"))
        pairs = [(bare(client), ours(client, notebook, Path(folder, f"run{n}"))) for n in range(TIMES)]
        floor, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
        yield Row("a pod's first line shown (wall)", mine, floor, "a bare pod by the API", 1.05)
        for python in sorted(Path(__file__).parents[1].glob(".airflow/*/bin/python")):
            version = python.parents[1].name
            theirs = operators(python, given, Path(folder, version))
            yield Row(f"the same, beside Airflow {version}", mine, theirs, "KubernetesPodOperator's own", 1.0)

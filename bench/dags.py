"""What Airflow pays again and again: parsing the generated DAG file, against one that a person would write."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from bench.measure import Row, Rows, process, workplace
from bench.notebooks import chain, text
from kubenb.delivery import deliver
from kubenb.export.files import export_files
from kubenb.notebook.cells import parse_notebook
from kubenb.notebook.pipeline import read_pipeline

AIRFLOW = Path(".airflow/3.3/bin/python")
TASKS = 100

PARSE = """
import json, statistics, sys, time, warnings
warnings.simplefilter("ignore")
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

def spent(path):
    start = time.process_time()
    names = {"__file__": path, "__name__": "parsed"}
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), names)
    found = {id(value.dag): value.dag for value in names.values() if isinstance(value, KubernetesPodOperator)}
    assert [len(dag.tasks) for dag in found.values()] == [int(sys.argv[3])], found
    return time.process_time() - start

pairs = [(spent(sys.argv[1]), spent(sys.argv[2])) for number in range(8)][1:]
print(json.dumps([statistics.median(side) for side in zip(*pairs)]))
"""

HEAD = '''"""Written by hand."""

from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from kubernetes.client import models as k8s

HERE = Path(__file__).parent


def resources(cpu, memory):
    return k8s.V1ResourceRequirements(requests={"cpu": cpu, "memory": memory}, limits={"memory": memory})


with DAG(
    dag_id="by_hand",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
):
'''

TASK = """    step_{number} = KubernetesPodOperator(
        task_id="step_{number}",
        name="step-{number}",
        image="python:3.11-slim",
        cmds=["papermill", "/notebooks/step_{number}.ipynb", "/tmp/out.ipynb"],
        env_vars={{"RUN": "{{{{ run_id }}}}", "STEP": "{number}"}},
        container_resources=resources("500m", "1Gi"),
        security_context={{"runAsNonRoot": True, "runAsUser": 1000}},
        volumes=[k8s.V1Volume(name="data", persistent_volume_claim={{"claimName": "kubenb"}})],
        volume_mounts=[k8s.V1VolumeMount(name="data", mount_path="/data")],
        on_finish_action="delete_pod",
        retries=2,
    )
"""


def by_hand(tasks: int) -> str:
    """The same chain of tasks as a person would write it."""
    text = HEAD + "\n".join(TASK.format(number=number) for number in range(tasks))
    return text + "".join(f"    step_{number} >> step_{number + 1}\n" for number in range(tasks - 1))


def rows(slow: bool) -> Rows:
    if not AIRFLOW.exists():
        return
    with workplace() as folder:
        pipeline = read_pipeline(parse_notebook(text(chain(TASKS)), "chain.ipynb"))
        deliver(export_files(pipeline), folder, "chain")
        hand = folder / "by_hand.py"
        hand.write_text(by_hand(TASKS))
        command = [str(AIRFLOW), "-c", PARSE, str(folder / "chain.py"), str(hand), str(TASKS)]
        found = [json.loads(process(command)[2].splitlines()[-1]) for _ in range(3)]
    ours, theirs = (statistics.median(column) for column in zip(*found, strict=True))
    yield Row(f"re-parse of the DAG file, {TASKS} tasks", ours, theirs, "one written by hand", 1.1)

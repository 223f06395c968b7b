"""DAG flights, written by kubenb from flights.ipynb: edits stay on the next export.

kubenb: flights ff01691befda94d0
"""

import json
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG

HERE = Path(__file__).parent / "flights"
RUNTIME = b64encode((HERE / "kubenb_runtime" / "bundle.txt").read_bytes()).decode()


def notebook(task_id, cpu=None, memory=None):
    """A task's arguments: operator.json, with the notebook and the runtime as data."""
    text = (HERE / f"{task_id}.ipynb").read_bytes()
    digest = sha256(text).hexdigest()
    env = {"KUBENB_TASK": task_id, "KUBENB_NOTEBOOK_SHA256": digest}
    carried = b64encode(text).decode()
    for name, data in (("KUBENB_NOTEBOOK", carried), ("KUBENB_RUNTIME", RUNTIME)):
        for n, at in enumerate(range(0, len(data), 120_000)):
            env[f"{name}_{n}" if n else name] = data[at : at + 120_000]
    made = json.loads((HERE / "operator.json").read_bytes())
    base = made["pod_template_dict"]["spec"]["containers"][0]
    base["env"] += [{"name": name, "value": env[name]} for name in env]
    limits = {"memory": memory} if memory else {}
    requests = {"cpu": cpu, **limits} if cpu else limits
    if requests:
        made["container_resources"] = {"requests": requests, "limits": limits}
    made["annotations"] = {"kubenb/notebook-sha256": digest}
    return {"task_id": task_id, **made}


with DAG(
    "flights",
    description="Which flights will land late?",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"year": 2013, "month": 7, "history": 3},
    default_args={
        "owner": "analytics",
        "retries": 2,
        "execution_timeout": timedelta(days=1),
        "active_deadline_seconds": 86700,
        "image": "registry.example.com/analytics/notebook:2026.1",
    },
):
    extract = KubernetesPodOperator(**notebook("extract", cpu="500m", memory="1Gi"))
    features = KubernetesPodOperator(**notebook("features", cpu="500m", memory="2Gi"))
    train = KubernetesPodOperator(**notebook("train", cpu="2", memory="4Gi"), retries=2)
    report = KubernetesPodOperator(**notebook("report", memory="1Gi"))

    extract >> features >> train >> report

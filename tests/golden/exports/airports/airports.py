"""DAG airports, written by kubenb from airports.ipynb: edits stay on the next export.

kubenb: airports 316084affce49ee5
"""

import json
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG

HERE = Path(__file__).parent / "airports"
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
    "airports",
    description="How the day goes at each airport",
    schedule="@monthly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"year": 2013, "month": 1},
    default_args={
        "owner": "analytics",
        "retries": 2,
        "execution_timeout": timedelta(days=1),
        "active_deadline_seconds": 86700,
        "image": "registry.example.com/analytics/notebook:2026.1",
    },
):
    extract = KubernetesPodOperator(**notebook("extract", cpu="500m", memory="1Gi"))
    profile = KubernetesPodOperator.partial(
        **notebook("profile", cpu="500m", memory="1Gi"),
        max_active_tis_per_dagrun=3,
    ).expand(env_vars=[{"KUBENB_ITEM": str(n)} for n in range(3)])
    compare = KubernetesPodOperator(**notebook("compare", memory="1Gi"))

    extract >> profile >> compare

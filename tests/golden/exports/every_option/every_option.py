"""DAG every_option, written by kubenb from flights.ipynb: edits stay on the next export.

kubenb: every_option bd7e4f1f1ff4c656
"""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG

HERE = Path(__file__).parent / "every_option"
RUNTIME = b64encode((HERE / "kubenb_runtime" / "bundle.txt").read_bytes()).decode()


def over(base, more):
    """Lays `more` over `base`: mappings merge, lists grow, other values replace."""
    for key, value in dict(more).items():
        if isinstance(value, dict) and key in base:
            over(base[key], value)
        else:
            base[key] = base.get(key, []) + value if isinstance(value, list) else value


def task(task_id, file, env, cpu=None, memory=None, metadata=(), spec=(), container=()):
    """A task's arguments: a file of the folder, and what is said on top of its pod."""
    made = json.loads((HERE / file).read_bytes())
    pod = made["pod_template_dict"]
    base = pod["spec"]["containers"][0]
    env = {"KUBENB_TASK": task_id, **env}
    over(base, {"env": [{"name": name, "value": env[name]} for name in env]})
    over(base, container)
    over(pod["metadata"], metadata)
    over(pod["spec"], spec)
    limits = {"memory": memory} if memory else {}
    requests = {"cpu": cpu, **limits} if cpu else limits
    if requests:
        made["container_resources"] = {"requests": requests, "limits": limits}
    return {"task_id": task_id, **made}


def notebook(task_id, file="operator.json", **more):
    """A notebook task's arguments: the notebook and the runtime travel as data."""
    text = (HERE / f"{task_id}.ipynb").read_bytes()
    digest = sha256(text).hexdigest()
    env = {"KUBENB_NOTEBOOK_SHA256": digest}
    carried = b64encode(text).decode()
    for name, data in (("KUBENB_NOTEBOOK", carried), ("KUBENB_RUNTIME", RUNTIME)):
        for n, at in enumerate(range(0, len(data), 120_000)):
            env[f"{name}_{n}" if n else name] = data[at : at + 120_000]
    made = task(task_id, file, env, **more)
    return {"annotations": {"kubenb/notebook-sha256": digest}, **made}


def on_failure(context):
    """Called when a run fails."""
    import_module("alerts").page(context)


def on_success(context):
    """Called when a run succeeds."""
    import_module("alerts").cheer(context)


with DAG(
    "every_option",
    description="All of them",
    schedule="30 6 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    end_date=datetime(2026, 12, 31, tzinfo=ZoneInfo("Europe/Berlin")),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=6),
    on_failure_callback=on_failure,
    on_success_callback=on_success,
    params={"year": 2013, "names": ["ä", "'", '"']},
    default_args={
        "owner": "analytics",
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "active_deadline_seconds": 7500,
        "xcom_sidecar_container_security_context": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "in_cluster": True,
        "kubernetes_conn_id": "kubernetes_default",
        "image": "python:3.11-slim",
    },
    tags=["a", "b"],
):
    every_option = KubernetesPodOperator(
        **notebook(
            "every-option",
            metadata={"annotations": {"contact": "ana"}},
            spec={
                "automountServiceAccountToken": True,
                "securityContext": {
                    "runAsUser": 1001,
                    "fsGroup": 1001,
                    "fsGroupChangePolicy": "OnRootMismatch",
                },
                "imagePullSecrets": [{"name": "regcred"}],
                "volumes": [
                    {
                        "name": "kubenb-google-key",
                        "secret": {
                            "secretName": "gcp-sa",
                            "items": [{"key": "key.json", "path": "key.json"}],
                        },
                    },
                    {"name": "configmap-limits", "configMap": {"name": "limits"}},
                    {
                        "name": "pvc-data",
                        "persistentVolumeClaim": {"claimName": "data"},
                    },
                ],
                "hostNetwork": False,
            },
            container={
                "imagePullPolicy": "Always",
                "env": [
                    {"name": "KUBENB_ENGINE", "value": "papermill"},
                    {
                        "name": "GOOGLE_APPLICATION_CREDENTIALS",
                        "value": "/kubenb/google/key.json",
                    },
                    {
                        "name": "DB_PASSWORD",
                        "valueFrom": {
                            "secretKeyRef": {"name": "db", "key": "password"},
                        },
                    },
                ],
                "volumeMounts": [
                    {
                        "name": "kubenb-google-key",
                        "mountPath": "/kubenb/google",
                        "readOnly": True,
                    },
                    {
                        "name": "configmap-limits",
                        "mountPath": "/etc/limits",
                        "readOnly": True,
                    },
                    {
                        "name": "pvc-data",
                        "mountPath": "/data",
                        "subPath": "raw",
                        "readOnly": True,
                    },
                ],
            },
        ),
        image="ghcr.io/team/notebook:1",
        env_vars={"LEVEL": "info"},
        container_resources={
            "requests": {
                "cpu": "500m",
                "memory": "2Gi",
                "ephemeral-storage": "10Gi",
                "amd.com/gpu": "2",
            },
            "limits": {
                "cpu": "2",
                "memory": "4Gi",
                "ephemeral-storage": "10Gi",
                "amd.com/gpu": "2",
            },
        },
        namespace="analytics",
        service_account_name="notebook-runner",
        node_selector={"pool": "batch"},
        tolerations=[
            {
                "key": "dedicated",
                "operator": "Equal",
                "value": "ml",
                "effect": "NoSchedule",
            },
        ],
        affinity={
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 50,
                        "preference": {
                            "matchExpressions": [
                                {"key": "zone", "operator": "In", "values": ["a", "b"]},
                            ],
                        },
                    },
                ],
            },
        },
        priority_class_name="batch-low",
        schedulername="volcano",
        runtime_class_name="gvisor",
        labels={"team": "pricing"},
        retries=3,
        retry_delay=timedelta(minutes=5),
        trigger_rule="all_done",
        pool="warehouse",
        queue="kubernetes",
        priority_weight=10,
        deferrable=True,
        on_finish_action="keep_pod",
        do_xcom_push=True,
        doc_md="Train the delay model",
    )
    each = KubernetesPodOperator.partial(
        **notebook("each"),
        image="registry.example.com/team/notebook:1",
        max_active_tis_per_dagrun=2,
    ).expand(env_vars=every_option.output)
    sum_up = KubernetesPodOperator(
        **notebook("sum-up"),
        image="registry.example.com/team/notebook:1",
        trigger_rule="none_failed",
        do_xcom_push=True,
    )
    tool = KubernetesPodOperator(
        **task("tool", "container.json", {}, memory="1Gi"),
        image="registry.example.com/team/notebook:1",
        cmds=["tool"],
        arguments=["--day", "{{ ds }}", "--not", "{{ '{' }}% this %}", "$$(HOME)"],
        env_vars={"A": "{{ ds }}"},
    )

    every_option >> each >> sum_up >> tool
    every_option >> sum_up

"""DAG options, written by kubenb from options.ipynb: edits stay on the next export.

kubenb: options b3f207939afb5e05
"""

import json
from base64 import b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG

HERE = Path(__file__).parent / "options"
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


with DAG(
    "options",
    description="A tour of the options",
    schedule="30 6 * * 1-5",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    end_date=datetime(2026, 12, 31, tzinfo=ZoneInfo("Europe/Berlin")),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=4,
    dagrun_timeout=timedelta(hours=6),
    params={"rows": 1000},
    default_args={
        "owner": "analytics",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=1),
        "active_deadline_seconds": 3900,
        "xcom_sidecar_container_security_context": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "image": "registry.example.com/analytics/notebook:2026.1",
        "namespace": "analytics",
        "labels": {"team": "pricing"},
    },
    tags=["example", "options"],
):
    load = KubernetesPodOperator(
        **notebook(
            "load",
            cpu="250m",
            memory="512Mi",
            spec={
                "automountServiceAccountToken": True,
                "volumes": [
                    {
                        "name": "secret-warehouse-tls",
                        "secret": {"secretName": "warehouse-tls"},
                    },
                    {"name": "configmap-limits", "configMap": {"name": "limits"}},
                    {
                        "name": "pvc-prices",
                        "persistentVolumeClaim": {"claimName": "prices"},
                    },
                    {"name": "emptydir-2", "emptyDir": {"sizeLimit": "2Gi"}},
                ],
            },
            container={
                "env": [
                    {
                        "name": "WAREHOUSE_PASSWORD",
                        "valueFrom": {
                            "secretKeyRef": {"name": "warehouse", "key": "password"},
                        },
                    },
                    {
                        "name": "WAREHOUSE_HOST",
                        "valueFrom": {
                            "configMapKeyRef": {"name": "warehouse", "key": "host"},
                        },
                    },
                ],
                "volumeMounts": [
                    {
                        "name": "secret-warehouse-tls",
                        "mountPath": "/etc/warehouse",
                        "readOnly": True,
                    },
                    {
                        "name": "configmap-limits",
                        "mountPath": "/etc/limits",
                        "readOnly": True,
                    },
                    {
                        "name": "pvc-prices",
                        "mountPath": "/data/prices",
                        "subPath": "raw",
                        "readOnly": True,
                    },
                    {"name": "emptydir-2", "mountPath": "/data/scratch"},
                ],
            },
        ),
        env_vars={"WAREHOUSE_USER": "reader"},
        service_account_name="warehouse-reader",
        pool="warehouse",
        priority_weight=10,
        doc_md="Read the prices of the day",
    )
    fit = KubernetesPodOperator(
        **notebook("fit", spec={"terminationGracePeriodSeconds": 60}),
        container_resources={
            "requests": {"cpu": "2", "memory": "2Gi", "ephemeral-storage": "10Gi"},
            "limits": {"cpu": "4", "memory": "4Gi", "ephemeral-storage": "10Gi"},
        },
        node_selector={"pool": "batch"},
        tolerations=[
            {
                "key": "dedicated",
                "operator": "Equal",
                "value": "ml",
                "effect": "NoSchedule",
            },
            {
                "key": "spot",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            },
        ],
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {
                                    "key": "topology.kubernetes.io/zone",
                                    "operator": "In",
                                    "values": ["europe-west1-b", "europe-west1-c"],
                                },
                            ],
                        },
                    ],
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 50,
                        "preference": {
                            "matchExpressions": [
                                {"key": "disk", "operator": "In", "values": ["ssd"]},
                            ],
                        },
                    },
                ],
            },
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "podAffinityTerm": {
                            "labelSelector": {
                                "matchExpressions": [
                                    {
                                        "key": "app",
                                        "operator": "In",
                                        "values": ["train"],
                                    },
                                ],
                            },
                            "topologyKey": "kubernetes.io/hostname",
                        },
                    },
                ],
            },
        },
        priority_class_name="batch-low",
        runtime_class_name="gvisor",
        labels={"team": "pricing", "app": "train"},
        execution_timeout=timedelta(minutes=30),
        active_deadline_seconds=2100,
        retries=3,
        retry_delay=timedelta(minutes=10),
        queue="kubernetes",
    )
    parts = KubernetesPodOperator.partial(
        **notebook("parts"),
        on_finish_action="delete_succeeded_pod",
        max_active_tis_per_dagrun=2,
    ).expand_kwargs(
        [
            {
                "env_vars": {"KUBENB_ITEM": "0"},
                "container_resources": {
                    "requests": {"memory": "256Mi"},
                    "limits": {"memory": "256Mi"},
                },
            },
            {
                "env_vars": {"KUBENB_ITEM": "1"},
                "container_resources": {
                    "requests": {"cpu": "1", "memory": "1Gi"},
                    "limits": {"memory": "1Gi"},
                },
            },
            {
                "env_vars": {"KUBENB_ITEM": "2"},
                "container_resources": {
                    "requests": {"memory": "256Mi"},
                    "limits": {"memory": "256Mi"},
                },
            },
        ],
    )
    archive = KubernetesPodOperator(
        **task("archive", "container.json", {}, memory="256Mi"),
        image="registry.example.com/tools/archive:1.2",
        cmds=["archive"],
        arguments=["--day", "2026-01-01", "--to", "/archive"],
        priority_class_name="batch-low",
    )
    report = KubernetesPodOperator(
        **notebook("report", memory="256Mi"),
        trigger_rule="all_done",
        deferrable=True,
        do_xcom_push=True,
    )

    load >> fit >> report
    load >> parts >> archive
    load >> report
    parts >> report

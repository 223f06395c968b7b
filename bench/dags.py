"""What Airflow pays again and again: parsing the generated DAG file, against one that a person would write."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from bench.measure import Row, Rows, process, workplace
from bench.notebooks import chain, text
from kubenb.delivery import deliver
from kubenb.export.files import export_files
from kubenb.inside.bundle import BOOT
from kubenb.notebook.cells import parse_notebook
from kubenb.notebook.pipeline import read_pipeline

AIRFLOWS = ("3.3", "2.11")
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

HEAD = '''"""Written by hand, without kubenb: the same pods."""

from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG
from kubernetes.client import models as k8s

HERE = Path(__file__).parent / "chain"
RUNTIME = b64encode((HERE / "kubenb_runtime" / "bundle.txt").read_bytes()).decode()
BOOT = %r
VOLUMES = [
    k8s.V1Volume(name="kubenb-home", empty_dir=k8s.V1EmptyDirVolumeSource()),
    k8s.V1Volume(name="kubenb-tmp", empty_dir=k8s.V1EmptyDirVolumeSource()),
    k8s.V1Volume(
        name="pvc-kubenb",
        persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name="kubenb"),
    ),
]
MOUNTS = [
    k8s.V1VolumeMount(name="kubenb-home", mount_path="/kubenb/home"),
    k8s.V1VolumeMount(name="kubenb-tmp", mount_path="/tmp"),
    k8s.V1VolumeMount(name="pvc-kubenb", mount_path="/kubenb/store"),
]
SHARED = {
    "KUBENB_DAG": "chain",
    "KUBENB_RUN": "{{ run_id }}",
    "KUBENB_TRY": "{{ ti.try_number }}",
    "KUBENB_PARAMS": "{}",
    "KUBENB_STORE": "/kubenb/store",
    "KUBENB_ENGINE": "auto",
    "HOME": "/kubenb/home",
    "TMPDIR": "/tmp",
    "USER": "kubenb",
    "PYTHONUNBUFFERED": "1",
    "KUBENB_RUNTIME": RUNTIME,
}


def notebook(name):
    return (HERE / f"{name}.ipynb").read_bytes()


with DAG(
    dag_id="by_hand",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    default_args={"retries": 2, "execution_timeout": timedelta(days=1)},
):
'''

TASK = """    step_{number} = KubernetesPodOperator(
        task_id="step_{number}",
        image="python:3.11-slim",
        image_pull_policy="IfNotPresent",
        cmds=["python", "-c", BOOT],
        env_vars={{
            **SHARED,
            "KUBENB_TASK": "step_{number}",
            "KUBENB_NOTEBOOK_SHA256": sha256(notebook("step_{number}")).hexdigest(),
            "KUBENB_NOTEBOOK": b64encode(notebook("step_{number}")).decode(),
        }},
        annotations={{
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "kubenb/notebook-sha256": sha256(notebook("step_{number}")).hexdigest(),
        }},
        labels={{"app.kubernetes.io/managed-by": "kubenb", "kubenb/dag": "chain"}},
        container_resources=k8s.V1ResourceRequirements(
            requests={{"cpu": "500m", "memory": "1Gi"}}, limits={{"memory": "1Gi"}}
        ),
        security_context=k8s.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=1000,
            seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
            fs_group=1000,
            fs_group_change_policy="OnRootMismatch",
        ),
        container_security_context=k8s.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=k8s.V1Capabilities(drop=["ALL"]),
        ),
        volumes=VOLUMES,
        volume_mounts=MOUNTS,
        automount_service_account_token=False,
        active_deadline_seconds=86700,
        startup_timeout_seconds=600,
        log_events_on_failure=True,
        log_pod_spec_on_failure=False,
        termination_message_policy="FallbackToLogsOnError",
        retries=2,
    )
"""


def by_hand(tasks: int) -> str:
    """The same chain of tasks as a person would write it."""
    made = HEAD % BOOT + "\n".join(TASK.format(number=number) for number in range(tasks))
    return made + "".join(f"    step_{number} >> step_{number + 1}\n" for number in range(tasks - 1))


def rows(slow: bool) -> Rows:
    with workplace() as folder:
        pipeline = read_pipeline(parse_notebook(text(chain(TASKS)), "chain.ipynb"))
        deliver(export_files(pipeline), folder, "chain")
        (folder / "by_hand.py").write_text(by_hand(TASKS))
        for version in AIRFLOWS:
            python = Path(f".airflow/{version}/bin/python")
            if not python.exists():
                print(f"(no {python}: `make airflows` sets it up)")
                continue
            command = [str(python), "-c", PARSE, str(folder / "chain.py"), str(folder / "by_hand.py"), str(TASKS)]
            found = [json.loads(process(command)[2].splitlines()[-1]) for _ in range(2)]
            ours, theirs = (statistics.median(column) for column in zip(*found, strict=True))
            yield Row(f"re-parse of the DAG file, {TASKS} tasks, Airflow {version}", ours, theirs, "one by hand", 1.1)

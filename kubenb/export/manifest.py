"""The one pod builder: a pure function from a task to its whole pod, as a plain dict in Kubernetes' own words.

Running now, rehearsing and the DAG file all use it, so what was tried is what runs. In: `Pipeline`, one `Plan`, the
task notebook's text. Out: the manifest, with Airflow fields (`{{ run_id }}`) as they are; `fields` says where they may
stand. What is not said by an option:

* Pod Security Standard *restricted*: user 1000, no root, no privilege escalation, all capabilities dropped, the
  runtime's default seccomp profile;
* beyond it: no service-account token (unless `service-account` is set), no service links, read-only root with
  writable HOME and /tmp;
* memory limit = request, no CPU limit, `restartPolicy: Never`, a deadline always: the timeout (a day unless set) and
  five minutes.

Next room: `dag` splits the manifest into what people read in the DAG file and what lies beside it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kubenb.export import environment
from kubenb.export.fields import for_kubelet
from kubenb.export.ids import dag_id as dag_id
from kubenb.export.patch import BASE, merge, parse_patch
from kubenb.export.payload import payload, sha256
from kubenb.export.placement import placement
from kubenb.export.volumes import HOME, mounted, needs_group, volumes
from kubenb.model.names import slug
from kubenb.model.options import TASK, TaskOptions
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.quantities import parse_duration

Part = dict[str, Any]
MARGIN = timedelta(minutes=5)
DIGEST = "kubenb/notebook-sha256"
IMAGE = TASK["image"].default
OURS = {"app.kubernetes.io/managed-by": "kubenb"}


def manifest(pipeline: Pipeline, plan: Plan, text: str) -> Part:
    """The pod of one task. `text` is its task notebook ('' for a container task)."""
    pod = patched(skeleton(pipeline, plan), plan.task.options)
    if plan.task.kind != "container":  # what no patch can take away: the task's own code, and its digest
        base = pod["spec"]["containers"][0]
        base["env"] = [*base.get("env", []), *environment.variables(payload(text))]
        pod["metadata"]["annotations"] = {**pod["metadata"].get("annotations", {}), DIGEST: sha256(text)}
    return pod


def patched(pod: Part, options: TaskOptions) -> Part:
    """The pod with the user's raw patch on top. It stays marked as kubenb's: Airflow's operator needs a label to add its own to."""
    if not options.pod:
        return pod
    made = merge(pod, parse_patch(options.pod))
    made["metadata"] = {**made["metadata"], "labels": {**(made["metadata"].get("labels") or {}), **OURS}}
    return made


def skeleton(pipeline: Pipeline, plan: Plan) -> Part:
    """The pod without its notebook and runtime, and without the raw patch."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata(pipeline, plan), "spec": spec(pipeline, plan)}


def metadata(pipeline: Pipeline, plan: Plan) -> Part:
    """Name, namespace, labels and annotations."""
    options, dag = plan.task.options, dag_id(pipeline)
    part: Part = {"name": slug(f"{dag}-{plan.task.name}")}
    if options.namespace:
        part["namespace"] = options.namespace
    own = {**OURS, "kubenb/dag": slug(dag)}
    part["labels"] = own | {pair.key: pair.value for pair in options.label}
    keep = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    part["annotations"] = keep | {pair.key: pair.value for pair in options.annotation}
    return part


def spec(pipeline: Pipeline, plan: Plan) -> Part:
    """The pod's spec."""
    options = plan.task.options
    folders = mounted(options)
    user = options.run_as_user or int(TASK["run-as-user"].default)
    security: Part = {"runAsNonRoot": True, "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"}}
    if needs_group(folders):
        security |= {"fsGroup": user, "fsGroupChangePolicy": "OnRootMismatch"}
    part: Part = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": deadline(pipeline, options),
        "automountServiceAccountToken": bool(options.service_account),
        "enableServiceLinks": False,
        "securityContext": security,
        **placement(options),
    }
    if options.service_account:
        part["serviceAccountName"] = options.service_account
    if options.image_pull_secret:
        part["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secret]
    return {**part, "containers": [container(pipeline, plan)], "volumes": volumes(folders)}


def container(pipeline: Pipeline, plan: Plan) -> Part:
    """The task's own container."""
    task, options = plan.task, plan.task.options
    plain = environment.of_kubenb(pipeline, plan, dag_id(pipeline)) | environment.of_user(options)
    part: Part = {"name": BASE, "image": options.image or IMAGE}
    part["imagePullPolicy"] = options.image_pull_policy or TASK["image-pull-policy"].default
    part |= command(plan)
    part["env"] = [*environment.variables(plain), *environment.projected(options)]
    if resources(options):
        part["resources"] = resources(options)
    part["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    part["terminationMessagePolicy"] = "FallbackToLogsOnError"
    part["volumeMounts"] = [folder.mount() for folder in mounted(options)]
    return part if task.kind == "container" else {**part, "workingDir": HOME}


def command(plan: Plan) -> Part:
    """What the container runs: the boot code, or the image's own command with its arguments as data."""
    if plan.task.kind != "container":
        return {"command": boot()}
    words = [for_kubelet(word) for word in plan.task.command]
    return {"command": words[:1], "args": words[1:]} if words else {}


def boot() -> list[str]:
    """The command of every notebook task; it holds nothing of the user's."""
    from kubenb.inside.bundle import BOOT

    return ["python", "-c", BOOT]


def resources(options: TaskOptions) -> Part:
    """Requests and limits.

    >>> resources(TaskOptions(cpu="500m", memory="1Gi"))
    {'requests': {'cpu': '500m', 'memory': '1Gi'}, 'limits': {'memory': '1Gi'}}
    """
    gpu = {options.gpu.resource: str(options.gpu.count)} if options.gpu else {}
    requests = {
        "cpu": options.cpu,
        "memory": options.memory_request or options.memory,
        "ephemeral-storage": options.storage,
        **gpu,
    }
    limits = {"cpu": options.cpu_limit, "memory": options.memory, "ephemeral-storage": options.storage, **gpu}
    part = {"requests": requests, "limits": limits}
    kept = {name: {key: value for key, value in amounts.items() if value} for name, amounts in part.items()}
    return {name: amounts for name, amounts in kept.items() if amounts}


def timeout(pipeline: Pipeline, options: TaskOptions) -> timedelta:
    """The longest run of a task."""
    return parse_duration(options.timeout or pipeline.dag.task_timeout or TASK["timeout"].default)


def deadline(pipeline: Pipeline, options: TaskOptions) -> int:
    """When the cluster ends the pod by itself: a little after Airflow would have."""
    return int((timeout(pipeline, options) + MARGIN).total_seconds())

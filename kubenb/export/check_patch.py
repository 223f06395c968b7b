"""Rules of the raw `pod` patch: its form, what it must leave alone, and what a restricted namespace would say.

The patch may say anything that a pod can, so a slip in it is found by nobody before the cluster. In: the patch, and the pod
with it on top. Out: (what, fix, code, severity) of each find. Next room: `check_pod`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubenb.export.patch import BASE
from kubenb.export.split import Part
from kubenb.model.pipeline import Plan
from kubenb.model.problems import Severity
from kubenb.model.quantities import parse_quantity
from kubenb.model.values import BadValue

Found = Iterator[tuple[str, str, str, Severity]]  # what, fix, code, and how much it weighs
ERROR = Severity.ERROR


def form(patch: Part, pod: Part) -> Found:
    """Whether the pod is still a pod with the task's container."""
    unknown = sorted(str(key) for key in patch if key not in ("apiVersion", "kind", "metadata", "spec"))
    if unknown:
        fix = "Put it under spec: (or metadata:)."
        yield f"the pod patch has {', '.join(unknown)} beside metadata and spec.", fix, "pod.patch", ERROR
    maps = isinstance(pod.get("spec"), dict) and isinstance(pod.get("metadata"), dict)
    if pod.get("apiVersion") != "v1" or pod.get("kind") != "Pod" or not maps:
        fix = "Leave apiVersion, kind, metadata and spec a pod's."
        yield "the pod patch makes something else of the pod.", fix, "pod.patch", ERROR
        return
    containers = pod["spec"].get("containers")
    first = containers[0] if isinstance(containers, list) and containers else None
    if not isinstance(first, dict) or first.get("name") != BASE:
        fix = f"Name it: spec: {{containers: [{{name: {BASE}, …}}]}}."
        yield f"the pod patch takes away the task's container, {BASE}.", fix, "pod.base", ERROR
    elif not first.get("image"):
        yield "the pod patch takes away the image.", "Leave it, or name another.", "pod.base", ERROR


_TEXT, _WHOLE, _FLAG = str, int, bool
_NAMED = {"name": _TEXT}
_SECURITY = {
    "runAsUser": _WHOLE,
    "runAsNonRoot": _FLAG,
    "privileged": _FLAG,
    "capabilities": {"drop": [_TEXT], "add": [_TEXT]},
}
_CONTAINER = {
    **_NAMED,
    "image": _TEXT,
    "command": [_TEXT],
    "args": [_TEXT],
    "env": [{**_NAMED, "valueFrom": {}}],
    "envFrom": [{}],
    "ports": [{}],
    "resources": {"requests": {}, "limits": {}},
    "volumeMounts": [{**_NAMED, "mountPath": _TEXT, "subPath": _TEXT, "readOnly": _FLAG}],
    "securityContext": _SECURITY,
    "workingDir": _TEXT,
    "imagePullPolicy": _TEXT,
}
_METADATA = {"labels": {}, "annotations": {}, "namespace": _TEXT, "name": _TEXT}
_SPEC = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "volumes": [_NAMED],
    "tolerations": [{"key": _TEXT, "operator": _TEXT, "value": _TEXT, "effect": _TEXT, "tolerationSeconds": _WHOLE}],
    "hostname": _TEXT,
    "subdomain": _TEXT,
    "dnsPolicy": _TEXT,
    "nodeName": _TEXT,
    "hostNetwork": _FLAG,
    "enableServiceLinks": _FLAG,
    "terminationGracePeriodSeconds": _WHOLE,
    "imagePullSecrets": [_NAMED],
    "nodeSelector": {},
    "affinity": {},
    "securityContext": _SECURITY,
    "serviceAccountName": _TEXT,
    "activeDeadlineSeconds": _WHOLE,
    "priorityClassName": _TEXT,
    "schedulerName": _TEXT,
    "runtimeClassName": _TEXT,
}
_WORDS: dict[object, str] = {_TEXT: "text", _WHOLE: "a whole number", _FLAG: "true or false"}


def types(pod: Part) -> Found:
    """Whether each part is what Kubernetes has there: a list, a mapping, a text."""
    for path, wanted in (
        *_mismatches(pod["metadata"], _METADATA, "metadata"),
        *_mismatches(pod["spec"], _SPEC, "spec"),
    ):
        yield (
            f"the pod patch makes {path} something else than {wanted}.",
            "Write it as Kubernetes has it.",
            "pod.type",
            ERROR,
        )


def _mismatches(value: Any, shape: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield path, "a mapping"
            return
        if "name" in shape and not value.get("name"):
            yield f"{path}.name", "a text"
        for key, inner in shape.items():
            if value.get(key) is not None:
                yield from _mismatches(value[key], inner, f"{path}.{key}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield path, "a list"
            return
        for number, item in enumerate(value):
            yield from _mismatches(item, shape[0], f"{path}[{number}]")
    elif type(value) is not shape:
        yield path, _WORDS[shape]


def texts(patch: Part, pod: Part) -> Found:
    """Values that Kubernetes takes as text only, and variables that are kubenb's."""
    for container in pod["spec"]["containers"]:
        for item in container.get("env") or []:
            if "value" in item and not isinstance(item["value"], str):
                what = f"the pod patch sets {item.get('name')} to {item['value']!r}, which YAML reads as no text."
                yield what, "Put it in quotes.", "pod.env", ERROR
    for item in _base(patch).get("env") or []:
        if str(item.get("name", "")).startswith("KUBENB_"):
            what = f"the pod patch sets {item['name']}, which kubenb sets itself."
            yield what, "Leave it out.", "env.sealed", ERROR
    places = {**pod["metadata"], "nodeSelector": pod["spec"].get("nodeSelector")}
    for place in ("labels", "annotations", "nodeSelector"):
        for key, value in (places.get(place) or {}).items():
            if not isinstance(value, str):
                what = f"the pod patch sets {place} {key} to {value!r}, which is no text."
                yield what, "Put it in quotes.", "pod.text", ERROR


def left_alone(patch: Part, pod: Part, plan: Plan) -> Found:
    """What the patch must not touch, and folders that are mounted twice."""
    if plan.task.kind != "container" and ("command" in _base(patch) or "args" in _base(patch)):
        fix = "Use %k8s_container for an image's own command."
        yield "the pod patch sets the command, which starts the notebook.", fix, "pod.command", ERROR
    names = {item["name"] for item in pod["spec"]["containers"][0].get("env") or []}
    if not names.issuperset(("KUBENB_DAG", "KUBENB_TASK", "KUBENB_RUN", "KUBENB_TRY", "KUBENB_PARAMS")):
        yield "the pod patch takes away variables that kubenb sets.", "Leave env, or add to it.", "env.sealed", ERROR
    if pod["spec"].get("restartPolicy") != "Never":
        what = "the pod patch sets restartPolicy, and Airflow counts the tries itself."
        yield what, "Leave it Never.", "pod.restart", ERROR
    mounts = pod["spec"]["containers"][0].get("volumeMounts") or []
    paths = [str(mount.get("mountPath")).rstrip("/") for mount in mounts]
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f"folder {path} is mounted twice.", "Choose another folder for one of them.", "pod.mount", ERROR


def _base(patch: Part) -> Part:
    """The patch's entry for the task's container."""
    containers = (patch.get("spec") or {}).get("containers") or []
    return next((item for item in containers if isinstance(item, dict) and item.get("name", BASE) == BASE), {})


def amounts(pod: Part) -> Found:
    """Requests under limits, also where the patch set them."""
    resources = pod["spec"]["containers"][0].get("resources") or {}
    for name, limit in (resources.get("limits") or {}).items():
        request = (resources.get("requests") or {}).get(name)
        try:
            if request is not None and parse_quantity(str(request)) > parse_quantity(str(limit)):
                what = f"{name}: the request {request} is more than the limit {limit}."
                yield what, "Write at most the limit.", "pod.limit", ERROR
        except BadValue as bad:
            yield f"{name}: {bad.what}", bad.fix, "pod.quantity", ERROR


def restricted(pod: Part) -> Found:
    """What the namespace may refuse: Pod Security *restricted*."""
    spec, base = pod["spec"], pod["spec"]["containers"][0]
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    volumes = [item for item in spec.get("volumes") or [] if isinstance(item, dict)]
    found += [f"volume {item.get('name')} (hostPath)" for item in volumes if "hostPath" in item]
    found += _of_security(spec.get("securityContext") or {}, base.get("securityContext") or {})
    if found:
        what = f"the pod patch asks for {', '.join(found)}, which a namespace with Pod Security restricted refuses."
        yield what, "Leave it out, or see that the namespace allows it.", "pod.restricted", Severity.WARNING


def _of_security(pod: dict[str, Any], own: dict[str, Any]) -> list[str]:
    capabilities = own.get("capabilities") or {}
    found = ["privileged"] if own.get("privileged") else []
    if own.get("allowPrivilegeEscalation") is not False:
        found.append("allowPrivilegeEscalation")
    if 0 in (own.get("runAsUser"), pod.get("runAsUser")) or not own.get("runAsNonRoot", pod.get("runAsNonRoot")):
        found.append("a root user")
    if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add") or []) - {"NET_BIND_SERVICE"}:
        found.append("capabilities")
    return found

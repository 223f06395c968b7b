"""Does an image have what a task imports? Asked of the image itself, by a pod of a few seconds.

In: pods as they would be started, each with its place in the notebook and the modules that its code needs. Out: a problem for
each module that its image lacks. One pod an image and namespace, with that task's own security and placement, and gone
afterwards; nothing is imported in it, only looked for. Next rooms: `diagnosis`, where the pod does not start; `pods`.
"""

from __future__ import annotations

import copy
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from kubenb.cluster import logs, marks, paths, pods
from kubenb.cluster.client import Client
from kubenb.cluster.diagnosis import state
from kubenb.cluster.errors import ApiError
from kubenb.model.problems import Place, Problem, Severity

Part = dict[str, Any]
LONGEST = 120.0  # seconds for a pod that only looks; a slow image is said, not waited for
LOOK = 0.2
ASK = """import importlib.util, json, sys
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
print("lacks " + json.dumps([name for name in sys.argv[1:] if not there(name)]))
"""


@dataclass(frozen=True)
class Needs:
    """A task's pod, and why it needs each module: module -> words."""

    where: Place
    manifest: Part
    modules: Mapping[str, str]


def lacking(client: Client, asked: Sequence[Needs]) -> tuple[Problem, ...]:
    """Raises ApiError, Unreachable where the cluster takes no pod."""
    groups: dict[tuple[str, str], list[Needs]] = {}
    for each in asked:
        key = str(each.manifest["metadata"]["namespace"]), _image(each.manifest)
        groups.setdefault(key, []).append(each)
    problems: list[Problem] = []
    for (_, image), group in groups.items():
        modules = sorted({name for each in group for name in each.modules})
        if modules:
            problems += _told(group, image, _ask(client, group[0], modules))
    return tuple(problems)


def _image(manifest: Part) -> str:
    return str(manifest["spec"]["containers"][0]["image"])


def _told(group: Sequence[Needs], image: str, found: list[str] | Problem) -> Iterable[Problem]:
    if isinstance(found, Problem):
        return [found]
    fix = "Name an image that has it with --image, or write one: `kubenb image`."
    return [
        Problem(each.where, f"image {image} has no module {name} ({why}).", fix, "image.lacks")
        for each in group
        for name, why in each.modules.items()
        if name in found
    ]


def _ask(client: Client, first: Needs, modules: list[str]) -> list[str] | Problem:
    """The modules that are not there; or why that could not be told."""
    pod = _looking(first.manifest, modules)
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    pods.create(client, pod)
    try:
        until, why = time.monotonic() + LONGEST, "it has not started"
        while time.monotonic() < until:
            found = client.get(paths.pods(namespace, name))
            if found.get("status", {}).get("phase") == "Succeeded":
                return _said(logs.tail(client, namespace, name))
            now = state(found, _events(client, namespace, name), datetime.now(timezone.utc))
            if now.final and now.problem:
                return Problem(first.where, now.problem.what, now.problem.fix, now.problem.code)
            why = now.words
            time.sleep(LOOK)
        what = (
            f"what image {_image(first.manifest)} has can't be told: after {LONGEST:.0f} s the pod that asks is {why}."
        )
        return Problem(first.where, what, "Try again, or run the task.", "image.not-asked", Severity.WARNING)
    finally:
        client.delete(paths.pods(namespace, name), 0)


def _said(log: str) -> list[str]:
    """The line that is ours: an interpreter may warn of something before it."""
    line = next(line for line in reversed(log.splitlines()) if line.startswith("lacks "))
    return list(json.loads(line.removeprefix("lacks ")))


def _events(client: Client, namespace: str, name: str) -> list[Part]:
    try:
        return client.list(paths.events(namespace), fieldSelector=f"involvedObject.name={name}")
    except ApiError:
        return []


def _looking(manifest: Part, modules: list[str]) -> Part:
    """The task's own pod, but for what it runs: it names no secret, no volume but empty ones, and asks for little."""
    spec = copy.deepcopy(manifest["spec"])
    old = spec["containers"][0]
    kept = {part: old[part] for part in ("name", "image", "imagePullPolicy", "securityContext") if part in old}
    limits = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
    spec["containers"] = [{**kept, "command": ["python", "-c", ASK, *modules], "resources": limits}]
    spec.pop("initContainers", None)
    spec.update(volumes=[], activeDeadlineSeconds=int(LONGEST) + 30)
    token = secrets.token_hex(4)
    labels = {marks.MANAGED: "kubenb", marks.RUN: f"imports-{token}"}
    notes = {
        marks.TOKEN: token,
        marks.HEARTBEAT: f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        marks.TIME_TO_LIVE: "300",
    }
    where = {"name": f"kubenb-imports-{token}", "namespace": manifest["metadata"]["namespace"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**where, "labels": labels, "annotations": notes},
        "spec": spec,
    }

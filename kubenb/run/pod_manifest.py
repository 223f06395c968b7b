"""The pod of a task as it is started now: the DAG's own manifest, with this run's values in it and our marks on it.

In: the manifest, and what this run says. Out: a manifest that an API server takes, and the Airflow fields that nobody can
fill in here. Pure; what differs from the DAG's pod is what this module writes, and nothing else. Next room: `pods`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubenb.cluster import marks
from kubenb.model.names import slug
from kubenb.run.fields import fill

Part = dict[str, Any]
SUFFIX = 8  # random characters at the end of a pod's name
LONGEST = 63  # a pod's name is its host name too


@dataclass(frozen=True)
class Mark:
    """Whose pod it is: `run` and `owner` as labels may be; `token` only the starter knows; `heartbeat` is RFC 3339.

    `time_to_live`: seconds without a heartbeat after which anyone may end it. `about`: what attaching to it needs, as JSON.
    """

    name: str
    namespace: str
    run: str
    owner: str
    token: str
    heartbeat: str
    time_to_live: int
    about: Mapping[str, Any] = field(default_factory=dict)
    detached: bool = False
    parent: Part | None = None  # owner reference: the pod that the notebook itself runs in


def to_start(
    manifest: Part, own: Mapping[str, str], fields: Mapping[str, str], mark: Mark
) -> tuple[Part, tuple[str, ...]]:
    """`own`: variables in place of the manifest's, or beside them. Second: fields known to Airflow alone."""
    pod = copy.deepcopy(manifest)
    container = pod["spec"]["containers"][0]
    unknown: list[str] = []

    def filled(text: str) -> str:
        made, left = fill(text, fields)
        unknown.extend(left)
        return made

    kept = [entry for entry in container.get("env", ()) if entry["name"] not in own]
    container["env"] = [{**entry, "value": filled(entry["value"])} if "value" in entry else entry for entry in kept] + [
        {"name": name, "value": value} for name, value in own.items()
    ]
    for words in ("command", "args"):
        if words in container:
            container[words] = [filled(word) for word in container[words]]
    for mount in container.get("volumeMounts", ()):
        if "subPath" in mount:
            mount["subPath"] = filled(mount["subPath"])
    pod["metadata"] = _metadata(pod["metadata"], mark)
    return pod, tuple(dict.fromkeys(unknown))


def _metadata(old: Part, mark: Mark) -> Part:
    task = str(mark.about.get("task", ""))
    labels = {marks.RUN: mark.run, marks.OWNER: mark.owner, marks.TASK: slug(task)}
    if mark.about.get("item") is not None:
        labels[marks.ITEM] = str(mark.about["item"])
    notes = {
        marks.TOKEN: mark.token,
        marks.HEARTBEAT: mark.heartbeat,
        marks.TIME_TO_LIVE: str(mark.time_to_live),
        marks.ABOUT: json.dumps(mark.about, sort_keys=True),
        **({marks.DETACHED: "true"} if mark.detached else {}),
    }
    made = {
        **old,
        "name": mark.name,
        "namespace": mark.namespace,
        "labels": {**old.get("labels", {}), **labels},
        "annotations": {**old.get("annotations", {}), **notes},
    }
    return made | ({"ownerReferences": [mark.parent]} if mark.parent else {})


def pod_name(manifest: Part, suffix: str) -> str:
    """The DAG's name of the pod, cut where it must be, and the suffix: chosen before it is made, so a lost reply is harmless.

    >>> pod_name({"metadata": {"name": "flights-train"}}, "x7k2m9qa")
    'flights-train-x7k2m9qa'
    """
    base = str(manifest["metadata"]["name"])[: LONGEST - 1 - len(suffix)].rstrip("-.")
    return f"{base}-{suffix}"

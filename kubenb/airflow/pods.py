"""Compares the pod that Airflow would create with the manifest of ours: what was tried is what runs.

In: the manifest, the pod from `probe`, and what Airflow fills in for each of its fields. Out: the differences, in a reader's words.
What Airflow adds by itself (its labels, the pod's name, the XCom sidecar) is no difference. Next room: `check`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubenb.export.fields import pieces

Part = dict[str, Any]

AIRFLOW_LABELS = (
    "dag_id", "task_id", "run_id", "try_number", "map_index", "airflow_version", "kubernetes_pod_operator", "airflow_kpo_in_cluster",
    "parent_dag_id",
)  # fmt: skip
SIDECAR = "airflow-xcom-sidecar"
# Lists whose order means nothing, by the key that names an entry in them.
_NAMED = {
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "containers": "name",
}


def fields_in(manifest: Part) -> list[str]:
    """The Airflow fields of a manifest, in the places where they are meant."""
    found: list[str] = []

    def collect(text: str) -> str:
        found.extend(piece for piece, field in pieces(text) if field)
        return text

    _in_field_places(manifest, collect)
    return list(dict.fromkeys(found))


def filled(manifest: Part, values: Mapping[str, str]) -> Part:
    """The manifest with its Airflow fields filled in."""

    def fill(text: str) -> str:
        return "".join(values.get(piece, piece) if field else piece for piece, field in pieces(text))

    whole: Part = _in_field_places(manifest, fill)
    return whole


def _in_field_places(value: Any, change: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        if key == "env":
            return {
                name: change(item) if name == "value" and isinstance(item, str) else item
                for name, item in value.items()
            }
        return {name: _in_field_places(item, change, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_field_places(item, change, key) for item in value]
    return change(value) if isinstance(value, str) and key in ("command", "args", "subPath") else value


def differences(manifest: Part, pod: Part, mapped: tuple[str, ...] = ()) -> Iterator[str]:
    """Where the pod is not what the manifest says; `mapped`: the operator's fields that each item has its own of."""
    want, got = _plain(copy.deepcopy(manifest)), _plain(copy.deepcopy(pod))
    _forget_what_airflow_adds(want, got)
    if mapped:
        _forget_what_items_have(want, got, mapped)
    yield from _compare("", want, got)


def _forget_what_airflow_adds(want: Part, got: Part) -> None:
    meta, made = want.get("metadata", {}), got.get("metadata", {})
    meta.pop("name", None), made.pop("name", None)  # Airflow names each pod anew
    if "namespace" not in meta:
        made.pop("namespace", None)
    for label in AIRFLOW_LABELS:
        if label not in meta.get("labels", {}):
            made.get("labels", {}).pop(label, None)
    containers = got["spec"]["containers"]
    if SIDECAR in containers and SIDECAR not in want["spec"]["containers"]:
        del containers[SIDECAR]
        got["spec"].get("volumes", {}).pop("xcom", None)
        for container in containers.values():
            container.get("volumeMounts", {}).pop("/airflow/xcom", None)
            _drop_empty(container)
    _drop_empty(got["spec"])
    if not got["spec"].get("hostNetwork"):  # the operator always says it
        got["spec"].pop("hostNetwork", None)


def _forget_what_items_have(want: Part, got: Part, mapped: tuple[str, ...]) -> None:
    for pod in (want, got):
        for container in pod["spec"]["containers"].values():
            container.get("env", {}).pop("KUBENB_ITEM", None)
            if "container_resources" in mapped:
                container.pop("resources", None)


def _plain(value: Any, key: str = "") -> Any:
    """Lists with named entries as mappings, nothing that is empty."""
    if isinstance(value, dict):
        return _drop_empty({name: _plain(item, name) for name, item in value.items()})
    if isinstance(value, list):
        if key in _NAMED and all(isinstance(item, dict) and _NAMED[key] in item for item in value):
            return {
                item[_NAMED[key]]: _plain({name: inner for name, inner in item.items() if name != _NAMED[key]})
                for item in value
            }
        return [_plain(item) for item in value]
    return value


def _drop_empty(value: Part) -> Part:
    for name in [
        name for name, item in value.items() if item is None or item == [] or (item == {} and name in _EMPTIES)
    ]:
        del value[name]
    return value


_EMPTIES = (
    "annotations",
    "labels",
    "affinity",
    "nodeSelector",
    "env",
    "volumes",
    "volumeMounts",
    "imagePullSecrets",
    "initContainers",
    "resources",
    "limits",
    "requests",
    "securityContext",
)


def _compare(path: str, want: Any, got: Any) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        for key in dict.fromkeys([*want, *got]):
            yield from _compare(f"{path}.{key}" if path else str(key), want.get(key), got.get(key))
    elif isinstance(want, list) and isinstance(got, list) and path.endswith("tolerations"):
        if sorted(map(_ordered, want)) != sorted(map(_ordered, got)):
            yield _difference(path, want, got)
    elif want != got:
        yield _difference(path, want, got)


def _ordered(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _difference(path: str, want: Any, got: Any) -> str:
    return f"{path} is {_show(want)} in kubenb's manifest, but {_show(got)} in Airflow's pod"


def _show(value: Any) -> str:
    text = "not set" if value is None else repr(value)
    return text if len(text) <= 120 else f"{text[:60]} … {text[-40:]} ({len(text)} characters)"

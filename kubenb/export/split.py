"""A manifest cut in three: what people read and tune in the DAG file, what all tasks share, and what is left of this
one.

In: the pods of a pipeline. Out: `KubernetesPodOperator` arguments, the shared pod (`operator.json`) and each task's rest.
Put together again by the operator and the few lines in the DAG file they give the manifest; `dag_pod._fits` proves it for each
task before anything is written. Next room: `dag`.
"""

from __future__ import annotations

from typing import Any

from kubenb.export.fields import for_jinja
from kubenb.model.options import TaskOptions

Part = dict[str, Any]

# spec field -> argument of the operator; none of them is rendered by Jinja but those in RENDERED
SPEC = {
    "activeDeadlineSeconds": "active_deadline_seconds",
    "serviceAccountName": "service_account_name",
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priorityClassName": "priority_class_name",
    "schedulerName": "schedulername",
    "runtimeClassName": "runtime_class_name",
}
RENDERED = ("image", "namespace", "container_resources", "node_selector", "labels", "env_vars", "cmds", "arguments")


def arguments(pod: Part, options: TaskOptions, own_command: bool) -> Part:
    """Takes out of `pod` (which is changed) what the operator has an argument for."""
    found: Part = {}
    base = pod["spec"]["containers"][0]
    found["image"] = base.pop("image")
    if own_command:
        for key, argument in (("command", "cmds"), ("args", "arguments")):
            if base.get(key):
                found[argument] = base.pop(key)
    if "namespace" in pod["metadata"]:
        found["namespace"] = pod["metadata"].pop("namespace")
    if base.get("resources"):
        found["container_resources"] = base.pop("resources")
    for key, argument in SPEC.items():
        if pod["spec"].get(key):
            found[argument] = pod["spec"].pop(key)
    _keyed(found, "labels", pod["metadata"].get("labels", {}), [pair.key for pair in options.label])
    if not options.map:  # `expand` replaces all of env_vars, so a mapped task keeps its own in the pod
        plain = {item["name"]: item for item in base.get("env", []) if isinstance(item.get("value"), str)}
        names = [pair.key for pair in options.env if pair.key in plain]
        if names:
            found["env_vars"] = {name: plain[name]["value"] for name in names}
            base["env"] = [item for item in base["env"] if item["name"] not in names]
    return {
        name: rendered(value, name in ("env_vars", "cmds", "arguments")) if name in RENDERED else value
        for name, value in found.items()
    }


def _keyed(found: Part, argument: str, place: Part, names: list[str]) -> None:
    taken = {name: place.pop(name) for name in names if name in place}
    if taken:
        found[argument] = taken


def rendered(value: Any, fields: bool = False) -> Any:
    """The value with every text as Jinja gives it back; `fields`: Airflow fields are meant here."""
    if isinstance(value, str):
        return for_jinja(value, fields)
    if isinstance(value, dict):
        return {key: rendered(item, fields) for key, item in value.items()}
    if isinstance(value, list):
        return [rendered(item, fields) for item in value]
    return value


def template(pod: Part) -> Part:
    """A pod as `pod_template_dict` wants it: Airflow renders every text in it, so all that is no field is escaped, by its place."""
    return {key: _template(key, value) for key, value in pod.items()}


_FIELD_PLACES = ("command", "args", "subPath")


def _template(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {inner: _template(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        if key == "env" and all(isinstance(item, dict) for item in value):
            return [{inner: rendered(text, inner == "value") for inner, text in item.items()} for item in value]
        return [_template(key, item) for item in value]
    return for_jinja(value, key in _FIELD_PLACES) if isinstance(value, str) else value


def shared(pods: list[Part], patched: list[Part], plain: Part) -> Part:
    """What the pods have in common: mappings key by key, of lists the items that all have, of other values the one that
    all have, else that of `plain`, the pod of a task that says nothing itself.

    A patched pod may have taken away what all others have: that alone does not count.

    >>> shared([{"a": 2, "b": [1, 2], "d": 5}, {"a": 3, "b": [2], "c": 3, "d": 5}], [], {"a": 1, "d": 6})
    {'a': 1, 'b': [2], 'd': 5}
    """
    found: Part = {}
    first = (pods or patched)[0]
    for key in first:
        if not all(key in pod for pod in pods):
            continue
        values, others = [pod[key] for pod in pods], [pod[key] for pod in patched if key in pod]
        both = values + others
        if all(isinstance(value, dict) for value in both):
            found[key] = shared(values, others, plain.get(key, {}))
        elif key == "containers" and all(map(_are_mappings, both)):
            bases = [value[0] for value in values], [value[0] for value in others]
            found[key] = [shared(*bases, plain.get(key, [{}])[0])]
        elif all(isinstance(value, list) for value in both):
            found[key] = [item for item in first[key] if all(item in value for value in both)]
        elif len({type(value) for value in both}) == 1:
            alike = len(set(values or others)) == 1
            if alike or type(plain.get(key)) is type(both[0]):
                found[key] = both[0] if alike else plain[key]
    return {key: value for key, value in found.items() if value not in ({}, []) or key == "env"}


def _are_mappings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def rest(pod: Part, base: Part) -> Part:
    """What is to be laid over `base` to get `pod`: `over(base, rest)`."""
    found: Part = {}
    for key, value in pod.items():
        if key not in base:
            found[key] = value
        elif key == "containers" and _are_mappings(value) and _are_mappings(base[key]):
            inner = rest(value[0], base[key][0])
            found |= {key: [inner, *value[1:]]} if inner or value[1:] else {}
        elif isinstance(value, dict) and isinstance(base[key], dict):
            inner = rest(value, base[key])
            found |= {key: inner} if inner else {}
        elif isinstance(value, list) and isinstance(base[key], list):
            more = [item for item in value if item not in base[key]]
            found |= {key: more} if more else {}
        elif value != base[key] or type(value) is not type(base[key]):
            found[key] = value
    return found


def over(base: Part, more: Part) -> Part:
    """As the DAG file does it: mappings merge, lists grow, other values replace."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            over(base[key], value)
        elif isinstance(value, list):
            base[key] = base.get(key, []) + value
        else:
            base[key] = value
    return base

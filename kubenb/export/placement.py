"""Where a pod may run: node selector, tolerations, affinity, classes.

In: option values, as `model.phrases` read them. Out: parts of a pod's spec. Next room: `manifest`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubenb.model.options import TaskOptions
from kubenb.model.phrases import DEFAULT_TOPOLOGY
from kubenb.model.values import Affinity, Toleration

Part = dict[str, Any]


def placement(options: TaskOptions) -> Part:
    """The parts of the spec that choose the node.

    >>> placement(TaskOptions(scheduler="volcano"))
    {'schedulerName': 'volcano'}
    """
    spec = {
        "nodeSelector": {pair.key: pair.value for pair in options.node_selector},
        "tolerations": [toleration(value) for value in options.toleration],
        "affinity": affinity(options.affinity),
        "priorityClassName": options.priority_class,
        "schedulerName": options.scheduler,
        "runtimeClassName": options.runtime_class,
    }
    return {name: value for name, value in spec.items() if value}


def toleration(value: Toleration) -> Part:
    """One toleration; the key `*` tolerates every taint."""
    part: Part = {} if value.key == "*" else {"key": value.key}
    part["operator"] = "Exists" if value.value is None else "Equal"
    if value.value is not None:
        part["value"] = value.value
    if value.effect:
        part["effect"] = value.effect
    if value.seconds is not None:
        part["tolerationSeconds"] = value.seconds
    return part


def affinity(values: Iterable[Affinity]) -> Part:
    """All lines together: required ones of a node must all hold, preferred ones weigh each for itself."""
    part: Part = {}
    for value in values:
        kind = "nodeAffinity" if value.target == "node" else "podAntiAffinity" if value.anti else "podAffinity"
        place = part.setdefault(kind, {})
        if value.weight is not None:
            term = {"matchExpressions": [expression(value)]} if value.target == "node" else pod_term(value)
            name = "preference" if value.target == "node" else "podAffinityTerm"
            place.setdefault("preferredDuringSchedulingIgnoredDuringExecution", []).append(
                {"weight": value.weight, name: term}
            )
        elif value.target == "node":
            required = place.setdefault(
                "requiredDuringSchedulingIgnoredDuringExecution", {"nodeSelectorTerms": [{"matchExpressions": []}]}
            )
            required["nodeSelectorTerms"][0]["matchExpressions"].append(expression(value))
        else:
            place.setdefault("requiredDuringSchedulingIgnoredDuringExecution", []).append(pod_term(value))
    return part


def expression(value: Affinity) -> Part:
    """One match expression."""
    part: Part = {"key": value.key, "operator": value.operator}
    if value.values:
        part["values"] = list(value.values)
    return part


def pod_term(value: Affinity) -> Part:
    """One term of pod affinity."""
    return {
        "labelSelector": {"matchExpressions": [expression(value)]},
        "topologyKey": value.topology or DEFAULT_TOPOLOGY,
    }

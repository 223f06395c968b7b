"""Nodes, and what their pods take: counted as the scheduler counts it.

In: nodes and pods as the API has them. Out: `Node`s, `Neighbour`s.
A pod counts from when it has a node, or is promised one, until it has ended;
a container that is being resized counts with the larger of both sizes. Pure. Next room: `export.requests`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from kubenb.export.neighbours import terms
from kubenb.export.predicates import read_port
from kubenb.export.requests import Amounts, added, at_least, pod_amounts, ports, read_amounts, rounded
from kubenb.model.capacity import Load, Neighbour, Node, Port, Taint

Part = dict[str, Any]
OF_NODE = "kubernetes.io/config.mirror"  # a static pod of the kubelet's own


def nodes(found: Iterable[Part], pods: Iterable[Part]) -> Iterator[Node]:
    """By their names."""
    now: dict[str, list[Part]] = {}
    for pod in pods:
        where = _where(pod)
        if where:
            now.setdefault(where, []).append(pod)
    for node in sorted(found, key=lambda each: str(each["metadata"]["name"])):
        yield _node(node, now.get(node["metadata"]["name"], []))


def neighbours(pods: Iterable[Part]) -> Iterator[Neighbour]:
    """What other pods must be near to, or away from."""
    for pod in pods:
        where, metadata = _where(pod), pod["metadata"]
        if where:
            away = terms(pod["spec"], "podAntiAffinity")
            yield Neighbour(where, str(metadata.get("namespace", "")), metadata.get("labels") or {}, away)


def _where(pod: Part) -> str:
    """The node that it takes room of; '' where it has none, or has ended."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return ""
    return str((pod.get("spec") or {}).get("nodeName") or status.get("nominatedNodeName") or "")


def _node(node: Part, pods: list[Part]) -> Node:
    spec, status, metadata = node.get("spec") or {}, node.get("status") or {}, node["metadata"]
    return Node(
        str(metadata["name"]),
        metadata.get("labels") or {},
        tuple(Taint(each["key"], each.get("value") or "", each["effect"]) for each in spec.get("taints") or ()),
        bool(spec.get("unschedulable")),
        rounded(read_amounts(status.get("allocatable") or {})),
        _load(pods),
        _load([pod for pod in pods if _always(pod)]),
    )


def _load(pods: Iterable[Part]) -> Load:
    amounts: Amounts = {}
    held: set[Port] = set()
    for pod in pods:
        amounts = added(amounts, taken(pod), {"pods": Decimal(1)})
        held |= {read_port(port) for port in ports(pod["spec"])}
    return Load(amounts, frozenset(held))


def taken(pod: Part) -> Amounts:
    """What it asks for, and what its containers still have, or are allowed already, while they are resized."""
    spec, status = pod["spec"], pod.get("status") or {}
    given = {each["name"]: each for kind in ("c", "initC") for each in status.get(f"{kind}ontainerStatuses") or ()}
    if not any(each.get("allocatedResources") or each.get("resources") for each in given.values()):
        return pod_amounts(spec)

    def sized(container: Part) -> Part:
        state = given.get(container["name"]) or {}
        amounts = read_amounts((container.get("resources") or {}).get("requests") or {})
        for more in (state.get("allocatedResources"), (state.get("resources") or {}).get("requests")):
            amounts = at_least(amounts, read_amounts(more or {}))
        return {**container, "resources": {"requests": {name: f"{amount:f}" for name, amount in amounts.items()}}}

    kinds = ("initContainers", "containers")
    return pod_amounts({**spec, **{kind: [sized(each) for each in spec.get(kind) or ()] for kind in kinds}})


def _always(pod: Part) -> bool:
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or ()
    return OF_NODE in (metadata.get("annotations") or {}) or any(each.get("kind") == "DaemonSet" for each in owners)

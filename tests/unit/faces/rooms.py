"""Clusters and pods for the golden texts about what fits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kubenb.export.fit import Fit, fit
from kubenb.export.requests import pod_amounts, read_amounts
from kubenb.model.capacity import (
    Capacity,
    Claim,
    Limit,
    Load,
    Missing,
    Neighbour,
    Node,
    PriorityClass,
    Quota,
    StorageClass,
    Taint,
)
from kubenb.show.capacity import Room, Sized

Part = dict[str, Any]
SIZE = {"cpu": "4", "memory": "16Gi", "pods": "110"}
FULL = Load(read_amounts({"cpu": "3500m", "memory": "12Gi", "pods": "9"}))
DAEMONS = Load(read_amounts({"cpu": "200m", "memory": "512Mi", "pods": "3"}))
QUOTA = Quota("team", read_amounts({"requests.memory": "16Gi"}), read_amounts({"requests.memory": "10Gi"}))


def node(name: str, now: Load = DAEMONS, **more: Any) -> Node:
    return Node(name, allocatable=read_amounts({**SIZE, **more.pop("has", {})}), now=now, always=DAEMONS, **more)


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> dict[str, Any]:
    return {"taints": (Taint(key, value, effect),)}


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
READY = "node.kubernetes.io/"
TEN = (
    *(node(f"a{number}") for number in range(3)),
    *(node(f"b{number}", FULL) for number in range(4)),
    *(node(f"ml{number}", has={"nvidia.com/gpu": "4"}, **taint("dedicated", "ml")) for number in range(2)),
    node("control", **taint("node-role.kubernetes.io/control-plane")),
)


def pod(cpu: str = "1", memory: str = "4Gi", **more: Any) -> Part:
    requests = {"cpu": cpu, "memory": memory}
    limits = {"memory": memory, **more.pop("limits", {})}
    container = {"name": "base", "resources": {"requests": requests, "limits": limits}}
    return {"metadata": {"name": "train"}, "spec": {"containers": [container], **more}}


def cluster(*nodes: Node, **more: Any) -> Capacity:
    return Capacity("prod", "data", nodes, **more)


NO_NODES = (
    Missing("nodes", "this user may not list nodes"),
    Missing("pods", "this user may not list pods of all namespaces"),
)
TOLERANT = [{"key": "dedicated", "operator": "Exists"}]
SENTENCES: dict[str, Fit] = {
    "the usual": fit(pod(), cluster(*TEN, quotas=(QUOTA,))),
    "two groups": fit(pod(), cluster(*TEN[:9], quotas=(QUOTA,))),
    "everywhere": fit(pod(), cluster(*TEN[:3])),
    "one node": fit(pod(), cluster(TEN[0])),
    "no node": fit(pod(), cluster()),
    "full": fit(pod(), cluster(*TEN[3:7])),
    "too large": fit(pod("8", "64Gi"), cluster(*TEN[:7])),
    "a gpu behind a taint": fit(pod(limits={"nvidia.com/gpu": "1"}), cluster(*TEN)),
    "a gpu": fit(pod(limits={"nvidia.com/gpu": "1"}, tolerations=TOLERANT), cluster(*TEN)),
    "selector": fit(pod(nodeSelector={"zone": "a"}), cluster(*TEN[:3])),
    "out of order": fit(
        pod(), cluster(node("a", closed=True), node("b", **taint(f"{READY}not-ready")), node("c", **taint(f"{READY}disk-pressure")))
    ),
    "five reasons": fit(
        pod("1", "4Gi", nodeSelector={"zone": "a"}),
        cluster(
            node("a", closed=True),
            node("b", **taint("a")),
            node("c", **taint("b")),
            node("d", **taint("c")),
            node("e"),
            node("f", labels={"zone": "a"}),
        ),
    ),
    "other pods": fit(
        pod(affinity={kind: {REQUIRED: [{"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": "zone"}]}
                      for kind, app in (("podAffinity", "db"), ("podAntiAffinity", "train"))}),
        cluster(
            *(node(zone, labels={"zone": zone}) for zone in "abc"),
            pods=(Neighbour("a", "data", {"app": "db"}), Neighbour("b", "data", {"app": "db"}), Neighbour("a", "data", {"app": "train"})),
        ),
    ),
    "no pod near": fit(
        pod(affinity={"podAffinity": {REQUIRED: [{"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "zone"}]}}),
        cluster(node("a", labels={"zone": "a"}), node("b"), pods=(Neighbour("b", "data"),)),
    ),
    "no quota left": fit(pod("1", "8Gi"), cluster(*TEN[:3], quotas=(QUOTA,))),
    "limits": fit(pod("1", "8Gi"), cluster(*TEN[:3], limits=(Limit("bounds", "Container", most={"memory": "2Gi"}),))),
    "several quotas": fit(
        pod(limits={"cpu": "2"}),
        cluster(
            *TEN[:3],
            quotas=(
                QUOTA,
                Quota("more", read_amounts({"memory": "5Gi", "limits.cpu": "4", "cpu": "3", "pods": "3"}), {}),
            ),
        ),
    ),
    "nodes not known": fit(pod(), cluster(quotas=(QUOTA,), missing=NO_NODES)),
    "pods not known": fit(pod(), cluster(*TEN, missing=NO_NODES[1:])),
    "nothing known": fit(pod(), cluster(missing=(*NO_NODES, Missing("quotas", "this user may not list quotas")))),
    "another scheduler": fit(pod(schedulerName="volcano"), cluster(*TEN[:3])),
}  # fmt: skip

LAB = cluster(
    *TEN[:4],
    TEN[7],
    node("old", closed=True),
    quotas=(QUOTA,),
    limits=(Limit("bounds", "Container", most={"memory": "32Gi"}, default={"memory": "1Gi"}),),
    claims=(Claim("results", ("ReadWriteMany",), "Bound", "50Gi", "nfs", "pv-1"),),
    priority_classes=(PriorityClass("high", 1000),),
    storage_classes=(StorageClass("nfs", "example.com/nfs", True),),
    service_accounts=("default",),
    secrets=tuple(f"secret-{number}" for number in range(14)),
    missing=(Missing("runtime classes", "this user may not list runtime classes"),),
)
ROOM = Room(LAB)
TASKS = Room(
    LAB,
    tuple(
        Sized(name, "data", {**pod_amounts(made["spec"]), "nothing": Decimal(0)}, fit(made, LAB))
        for name, made in (("train", pod()), ("huge", pod("64")))
    ),
    of_cluster=False,
)

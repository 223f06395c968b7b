"""What a cluster has, read from an API server of a few lines: what is asked of it, how often, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from kubenb.cluster.capacity import forget, look
from kubenb.cluster.errors import ApiError
from kubenb.model.capacity import Capacity, Claim, Limit, Node, PriorityClass, Quota, Scope, StorageClass, Taint
from tests.faults import Answer, Faulty, Request, status
from tests.unit.cluster.scripted import asking

Part = dict[str, Any]
GI = 2**30


def pod(cpu: str, where: str = "a", phase: str = "Running", **more: Any) -> Part:
    status = {"phase": phase, **more.pop("status", {})}
    spec = {"nodeName": where, "containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}
    return {"metadata": {"name": "p", **more}, "spec": spec if where else {**spec, "nodeName": ""}, "status": status}


NODE = {
    "metadata": {"name": "a", "labels": {"zone": "x"}},
    "spec": {"taints": [{"key": "dedicated", "value": "ml", "effect": "NoSchedule"}], "unschedulable": True},
    "status": {"allocatable": {"cpu": "3920m", "memory": "8Gi", "pods": "110", "nvidia.com/gpu": "2"}},
}
LOCAL = [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["x"]}]}]
THERE: dict[str, list[Part]] = {
    "nodes": [NODE],
    "persistentvolumes": [
        {"metadata": {"name": "pv1"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": LOCAL}}}}
    ],
    "priorityclasses": [{"metadata": {"name": "low"}, "value": -5, "globalDefault": True}],
    "storageclasses": [
        {
            "metadata": {"name": "ssd", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "example.com/disk",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    ],
    "resourcequotas": [
        {
            "metadata": {"name": "team"},
            "spec": {"hard": {"cpu": "9"}, "scopes": ["NotTerminating"]},
            "status": {"hard": {"cpu": "4"}, "used": {"cpu": "1500m"}},
        }
    ],
    "limitranges": [{"metadata": {"name": "bounds"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}}],
    "persistentvolumeclaims": [
        {
            "metadata": {"name": "data"},
            "spec": {"volumeName": "pv1", "storageClassName": "ssd", "accessModes": ["ReadWriteMany"]},
            "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"}},
        }
    ],
    "serviceaccounts": [{"metadata": {"name": "default"}}],
    "secrets": [{"metadata": {"name": "password"}}],
    "configmaps": [{"metadata": {"name": "levels"}}],
}


class Cluster:
    """Lists of objects by their kind; what `denied` names is forbidden."""

    def __init__(self) -> None:
        self.there, self.denied = dict(THERE), set[str]()
        self.server = Faulty(self)

    def __call__(self, request: Request) -> Answer:
        kind = request.path.rpartition("/")[2]
        if kind in self.denied:
            return status(403, "Forbidden", f'{kind} is forbidden: User "ana" cannot list resource "{kind}"')
        if kind == "runtimeclasses":
            return status(404, "NotFound", "the server could not find the requested resource")
        return Answer(200, {"items": self.there.get(kind, [])})

    def look(self, kept: float = 60, **access: Any) -> Capacity:
        return look(asking(self.server, **access), "lab", kept=kept)

    def asked(self) -> list[str]:
        return sorted(request.path.rpartition("/")[2] for request in self.server.requests)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    forget()
    made = Cluster()
    with made.server:
        yield made
    forget()


def test_what_there_is_becomes_values(cluster: Cluster) -> None:
    found = cluster.look()
    (node,) = found.nodes
    assert (node.name, node.labels, node.taints, node.closed) == ("a", {"zone": "x"}, (Taint("dedicated", "ml"),), True)
    assert node.gpus == {"nvidia.com/gpu": 2}
    assert found.quotas == (Quota("team", {"cpu": Decimal(4)}, {"cpu": Decimal("1.5")}, (Scope("NotTerminating"),)),)
    assert found.limits == (Limit("bounds", "Pod", most={"cpu": "2"}),)
    assert found.priority_classes == (PriorityClass("low", -5, True),)
    assert found.claims == (Claim("data", ("ReadWriteOnce",), "Bound", "5Gi", "ssd", "pv1", tuple(LOCAL)),)
    assert found.storage_classes == (StorageClass("ssd", "example.com/disk", True, True),)
    assert (found.service_accounts, found.secrets, found.config_maps) == (("default",), ("password",), ("levels",))
    assert [each.why for each in found.missing] == ["this cluster has no runtime classes"]


DAEMON: Part = {"ownerReferences": [{"kind": "DaemonSet"}]}
MIRROR: Part = {"annotations": {"kubernetes.io/config.mirror": "x"}}
BIGGER: Part = {
    "containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2"}, "resources": {"requests": {"cpu": "3"}}}]
}
COUNTED = [
    ("what runs", pod("1"), "1", "0"),
    ("what has a node and has not begun", pod("1", phase="Pending"), "1", "0"),
    ("what is promised the node", pod("1", "", "Pending", status={"nominatedNodeName": "a"}), "1", "0"),
    ("not what has ended", pod("1", phase="Succeeded"), "0", "0"),
    ("not what waits", pod("1", "", "Pending"), "0", "0"),
    ("not what is elsewhere", pod("1", "b"), "0", "0"),
    ("what every node has stays", pod("1", **DAEMON), "1", "1"),
    ("and what the node itself starts", pod("1", **MIRROR), "1", "1"),
    ("what shrinks has its size still", pod("1", status=BIGGER), "3", "0"),
    ("what grows has been promised it", pod("4", status=BIGGER), "4", "0"),
]


@pytest.mark.parametrize(("there", "now", "always"), [row[1:] for row in COUNTED], ids=[row[0] for row in COUNTED])
def test_which_pods_take_room(cluster: Cluster, there: Part, now: str, always: str) -> None:
    cluster.there["pods"] = [there]
    (node,) = cluster.look().nodes
    assert [load.amounts.get("cpu", 0) for load in (node.now, node.always)] == [Decimal(now), Decimal(always)]
    assert node.now.amounts.get("pods", 0) == bool(Decimal(now))
    assert node.free("cpu") == max(Decimal("3.92") - Decimal(now), Decimal(0))


def test_each_kind_is_listed_once_and_kept_for_a_while(cluster: Cluster) -> None:
    first = cluster.look()
    assert (len(cluster.asked()), len(set(cluster.asked()))) == (12, 12)
    assert cluster.look() is first
    assert len(cluster.asked()) == 12
    cluster.there["nodes"] = []
    assert cluster.look(kept=0).nodes == ()
    assert len(cluster.asked()) == 24


def test_what_one_user_saw_another_does_not(cluster: Cluster) -> None:
    assert cluster.look(user={"token": "one"}).secrets == ("password",)
    cluster.denied = {"secrets"}
    assert cluster.look(user={"token": "two"}).secrets == ()


def test_only_the_metadata_of_what_may_be_secret_is_asked_for(cluster: Cluster) -> None:
    cluster.look()
    wanted = set()
    for request in cluster.server.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        wanted |= {request.path.rpartition("/")[2]} if "PartialObjectMetadataList" in headers["accept"] else set()
    assert wanted == {"secrets", "configmaps", "serviceaccounts"}


def test_what_may_not_be_listed_is_missing_and_the_rest_is_there(cluster: Cluster) -> None:
    cluster.denied = {"nodes", "pods", "resourcequotas"}
    found = cluster.look()
    assert [each.why for each in found.missing] == [
        "this user may not list nodes",
        "this user may not list pods of all namespaces",
        "this cluster has no runtime classes",
        "this user may not list quotas",
    ]
    assert (found.nodes, found.quotas, found.secrets) == ((), (), ("password",))


def test_a_server_that_does_not_know_who_asks_is_no_empty_cluster(cluster: Cluster) -> None:
    cluster.server.backend = lambda request: status(401, "Unauthorized", "Unauthorized")
    with pytest.raises(ApiError, match="401"):
        cluster.look()


def test_free_is_never_below_nothing() -> None:
    assert Node("a").free("cpu") == 0

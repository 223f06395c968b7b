"""Where a pod fits, a row a rule. The real scheduler's word on all rules together: tests/cluster/test_capacity.py."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kubenb.export.admission import admitted, refused
from kubenb.export.fit import fit
from kubenb.export.predicates import Obstacle, Wanted, holds, obstacles, tolerated
from kubenb.export.quota import left, unsaid
from kubenb.export.requests import pod_amounts, read_amounts
from kubenb.model.capacity import (
    Capacity,
    Claim,
    Limit,
    Load,
    Missing,
    Neighbour,
    Node,
    Port,
    PriorityClass,
    Quota,
    RuntimeClass,
    Scope,
    StorageClass,
    Taint,
)

Part = dict[str, Any]
GI = 2**30


def box(cpu: str = "", memory: str = "", **more: Any) -> Part:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"name": "base", "resources": {"requests": requests}, **more}


def pod(*containers: Part, **spec: Any) -> Part:
    return {"metadata": {"name": "x"}, "spec": {"containers": list(containers or (box("1", "1Gi"),)), **spec}}


def node(name: str = "n", now: Part | None = None, always: Part | None = None, **more: Any) -> Node:
    sizes = {"cpu": "4", "memory": "8Gi", "pods": "10", **more.pop("has", {})}
    held = frozenset(more.pop("ports", ()))
    loads = [Load(read_amounts(each or {}), held) for each in (now, always)]
    return Node(name, allocatable=read_amounts(sizes), now=loads[0], always=Load(loads[1].amounts), **more)


SIDECAR = {"restartPolicy": "Always"}
REQUESTS = [
    ("containers are added", {"containers": [box("1"), box("500m")]}, "1.5"),
    ("an init container counts only where it is larger", {"containers": [box("1")], "initContainers": [box("3")]}, "3"),
    ("init containers run one by one", {"containers": [box("1")], "initContainers": [box("2"), box("2")]}, "2"),
    ("a sidecar stays", {"containers": [box("1")], "initContainers": [box("1", **SIDECAR)]}, "2"),
    ("a sidecar runs beside the init containers after it",
     {"containers": [box("1")], "initContainers": [box("1", **SIDECAR), box("2")]}, "3"),
    ("and not beside those before it", {"containers": [box("1")], "initContainers": [box("2"), box("1", **SIDECAR)]}, "2"),
    ("overhead comes on top", {"containers": [box("1")], "overhead": {"cpu": "250m"}}, "1.25"),
    ("the pod's own word counts", {"containers": [box("1")], "resources": {"requests": {"cpu": "2"}}}, "2"),
    ("a limit is a request", {"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, "2"),
    ("nothing finer than a thousandth", {"containers": [box("0.0001")]}, "0.001"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "cpu"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_what_a_pod_asks_for(spec: Part, cpu: str) -> None:
    assert pod_amounts(spec)["cpu"] == Decimal(cpu)


ML = Taint("dedicated", "ml")
TOLERATED = [
    ({"key": "dedicated", "value": "ml"}, ML, True),
    ({"key": "dedicated", "operator": "Equal", "value": "ml", "effect": "NoSchedule"}, ML, True),
    ({"key": "dedicated", "value": "web"}, ML, False),
    ({"key": "dedicated", "operator": "Exists"}, ML, True),
    ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, ML, False),
    ({"operator": "Exists"}, ML, True),
    ({"key": "other", "operator": "Exists"}, ML, False),
    ({"key": "dedicated"}, Taint("dedicated"), True),
    ({"key": "dedicated"}, ML, False),
]


@pytest.mark.parametrize(("toleration", "taint", "expected"), TOLERATED)
def test_which_taints_are_tolerated(toleration: Part, taint: Taint, expected: bool) -> None:
    assert tolerated(taint, [toleration]) is expected


EXPRESSIONS = [
    ("In", ["a"], {"zone": "a"}, True),
    ("In", ["a"], {}, False),
    ("NotIn", ["a"], {"zone": "b"}, True),
    ("NotIn", ["a"], {}, True),
    ("NotIn", ["a"], {"zone": "a"}, False),
    ("Exists", [], {"zone": ""}, True),
    ("Exists", [], {}, False),
    ("DoesNotExist", [], {}, True),
    ("Gt", ["9"], {"zone": "10"}, True),
    ("Gt", ["9"], {"zone": "9"}, False),
    ("Lt", ["-1"], {"zone": "-2"}, True),
    ("Lt", ["9"], {"zone": "few"}, False),
    ("Lt", ["9"], {}, False),
]


@pytest.mark.parametrize(("operator", "values", "labels", "expected"), EXPRESSIONS)
def test_which_labels_match(operator: str, values: list[str], labels: dict[str, str], expected: bool) -> None:
    assert holds({"key": "zone", "operator": operator, "values": values}, labels) is expected


def affinity(*terms: Part) -> Part:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def port(number: int, **more: Any) -> Part:
    return box(ports=[{"containerPort": 80, "hostPort": number, **more}])


IN_A = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
NAMED = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]}
GPU = {"nvidia.com/gpu": "1"}
FILTERS = [
    ("room", pod(), node(), []),
    ("exactly as much as there is", pod(box("4", "8Gi")), node(), []),
    ("too little", pod(box("4001m", "9Gi")), node(), [("short", "cpu"), ("short", "memory")]),
    ("taken by others", pod(box("2")), node(now={"cpu": "3"}), [("short", "cpu")]),
    ("nothing is asked of what is overdrawn", pod(box("1")), node(now={"memory": "9Gi"}), []),
    ("no more pods", pod(), node(now={"pods": "10"}), [("pods", "")]),
    ("no such resource", pod({"resources": {"limits": GPU}}), node(), [("none", "nvidia.com/gpu")]),
    ("there is one", pod({"resources": {"limits": GPU}}), node(has=GPU), []),
    ("it is taken", pod({"resources": {"limits": GPU}}), node(now=GPU, has=GPU), [("short", "nvidia.com/gpu")]),
    ("closed", pod(), node(closed=True), [("closed", "")]),
    ("closed, and tolerated", pod(tolerations=[{"operator": "Exists"}]), node(closed=True), []),
    ("a taint", pod(), node(taints=(ML,)), [("taint", "dedicated=ml")]),
    ("only preferred", pod(), node(taints=(Taint("a", "b", "PreferNoSchedule"),)), []),
    ("the first taint is named", pod(), node(taints=(Taint("a", "", "NoExecute"), ML)), [("taint", "a")]),
    ("a selector", pod(nodeSelector={"zone": "a"}), node(labels={"zone": "b"}), [("selector", "")]),
    ("affinity", pod(affinity=affinity(IN_A)), node(labels={"zone": "a"}), []),
    ("any term will do", pod(affinity=affinity(IN_A, NAMED)), node(labels={"zone": "b"}), []),
    ("an empty term matches nothing", pod(affinity=affinity({})), node(), [("selector", "")]),
    ("a selector and affinity", pod(affinity=affinity(NAMED), nodeSelector={"zone": "a"}), node(), [("selector", "")]),
    ("a port in use", pod(port(80)), node(ports=[Port(80)]), [("port", "80")]),
    ("of another protocol", pod(port(80, protocol="UDP")), node(ports=[Port(80)]), []),
    ("at another address", pod(port(80, hostIP="10.0.0.1")), node(ports=[Port(80, "TCP", "10.0.0.2")]), []),
    ("at any address", pod(port(80, hostIP="10.0.0.1")), node(ports=[Port(80)]), [("port", "80")]),
    ("its own network", pod(box(ports=[{"containerPort": 80}]), hostNetwork=True), node(ports=[Port(80)]), [("port", "80")]),
    ("not its own", pod(box(ports=[{"containerPort": 80}])), node(ports=[Port(80)]), []),
    ("the first filter speaks", pod(box("9")), node(taints=(ML,)), [("taint", "dedicated=ml")]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "there", "expected"), [row[1:] for row in FILTERS], ids=[row[0] for row in FILTERS])
def test_what_keeps_a_pod_off_a_node(asked: Part, there: Node, expected: list[tuple[str, str]]) -> None:
    assert [(each.kind, each.about) for each in obstacles(Wanted(asked), there, there.now)] == expected


def test_a_volume_keeps_its_pod_near() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    claims = (Claim("data", reach=(IN_A,)),)
    near, far = (node(zone, labels={"zone": zone}) for zone in "ab")
    found = fit(pod(volumes=volumes), Capacity("c", "n", (near, far), claims=claims))
    assert found.now == ("a",)
    assert [(each.obstacle, each.nodes) for each in found.reasons] == [(Obstacle("volume", "data"), 1)]


def test_when_empty_counts_what_every_node_has() -> None:
    full = {"cpu": "3500m", "pods": "5"}
    there = (node("a", full, {"cpu": "500m"}), node("b", full, {"cpu": "2500m"}))
    found = fit(pod(box("2")), Capacity("c", "n", there))
    assert (found.now, found.empty, found.ok, found.never) == ((), ("a",), False, False)


def limit(kind: str = "Container", **bounds: Any) -> Limit:
    return Limit("bounds", kind, **bounds)


REFUSED = [
    ("within", pod(), [limit(most={"cpu": "2"}, default={"cpu": "2"})], []),
    ("no limit where there is a most", pod(), [limit(most={"cpu": "2"})], ["limit range bounds allows a container at most 2 cpu"]),
    ("too much", pod(box("3")), [limit(most={"cpu": "2"}, default={"cpu": "4"})], ["limit range bounds allows a container at most 2 cpu"]),
    ("too little", pod(box("1m")), [limit(least={"cpu": "10m"})], ["limit range bounds asks at least 10m cpu of a container"]),
    ("a pod as a whole", pod(box("1"), box("1")), [limit("Pod", least={"cpu": "3"})], ["limit range bounds asks at least 3 cpu of a pod"]),
    ("a limit far above the request", pod(), [limit(ratio={"memory": "2"}, default={"memory": "4Gi"})],
     ["limit range bounds allows a limit of memory at most 2 times the request"]),
    ("a default limit below the request", pod(), [limit(default={"memory": "512Mi"})],
     ["the limit of 512Mi memory is below the 1Gi that it asks for"]),
    ("claims are not about pods", pod(), [limit("PersistentVolumeClaim", most={"storage": "1Gi"})], []),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "limits", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_a_limit_range_refuses(asked: Part, limits: list[Limit], expected: list[str]) -> None:
    capacity = Capacity("c", "n", limits=tuple(limits))
    assert list(refused(admitted(asked, capacity), capacity)) == expected


def test_the_servers_defaults_are_counted() -> None:
    runtime = RuntimeClass(
        "gvisor", overhead={"cpu": "100m"}, node_selector={"gvisor": "yes"}, tolerations=({"key": "g"},)
    )
    defaults = limit(default={"memory": "2Gi"}, default_request={"cpu": "250m", "memory": "1Gi"})
    capacity = Capacity(
        "c", "n", limits=(defaults,), runtime_classes=(runtime,), priority_classes=(PriorityClass("low", -1, True),)
    )
    made = admitted(pod({"name": "base"}, runtimeClassName="gvisor"), capacity)["spec"]
    assert pod_amounts(made) == {"cpu": Decimal("0.35"), "memory": GI}
    assert pod_amounts(made, "limits") == {"memory": 2 * GI}
    assert (made["nodeSelector"], made["priorityClassName"]) == ({"gvisor": "yes"}, "low")
    assert [each["key"].rpartition("/")[2] for each in made["tolerations"]] == ["g", "not-ready", "unreachable"]


def test_names_that_are_not_there_are_named() -> None:
    volumes = [{"persistentVolumeClaim": {"claimName": name}} for name in ("absent", "waits", "slow", "lost")]
    spec = {"priorityClassName": "p", "runtimeClassName": "r", "serviceAccountName": "s", "volumes": volumes}
    claims = (
        Claim("waits", phase="Pending", storage_class="late"),
        Claim("slow", phase="Pending"),
        Claim("lost", phase="Lost"),
    )
    capacity = Capacity("c", "n", (node(),), claims=claims, storage_classes=(StorageClass("late", waits=True),))
    assert fit(pod(**spec), capacity).refused == (
        "there is no priority class p",
        "there is no runtime class r",
        "there is no service account s",
        "there is no volume claim absent",
        "the volume claim slow has no volume yet",
        "the volume claim lost has lost its volume",
    )


def quota(hard: Part, used: Part | None = None, *scopes: Scope) -> Quota:
    return Quota("team", read_amounts(hard), read_amounts(used or {}), scopes)


QUOTAS = [
    ("requests", quota({"requests.memory": "6Gi"}, {"requests.memory": "2Gi"}), [("requests.memory", 4 * GI)]),
    ("by the short name", quota({"cpu": "3"}), [("cpu", 3)]),
    ("used up, and more", quota({"cpu": "3"}, {"cpu": "5"}), [("cpu", 0)]),
    ("pods", quota({"pods": "3", "count/pods": "4"}, {"pods": "1"}), [("pods", 2), ("count/pods", 4)]),
    ("what is not asked for", quota({"requests.nvidia.com/gpu": "1", "services": "3"}), []),
    ("of pods with a deadline", quota({"cpu": "3"}, None, Scope("Terminating")), []),
    ("of those without", quota({"cpu": "3"}, None, Scope("NotTerminating"), Scope("NotBestEffort")), [("cpu", 3)]),
    ("of those that ask for nothing", quota({"pods": "3"}, None, Scope("BestEffort")), []),
    ("of a class", quota({"cpu": "3"}, None, Scope("PriorityClass", "In", ("high",))), [("cpu", 3)]),
    ("of another", quota({"cpu": "3"}, None, Scope("PriorityClass", "NotIn", ("high",))), []),
]


@pytest.mark.parametrize(("there", "expected"), [row[1:] for row in QUOTAS], ids=[row[0] for row in QUOTAS])
def test_what_a_quota_leaves(there: Quota, expected: list[tuple[str, int]]) -> None:
    found = left(pod(priorityClassName="high"), [there])
    assert [(each.name, int(each.left)) for each in found] == expected


def test_what_a_quota_counts_must_be_said() -> None:
    hard = quota({"limits.cpu": "3", "requests.cpu": "1", "requests.ephemeral-storage": "1Gi"})
    assert list(unsaid(pod(), [hard])) == [("team", "limits.cpu")]


def test_a_quota_without_room_refuses() -> None:
    found = fit(pod(box("1", "4Gi")), Capacity("c", "n", (node(),), (quota({"memory": "6Gi"}, {"memory": "3Gi"}),)))
    assert (found.refused, found.ok, found.never) == (("quota team leaves 3Gi of memory, 4Gi is asked",), False, True)


def beside(term: Part, kind: str = "podAffinity") -> Part:
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


APP: Part = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "zone"}
AWAY = pod(affinity=beside(APP, "podAntiAffinity"))
NEAR = pod(affinity=beside(APP))
SELF = {**pod(affinity=beside(APP)), "metadata": {"name": "x", "labels": {"app": "x"}}}
ELSEWHERE = pod(affinity=beside({**APP, "namespaces": ["other"]}))
EVERYWHERE = pod(affinity=beside({**APP, "namespaceSelector": {}}))
NEIGHBOURS: list[tuple[str, Part, list[Neighbour], list[str]]] = [
    ("nobody to be near", NEAR, [], []),
    ("the first of its kind", SELF, [], ["a1", "a2", "b"]),
    ("near one of its kind", SELF, [Neighbour("b", "n", {"app": "x"})], ["b"]),
    ("in the same zone", NEAR, [Neighbour("a1", "n", {"app": "x"})], ["a1", "a2"]),
    ("of another kind", NEAR, [Neighbour("a1", "n", {"app": "y"})], []),
    ("of another namespace", NEAR, [Neighbour("a1", "other", {"app": "x"})], []),
    ("of the namespace that is named", ELSEWHERE, [Neighbour("a1", "other", {"app": "x"})], ["a1", "a2"]),
    ("of any namespace", EVERYWHERE, [Neighbour("b", "some", {"app": "x"})], ["b"]),
    ("away from it", AWAY, [Neighbour("a1", "n", {"app": "x"})], ["b", "none"]),
    ("away from nobody", AWAY, [Neighbour("a1", "n")], ["a1", "a2", "b", "none"]),
    ("it keeps away", {**pod(), "metadata": SELF["metadata"]}, [Neighbour("b", "n", {}, (APP,))], ["a1", "a2", "none"]),
    ("it keeps away from others", pod(), [Neighbour("b", "n", {}, (APP,))], ["a1", "a2", "b", "none"]),
]


@pytest.mark.parametrize(
    ("asked", "pods", "expected"), [row[1:] for row in NEIGHBOURS], ids=[row[0] for row in NEIGHBOURS]
)
def test_other_pods_decide_too(asked: Part, pods: list[Neighbour], expected: list[str]) -> None:
    zones = {"a1": "a", "a2": "a", "b": "b", "none": ""}
    nodes = tuple(node(name, labels={"zone": zone} if zone else {}) for name, zone in zones.items())
    found = fit(asked, Capacity("c", "n", nodes, pods=tuple(pods)))
    assert (found.now, found.empty) == (tuple(expected), tuple(zones))
    assert found.untold == ()


UNTOLD = [
    ("nodes", pod(), ("nodes",), ["which nodes fit (no rights)"]),
    ("pods", pod(), ("pods",), ["what is free now (no rights)"]),
    ("quotas", pod(), ("quotas", "limit ranges"), ["what quota leaves (no rights)", "what limits the namespace sets (no rights)"]),
    ("labels of namespaces", pod(affinity=beside({"namespaceSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "zone"})), (),
     ["affinity to pods of namespaces by their labels"]),
    ("only preferred", pod(affinity={"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}), (), []),
    ("spread", pod(topologySpreadConstraints=[{"whenUnsatisfiable": "DoNotSchedule"}]), (), ["topology spread"]),
    ("another scheduler", pod(schedulerName="volcano"), (), ["what the scheduler volcano thinks"]),
    ("claims of devices", pod(resourceClaims=[{"name": "x"}]), (), ["resource claims"]),
    ("priority", pod(priorityClassName="high"), (), ["pods of a lower priority, which may have to go for it"]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "missing", "expected"), [row[1:] for row in UNTOLD], ids=[row[0] for row in UNTOLD])
def test_what_can_not_be_told_is_named_and_not_guessed(
    asked: Part, missing: tuple[str, ...], expected: list[str]
) -> None:
    nodes = () if "nodes" in missing else (node(),)
    lacking = tuple(Missing(what, "no rights") for what in missing)
    found = fit(asked, Capacity("c", "n", nodes, priority_classes=(PriorityClass("high", 9),), missing=lacking))
    assert list(found.untold) == expected
    assert found.ok is (None if expected else True)
    assert [found.now is None, found.empty is None] == [bool({"nodes", "pods"} & set(missing)), "nodes" in missing]

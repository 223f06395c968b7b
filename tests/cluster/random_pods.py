"""Random nodes and pods for the scheduler and for us: sizes, init containers, taints, labels, ports, classes.

In: a `Random` with a fixed seed. Out: manifests. Next room: `test_capacity`.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.cluster.made_nodes import OWN, node

Part = dict[str, Any]
GPU = "example.com/gpu"
EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")


def a_node(random: Random, number: int, mark: str) -> Part:
    cores = random.choice([1, 2, 4, 8])
    labels = {"zone": random.choice("abc"), "cores": str(cores), "name": f"{mark}-{number:02}"}
    labels |= {"disk": random.choice(["ssd", "hdd"])} if random.random() < 0.7 else {}
    allocatable = {
        "cpu": random.choice([str(cores), f"{cores * 1000 - 70}m"]),
        "memory": random.choice([f"{cores}Gi", f"{cores * 2}Gi", f"{cores * 1000}Mi", f"{cores * 10**6}k"]),
        "ephemeral-storage": f"{random.randint(5, 50)}Gi",
        "pods": str(random.choice([2, 4, 30])),
    }
    allocatable |= {GPU: str(random.choice([1, 2, 4]))} if random.random() < 0.3 else {}
    allocatable |= {"hugepages-2Mi": "64Mi"} if random.random() < 0.3 else {}
    taints = [a_taint(random)] if random.random() < 0.4 else []
    closed = {"unschedulable": True} if random.random() < 0.08 else {}
    return node(f"{mark}-{number:02}", mark, labels, allocatable, taints, **closed)


def a_taint(random: Random) -> Part:
    taint = {"key": random.choice(["dedicated", "spot"]), "effect": random.choice(EFFECTS)}
    return taint | ({"value": random.choice(["ml", "web"])} if random.random() < 0.7 else {})


def a_pod(random: Random, number: int, mark: str, runtime: str) -> Part:
    own = {"key": OWN, "operator": "Equal", "value": mark, "effect": "NoSchedule"}
    spec: Part = {
        "containers": [a_container(random, f"c{each}", ports=not each) for each in range(random.choice([1, 1, 2]))],
        "initContainers": [an_init(random, f"i{each}") for each in range(random.choice([0, 0, 0, 1, 2, 3]))],
        "nodeSelector": {OWN: mark},
        "tolerations": [own, *(a_toleration(random) for _ in range(random.choice([0, 0, 1, 2])))],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
    }
    if random.random() < 0.25:
        spec["nodeSelector"]["zone"] = random.choice("abcd")
    if random.random() < 0.4:
        terms = [a_term(random, mark) for _ in range(random.choice([1, 1, 2]))]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {"nodeAffinity": required}
    for kind, often in (("podAffinity", 0.12), ("podAntiAffinity", 0.3)):
        if random.random() < often:
            near = {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    beside(random) for _ in range(random.choice([1, 1, 2]))
                ]
            }
            spec.setdefault("affinity", {})[kind] = near
    if random.random() < 0.15:
        spec["runtimeClassName"] = runtime
    if random.random() < 0.1:
        whole = {"requests": {"cpu": "4", "memory": "5Gi"}}  # at least what its containers ask for together
        spec |= {"resources": whole, "containers": spec["containers"][:1], "initContainers": []}
    labels = {"app": random.choice("xyz")} if random.random() < 0.8 else {}
    if random.random() < 0.08:  # the first of its kind, which is to be near its kind
        labels = {"app": f"own-{number}"}
        term = {"labelSelector": {"matchLabels": labels}, "topologyKey": random.choice(["zone", "disk"])}
        spec.setdefault("affinity", {})["podAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"pod-{number}", "labels": labels}, "spec": spec}


def keeps_away(mark: str) -> Part:
    """A pod that lets no app z into its zone."""
    term = {"labelSelector": {"matchLabels": {"app": "z"}}, "topologyKey": "zone"}
    spec = {
        "containers": [{"name": "c", "image": "none.invalid/none"}],
        "nodeSelector": {OWN: mark, "zone": "a"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
    }
    return {"metadata": {"name": "keeps-away"}, "spec": spec}


def beside(random: Random) -> Part:
    """A term about other pods."""
    operator = random.choice(["In", "In", "NotIn", "Exists", "DoesNotExist"])
    expression: Part = {"key": "app", "operator": operator}
    expression |= {"values": random.sample("xyz", 1)} if operator in ("In", "NotIn") else {}
    selector = random.choice([{"matchExpressions": [expression]}, {"matchLabels": {"app": random.choice("xyz")}}])
    term: Part = {"labelSelector": selector, "topologyKey": random.choice(["zone", "disk", "name", "name"])}
    spaces: Part = random.choice([{}, {}, {}, {"namespaces": ["elsewhere"]}, {"namespaceSelector": {}}])
    return {**term, **spaces}


def an_init(random: Random, name: str) -> Part:
    return {**a_container(random, name), **({"restartPolicy": "Always"} if random.random() < 0.5 else {})}


def a_container(random: Random, name: str, ports: bool = False) -> Part:
    requests = {
        "cpu": random.choice(["0", "1m", "100m", "0.25", "930m", "1", "1.5", "2", "3930m", "1e0"]),
        "memory": random.choice(["0", "64Mi", "100M", "0.5Gi", "1Gi", "1000Mi", "3Gi", "1500000k", "12345678900m"]),
        "ephemeral-storage": random.choice(["1Gi", "3G", "20Gi"]),
    }
    requests = {key: amount for key, amount in requests.items() if random.random() < 0.6}
    limits = {"memory": "4Gi"} if random.random() < 0.4 else {}
    limits |= {"cpu": "4"} if random.random() < 0.2 else {}
    if random.random() < 0.1:
        limits[GPU] = random.choice(["1", "2", "3"])
    if random.random() < 0.08:
        limits |= {"hugepages-2Mi": random.choice(["2Mi", "48Mi"]), "memory": "4Gi"}
    found: Part = {"name": name, "image": "none.invalid/none", "resources": {"requests": requests, "limits": limits}}
    if ports and random.random() < 0.25:
        port: Part = {"containerPort": 80, "hostPort": random.choice([7001, 7002])}
        port |= {"protocol": random.choice(["TCP", "UDP"])} if random.random() < 0.5 else {}
        port |= {"hostIP": random.choice(["127.0.0.1", "127.0.0.2", "0.0.0.0"])} if random.random() < 0.5 else {}
        found["ports"] = [port]
    return found


def a_toleration(random: Random) -> Part:
    found: Part = {} if random.random() < 0.1 else {"key": random.choice(["dedicated", "spot"])}
    if not found or random.random() < 0.3:
        found["operator"] = "Exists"
    elif random.random() < 0.8:
        found["value"] = random.choice(["ml", "web"])
    return found | ({"effect": random.choice(EFFECTS)} if random.random() < 0.5 else {})


def a_term(random: Random, mark: str) -> Part:
    kinds = [
        random.choice(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "name"])
        for _ in range(random.choice([1, 1, 2]))
    ]
    term: Part = {}
    for kind in kinds:
        if kind == "name":
            there = {"key": "metadata.name", "operator": random.choice(["In", "NotIn"]), "values": [f"{mark}-07"]}
            term["matchFields"] = [there]
        else:
            term.setdefault("matchExpressions", []).append(an_expression(random, kind))
    return term


def an_expression(random: Random, operator: str) -> Part:
    if operator in ("Gt", "Lt"):
        return {
            "key": random.choice(["cores", "cores", "disk"]),
            "operator": operator,
            "values": [random.choice("124")],
        }
    found = {"key": random.choice(["disk", "zone"]), "operator": operator}
    values = random.sample(["ssd", "a", "b", "x"], random.choice([1, 2]))
    return found | ({"values": values} if operator in ("In", "NotIn") else {})

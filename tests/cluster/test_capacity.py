"""Whether a pod fits: our arithmetic and the real scheduler's, of the same pods and nodes; and what a user with few rights is told."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kubenb.cluster.access import find_access
from kubenb.cluster.capacity import look
from kubenb.cluster.client import Client
from kubenb.cluster.paths import pods
from kubenb.export.admission import admitted
from kubenb.export.fit import fit
from kubenb.export.predicates import Obstacle, Wanted, obstacles
from kubenb.model.capacity import Capacity
from tests.cluster.made_nodes import NODES, standing
from tests.cluster.random_pods import a_node, a_pod

pytestmark = pytest.mark.cluster
SEED, HOW_MANY_NODES, HOW_MANY_PODS = 20260923, 30, 300
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
Part = dict[str, Any]


@dataclass(frozen=True)
class Lab:
    """Nodes of the test's own, in the real cluster."""

    client: Client
    namespace: str
    mark: str

    def pod(self, name: str) -> str:
        return pods(self.namespace, name)

    def verdict(self, pod: Part) -> tuple[str, str]:
        """(node, '') or ('', the scheduler's words)."""
        path = self.pod(self.client.create(pods(self.namespace), pod)["metadata"]["name"])
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found = self.client.get(path)
            if found["spec"].get("nodeName"):
                return found["spec"]["nodeName"], ""
            for condition in found["status"].get("conditions") or ():
                if (condition["type"], condition["status"]) == ("PodScheduled", "False"):
                    return "", condition["message"]
            time.sleep(0.005)
        raise AssertionError(f"the scheduler has not looked at {path}")

    def delete(self, name: str) -> None:
        self.client.delete(self.pod(name), 0)


@pytest.fixture
def lab(kubeconfig: Path, namespace: str) -> Iterator[Lab]:
    client, random = Client(find_access(None, kubeconfig)), Random(SEED)
    mark = f"kubenb-test-{secrets.token_hex(3)}"
    found = Lab(client, namespace, mark)
    overhead = {"podFixed": {"cpu": "150m", "memory": "100Mi"}}
    scheduling = {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "spot", "operator": "Exists"}]}
    client.create(
        RUNTIMES, {"metadata": {"name": mark}, "handler": "none", "overhead": overhead, "scheduling": scheduling}
    )
    try:
        with standing(client, [a_node(random, number, mark) for number in range(HOW_MANY_NODES)]):
            try:
                _until_the_scheduler_knows(found)
                yield found
            finally:
                names = [each["metadata"]["name"] for each in client.list(pods(namespace))]
                with ThreadPoolExecutor(8) as pool:
                    list(pool.map(found.delete, names))
    finally:
        client.delete(f"{RUNTIMES}/{mark}")


def _until_the_scheduler_knows(lab: Lab) -> None:
    """All the nodes, with their taints: it hears of them a little later than the API server."""
    until = time.monotonic() + 30
    nowhere = {"nodeSelector": {"absent": lab.mark}, "containers": [{"name": "c", "image": "none.invalid/none"}]}
    for number in range(1000):
        name = f"first-{number}"
        _, said = lab.verdict({"metadata": {"name": name}, "spec": nowhere})
        lab.delete(name)
        if said.startswith(f"0/{len(lab.client.list(NODES))} nodes") or time.monotonic() > until:
            return


WORDS = {
    "taint": "node(s) had untolerated taint(s)",
    "closed": "node(s) were unschedulable",
    "selector": "node(s) didn't match Pod's node affinity/selector",
    "port": "node(s) didn't have free ports for the requested pod ports",
    "pods": "Too many pods",
}


def in_its_words(obstacle: Obstacle) -> str:
    return WORDS.get(obstacle.kind) or f"Insufficient {obstacle.about}"


def our_tally(pod: Part, capacity: Capacity) -> Counter[str]:
    wanted = Wanted(admitted(pod, capacity), capacity.claims)
    return Counter(in_its_words(each) for node in capacity.nodes for each in obstacles(wanted, node, node.now))


def its_tally(said: str) -> Counter[str]:
    """'0/31 nodes are available: 1 Too many pods, 30 Insufficient cpu. preemption: …'; until 1.33 each taint by its name."""
    reasons = said.partition("nodes are available: ")[2].partition(". ")[0].removesuffix(".")
    found: Counter[str] = Counter()
    for count, name in re.findall(r"(\d+) (.+?)(?:, (?=\d)|$)", reasons):
        found[re.sub(r"untolerated taint .*", "untolerated taint(s)", name)] += int(count)
    return found


def test_what_fits_is_what_the_real_scheduler_says(lab: Lab) -> None:
    random = Random(SEED)
    bound: list[str] = []
    ways: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for number in range(HOW_MANY_PODS):
        pod = a_pod(random, number, lab.mark, lab.mark)
        capacity = look(lab.client, lab.namespace, kept=0)
        ours = fit(pod, capacity)
        node, said = lab.verdict(pod)
        told = f"seed {SEED}, pod {number}: {pod}\nours: {ours}\nthe scheduler: {node or said}"
        assert not ours.refused, told
        assert ours.now is not None, told
        if node:
            assert node in ours.now, told
            bound.append(pod["metadata"]["name"])
        else:
            assert ours.now == (), told
            if "matchFields" not in str(pod):  # a name in the affinity: it looks at no other node
                assert our_tally(pod, capacity) == its_tally(said), told
                seen.update(its_tally(said).keys())
            lab.delete(pod["metadata"]["name"])
        ways["bound" if node else "waits"] += 1
        if len(bound) > 40 or (bound and random.random() < 0.3):
            lab.delete(bound.pop(random.randrange(len(bound))))
    assert min(ways.values()) > HOW_MANY_PODS / 5, ways
    assert {*WORDS.values(), "Insufficient cpu", "Insufficient memory", "Insufficient example.com/gpu"} <= set(seen), (
        seen
    )

"""Whether a pod fits: our arithmetic and the real scheduler's, of the same pods and nodes; whether the API server would take it; and
what a user with few rights is told.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from kubenb.cli.start import kubenb as command_line
from kubenb.cluster.access import find_access
from kubenb.cluster.capacity import OF_CLUSTER, OF_NAMESPACE, look
from kubenb.cluster.client import NAMES, Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.paths import core, pods
from kubenb.export.admission import admitted
from kubenb.export.fit import fit
from kubenb.export.neighbours import Around
from kubenb.export.predicates import Obstacle, Wanted, obstacles
from kubenb.export.requests import pod_amounts
from kubenb.model.capacity import Capacity
from tests.cluster.made_nodes import NODES, RUNTIMES, standing
from tests.cluster.random_pods import a_node, a_pod, keeps_away

pytestmark = pytest.mark.cluster
SEED, HOW_MANY_NODES, HOW_MANY_PODS = 20260923, 30, 240
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
    "near": "node(s) didn't match pod affinity rules",
    "away": "node(s) didn't match pod anti-affinity rules",
    "kept-off": "node(s) didn't satisfy existing pods anti-affinity rules",
}


def in_its_words(obstacle: Obstacle) -> str:
    return WORDS.get(obstacle.kind) or f"Insufficient {obstacle.about}"


def our_tally(pod: Part, capacity: Capacity) -> Counter[str]:
    made = admitted(pod, capacity)
    wanted, around = Wanted(made, capacity.claims), Around(made, capacity)
    return Counter(
        in_its_words(each)
        for node in capacity.nodes
        for each in (obstacles(wanted, node, node.now) or around.against(node))
    )


def its_tally(said: str) -> Counter[str]:
    """'0/31 nodes are available: 1 Too many pods, 30 Insufficient cpu. preemption: …'; until 1.33 each taint by its name."""
    reasons = said.partition("nodes are available: ")[2].partition(". ")[0].removesuffix(".")
    found: Counter[str] = Counter()
    for count, name in re.findall(r"(\d+) (.+?)(?:, (?=\d)|$)", reasons):
        found[re.sub(r"untolerated taint .*", "untolerated taint(s)", name)] += int(count)
    return found


def test_what_fits_is_what_the_real_scheduler_says(lab: Lab) -> None:
    random = Random(SEED)
    assert lab.verdict(keeps_away(lab.mark))[0]  # and stays
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
            whole = said.startswith(f"0/{len(capacity.nodes)} ")  # no node came or went meanwhile
            if whole and "matchFields" not in str(pod):  # a name in the affinity: it looks at no other node
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


# --- what the API server takes: by its own dry run

LIMITS = {
    "bounds": [
        {"type": "Container", "default": {"memory": "2Gi"}, "defaultRequest": {"memory": "256Mi"}},
        {"type": "Pod", "max": {"memory": "6Gi"}},
    ],
    "more": [
        {"type": "Container", "default": {"cpu": "2"}, "min": {"cpu": "1m"}, "max": {"cpu": "4", "ephemeral-storage": "10Gi"},
         "maxLimitRequestRatio": {"memory": "40"}},
    ],
}  # fmt: skip
QUOTAS = {
    "plain": {
        "hard": {
            "requests.memory": "5Gi",
            "requests.cpu": "3",
            "requests.example.com/gpu": "2",
            "pods": "20",
            "requests.ephemeral-storage": "15Gi",
        }
    },
    "long": {"hard": {"limits.memory": "5Gi"}, "scopes": ["NotTerminating"]},
    "small": {"hard": {"pods": "0"}, "scopes": ["BestEffort"]},
    "first": {
        "hard": {"cpu": "1"},
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}]
        },
    },
}


@pytest.fixture
def bounded(kubeconfig: Path, namespace: str, request: pytest.FixtureRequest) -> Lab:
    """A namespace with limits or none, and with quotas that a pod has used already."""
    found = Lab(Client(find_access(None, kubeconfig)), namespace, f"absent-{secrets.token_hex(3)}")
    path = f"/api/v1/namespaces/{namespace}"
    for name, limits in (LIMITS if request.param else {}).items():
        found.client.create(f"{path}/limitranges", {"metadata": {"name": name}, "spec": {"limits": limits}})
    for name, spec in QUOTAS.items():
        found.client.create(f"{path}/resourcequotas", {"metadata": {"name": name}, "spec": spec})
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if all((each.get("status") or {}).get("hard") for each in found.client.list(f"{path}/resourcequotas")):
            break
        time.sleep(0.1)
    resources = {"requests": {"cpu": "250m", "memory": "300Mi"}, "limits": {"cpu": "250m", "memory": "300Mi"}}
    container = {"name": "c", "image": "none.invalid/none", "resources": resources}
    spec = {"nodeSelector": {"absent": found.mark}, "containers": [container]}
    found.client.create(pods(namespace), {"metadata": {"name": "there"}, "spec": spec})
    return found


@pytest.mark.parametrize("bounded", [False, True], ids=["quota", "limits and quota"], indirect=True)
def test_what_is_refused_is_what_the_api_server_refuses(bounded: Lab) -> None:
    random = Random(SEED)
    capacity = look(bounded.client, bounded.namespace, kept=0)
    ways: Counter[str] = Counter()
    for number in range(HOW_MANY_PODS // 2):
        pod = a_pod(random, number, bounded.mark, bounded.mark)
        pod["spec"].pop("resources", None)
        pod["spec"] |= {"activeDeadlineSeconds": 60} if random.random() < 0.5 else {}
        ours = fit(pod, capacity)
        try:
            made, said = bounded.client.create(pods(bounded.namespace), pod, dryRun="All"), ""
        except ApiError as error:
            made, said = {}, str(error)
        told = f"seed {SEED}, pod {number}: {pod}\nours: {ours}\nthe API server: {said or 'takes it'}"
        assert bool(ours.refused) == bool(said), told
        for quota in re.findall(r"exceeded quota: (\w+)", said):
            assert any(f"quota {quota} leaves" in each for each in ours.refused), told
        if made:
            assert pod_amounts(admitted(pod, capacity)["spec"]) == pod_amounts(made["spec"]), told
            assert {str(each) for each in admitted(pod, capacity)["spec"]["tolerations"]} == {
                str(each) for each in made["spec"]["tolerations"]
            }, told
        ways[re.sub(r".*(quota|RuntimeClass|maximum|minimum|ratio|Invalid).*", r"\1", said, flags=re.DOTALL)] += 1
    assert min(ways["quota"], ways[""], ways["RuntimeClass"]) > 5, ways


# --- few rights


@pytest.fixture
def nobody(bounded: Lab) -> Client:
    """A service account that may look at the quotas of its namespace, and list nothing else."""
    group, path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{bounded.namespace}", bounded.client
    account = f"/api/v1/namespaces/{bounded.namespace}/serviceaccounts"
    path.create(account, {"metadata": {"name": "ana"}})
    rules = [{"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["list"]}]
    path.create(f"{group}/roles", {"metadata": {"name": "ana"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "ana", "namespace": bounded.namespace}
    role = {"kind": "Role", "name": "ana", "apiGroup": "rbac.authorization.k8s.io"}
    path.create(f"{group}/rolebindings", {"metadata": {"name": "ana"}, "subjects": [subject], "roleRef": role})
    ask = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = path.create(f"{account}/ana/token", ask)["status"]["token"]
    access = bounded.client.access
    return Client(replace(access, certificate=None, key=None, user={"token": token}, files=()))


@pytest.mark.parametrize("bounded", [False], ids=["quota"], indirect=True)
def test_who_may_look_at_little_is_told_what_is_not_known(bounded: Lab, nobody: Client) -> None:
    until = time.monotonic() + 20  # a new role holds after a moment
    while (capacity := look(nobody, bounded.namespace, kept=0)).lacks("quotas") and time.monotonic() < until:
        time.sleep(0.1)
    lists = (*OF_CLUSTER, *OF_NAMESPACE)
    assert {each.what for each in capacity.missing} == {kind.words for kind in lists} - {"quotas"}
    assert capacity.lacks("nodes") == "this user may not list nodes"
    container = {"name": "c", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}}
    spec = {"containers": [container], "activeDeadlineSeconds": 60}
    found = fit({"metadata": {"name": "x"}, "spec": spec}, capacity)
    assert (found.now, found.empty, found.ok) == (None, None, None)
    assert found.words == (
        "Quota leaves 2.75 cpu and 4.7Gi; not counted: which nodes fit (this user may not list nodes), "
        "what limits the namespace sets (this user may not list limit ranges)."
    )


# --- the command


def test_the_command_says_where_the_tasks_of_a_notebook_fit(
    here: Path, context: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(here))
    path = tmp_path / "tried.py"
    cells = ["%%k8s_task small --cpu 10m --memory 16Mi\na = 1", "%%k8s_task huge --cpu 900 --memory 16Mi\nb = 1"]
    path.write_text("".join(f"# %%\n# {cell}\n\n" for cell in cells))

    def said(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(command_line, ["capacity", *words, "--context", context])
        return done.exit_code, done.output

    code, text = said(str(path), "--task", "small")
    assert code == 0, text
    assert re.match(r"small \(0\.01 cpu, 16Mi memory\): Fits on \d+ of \d+ nodes? now", text), text
    code, text = said(str(path))
    assert code == 1, text
    assert re.search(r"^huge \(900 cpu, 16Mi memory\): Fits on none of \d+ nodes?, empty or not; ", text, re.M), text
    code, text = said(str(path), "--json")
    assert [(each["task"], each["fit"]["ok"]) for each in json.loads(text)["tasks"]] == [
        ("small", True),
        ("huge", False),
    ]
    code, text = said()
    assert (code, "free now" in text, "kube-root-ca.crt" in text) == (0, True, True), text
    assert said(str(path), "--task", "smal")[1].strip().endswith("Did you mean small?")


def test_of_secrets_and_config_maps_only_the_names_come(kubeconfig: Path, namespace: str) -> None:
    client = Client(find_access(None, kubeconfig))
    for kind in ("secrets", "configmaps"):
        client.create(core(namespace, kind), {"metadata": {"name": f"own-{kind}"}, "data": {"key": "aGlkZGVu"}})
        came = client.list(core(namespace, kind), accept=NAMES)
        assert f"own-{kind}" in str(came)
        assert "aGlkZGVu" not in str(came)
    capacity = look(client, namespace, kept=0)
    assert (capacity.secrets, "own-configmaps" in capacity.config_maps) == (("own-secrets",), True)
    assert "aGlkZGVu" not in str(capacity)

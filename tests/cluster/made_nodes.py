"""Nodes that are objects only, with no kubelet behind them: the real scheduler places pods on them, and nothing runs.

They carry a taint and a label of the test's own, so that no other pod of the cluster lands there. Next room:
`test_capacity`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import Any

from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError

Part = dict[str, Any]
NODES, LEASES = "/api/v1/nodes", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
OWN = "kubenb-test/nodes"
LEFT = 600  # seconds: nodes that old are of a test that was killed
RENEWED = 10.0  # seconds; a node that is not heard of for 50 is tainted
PATIENCE = 60.0


def node(name: str, mark: str, labels: Part, allocatable: Part, taints: Iterable[Part] = (), **spec: Any) -> Part:
    own = {"key": OWN, "value": mark, "effect": "NoSchedule"}
    return {
        "metadata": {"name": name, "labels": {**labels, OWN: mark}},
        "spec": {"taints": [own, *taints], **spec},
        "status": {
            "capacity": allocatable,
            "allocatable": allocatable,
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": now()[:19] + "Z"}
            ],
        },
    }


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@contextlib.contextmanager
def standing(client: Client, made: list[Part]) -> Iterator[None]:
    """The nodes, ready, and kept so; afterwards they and their leases are gone, whatever happened."""
    _sweep(client)
    names = [str(each["metadata"]["name"]) for each in made]
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(client, names, ended))
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: _make(client, each), made))
        keeper.start()
        _ready(client, made)
        yield
    finally:
        ended.set()
        if keeper.ident:
            keeper.join()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(client.delete, [f"{place}/{name}" for place in (NODES, LEASES) for name in names]))


def _sweep(client: Client) -> None:
    """What a killed test left: its nodes, their leases, and the class that has its mark."""
    for each in client.list(NODES, labelSelector=OWN):
        metadata = each["metadata"]
        made = datetime.fromisoformat(metadata["creationTimestamp"].replace("Z", "+00:00"))
        if (datetime.now(timezone.utc) - made).total_seconds() > LEFT:
            for path in (
                f"{NODES}/{metadata['name']}",
                f"{LEASES}/{metadata['name']}",
                f"{RUNTIMES}/{metadata['labels'][OWN]}",
            ):
                client.delete(path)


def _make(client: Client, made: Part) -> None:
    name = made["metadata"]["name"]
    client.create(LEASES, {"metadata": {"name": name}, "spec": _lease(name)})
    client.create(NODES, made)


def _lease(name: str) -> Part:
    return {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": now()}


def _keep(client: Client, names: list[str], ended: threading.Event) -> None:
    while not ended.wait(RENEWED):
        for name in names:
            with contextlib.suppress(ApiError):
                client.patch(f"{LEASES}/{name}", {"spec": _lease(name)})


def _ready(client: Client, made: list[Part]) -> None:
    """Until the taints of a new node have gone, and a closed one has its own."""
    wanted = {
        each["metadata"]["name"]: len(each["spec"]["taints"]) + bool(each["spec"].get("unschedulable")) for each in made
    }
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = {each["metadata"]["name"]: len(each["spec"].get("taints") or ()) for each in client.list(NODES)}
        if all(found.get(name) == count for name, count in wanted.items()):
            return
        time.sleep(0.1)
    raise AssertionError(f"the nodes do not become ready: {found}")

"""Pods and volumes of the cluster under test, made and looked at by the official client. Next room: the tests."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 120


@contextmanager
def own_namespace(oracle: Any) -> Iterator[str]:
    """A namespace for one test or one module, ready for pods."""
    name = f"kubenb-test-{secrets.token_hex(4)}"
    oracle.create_namespace({"metadata": {"name": name}})
    try:
        while not oracle.list_namespaced_service_account(name, field_selector="metadata.name=default").items:
            time.sleep(0.05)
        yield name
    finally:
        oracle.delete_namespace(name, propagation_policy="Background")


def ended(oracle: Any, namespace: str, name: str) -> str:
    """The phase in which a pod ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        phase = str(oracle.read_namespaced_pod(name, namespace).status.phase)
        if phase in ("Succeeded", "Failed"):
            return phase
        time.sleep(0.1)
    raise AssertionError(f"pod {name} has not ended: {oracle.read_namespaced_pod(name, namespace).status}")


def left(oracle: Any, namespace: str, seconds: float = 30) -> list[str]:
    """Pods that are still there after a while: those that were deleted have their grace period."""
    until = time.monotonic() + seconds
    while True:
        names = [str(pod.metadata.name) for pod in oracle.list_namespaced_pod(namespace).items]
        if not names or time.monotonic() > until:
            return names
        time.sleep(0.2)


@contextmanager
def claims(oracle: Any, namespace: str, folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """Claims of these names, each bound to a folder of this machine below `folder`: what pods leave there is read here."""
    made = []
    for name in names:
        place = folder / name
        place.mkdir(parents=True)
        place.chmod(0o777)
        size = {"storage": "1Gi"}
        how = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
        volume = f"{namespace}-{name}"
        spec = {**how, "capacity": size, "hostPath": {"path": str(place)}, "persistentVolumeReclaimPolicy": "Retain"}
        oracle.create_persistent_volume(
            {"metadata": {"name": volume}, "spec": {**spec, "claimRef": {"namespace": namespace, "name": name}}}
        )
        made.append(volume)
        oracle.create_namespaced_persistent_volume_claim(
            namespace,
            {"metadata": {"name": name}, "spec": {**how, "resources": {"requests": size}, "volumeName": volume}},
        )
    try:
        yield folder
    finally:
        for volume in made:
            oracle.delete_persistent_volume(volume)

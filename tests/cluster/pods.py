"""Pods of the cluster under test, looked at by the official client. Next room: the tests."""

from __future__ import annotations

import time
from typing import Any

PATIENCE = 120


def ended(oracle: Any, namespace: str, name: str) -> str:
    """The phase in which a pod ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        phase = str(oracle.read_namespaced_pod(name, namespace).status.phase)
        if phase in ("Succeeded", "Failed"):
            return phase
        time.sleep(0.1)
    raise AssertionError(f"pod {name} has not ended: {oracle.read_namespaced_pod(name, namespace).status}")

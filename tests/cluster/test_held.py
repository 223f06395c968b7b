"""A task's runtime in a real pod that somebody waits for: memory by the container's own count, and the line that ran out of it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.unit.inside.pods import environment, notebook

TOKEN = "ab12"
EATS = "held = []\n\nfor _ in range(100):\n    held.append(bytearray(b'x' * (8 << 20)))\n"


def _pod(store: Path) -> dict[str, Any]:
    from kubenb.inside.bundle import BOOT

    names = ("KUBENB_", "PYTHON")
    told = environment(
        notebook("x = 1", EATS), store, KUBENB_HOLD=f"{TOKEN} 1 0", KUBENB_STORE="/tmp/store", TMPDIR="/tmp"
    )
    env = [
        {"name": name, "value": value}
        for name, value in told.items()
        if name.startswith(names) and name != "PYTHONPATH"
    ]
    memory = {"memory": "128Mi"}
    container = {
        "name": "base",
        "image": "kubenb.test/python:3.11",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", BOOT],
        "env": [*env, {"name": "TMPDIR", "value": "/tmp"}],
        "resources": {"limits": memory, "requests": memory},
    }
    return {"metadata": {"name": "eats"}, "spec": {"restartPolicy": "Never", "containers": [container]}}


def test_a_task_that_runs_out_of_memory_names_its_line(oracle: Any, namespace: str, tmp_path: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            oracle.create_namespaced_pod(namespace, _pod(tmp_path))
            break
        except Exception as error:  # the namespace's service account comes a moment after it
            if "serviceaccount" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.1)
    while oracle.read_namespaced_pod("eats", namespace).status.phase in ("Pending", "Running"):
        assert time.monotonic() < until
        time.sleep(0.2)
    log = oracle.read_namespaced_pod_log("eats", namespace)
    told = [json.loads(line.partition(" ")[2]) for line in log.split("\n") if line.startswith("\x1e")]
    first, last = told[0], told[-1]
    assert 0 < first["memory"] < first["limit"] == 128 << 20
    assert (last["ended"], last["kind"], last["cell"]) == (137, "killed", 2)
    assert last["line"] in (3, 4)
    assert 120 << 20 < last["peak"] <= 128 << 20
    ended = oracle.read_namespaced_pod("eats", namespace).status.container_statuses[0].state.terminated
    assert ended.exit_code == 137

"""A pod's first line, from the moment it is asked for: `--run pod` beside a bare pod made and followed by the API alone.

Wall seconds, as a cluster's own work counts. Needs one: KUBENB_TEST_KUBECONFIG names it (`tests/cluster/up` prints it), with its image.
"""

from __future__ import annotations

import os
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import Row, Rows
from kubenb.actions import read
from kubenb.cluster import paths
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.run.events import Event
from kubenb.run.pods import Where, run_pods
from kubenb.testing.notebooks import save

IMAGE = "kubenb.test/python:3.11"
TIMES = 5


def bare(client: Client) -> float:
    """POST, then the log asked for until there is a line."""
    name = f"bench-{secrets.token_hex(4)}"
    base = {"name": "base", "image": IMAGE, "command": ["python", "-c", "print('first', flush=True)"]}
    pod: dict[str, Any] = {
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [base]},
    }
    began = time.perf_counter()
    client.create(paths.pods(client.namespace), pod)
    while True:
        try:
            if b"first" in b"".join(client.stream(paths.pods(client.namespace, name, "log"), follow="true")):
                break
        except ApiError:
            time.sleep(0.01)
    took = time.perf_counter() - began
    client.delete(paths.pods(client.namespace, name), 0)
    return took


def ours(client: Client, notebook: Path, folder: Path) -> float:
    """Until the line is shown."""
    shown: list[float] = []

    def watch(event: Event) -> None:
        if event.kind == "lines" and "first" in event.text:
            shown.append(time.perf_counter())

    pipeline = read(notebook)
    began = time.perf_counter()
    run_pods(pipeline, folder, Where(client, check=False), None, watch)
    return shown[0] - began


def rows(slow: bool) -> Rows:
    given = os.environ.get("KUBENB_TEST_KUBECONFIG")
    if not given:
        print("a pod's first line: not measured, KUBENB_TEST_KUBECONFIG names no cluster")
        return
    client = Client(find_access(None, Path(given)))
    with tempfile.TemporaryDirectory() as folder:
        notebook = save(
            Path(folder, "one.ipynb"), f"%k8s_dag one --image {IMAGE} --cpu 10m", "%%k8s_task first\nprint('first')"
        )
        bare(client), ours(client, notebook, Path(folder, "warm"))
        pairs = [(bare(client), ours(client, notebook, Path(folder, f"run{n}"))) for n in range(TIMES)]
    floor, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield Row("a pod's first line shown (wall)", mine, floor, "a bare pod by the API", 1.05)

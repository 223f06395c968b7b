"""Whoever is killed, whenever: afterwards the cluster has nothing of it; and whoever runs at once does not meet."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.runs import started, sweep
from kubenb.testing.notebooks import code, save
from tests.cluster.pods import left

SETTING = "%k8s_dag many --image kubenb.test/python:3.11 --memory 64Mi --cpu 10m"
CELLS = (
    SETTING,
    code("n = 3", "parameters"),
    "%%k8s_task make\nrows = [n] * 3",
    "%%k8s_task total\nimport time\ntime.sleep(0.5)\ntotal = sum(rows)\nprint('total', total)",
)
KILLS, AT_ONCE = 12, 4


def run(notebook: Path, to: Path, config: Path, *words: str) -> subprocess.Popen[str]:
    context = next(iter(find_access(None, config).context.split()))
    command = [sys.executable, "-m", "kubenb", "run", str(notebook), "--to", str(to), "--on", context, *words]
    env = {**os.environ, "KUBECONFIG": str(config)}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=notebook.parent
    )


def test_kills_at_any_moment_leave_nothing_once_gc_has_run(
    here: Path, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    draw = random.Random(7)
    notebook = save(tmp_path / "many.ipynb", *CELLS)
    waiting = [(tmp_path / f"to{number}", draw.uniform(0.4, 5.0)) for number in range(KILLS)]
    killed = 0
    while waiting:
        batch, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
        began = time.monotonic()
        processes = [(run(notebook, to, here), after) for to, after in batch]
        for process, after in sorted(processes, key=lambda pair: pair[1]):
            time.sleep(max(0.0, began + after - time.monotonic()))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
    assert killed >= KILLS // 2
    client = Client(find_access(None, here))
    later = datetime.now(timezone.utc) + timedelta(minutes=10)
    sweep(client, started(client), later)
    assert left(oracle, namespace) == []
    assert oracle.list_namespaced_secret(namespace).items == []
    assert [each.metadata.name for each in oracle.list_namespaced_config_map(namespace).items] == ["kube-root-ca.crt"]
    assert oracle.list_namespaced_persistent_volume_claim(namespace).items == []


def test_two_runs_of_one_notebook_in_one_second_do_not_meet(
    here: Path, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    notebook = save(tmp_path / "many.ipynb", *CELLS)
    both = [run(notebook, tmp_path / f"to{n}", here, "-p", f"n={n}", "-v") for n in (1, 5)]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert ["total 3\n" in said[0], "total 15\n" in said[1]] == [True, True], said
    assert ["total 15\n" in said[0], "total 3\n" in said[1]] == [False, False]
    assert left(oracle, namespace) == []


def test_the_items_of_a_fan_out_run_at_once_each_in_its_pod(
    here: Path, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    body = "%%k8s_task square\n#| map: k in [0, 1, 2, 3, 4, 5, 6, 7]\nimport time\ntime.sleep(1)\nsquare = k * k"
    notebook = save(tmp_path / "fan.ipynb", SETTING, body, "%%k8s_task add\nprint('sum', sum(square))")
    process = run(notebook, tmp_path / "to", here, "-v")
    said = process.communicate(timeout=180)[0]
    assert process.returncode == 0, said
    assert "sum 140" in said
    assert said.index("square[7]: started") < said.index("square[0]: done") or said.index(
        "square[7]: started"
    ) < said.index("square[1]: done")
    assert left(oracle, namespace) == []


@pytest.mark.parametrize("presses", [1, 2, 3])
def test_interrupts_end_a_run_within_seconds_and_its_pods_with_it(
    here: Path, oracle: Any, namespace: str, tmp_path: Path, presses: int
) -> None:
    notebook = save(tmp_path / "long.ipynb", SETTING, "%%k8s_task long\nimport time\ntime.sleep(300)")
    process = run(notebook, tmp_path / "to", here)
    while not oracle.list_namespaced_pod(namespace).items:
        time.sleep(0.1)
    time.sleep(0.4 * presses)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 130, said
    assert "ended by the interrupt; its pod is deleted" in said
    assert left(oracle, namespace) == []


def test_attaching_to_what_is_gone_says_so(here: Path, namespace: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kubenb", "logs", "nothing"]
    done = subprocess.run(
        command, env={**os.environ, "KUBECONFIG": str(here)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "there is no started task nothing in context" in done.stderr

"""The command line as a process: interrupts, a closed pipe, nothing left running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.cli.small import CELLS, environment, kubenb, small

SLOW = (
    *CELLS[:4],
    "%%k8s_task train\nimport os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(60)\ntotal = sum(rows)",
    CELLS[5],
)


def gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_ends_its_tasks_and_says_how_to_go_on(number: signal.Signals, tmp_path: Path) -> None:
    notebook = small(tmp_path, *SLOW)
    command = [sys.executable, "-m", "kubenb", "run", str(notebook), "--to", "out"]
    run = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "out" / "train.log"
    until = time.monotonic() + 60
    pid = None
    while pid is None and time.monotonic() < until:
        pid = re.search(r"pid (\d+)", log.read_text()) if log.exists() else None
        time.sleep(0.05)
    assert pid
    run.send_signal(number)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert "train: interrupted" in err
    assert "Left: train, report. What is done is kept: kubenb run" in out
    assert gone(int(pid[1]))
    assert "time.sleep(60)" in (tmp_path / "out" / "train.ipynb").read_text()
    small(tmp_path)
    assert "extract: reused" in kubenb("run", notebook, "--to", "out", folder=tmp_path).stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "kubenb", "options"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert run.stdout
    assert run.stderr
    os.close(os.dup(run.stdout.fileno()))
    run.stdout.read(10)
    run.stdout.close()
    assert b"Traceback" not in run.stderr.read()
    run.stderr.close()
    run.wait()


def test_nothing_of_the_notebook_runs_on_check_graph_and_export(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    notebook = small(tmp_path, CELLS[0], CELLS[1], trap, *CELLS[2:])
    for words in (["graph"], ["check"], ["config"], ["plan"], ["export", "--to", "dags"]):
        assert kubenb(words[0], notebook, *words[1:], folder=tmp_path).returncode == 0
    assert not (tmp_path / "ran").exists()

"""A standing Airflow 3 as small as it is real: API server, DAG processor and a scheduler with LocalExecutor, over sqlite, on loopback.

`airflow dags test` runs one task after another and takes the place of the scheduler; whether a task is tried again, and whether mapped
tasks run at once, only a scheduler can show. In: a migrated home (`rig.Airflow`), a folder of DAG files, the connection to the cluster.
Out: `Standing`: what became of the runs (each DAG is `@once`, so the scheduler starts it by itself) and the tasks' logs.
Next room: `test_dags_scheduled`.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.rig import Airflow

# The operators look more often than every 5 seconds, as in `rig`; retries stay as the DAG says.
POLICY = """
def task_policy(task):
    often = {"startup_check_interval_seconds": 0.5, "base_container_status_polling_interval": 0.5}
    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs.update(often)
    else:
        vars(task).update(often)
"""
PATIENCE = 400
PARTS = {"api-server": ("--workers", "1"), "dag-processor": (), "scheduler": ("--skip-serve-logs",)}


@dataclass(frozen=True)
class Try:
    """One try of a task."""

    task: str
    item: int
    number: int
    state: str
    log: str


@dataclass(frozen=True)
class Standing:
    """The running Airflow, asked by its database and its logs."""

    home: Path

    def ask(self, query: str, *values: str) -> list[tuple[str, ...]]:
        """Rows of Airflow's database; none while it is not there or somebody writes."""
        try:
            with closing(sqlite3.connect(f"file:{self.home / 'airflow.db'}?mode=ro", uri=True, timeout=10)) as database:
                return database.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def state(self, dag: str) -> str:
        """Of the DAG's one run: running, success or failed."""
        rows = self.ask("select state from dag_run where dag_id = ?", dag)
        return rows[0][0] if rows else "none"

    def ended(self, dag: str) -> str:
        """The state in which the DAG's run ended."""
        deadline = time.monotonic() + PATIENCE
        while (state := self.state(dag)) not in ("success", "failed"):
            assert time.monotonic() < deadline, f"{dag} is {state}: {self.tries(dag)}\n{self.said()}"
            time.sleep(0.2)
        return state

    def tries(self, dag: str) -> list[Try]:
        """All tries of all tasks of the run, with their logs."""
        columns = "task_id, map_index, try_number, state"
        rows = self.ask(
            f"select {columns} from task_instance where dag_id = ? union select {columns} from task_instance_history where dag_id = ?",
            dag,
            dag,
        )
        return [
            Try(task, int(item), int(number), state, self._log(dag, task, int(item), int(number)))
            for task, item, number, state in sorted(rows)
        ]

    def _log(self, dag: str, task: str, item: int, number: int) -> str:
        """What the task's log says, its events in a line each."""
        mapped = f"map_index={item}/" if item >= 0 else ""
        found = list(
            (self.home / "logs" / f"dag_id={dag}").glob(f"run_id=*/task_id={task}/{mapped}attempt={number}.log")
        )
        lines = found[0].read_text().splitlines() if found else []
        return "\n".join(str(json.loads(line).get("event")) if line.startswith("{") else line for line in lines)

    def said(self) -> str:
        """The last words of each part."""
        return "\n".join(f"== {name}\n{(self.home / f'{name}.log').read_text()[-3000:]}" for name in PARTS)


@contextmanager
def standing(airflow: Airflow, dags: Path, connection: dict[str, object], place: Path) -> Iterator[Standing]:
    """Starts it; ends every part of it."""
    home = place / "standing"
    shutil.copytree(
        airflow.home, home, ignore=shutil.ignore_patterns("airflow.cfg", "logs")
    )  # they name the other home
    (home / "config" / "airflow_local_settings.py").write_text(POLICY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = {
        "CORE__DAGS_FOLDER": str(dags),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "9",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__SECRET_KEY": secrets.token_hex(16),
        "API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    }
    own = {f"AIRFLOW__{name}": value for name, value in settings.items()}
    kubernetes = {"conn_type": "kubernetes", "extra": {"in_cluster": False, **connection}}
    env = airflow.environment(home, **own, AIRFLOW_CONN_KUBERNETES_DEFAULT=json.dumps(kubernetes))
    with ExitStack() as stack:
        for part, words in PARTS.items():
            log = stack.enter_context((home / f"{part}.log").open("wb"))
            command = [str(airflow.python), "-m", "airflow", part, *words]
            if part == "scheduler":  # its tasks ask the API server at once
                _wait_for(port)
            stack.callback(_end, subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=home))
        yield Standing(home)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the API server does not come up"
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

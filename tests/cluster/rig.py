"""A real Airflow that runs DAGs on a real cluster: unmodified provider code, no scheduler.

A home is migrated once a session and copied for each run, so that runs don't see each other. A cluster policy, Airflow's own means for it,
makes the operators look more often than every 5 seconds. Next room: the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POLICY = """
def task_policy(task):
    often = {"startup_check_interval_seconds": 0.1, "base_container_status_polling_interval": 0.1, "retries": 0}
    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs.update(often)
    else:
        vars(task).update(often)
"""
SECONDS = 600


@dataclass(frozen=True)
class Ran:
    """Whether the DAG run succeeded, and all that Airflow said meanwhile: every task's log."""

    ok: bool
    said: str


@dataclass(frozen=True)
class Airflow:
    """One version, with its migrated home."""

    python: Path
    home: Path

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """What a command of this Airflow needs, and nothing that the user has set for another."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "KUBE", "PYTHON"))}
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        own = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PATH": path}
        return {**kept, **own, **more}

    def migrate(self) -> None:
        """Makes the home and its database."""
        (self.home / "config").mkdir(parents=True)
        (self.home / "config" / "airflow_local_settings.py").write_text(POLICY)
        command = [str(self.python), "-m", "airflow", "db", "migrate"]
        done = subprocess.run(command, env=self.environment(self.home), capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr

    def test(
        self,
        dags: Path,
        dag_id: str,
        connection: Mapping[str, object],
        place: Path,
        params: dict[str, object] | None = None,
    ) -> Ran:
        """`airflow dags test`: the whole DAG, one task after another."""
        home = place / "airflow-home"
        # Its airflow.cfg names the database of the home that it was made for.
        shutil.copytree(self.home, home, ignore=shutil.ignore_patterns("airflow.cfg", "logs"))
        kubernetes = {"conn_type": "kubernetes", "extra": {"in_cluster": False, **connection}}
        env = self.environment(
            home,
            AIRFLOW__CORE__DAGS_FOLDER=str(dags),
            AIRFLOW_CONN_KUBERNETES_DEFAULT=json.dumps(kubernetes),
        )
        command = [str(self.python), "-m", "airflow", "dags", "test", dag_id, "2026-01-01"]
        command += ["--conf", json.dumps(params)] if params else []
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, cwd=place)
        said = done.stdout + done.stderr
        return Ran("state=success" in said, said)

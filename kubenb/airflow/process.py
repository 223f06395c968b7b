"""Asks a Python that has Airflow about a DAG file, in a process that leaves nothing behind.

Airflow gets a home of its own in a temporary folder and none of the user's AIRFLOW variables, so that the answer depends on its version
only, and no database, log or configuration of the user's is touched. In: the file, the Python or its environment's folder. Out: what
`probe` answered there, as JSON has it. Next room: `check`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubenb.model.problems import Place, refuse

Answer = dict[str, Any]

PROBE = Path(__file__).with_name("probe.py")
SECONDS = 300
_DROPPED = ("AIRFLOW", "KUBENB_", "PYTHON", "VIRTUAL_ENV", "__PYVENV")


def python_of(path: Path) -> Path:
    """The Python itself, where its environment's folder was named."""
    for candidate in (path, path / "bin" / "python"):
        if candidate.is_file() and os.access(candidate, os.X_OK):
            return candidate.absolute()
    fix = "Name a Python that has Airflow (--airflow .airflow/3.3/bin/python) or its environment's folder."
    raise refuse(Place(), f"there is no Python at {path}.", fix, "airflow.no-python")


class Question:
    """One running probe; `answer()` waits for it. `seed` differs between two that are to agree."""

    def __init__(self, dag_file: Path, python: Path, fields: Mapping[str, list[str]] | None, seed: int = 0) -> None:
        self._python = python_of(python)
        self._home = tempfile.TemporaryDirectory(prefix="kubenb-airflow-", ignore_cleanup_errors=True)
        home = Path(self._home.name)
        self._file = home / "answer.json"
        question = {
            "dag_file": str(dag_file.absolute()),
            "answer": str(self._file),
            "fields": fields or {},
            "pods": fields is not None,
        }
        (home / "question.json").write_text(json.dumps(question))
        self._said = (home / "said.txt").open("wb+")
        with (home / "question.json").open("rb") as stdin:
            self._process = subprocess.Popen(
                [str(self._python), "-c", PROBE.read_text(encoding="utf-8")],
                stdin=stdin,
                stdout=self._said,
                stderr=subprocess.STDOUT,
                cwd=home,
                env=_environment(home, seed),
            )

    def answer(self) -> Answer:
        """What it said; refused with its last lines where it said nothing of use."""
        try:
            code = self._process.wait(SECONDS)
            if code == 0 and self._file.exists():
                found: Answer = json.loads(self._file.read_text(encoding="utf-8"))
                return found
            self._said.seek(0)
            last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
        except subprocess.TimeoutExpired:
            last = [f"it took longer than {SECONDS} seconds"]
        finally:
            self.close()
        fix = "Is this a Python with Airflow 2.11 or 3.x and its cncf.kubernetes provider?"
        raise refuse(
            Place(file=str(self._python)), f"Airflow did not answer: {' '.join(last)}.", fix, "airflow.no-answer"
        )

    def close(self) -> None:
        """Ends the process if it still runs, and removes its home."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._home.cleanup()


def ask(dag_file: Path, python: Path, fields: Mapping[str, list[str]] | None = None) -> Answer:
    """Asks once; `fields` (Airflow fields by task) asks for pods too. The answer's shape is `probe`'s.

    Two processes with different hash seeds and time zones read the file, as Airflow's machines will: `unstable` names the DAGs
    that they serialise differently.
    """
    first = Question(dag_file, python, fields, seed=1)
    try:
        second = Question(dag_file, python, None, seed=2)
    except BaseException:
        first.close()
        raise
    try:
        found, again = first.answer(), second.answer()
    finally:
        first.close()
        second.close()
    other = {name: dag["serialised"] for name, dag in again["dags"].items()}
    found["unstable"] = [name for name, dag in found["dags"].items() if dag["serialised"] != other.get(name)]
    return found


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a command of that Airflow needs, and nothing that the user has set for another."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {**kept, **own, **more}


def _environment(home: Path, seed: int) -> dict[str, str]:
    return environment(
        home,
        AIRFLOW__DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL="warning",
        PYTHONHASHSEED=str(seed),
        TZ="UTC" if seed == 1 else "Asia/Kolkata",
    )

"""Plays a DAG file once in a real Airflow, in a process of its own, with a home of its own that is gone afterwards.

The user's AIRFLOW variables, database and configuration are not touched, and no other DAG of the file's folder is read. In: the file, the
Python, its migrated database (`homes`). Out: what `player` tells from in there, event by event. Next room: `kubenb.run.rehearsal`.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from kubenb.airflow.homes import put_database
from kubenb.airflow.process import environment

Told = dict[str, Any]

ENDED = "gone"  # the event of a process that is no more
_INSIDE = ("probe.py", "player.py")
_FILES = {
    "config/airflow_local_settings.py": "from kubenb.airflow.player import task_policy\n",
    "plugins/kubenb_rehearsal.py": "from airflow.plugins_manager import AirflowPlugin\n\nfrom kubenb.airflow.player import listener\n\n\n"
    'class Rehearsal(AirflowPlugin):\n    name = "kubenb_rehearsal"\n    listeners = [listener()]\n',
}


class Playing:
    """One Airflow that has one DAG. A context manager: at its end nothing of it is left."""

    def __init__(self, dag_file: Path, python: Path, version: str, say: Callable[[str], None]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kubenb-airflow-", ignore_cleanup_errors=True)
        self.home = Path(self._folder.name)
        self.kubeconfig = self.home / "kubeconfig"
        self.said = self.home / "said.txt"
        self.told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self._stopped = False
        try:
            _furnish(self.home, dag_file)
            put_database(python, version, self.home, say)
            self._process = self._start(python, self.home / "dags" / dag_file.name)
        except BaseException:
            self._folder.cleanup()
            raise

    def _start(self, python: Path, dag_file: Path) -> subprocess.Popen[bytes]:
        reader, writer = os.pipe()
        env = environment(
            self.home,
            AIRFLOW_CONN_KUBERNETES_DEFAULT=json.dumps({"conn_type": "kubernetes", "extra": {"namespace": "default"}}),
            KUBECONFIG=str(self.kubeconfig),
            KUBENB_REHEARSAL_KUBECONFIG=str(self.kubeconfig),
            KUBENB_REHEARSAL_EVENTS=str(writer),
            PYTHONPATH=str(self.home / "inside"),
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONUNBUFFERED="1",
            AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX="glob",
        )
        with self.said.open("wb") as said:
            process = subprocess.Popen(
                [str(python), "-m", "kubenb.airflow.player"],
                env=env,
                cwd=self.home,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[writer],
            )
        os.close(writer)
        threading.Thread(target=self._read, args=(reader, process), daemon=True).start()
        _write(process, {"dag_file": str(dag_file)})
        return process

    def _read(self, reader: int, process: subprocess.Popen[bytes]) -> None:
        with os.fdopen(reader, "rb") as pipe:
            for line in pipe:
                self.told.put(json.loads(line))
        self.told.put({"event": ENDED, "code": process.wait()})

    def begin(self, conf: Mapping[str, object], date: str) -> None:
        """The word to play it."""
        _write(self._process, {"conf": dict(conf), "date": date})

    def last_lines(self, most: int = 20) -> tuple[str, ...]:
        """The end of what Airflow said."""
        lines = self.said.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(line for line in lines if line.strip())[-most:]

    def stop(self) -> None:
        """Ends the whole group, whether its first process still runs or not."""
        if not self._stopped:
            self._stopped = True
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> Playing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._folder.cleanup()


def _write(process: subprocess.Popen[bytes], line: Told) -> None:
    assert process.stdin
    with contextlib.suppress(BrokenPipeError):  # it is no more: its last event says so
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()


def _furnish(home: Path, dag_file: Path) -> None:
    """The home: the file with all that lies beside it, of which Airflow reads it alone; and what travels."""
    dags = home / "dags"
    dags.mkdir()
    for beside in dag_file.absolute().parent.iterdir():
        if beside.name not in (".airflowignore", "__pycache__"):
            (dags / beside.name).symlink_to(beside)
    (dags / ".airflowignore").write_text(f"*\n!{dag_file.name}\n")
    for name, text in _FILES.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text)
    package = home / "inside" / "kubenb" / "airflow"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    for name in _INSIDE:
        shutil.copyfile(Path(__file__).with_name(name), package / name)

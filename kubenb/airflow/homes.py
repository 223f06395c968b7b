"""Homes for an Airflow that runs something: a folder with its database, migrated and empty.

Airflow takes 12 to 27 seconds to make a database, so it is made once a version and kept in the user's cache folder; a home gets a
copy. Two that start at once wait for one another. In: a Python that has Airflow. Out: its version, and the database in its home.
Next room: `playing`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from kubenb.airflow.process import environment
from kubenb.model.problems import Place, refuse

DATABASE = "airflow.db"
SECONDS = 300
_VERSION = """
from importlib.metadata import PackageNotFoundError, version
for name in ("apache-airflow-core", "apache-airflow"):
    try:
        print(version(name))
        break
    except PackageNotFoundError:
        pass
"""


def version_of(python: Path) -> str:
    """The Airflow that this Python has; refused where it has none."""
    try:
        asked = subprocess.run([str(python), "-I", "-c", _VERSION], capture_output=True, text=True, timeout=60)
        found = asked.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        found = ""
    if not found:
        fix = "Name one that has Airflow 2.11 or 3.x and its cncf.kubernetes provider."
        raise refuse(Place(file=str(python)), "this Python has no Airflow.", fix, "airflow.none")
    return found


def cache_folder() -> Path:
    """Where databases are kept between rehearsals."""
    around = os.environ.get("XDG_CACHE_HOME")
    return Path(around or Path.home() / ".cache") / "kubenb"


def put_database(python: Path, version: str, home: Path, say: Callable[[str], None]) -> None:
    """A migrated database in `home`; `say` is told where it has to be made first."""
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"airflow-{version}.lock").open("w")
    except OSError:  # a user without a folder for caches waits each time
        say(_MAKING)
        _migrate(python, home)
        return
    kept = folder / f"airflow-{version}.db"
    with lock:
        if not kept.exists():
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            say(_MAKING)
            _make(python, kept)
        shutil.copyfile(kept, home / DATABASE)


_MAKING = "making its database: once for this version, up to half a minute"


def _make(python: Path, kept: Path) -> None:
    """Whole or not at all: made aside, then renamed."""
    with tempfile.TemporaryDirectory(prefix="kubenb-airflow-", ignore_cleanup_errors=True) as folder:
        _migrate(python, Path(folder))
        aside = kept.with_name(f".{kept.name}.{os.getpid()}")
        shutil.copyfile(Path(folder, DATABASE), aside)
        os.replace(aside, kept)


def _migrate(python: Path, home: Path) -> None:
    with (home / "migrate.txt").open("wb+") as said:
        process = subprocess.Popen(
            [str(python), "-m", "airflow", "db", "migrate"],
            env=environment(home),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().splitlines()[-1:]
            fix = f"Try it by hand: {python} -m airflow db migrate"
            raise refuse(
                Place(file=str(python)), f"Airflow can't make its database: {' '.join(last)}", fix, "airflow.db"
            )

"""The folder of a run: what lies where, who works there, and which earlier results may be taken again.

`DIR/<task>.ipynb` and `DIR/<task>.log` are for people; `DIR/.kubenb` holds the store, claims, scratch folders, the
ledger and the records. One run at a time: the lock is the kernel's, so nothing is left to clean after a crash. In: the
folder. Out: `Desk`. Next room: `local`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from kubenb.model.problems import NOWHERE, KubenbError, refuse
from kubenb.run.process import age

KEPT_RUNS = 5


@dataclass
class Desk:
    """One run's view of the folder; `run` is its id.

    `short`: a short path to the scratch folders, and `numbers` their names there, by task. `ledger`: fingerprint -> what a
    finished task left (its place in the store, the parts of its fingerprint).
    """

    folder: Path
    run: str
    short: Path
    ledger: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def hidden(self) -> Path:
        """Everything that is not for people."""
        return self.folder.absolute() / ".kubenb"

    @property
    def store(self) -> Path:
        """Where data between tasks lies."""
        return self.hidden / "store"

    @property
    def claims(self) -> Path:
        """Folders that stand for volume claims; they outlive runs, as claims do."""
        return self.hidden / "claims"

    def scratch(self, name: str) -> Path:
        """A task's own folders: home, tmp, empty dirs; by a short path, as that of a socket must fit in 107 characters."""
        number = self.numbers.setdefault(name, len(self.numbers))
        return self.short / str(number)

    def log(self, name: str) -> Path:
        """What the task printed."""
        return self.folder / f"{name}.log"

    def notebook(self, name: str) -> Path:
        """The executed notebook."""
        return self.folder / f"{name}.ipynb"

    def enter(self, fingerprint: str, entry: dict[str, Any]) -> None:
        """Remembers a finished task, at once: a killed run has lost nothing that was done."""
        self.ledger[fingerprint] = entry
        write_whole(self.hidden / "ledger.json", json.dumps(self.ledger, indent=1))

    def started(self, pid: int) -> None:
        """Notes a process group, so that the next run can end it should this one be killed."""
        with (self.hidden / "running").open("a") as file:
            file.write(f"{pid} {age(pid)}\n")

    def tidy(self, dag_folder: Path) -> None:
        """Keeps the last few runs' data; forgets what pointed into the others."""
        runs = (
            sorted((path for path in dag_folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
            if dag_folder.is_dir()
            else []
        )
        for old in runs[:-KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)
        self.ledger = {key: entry for key, entry in self.ledger.items() if (self.store / entry["place"]).is_dir()}
        write_whole(self.hidden / "ledger.json", json.dumps(self.ledger, indent=1))


@contextlib.contextmanager
def desk(folder: Path, names: Iterable[str] = (), kind: str = "local") -> Iterator[Desk]:
    """The folder, made and locked for one run of the tasks `names`; what is not ours there is not touched, but refused.
    `kind` begins the run's id.
    """
    hidden = folder / ".kubenb"
    first = not hidden.exists()
    _no_strangers(folder, names, first)
    token = secrets.token_hex(3)
    short = Path(tempfile.gettempdir(), f"kubenb-{token}")
    try:
        hidden.mkdir(parents=True, exist_ok=True)
        lock = open(hidden / "lock", "a+")  # noqa: SIM115  (closed below: that is what unlocks it)
    except OSError as error:
        raise unwritable(folder, error) from error
    with lock:
        _lock(lock, folder)
        try:
            _end_leftovers(hidden / "running")
            shutil.rmtree(hidden / "scratch", ignore_errors=True)
            (hidden / "scratch").mkdir(exist_ok=True)
            _link(hidden, short)
            (hidden / ".gitignore").write_text("*\n")
            now = datetime.now(timezone.utc)
            yield Desk(folder, f"{kind}-{now:%Y%m%dT%H%M%S}-{token}", short, _ledger(hidden / "ledger.json"))
        except OSError as error:
            raise unwritable(folder, error) from error
        finally:
            short.unlink(missing_ok=True)


def _link(hidden: Path, short: Path) -> None:
    """The short way to the scratch folder; that of a killed run is taken away."""
    known = hidden / "short"
    if known.exists() and Path(known.read_text()).is_symlink():
        Path(known.read_text()).unlink(missing_ok=True)
    known.write_text(str(short))
    short.symlink_to((hidden / "scratch").absolute())


def unwritable(folder: Path, error: OSError) -> KubenbError:
    """A disk that is full, a folder that is not ours, …"""
    what = f"{folder} can't be written: {error.strerror or error}."
    return refuse(NOWHERE, what, "Make room, or give another folder with --to.", "run.folder")


def _lock(lock: IO[str], folder: Path) -> None:
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fix = "Wait for it, or give another folder with --to."
        raise refuse(NOWHERE, f"Another run is at work in {folder}.", fix, "run.busy") from None
    except OSError as error:
        raise unwritable(folder, error) from error


def _no_strangers(folder: Path, names: Iterable[str], first: bool) -> None:
    """A run writes DIR/<task>.ipynb and DIR/<task>.log: a notebook of the user's by that name stays the user's."""
    for name in names:
        notebook, log = folder / f"{name}.ipynb", folder / f"{name}.log"
        if (notebook.exists() and not _ours(notebook, name)) or (first and log.exists()):
            path = notebook if notebook.exists() else log
            fix = "Give a folder of its own with --to."
            raise refuse(NOWHERE, f"{path} is there, and is not from a run of {name}.", fix, "run.stranger")


def _ours(notebook: Path, name: str) -> bool:
    try:
        found = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["kubenb"]["task"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(found == name)


def _end_leftovers(path: Path) -> None:
    """Tasks of a run that was killed would go on writing here. They are known by id and age, so no stranger is ended."""
    for line in path.read_text().splitlines() if path.exists() else ():
        pid, _, began = line.partition(" ")
        if pid.isdigit() and began and age(int(pid)) == began:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)
    path.unlink(missing_ok=True)


def _ledger(path: Path) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_whole(path: Path, text: str) -> None:
    """Writes aside, then renames: readers see the old text or the new."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)

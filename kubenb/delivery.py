"""Lays an export down in a folder that an Airflow may read at any moment.

In: relative path -> text, the folder, the DAG id. Out: `Delivery`, or `KubenbError` and nothing changed. What holds at
every moment, also after a kill: `<dag>.py` and the folder it reads belong together, both old or both new. How:

1. all that is new is written aside (`.<dag>.kubenb/`) and synced; a full disk ends it here;
2. one rename puts a DAG file in place that reads the folder aside: from here on the new pair is what Airflow sees;
3. `<dag>/` is replaced, which nobody reads now;
4. one rename puts the final DAG file in place, which reads `<dag>/`;
5. the rest is removed.

An export that finds 2 or 3 left by a killed one completes it first. Two exports into one folder wait for each other.
A parse that has read the DAG file before step 2 and reads the folder after step 3 meets both; Airflow soon parses again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from kubenb.export.files import RECORD
from kubenb.export.reconcile import Outcome, reconcile, recorded
from kubenb.model.problems import KubenbError, Place, Problem, Severity, refuse

PATIENCE = 60.0
_SYNC_EACH = 40  # above that many files one sync of all is quicker


@dataclass(frozen=True)
class Delivery:
    """What became of the files, by their names below the folder.

    `written`: new or changed; `merged`: those that keep hand edits; `joined`: those of them that got the notebook's changes too;
    `removed`: of an earlier export, no longer made.
    `diff`: what changed, or with `dry` would change; `warnings`: what the author should know, though nothing stops.
    """

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    diff: str = ""
    warnings: tuple[Problem, ...] = ()


def deliver(files: Mapping[str, str], folder: Path, dag_id: str, *, dry: bool = False) -> Delivery:
    """Writes the export; `dry` only says what would change, and refuses what an export would refuse."""
    site = _Site(folder, dag_id)
    if dry:
        outcome = site.plan(files)
        if outcome.problems:
            raise KubenbError(tuple(outcome.problems))
        return _delivery(outcome)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            site.complete()
            outcome = site.plan(files)
            if outcome.problems:
                raise KubenbError(tuple(outcome.problems))
            site.lay(outcome)
    except OSError as error:
        what = f"it can't be written: {error.strerror or error}."
        raise refuse(
            Place(file=str(folder)),
            what,
            "What was there is as it was. Make room or choose another folder.",
            "delivery.write",
        ) from error
    return _delivery(outcome)


@dataclass(frozen=True)
class Preview:
    """What a folder would hold after an export: each file's text, and what stands against it. `edited`: some keep hand edits."""

    texts: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    edited: bool = False


def preview(files: Mapping[str, str], folder: Path, dag_id: str) -> Preview:
    """The export as it would stand there, hand edits and all. Writes nothing."""
    outcome = _Site(folder, dag_id).plan(files)
    return Preview(outcome.texts, (*outcome.problems, *_delivery(outcome).warnings), bool(outcome.merged))


def _delivery(outcome: Outcome) -> Delivery:
    return Delivery(
        tuple(sorted(outcome.written)),
        tuple(sorted(outcome.unchanged)),
        tuple(sorted(outcome.merged)),
        tuple(name for name in sorted(outcome.merged) if outcome.texts.get(name) != outcome.there.get(name)),
        tuple(sorted(outcome.removed)),
        "".join(sorted(outcome.diffs, key=_dag_file_first)) + _runtime(outcome),
        tuple(_stays(name) for name in sorted(outcome.merged) if name.endswith(".ipynb")),
    )


def _runtime(outcome: Outcome) -> str:
    """One line for the runtime's files: nobody reads them."""
    names = [name for name in (*outcome.written, *outcome.removed) if "/kubenb_runtime/" in name]
    if not names:
        return ""
    new = "changed" if any(name in outcome.there for name in names) else "new"
    folder = names[0].partition("/kubenb_runtime/")[0]
    return f"{folder}/kubenb_runtime/: {len(names)} {'file' if len(names) == 1 else 'files'}, {new}\n"


def _stays(name: str) -> Problem:
    what = f"your edits of {name} stay: this task of the DAG does what they say, no longer what the notebook says."
    fix = f"Make the change in the notebook and delete {name}, unless you mean it so."
    return Problem(Place(file=name), what, fix, "delivery.edited-notebook", Severity.WARNING)


def _dag_file_first(diff: str) -> tuple[int, str]:
    name = diff.partition("\n+++ ")[2].partition("\n")[0]
    return name.count("/"), name


class _Site:
    """One DAG's files in a folder, and the names of what may stand beside them for a moment."""

    def __init__(self, folder: Path, dag: str) -> None:
        self.dag, self.folder = dag, folder
        self.file, self.beside = folder / f"{dag}.py", folder / dag
        self.aside, self.next, self.old = (
            folder / f".{dag}.{word}" for word in ("kubenb", "kubenb-next", "kubenb-old")
        )
        self.here = f'HERE = Path(__file__).parent / "{dag}"\n'
        self.here_aside = f'HERE = Path(__file__).parent / "{self.aside.name}"\n'

    def _read(self, path: Path) -> str | None:
        """A text of ours; git may have changed its line ends. What is no text of ours reads as something else than ours."""
        try:
            with open(path, "rb") as file:
                text = file.read().decode("utf-8")
            return text.replace("\r\n", "\n") if "\r" in text else text
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (UnicodeDecodeError, IsADirectoryError):
            return "\0"

    def _source(self) -> tuple[str | None, Path]:
        """The DAG file's text as it is to be, and the folder that it reads now."""
        text = self._read(self.file)
        if text is not None and self.here_aside in text:
            return text.replace(self.here_aside, self.here), self.aside
        return text, self.beside

    def plan(self, files: Mapping[str, str]) -> Outcome:
        """What becomes of each file; reads only."""
        text, beside = self._source()
        there = {f"{self.dag}.py": text} if text is not None else {}
        record = f"{self.dag}/{RECORD}"
        for name in (record, *files):
            if name not in there and name.startswith(f"{self.dag}/"):
                found = self._read(beside / name[len(self.dag) + 1 :])
                if found is not None:
                    there[name] = found
        for name in recorded(self.dag, there):
            if name not in there:
                found = self._read(beside / name[len(self.dag) + 1 :])
                if found is not None:
                    there[name] = found
        if self.beside.is_symlink() or (self.beside.exists() and not self.beside.is_dir()):
            raise refuse(
                Place(file=str(self.beside)),
                f"{self.beside} is there already, and is no folder of kubenb's.",
                "Move it away.",
                "delivery.not-ours",
            )
        return reconcile(self.dag, files, there)

    def lay(self, outcome: Outcome) -> None:
        """The five steps; shorter ones where they do the same."""
        inner = {name[len(self.dag) + 1 :]: text for name, text in outcome.texts.items() if "/" in name}
        changed = {name for name, text in inner.items() if outcome.there.get(f"{self.dag}/{name}") != text}
        gone = {name[len(self.dag) + 1 :] for name in outcome.removed}
        text = outcome.texts[f"{self.dag}.py"]
        seen = {name for name in changed if not name.startswith(".kubenb/")} | gone
        if not changed and not gone and self._read(self.file) == text:
            return
        if self.beside.is_dir() and not seen:
            self._replace_file(text)
            for name in sorted(changed):
                _write_over(self.beside / name, inner[name])
            return
        try:
            self._build(inner, changed, gone)
            if not self.file.exists():
                self._swap_in(self.aside)
            elif self.here in text:
                self._replace_file(text.replace(self.here, self.here_aside, 1))
                _link_tree(self.aside, self.next)
                self._swap_in(self.next)
            else:  # the line was edited by hand: the folder first, then the file
                self._swap_in(self.aside)
            self._replace_file(text)
        finally:
            self._sweep()

    def complete(self) -> None:
        """Brings what a killed export left to its end."""
        text, beside = self._source()
        if text is not None and beside == self.aside:
            shutil.rmtree(self.next, ignore_errors=True)
            _link_tree(self.aside, self.next)
            self._swap_in(self.next)
            self._replace_file(text)
        elif self.old.is_dir() and not self.beside.exists():
            self.old.rename(self.beside)
        self._sweep()

    def _build(self, inner: Mapping[str, str], changed: set[str], gone: set[str]) -> None:
        """The whole new folder, aside: what changed is written, all else is linked."""
        shutil.rmtree(self.aside, ignore_errors=True)
        if self.beside.is_dir():
            _link_tree(self.beside, self.aside, leave_out=changed | gone | set(inner) - _files(self.beside))
        self.aside.mkdir(exist_ok=True)
        each = len(changed) <= _SYNC_EACH
        for parent in {os.path.dirname(name) for name in changed}:
            (self.aside / parent).mkdir(parents=True, exist_ok=True)
        for name in sorted(changed):
            _write(self.aside / name, inner[name], sync=each)
        if not each and hasattr(os, "sync"):
            os.sync()
        for path in (self.aside, *(path for path in self.aside.rglob("*") if path.is_dir())):
            _sync_folder(path)

    def _swap_in(self, fresh: Path) -> None:
        if self.beside.exists():
            shutil.rmtree(self.old, ignore_errors=True)
            self.beside.rename(self.old)
        fresh.rename(self.beside)
        _sync_folder(self.folder)

    def _replace_file(self, text: str) -> None:
        _write_over(self.file, text)

    def _sweep(self) -> None:
        """Removes what stood aside, unless the DAG file still reads it."""
        text = self._read(self.file)
        for path in (self.next, self.old, self.aside):
            if path != self.aside or text is None or self.here_aside not in text:
                shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            _temporary(self.file).unlink()


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def _link_tree(source: Path, target: Path, leave_out: Set[str] = frozenset()) -> None:
    """A copy of the folder that shares its files; where links are not to be had, the files are copied."""
    target.mkdir()
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            (target / name).mkdir(exist_ok=True)
        elif name.as_posix() not in leave_out:
            try:
                os.link(path, target / name, follow_symlinks=False)
            except OSError:
                shutil.copy2(path, target / name, follow_symlinks=False)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.kubenb")


def _write(path: Path, text: str, *, sync: bool = True) -> None:
    with open(path, "xb") as file:  # always a new file: never through a link that an older copy shares
        file.write(text.encode("utf-8"))
        if sync:
            file.flush()
            os.fsync(file.fileno())


def _write_over(path: Path, text: str) -> None:
    """Old or new, never half: written beside, synced, renamed over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)
    try:
        _write(temporary, text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One export at a time into a folder: a lock on the folder itself, so that nothing is left behind."""
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    what = f"another export into {folder} has been at work for {PATIENCE:.0f} s."
                    raise refuse(
                        Place(file=str(folder)), what, "Wait for it, or end it, then export again.", "delivery.locked"
                    ) from None
                time.sleep(0.05)
            except OSError:  # a network folder without locks
                break
        yield
    finally:
        os.close(descriptor)

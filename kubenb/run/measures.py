"""The records of all runs on this machine: one small SQLite database in the user's data folder, bounded in size.

In: `Measured` values, from any number of processes at once. Out: those of a task, newest first. A record is worth less
than the run it tells of: what can't be written here stops nothing. KUBENB_DATA names another folder. Next room: `measured`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from kubenb.model.measured import Asked, Measured

A_TASK, ALL = 100, 10_000  # records kept of one task in one notebook, and of all
PAGES = 16_384  # of 4 KiB: the file never grows beyond 64 MiB
WAIT = 5.0  # seconds for another process to finish writing
VERSION = 1
_TABLE = """
create table if not exists run (
    id integer primary key, start real not null, notebook text not null, task text not null, text text not null,
    dag text not null, run text not null, item integer, about text not null, curve blob not null
);
create index if not exists of_a_task on run (task, notebook, start);
create unique index if not exists once on run (dag, run, task, ifnull(item, -1), start);
"""
_COLUMNS = ("start", "notebook", "task", "text", "dag", "run", "item")
_ABOUT = tuple(each.name for each in fields(Measured) if each.name not in (*_COLUMNS, "curve", "asked"))


def folder() -> Path:
    """Where the user's data lies."""
    named = os.environ.get("KUBENB_DATA")
    if named:
        return Path(named)
    home = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(home, "kubenb")


def add(records: Iterable[Measured]) -> bool:
    """Keeps them; False where that is not possible here. One that is there already (a run read back twice) is not kept again."""
    rows = [_row(each) for each in records]
    if not rows:
        return True
    marks = ", ".join("?" * (len(_COLUMNS) + 2))
    try:
        with _open(folder()) as database:
            database.execute("begin immediate")
            database.executemany(
                f"insert or ignore into run ({', '.join(_COLUMNS)}, about, curve) values ({marks})", rows
            )
            _bound(database, {(row[1], row[2]) for row in rows})
            database.execute("commit")
    except (sqlite3.Error, OSError):
        return False
    return True


def of_task(task: str, notebook: str = "", text: str = "") -> tuple[Measured, ...]:
    """A task's records, newest first: of that notebook, or of that text wherever it stands."""
    return _read("task = ? and ((notebook = ? and notebook <> '') or text = ?)", (task, notebook, text))


def of_notebook(notebook: str) -> tuple[Measured, ...]:
    """All records of a notebook, newest first."""
    return _read("notebook = ?", (notebook,))


def _read(where: str, values: tuple[str, ...]) -> tuple[Measured, ...]:
    if not (folder() / "runs.sqlite").exists():
        return ()
    try:
        with _open(folder()) as database:
            found = database.execute(
                f"select {', '.join(_COLUMNS)}, about, curve from run where {where} order by start desc, id desc",
                values,
            ).fetchall()
    except (sqlite3.Error, OSError):
        return ()
    return tuple(_value(row) for row in found)


@contextlib.contextmanager
def _open(place: Path) -> Iterator[sqlite3.Connection]:
    """The database, made where there is none; one that is damaged is put aside."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place / "runs.sqlite"
    try:
        database = _prepared(path)
    except sqlite3.OperationalError:  # busy, or no right to write: what is there is well
        raise
    except sqlite3.DatabaseError:
        path.replace(path.with_suffix(f".damaged-{time.time():.0f}"))
        database = _prepared(path)
    try:
        yield database
    finally:
        database.close()


def _prepared(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
    try:
        version = database.execute("pragma user_version").fetchone()[0]
        if version != VERSION:
            database.executescript(f"begin immediate;{_TABLE}pragma user_version = {VERSION};commit;")
        database.execute(f"pragma max_page_count = {PAGES}")
        database.execute("pragma synchronous = normal")
    except BaseException:
        database.close()
        raise
    return database


def _bound(database: sqlite3.Connection, touched: set[tuple[str, str]]) -> None:
    """The oldest go: of each task that was added to, and of all."""
    for notebook, task in touched:
        database.execute(
            "delete from run where id in (select id from run where task = ? and notebook = ?"
            " order by start desc, id desc limit -1 offset ?)",
            (task, notebook, A_TASK),
        )
    database.execute("delete from run where id <= (select id from run order by id desc limit 1 offset ?)", (ALL,))


def _row(record: Measured) -> tuple[Any, ...]:
    about = {name: getattr(record, name) for name in _ABOUT}
    text = json.dumps({**about, "asked": asdict(record.asked)}, separators=(",", ":"))
    curve = zlib.compress(json.dumps(record.curve, separators=(",", ":")).encode())
    return (*(getattr(record, name) for name in _COLUMNS), text, curve)


def _value(row: tuple[Any, ...]) -> Measured:
    about = json.loads(row[-2])
    points = tuple((float(at), float(memory), float(cpu)) for at, memory, cpu in json.loads(zlib.decompress(row[-1])))
    known = {name: about.get(name) for name in _ABOUT}
    return Measured(
        **dict(zip(_COLUMNS, row, strict=False)), **known, asked=Asked(**about.get("asked", {})), curve=points
    )

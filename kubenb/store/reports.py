"""What tasks left in a store about themselves: usage reports and executed notebooks of Airflow's runs, read back.

In: a store as a header names it, a DAG. Out: `Report`s, those alone that are not known yet. Next room: `kubenb.run.read_back`.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubenb.inside.places import NOTEBOOK, USAGE, part
from kubenb.inside.stores import open_store

MOST = 100  # runs of a task that are read back, the last by their names: Airflow's begin with their date
Unit = tuple[str, str, int | None]  # run, task, item


@dataclass(frozen=True)
class Report:
    """One task of one run: what it used, and its text as it ran ('' where its notebook was not saved)."""

    run: str
    task: str
    item: int | None
    used: dict[str, Any]
    text: str


def reports(store: str, dag: str, tasks: Container[str], known: Container[Unit] = ()) -> Iterator[Report]:
    """All that a store has of a DAG's tasks and that is not `known`."""
    opened = open_store(store)
    found: dict[str, list[tuple[str, str, int | None]]] = {}
    for path in _reported(opened, part(dag)):
        words = path.split("/")
        if len(words) not in (3, 4) or (len(words) == 4 and not words[3].isdigit()):
            continue
        item = int(words[3]) if len(words) == 4 else None
        found.setdefault(words[2], []).append((path, words[1], item))
    for places in found.values():
        for path, _, item in sorted(places, key=lambda each: each[1])[-MOST:]:
            report = _report(opened, path, item, tasks, known)
            if report is not None:
                yield report


def _reported(store: Any, dag: str) -> list[str]:
    """Places below the store that have a usage report, as `dag/run/task[/item]`."""
    if hasattr(store, "files"):
        below = store.root + "/" + dag
        paths = store.files.find(below) if store.files.exists(below) else []
        names = [path[path.index(below) + len(below) - len(dag) :] for path in paths if path.endswith("/" + USAGE)]
    else:
        root = Path(store.local(""))
        names = [path.relative_to(root).as_posix() for path in root.glob(f"{dag}/*/**/{USAGE}")]
    return [name[: -len(USAGE) - 1] for name in names]


def _report(store: Any, path: str, item: int | None, tasks: Container[str], known: Container[Unit]) -> Report | None:
    words = path.split("/")
    if (words[1], words[2], item) in known:  # most names are the same as paths
        return None
    notebook = _json(store, f"{path}/{NOTEBOOK}")
    about = (notebook.get("metadata") or {}).get("kubenb_run") or {}
    run, task = str(about.get("run", words[1])), str(about.get("task", words[2]))
    used = _json(store, f"{path}/{USAGE}")
    if task not in tasks or (run, task, item) in known or not used:
        return None
    return Report(run, task, item, used, _text(notebook))


def text_at(store: Any, path: str) -> str:
    """The task's own text in an executed notebook; '' where there is none."""
    return _text(_json(store, path))


def _text(notebook: dict[str, Any]) -> str:
    cells = [
        "".join(cell.get("source", ""))
        for cell in notebook.get("cells", ())
        if "kubenb-body" in (cell.get("metadata") or {}).get("tags", ())
    ]
    return "\n".join(cells)


def _json(store: Any, path: str) -> dict[str, Any]:
    try:
        found = json.loads(store.read(path))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

"""Places of results in a folder store: STORE/<dag>/<run>/<task>[/<item>], as the runtime in the task lays them out.

In: a store's folder and the four names. Out: paths, the success marker, the usage report; and a place taken over into a
new run. Next room: `kubenb.run.units`, and `kubenb.magics.local` for the kernel's own values.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kubenb.inside.places import KEPT, SUCCESS, USAGE
from kubenb.inside.places import NOTEBOOK as NOTEBOOK
from kubenb.inside.places import part as part
from kubenb.inside.places import place as below


def place(store: Path, dag: str, run: str, task: str, item: int | None = None) -> Path:
    """The folder of one task's (or one item's) results."""
    return store / below(dag, run, task, None if item is None else str(item))


def success(folder: Path) -> dict[str, Any] | None:
    """What the task wrote last of all, or None: then nothing else there counts."""
    return _json(folder / SUCCESS)


def digest(folder: Path) -> str | None:
    """The digest of all outputs: equal digests mean that a later task would see the same."""
    found = success(folder)
    return str(found.get("digest", "")) if found is not None else None


def usage(folder: Path) -> dict[str, Any]:
    """Peak memory, CPU seconds, wall seconds and bytes; {} where the task never got so far."""
    return _json(folder / USAGE) or {}


def listed(folder: Path) -> int | None:
    """How many items the list has that the task made for a mapped task after it."""
    try:
        found = json.loads((folder / "xcom.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return len(found) if isinstance(found, list) else None


def adopt(old: Path, new: Path) -> None:
    """An earlier run's place as this run's: hard links, so each run stands alone and no byte is copied. The marker goes
    last.
    """
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for source in sorted(old.rglob("*"), key=lambda path: (path.name == SUCCESS, path)):
        target = new / source.relative_to(old)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


Where = tuple[str, str, str, int | None]  # DAG, run, task, item


def put(
    store: Path, where: Where, values: dict[str, Any], may_pickle: Iterable[str] = (), lists: Sequence[Any] = ()
) -> None:
    """Values as if the task there had saved them. `lists`: what later tasks are mapped over. Raises the runtime's
    `Refused`.
    """
    from kubenb.inside.documents import write
    from kubenb.inside.stores import Folder

    dag, run, task, item = where
    at = below(dag, run, task, None if item is None else str(item))
    folder = Folder(str(store))
    folder.clear(at)
    digest_of, _ = write(folder, at, values, may_pickle)
    if lists:
        folder.write(
            f"{at}/xcom.json", [json.dumps([{"KUBENB_ITEM": str(each)} for each in range(len(lists[0]))]).encode()]
        )
    folder.write(f"{at}/{SUCCESS}", [json.dumps({"digest": digest_of, "task": task}, sort_keys=True).encode()])


def kept(store: Path, where: Where) -> tuple[dict[str, Any], dict[str, str]]:
    """All values that a task kept (KUBENB_KEEP), and why others could not be."""
    from kubenb.inside.documents import Outputs
    from kubenb.inside.stores import Folder

    dag, run, task, item = where
    at = f"{below(dag, run, task, None if item is None else str(item))}/{KEPT}"
    folder = Folder(str(store))
    try:
        found = Outputs(folder, at, folder.read(f"{at}/outputs.json"))
    except FileNotFoundError:
        return {}, {}
    return {name: found.value(name) for name in list(found.names)}, dict(found.left_out)

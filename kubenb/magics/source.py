"""Which notebook is this? The file where a front end names it, else the cells that ran; and the settings that lie
beside it.

In: the shell. Out: a `Notebook`, or a path; and the cells that ran in the kernel but stand otherwise in the file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.model.pipeline import Cell, Notebook

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.notebook.header import Header
    from kubenb.notebook.settings import Settings

OWN = ("%load_ext", "%reload_ext", "%unload_ext", "%k8s")


def notebook_file(shell: Any) -> Path | None:
    """The file of this notebook, where Jupyter or VS Code says so and it is there."""
    named = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or ""
    path = Path(str(named))
    return path if named and path.suffix in (".ipynb", ".py") and path.is_file() else None


def notebook(session: Session, argument: str = "") -> Notebook:
    """The notebook that a line magic is about: the file given, this notebook's file, else what ran."""
    from kubenb.notebook.cells import read_notebook

    path = Path(argument).expanduser() if argument else notebook_file(session.shell)
    return read_notebook(path) if path else from_kernel(session)


def from_kernel(session: Session, last: str | None = None) -> Notebook:
    """The cells that ran, in the order of their last run; `last` is the cell at work now. Tags are the file's, where
    there is one.
    """
    texts = [text for text in session.ran.values() if text != last] + ([last] if last is not None else [])
    path = notebook_file(session.shell)
    tags = _tags(path) if path else {}
    cells = (
        Cell(number, "code", text.rstrip("\n"), tags.get(text.strip(), ()))
        for number, text in enumerate(_kept(texts), 1)
    )
    return Notebook(str(path) if path else "", tuple(cells))


def _kept(texts: list[str]) -> Iterator[str]:
    """Without cells that only look (`%k8s_graph`, `?name`), and of each task the last cell alone."""
    names = [_task(text) for text in texts]
    for index, text in enumerate(texts):
        plain = text.strip()
        if not plain or plain.startswith("?") or plain.endswith("?"):
            continue
        if names[index] and names[index] in names[index + 1 :]:
            continue
        yield text


def _task(text: str) -> str:
    words = text.split(None, 2)
    return words[1] if len(words) > 1 and words[0] == "%%k8s_task" else ""


def _tags(path: Path) -> Mapping[str, tuple[str, ...]]:
    from kubenb.model.problems import KubenbError
    from kubenb.notebook.cells import read_notebook

    try:
        return {cell.source.strip(): cell.tags for cell in read_notebook(path).cells if cell.tags}
    except KubenbError:
        return {}


def differing(session: Session, saved: Notebook) -> list[str]:
    """First lines of cells that ran in the kernel and do not stand in the file so: it was not saved since, or they were
    edited.
    """
    texts = {cell.source.strip() for cell in saved.cells}
    return [
        text.strip().splitlines()[0]
        for text in _kept(list(session.ran.values()))
        if text.strip() not in texts and not text.strip().startswith(OWN)
    ]


def settings(shell: Any) -> Settings:
    """kubenb.toml beside the notebook, or beside the kernel's folder; looked at again once a second at most."""
    from kubenb.notebook.settings import find_settings

    path = notebook_file(shell)
    folder = path.parent if path else Path.cwd()
    known = _known.get(folder)
    if known is None or time.monotonic() - known[0] > 1:
        known = _known[folder] = (time.monotonic(), find_settings(folder))
    return known[1]


_known: dict[Path, tuple[float, Settings]] = {}


def settings_default(shell: Any, header: Header) -> str | None:
    """Where settings make this task run; None where they don't say. What is wrong with them the verbs say, not this."""
    found = settings(shell)
    profile = found.profiles.get(str(header.values.get("profile", "")), {})
    for layer in (profile, found.tasks.get(header.name, {}), found.task_defaults):
        if "run" in layer:
            return str(layer["run"])
    return None

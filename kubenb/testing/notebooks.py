"""Notebooks in a line or two, and one cell run in an IPython of its own: for tests of magics and of what reads notebooks.

In: sources of cells. Out: a notebook's JSON text, or the `Outcome` of a cell.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def code(source: str, *tags: str) -> Cell:
    """A code cell, with tags.

    >>> code("x = 1", "parameters")["metadata"]
    {'tags': ['parameters']}
    """
    text = textwrap.dedent(source).strip("\n")
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": [],
        "source": text,
    }


def notebook(*cells: str | Cell) -> str:
    """The text of a notebook: a plain string is a code cell, one that starts with `# %% [markdown]` is text.

    >>> json.loads(notebook("x = 1", "%%k8s_task a"))["cells"][1]["source"]
    '%%k8s_task a'
    """
    made = []
    for number, cell in enumerate(cells):
        entry = (
            dict(cell)
            if isinstance(cell, dict)
            else _markdown(cell)
            if cell.startswith("# %% [markdown]")
            else code(cell)
        )
        made.append({**entry, "id": f"cell-{number + 1}"})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    text = {
        "cells": made,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(text, indent=1) + "\n"


def save(path: Path, *cells: str | Cell) -> Path:
    """`notebook(...)` in a file; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook(*cells), encoding="utf-8")
    return path


def _markdown(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": text.split("\n", 1)[-1]}


@dataclass(frozen=True)
class Outcome:
    """What a cell did: text it printed, objects it displayed (by MIME type), its value, the error that it raised."""

    text: str
    displayed: Sequence[Mapping[str, Any]] = ()
    value: Any = None
    error: BaseException | None = None
    names: Mapping[str, Any] = field(default_factory=dict)


def run_cell(source: str, *, before: Sequence[str] = (), load: Sequence[str] = ("kubenb",)) -> Outcome:
    """Runs a cell in a fresh IPython that loaded the extensions and ran the cells `before`.

    It takes the place of the process's own shell for that long, so use it where no other runs.
    """
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    InteractiveShell.clear_instance()
    config = Config()
    config.HistoryManager.enabled = False
    shell: Any = InteractiveShell.instance(config=config)
    try:
        for name in load:
            shell.run_line_magic("load_ext", name)
        for earlier in before:
            shell.run_cell(textwrap.dedent(earlier), store_history=True).raise_error()
        with capture_output() as captured:
            result = shell.run_cell(textwrap.dedent(source), store_history=True)
        error = result.error_before_exec or result.error_in_exec
        shown = [output.data for output in captured.outputs]
        return Outcome(captured.stdout + captured.stderr, shown, result.result, error, dict(shell.user_ns))
    finally:
        InteractiveShell.clear_instance()

"""Starts a task as a pod would: `python -c BOOT` in the contract's environment. And round trips through a store, in this process."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubenb.inside import documents
from kubenb.inside.bundle import BOOT, bundle, strings
from kubenb.inside.stores import Folder

IMPORT = "import kubenb_runtime as _kubenb"


@dataclass(frozen=True)
class Ended:
    """How a task ended, and what it left."""

    code: int
    out: str
    err: str
    place: Path

    @property
    def last(self) -> str:
        """The last line of the log."""
        return self.err.splitlines()[-1]

    @property
    def notebook(self) -> Any:
        return json.loads((self.place / "notebook.ipynb").read_text())

    def outputs(self, number: int) -> list[Any]:
        """The outputs of a cell of the executed notebook, counted from 1."""
        found: list[Any] = self.notebook["cells"][number - 1]["outputs"]
        return found

    def read(self, name: str) -> Any:
        return json.loads((self.place / name).read_text())


def notebook(*cells: str, tags: dict[int, str] | None = None) -> str:
    """A notebook of code cells; `tags`: number from 1 -> tag."""
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": [tags[number]]} if tags and number in tags else {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(cells, 1)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})


def environment(text: str, store: Path, **told: str) -> dict[str, str]:
    """What a pod is told."""
    own = {
        "KUBENB_DAG": "flights",
        "KUBENB_TASK": "extract",
        "KUBENB_RUN": "r1",
        "KUBENB_STORE": str(store),
        "KUBENB_ENGINE": "kubenb",
        "KUBENB_PARAMS": "{}",
        "KUBENB_NOTEBOOK_SHA256": hashlib.sha256(text.encode()).hexdigest(),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "error",
        "TMPDIR": str(store.parent),
        **strings("KUBENB_NOTEBOOK", text),
        **strings("KUBENB_RUNTIME", bundle()),
    }
    return {**os.environ, **own, **told}


def start(store: Path, *cells: str, tags: dict[int, str] | None = None, **told: str) -> subprocess.Popen[str]:
    """The task's process, running."""
    return subprocess.Popen(
        [sys.executable, "-c", BOOT],
        env=environment(notebook(*cells, tags=tags), store, **told),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(store: Path, *cells: str, tags: Any = None, python: Any = sys.executable, **told: Any) -> Ended:
    """Runs a task to its end."""
    env = environment(notebook(*cells, tags=tags), store, **told)
    done = subprocess.run([python, "-c", BOOT], env=env, capture_output=True, text=True, timeout=60, errors="replace")
    place = store / env["KUBENB_DAG"] / env["KUBENB_RUN"] / env["KUBENB_TASK"]
    if "KUBENB_ITEM" in told:
        place = place / told["KUBENB_ITEM"]
    return Ended(done.returncode, done.stdout, done.stderr, place)


def carried(folder: Path, values: dict[str, Any], pickle: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values after a way through a store."""
    store = Folder(str(folder))
    documents.write(store, "place", values, pickle)
    outputs = documents.Outputs(store, "place", store.read("place/outputs.json"))
    return {name: outputs.value(name) for name in values}

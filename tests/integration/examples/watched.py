"""The example notebooks with one more task that looks at their variables, and what it sees after a plain run from top to bottom.

Next room: `test_examples` and the DAGs on a cluster, which hold their own runs against it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from kubenb.model.pipeline import Cell, Notebook
from kubenb.notebook.cells import read_notebook

ROOT = Path(__file__).parents[3]
LOOKED_AT = {
    "flights": ["flights", "weather", "table", "known", "unseen", "by_hour", "forecast", "score", "worst", "inputs"],
    "airports": ["flights", "airlines", "here", "hourly", "busiest", "share", "table", "day", "airports"],
    "options": ["prices", "connected", "user", "middle", "spread", "limits", "odd", "third", "mean", "summary"],
    "bucket": ["flights", "airlines", "written", "source"],
}
LOOK = """%%k8s_task look
{more}import json, os, pathlib
from tests.equivalence.picture import picture
pathlib.Path(os.environ["LOOK"]).write_text(json.dumps(picture({names})))"""


def watched(name: str, more: str = "") -> Notebook:
    """The example with one more task, which writes a picture of its variables to the file named by LOOK; `more`: its first lines."""
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    names = "{" + ", ".join(f"{name!r}: {name}" for name in LOOKED_AT[name]) + "}"
    look = Cell(len(notebook.cells) + 1, "code", LOOK.format(names=names, more=more), (), "look")
    return Notebook(notebook.path, (*notebook.cells, look), notebook.kernel)


def from_top_to_bottom(notebook: Notebook, env: dict[str, str]) -> Any:
    """The picture after the plain run."""
    code = "from tests.integration.examples.plain import main; main()"
    sources = json.dumps([cell.source for cell in notebook.cells if cell.kind == "code"])
    subprocess.run(
        [sys.executable, "-c", code],
        input=sources,
        text=True,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
    )
    return json.loads(Path(env["LOOK"]).read_text())

"""The first cell takes a shorter way to its first line, and nobody can tell: started as a pod would, before and after another cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.inside.pods import Ended, run

FIRST = [
    "x = 1\nx",
    "def f():\n    return 1 / 0\nf()",
    "import inspect\ndef f():\n    return 3\nprint(inspect.getsource(f))",
    "x = 1\nx.y",
    "1 +",
    "import sys\nsys.exit(3)",
    "display('shown')\n'last'",
    "await __import__('asyncio').sleep(0, 5)",
    "%matplotlib inline\nx = 1",
    "",
]


def numbered(ended: Ended, cell: int) -> Any:
    """What became of a cell, without what counts the cells before it."""
    found = json.loads(json.dumps(ended.outputs(cell)).replace(f"cell {cell}", "cell"))
    for output in found:
        output.pop("execution_count", None)
    return ended.code, found, ended.last.partition(" done in ")[0].replace(f"cell {cell}", "cell")


@pytest.mark.parametrize("source", FIRST)
def test_the_first_cell_runs_like_any_other(tmp_path: Path, source: str) -> None:
    """It takes a shorter way to its first line; what it means, prints, shows and raises is the same."""
    names = "print(sorted(name for name in dir() if name[:2] != '__'))"
    first = run(tmp_path / "first", source, names, TMPDIR=str(tmp_path))
    later = run(tmp_path / "later", "", source, names, TMPDIR=str(tmp_path))
    assert numbered(first, 1) == numbered(later, 2)
    assert first.outputs(2) == later.outputs(3)

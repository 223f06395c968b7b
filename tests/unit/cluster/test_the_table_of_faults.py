"""docs/faults.md: every fault has its row, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TABLE = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (F\d\d) (.+?) \|(.*?)\|(.*?)\|$", TABLE, re.MULTILINE)
# Rows whose behaviour and test are still to be written into the table.
OPEN = {"F40", "F41"}


def functions(path: Path) -> set[str]:
    """The tests of a file."""
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_each_fault_has_one_row() -> None:
    assert [number for number, *_ in ROWS] == [f"F{n:02}" for n in range(1, 44)]


def test_each_row_says_what_happens_and_which_test_shows_it() -> None:
    empty = {number for number, _, does, shown in ROWS if not does.strip() or "::test_" not in shown}
    assert empty == OPEN


def test_each_test_of_the_table_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TABLE)
    missing = [f"{path}::{name}" for path, name in named if name not in functions(ROOT / path)]
    assert named
    assert missing == []

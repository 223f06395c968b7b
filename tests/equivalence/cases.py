"""Reads `cases.md`, the specification by example: a name, what is expected, and the notebook's cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CASE = re.compile(r"^### ([^\n]+)\n\n(\S+?)(?:, pickle ([^\n]+))?\n\n```python\n(.*?)```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Case:
    """`expected`: 'equal', or the code it is refused with. `cells` are separated by lines of `---`."""

    name: str
    expected: str
    cells: str
    pickle: tuple[str, ...] = ()


def read() -> list[Case]:
    """All cases, named by their section too."""
    found = []
    text = Path(__file__).with_name("cases.md").read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        section = part.partition("\n")[0]
        for name, expected, pickle, cells in CASE.findall(part):
            found.append(Case(f"{section}: {name}", expected, cells, tuple(pickle.split(", ")) if pickle else ()))
    return found


CASES = read()

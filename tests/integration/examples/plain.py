"""Runs a notebook from top to bottom in this process, without kubenb: what its pipeline is held against."""

from __future__ import annotations

import json
import re
import sys
import warnings

from tests.equivalence.author import gather

MAP = re.compile(r"^#\| map: (\w+) in (.+)$", re.MULTILINE)


def run(sources: list[str]) -> None:
    """All cells in `__main__`; a fan-out's body once an item; kubenb's own lines left out."""
    space = sys.modules["__main__"].__dict__
    for source in sources:
        first, _, rest = source.partition("\n")
        if first.startswith("%%k8s_task"):
            mapped = MAP.search(source)
            if mapped:
                gather(space, rest, mapped[2], mapped[1])
                continue
            source = rest
        elif first.startswith("%"):
            continue
        exec(compile(source, "<cell>", "exec"), space)


def main() -> None:
    """Reads the cells' sources from stdin, as JSON."""
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    run(json.load(sys.stdin))

"""Export as a whole process: 3, 100 and 1,000 tasks."""

from __future__ import annotations

import statistics
import sys

from bench.measure import Row, Rows, bare_python, process, workplace
from bench.notebooks import chain, save

BARS = {3: 0.25, 100: 0.40, 1000: 1.0}
FLOOR = 0.012


def rows(slow: bool) -> Rows:
    for tasks, bar in BARS.items():
        with workplace() as folder:
            notebook = save(folder / "chain.ipynb", chain(tasks))
            found = []
            for number in range(5):
                command = [
                    sys.executable,
                    "-c",
                    "from kubenb.cli import main; main()",
                    "export",
                    str(notebook),
                    "--to",
                    str(folder / f"dags{number}"),
                ]
                found.append(process(command)[0])
            yield Row(
                f"export of {tasks:,} tasks, whole process",
                statistics.median(found),
                bare_python(),
                "python -c pass",
                bar / FLOOR,
            )

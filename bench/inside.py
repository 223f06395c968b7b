"""In the pod: from the start of its command to the user's first line, and a task notebook of 1,000 cells."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from bench.measure import Row, Rows, cpu, process, workplace
from bench.notebooks import save, text
from kubenb.export.payload import payload
from kubenb.inside.bundle import BOOT

FIRST = "import time\nprint('first', time.process_time())"


def pod(notebook: str, folder: Path, engine: str) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of a task's pod."""
    told = {
        "KUBENB_DAG": "bench",
        "KUBENB_TASK": "task",
        "KUBENB_RUN": "run",
        "KUBENB_STORE": str(folder),
        "KUBENB_PARAMS": "{}",
        "KUBENB_ENGINE": engine,
    }
    return [sys.executable, "-c", BOOT], {**os.environ, **told, **payload(notebook)}


def first_line(command: list[str], env: dict[str, str] | None = None, repeat: int = 9) -> float:
    """The median CPU seconds from a process's start to the user's first line."""
    found = []
    for _ in range(repeat):
        said = process(command, env)[2]
        found.append(float(next(line for line in said.splitlines() if line.startswith("first ")).split()[1]))
    return statistics.median(found)


def rows(slow: bool) -> Rows:
    yield from starts()
    yield from many_cells(slow)


def starts() -> Rows:
    """Start to first user line."""
    floor = first_line([sys.executable, "-c", FIRST])
    for name, source, engine, bar in (
        ("own engine, plain cells", FIRST, "kubenb", 1.3),
        ("own engine, IPython cells", "%env KUBENB_BENCH=1\n" + FIRST, "kubenb", 12.0),
    ):
        with workplace() as folder:
            command, env = pod(text([source]), folder, engine)
            yield Row(f"start to first user line, {name}", first_line(command, env), floor, "python -c", bar)


def many_cells(slow: bool) -> Rows:
    """A task notebook of 1,000 trivial cells."""
    cells = [f"x{number} = {number}" for number in range(1000)]
    with workplace() as folder:
        script = folder / "cells.py"
        script.write_text("\n".join(cells))
        floor = cpu([sys.executable, str(script)])
        command, env = pod(text(cells), folder / "store", "kubenb")
        yield Row("1,000 cells, own engine", cpu(command, env, repeat=3), floor, "the code as a script", 0.4 / 0.016)
        command, env = pod(text(cells), folder / "store", "papermill")
        ours = cpu(command, env, repeat=1)
        yield Row("1,000 cells, papermill with a kernel", ours, floor, "the code as a script", 7 / 0.016)
        count = 1000 if slow else 100
        notebook = save(folder / "plain.ipynb", cells[:count])
        plain = cpu(
            [sys.executable, "-m", "papermill", str(notebook), str(folder / "out.ipynb"), "--no-progress-bar"], repeat=1
        )
        command, env = pod(text(cells[:count]), folder / "store", "papermill")
        yield Row(f"{count:,} cells, papermill", cpu(command, env, repeat=1), plain, "plain papermill", 1.0)

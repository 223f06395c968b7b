"""In the pod: from the start of its command to the user's first line, and a task notebook of 1,000 cells."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from bench.measure import Row, Rows, cpu, process, workplace
from bench.notebooks import save, text
from kubenb.export.payload import payload
from kubenb.inside.bundle import BOOT

FIRST = "import time\nprint('first', time.time_ns(), flush=True)"


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


def first_line(command: list[str], env: dict[str, str] | None = None) -> float:
    """Wall seconds from a process's start until the user's first line runs (CPU would miss what waits for a process)."""
    start = time.time_ns()
    said = process(command, env)[2]
    reached = next(line for line in said.splitlines() if line.startswith("first "))
    return (int(reached.split()[1]) - start) / 1e9


def rows(slow: bool) -> Rows:
    yield from starts()
    yield from many_cells(slow)


def starts() -> Rows:
    """Start to first user line; each try right after one of the floor."""
    bare = [sys.executable, "-c", FIRST]
    for name, source, bar in (("plain cells", FIRST, 1.3), ("IPython cells", "%env KUBENB_BENCH=1\n" + FIRST, 12.0)):
        with workplace() as folder:
            command, env = pod(text([source]), folder, "kubenb")
            pairs = [(first_line(command, env), first_line(bare)) for _ in range(25)]
        ours, floor = (statistics.median(side) for side in zip(*pairs, strict=True))
        yield Row(f"start to first user line, own engine, {name}", ours, floor, "python -c", bar, note="wall")


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

"""A frame of 1,000,000 rows and 10 columns from task to task."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from bench.measure import Row, Rows, process, workplace

FRAME = """
import json, os, time
import numpy as np, pandas as pd

def made():
    r = np.random.default_rng(0)
    n = 1_000_000
    columns = {f"f{i}": r.standard_normal(n) for i in range(5)} | {f"i{i}": r.integers(0, 1 << 40, n) for i in range(3)}
    columns["word"] = np.array(["north", "south", "east", "west"], dtype=object)[r.integers(0, 4, n)]
    columns["time"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(r.integers(0, 1 << 25, n), unit="s")
    return pd.DataFrame(columns)

def spent(call):
    start = time.process_time()
    result = call()
    return time.process_time() - start, result
"""

WRITE = (
    FRAME
    + """
import kubenb.inside as runtime
from kubenb.inside import hand
small = pd.DataFrame({"a": [1], "b": ["x"]})
runtime.save({"small": small})
frame = made()
data = os.urandom(1000) * 80_000
def raw():
    with open(os.environ["RAW"], "wb") as file:
        file.write(data)
floor = min(spent(raw)[0] for _ in range(3))
ours = min(spent(lambda: runtime.save({"frame": frame}))[0] for _ in range(3))
print(json.dumps([ours, floor]))
"""
)

READ = (
    FRAME
    + """
import kubenb.inside as runtime
from kubenb.inside import hand
import pyarrow.feather
def raw():
    with open(os.environ["RAW"], "rb") as file:
        return file.read()
floor = min(spent(raw)[0] for _ in range(3))
def load():
    hand._HANDS.clear()
    return runtime.load("one", "frame")
ours = []
for _ in range(3):
    frame = None
    taken, frame = spent(load)
    ours.append(taken)
ours = min(ours)
assert frame.shape == (1_000_000, 10) and frame.equals(made())
print(json.dumps([ours, floor]))
"""
)


def asked(script: str, task: str, folder: Path) -> list[float]:
    """Seconds of ours and of the floor."""
    import json

    told = {
        "KUBENB_DAG": "bench",
        "KUBENB_RUN": "run",
        "KUBENB_TASK": task,
        "KUBENB_STORE": str(folder),
        "RAW": str(folder / "raw"),
    }
    found: list[float] = json.loads(process([sys.executable, "-c", script], {**os.environ, **told})[2].splitlines()[-1])
    return found


def rows(slow: bool) -> Rows:
    found = []
    for _ in range(3):
        with workplace() as folder:
            write, read = asked(WRITE, "one", folder), asked(READ, "two", folder)
        found.append((write[0] + read[0], write[1] + read[1]))
    ours, floor = (statistics.median(column) for column in zip(*found, strict=True))
    yield Row("a frame of 1e6 x 10 from task to task", ours, floor, "80 MB written and read", 165 / 61)

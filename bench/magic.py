"""The magics in a running IPython: loading the extension, and a task cell over a plain one."""

from __future__ import annotations

import json
import statistics
import sys

from bench.measure import Row, Rows, bare_python, process

SHELL = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config)
shell.run_cell("x = 0")
"""

LOAD = (
    SHELL
    + """
start = time.process_time()
shell.run_line_magic("load_ext", "kubenb")
print(json.dumps([time.process_time() - start]))
"""
)

CELLS = (
    SHELL
    + """
import statistics
shell.run_line_magic("load_ext", "kubenb")
def spent(text):
    start = time.process_time()
    shell.run_cell(text)
    return time.process_time() - start
out, sys.stdout = sys.stdout, open("/dev/null", "w")
for number in range(30):
    spent("x = 1"), spent("%%k8s_task one\\nx = 1")
pairs = [(spent("x = 1"), spent("%%k8s_task one\\nx = 1")) for number in range(300)]
sys.stdout = out
print(json.dumps([statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)]))
"""
)


def asked(script: str, *words: str) -> list[float]:
    """The numbers that a script prints in its last line."""
    found: list[float] = json.loads(process([sys.executable, "-c", script, *words])[2].splitlines()[-1])
    return found


def rows(slow: bool) -> Rows:
    load = statistics.median(asked(LOAD)[0] for _ in range(5))
    yield Row("%load_ext kubenb in a running IPython", load, bare_python(), "python -c pass", 20 / 12)
    plain, task = (statistics.median(column) for column in zip(*(asked(CELLS) for _ in range(3)), strict=True))
    yield Row(
        "a task cell here, instead of a plain cell",
        task,
        plain,
        "plain cell",
        (104 + 100) / 104,
        note=f"+{(task - plain) * 1e6:.0f} us",
    )

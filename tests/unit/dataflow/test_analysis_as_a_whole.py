"""What holds for the analysis of any notebook: the same twice, never raised, about linear; and what a plan says of its body."""

from __future__ import annotations

import cProfile
import hashlib
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenb.model.pipeline import Plan, Task
from kubenb.notebook.dataflow import FlowCell, analyse
from tests.unit.dataflow.table import flow_cells, rows, shown

DIGEST = """
import hashlib, sys
from tests.unit.dataflow.table import rows, shown
print(hashlib.sha256("".join(shown(row.cells) for row in rows()).encode()).hexdigest())
"""

PIECES = [
    "x",
    "y",
    "df",
    "rows",
    "f",
    "Box",
    "n",
    "random",
    "np",
    "=",
    "+=",
    ":",
    ",",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "+",
    "*",
    "==",
    "->",
    ":=",
    "@",
    ";",
    "!",
    "%",
    "%%",
    "?",
    "$",
    "\\",
    "#",
    '"',
    "'",
    "'''",
    'f"',
    "def",
    "class",
    "for",
    "in",
    "if",
    "else",
    "elif",
    "while",
    "try",
    "except",
    "finally",
    "with",
    "as",
    "import",
    "from",
    "return",
    "yield",
    "lambda",
    "global",
    "nonlocal",
    "del",
    "assert",
    "raise",
    "match",
    "case",
    "async",
    "await",
    "not",
    "is",
    "1",
    "0",
    "[1]",
    '"a"',
    "x.append(1)",
    "x=1",
    "del(x)",
    "exec(x)",
    "globals()",
    "__name__",
    "_",
    "print(x)",
    "import(numpy)",
    "random.seed(1)",
    "%matplotlib",
    "!ls",
    "\n",
    "\t",
    "é",
    "\x00",
    "\u2028",
]
LINES = [
    "x = 1",
    "y = x",
    "y = [x]",
    "x.append(1)",
    "x += [2]",
    "del x",
    "for i in x:",
    "    x = i",
    "    z.append(i)",
    "if y:",
    "else:",
    "def f(a=x):",
    "    global x",
    "    return y",
    "class Box(z):",
    "    x = y",
    "with open(y) as z:",
    "import random",
    "random.seed(1)",
    "x = random.random()",
    "y = f(x)",
    "z = [f(v) for v in y]",
    "x, *y = y, x",
    "print(x)",
    "lambda: x",
    "try:",
    "except Exception as e:",
    "while x:",
    "match x:",
    "    case [y, *z]: x = y",
    "%time x = 1",
    "!ls",
    "y = !ls",
    "from math import *",
    "x: int",
    'globals()["x"] = 1',
]


def plans(text: str) -> dict[str, Plan]:
    return {plan.task.name: plan for plan in analyse(flow_cells(text)).plans}


def test_the_same_notebook_gives_the_same_analysis() -> None:
    for row in rows():
        cells = flow_cells(row.cells)
        assert analyse(cells) == analyse(cells)


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_the_order_of_hashes_changes_nothing(seed: str) -> None:
    here = hashlib.sha256("".join(shown(row.cells) for row in rows()).encode()).hexdigest()
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    there = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert there.stdout.strip() == here


def cells(sources: st.SearchStrategy[str]) -> st.SearchStrategy[list[FlowCell]]:
    """Notebooks of a few cells of any role."""

    def notebook(drawn: list[tuple[str, str]]) -> list[FlowCell]:
        made = []
        for number, (role, source) in enumerate(drawn, 1):
            if role == "task":
                made.append(FlowCell(number, "task", source, 2, Task(f"t{number}", body=source)))
            else:
                made.append(FlowCell(number, "parameters" if role == "parameters" else "ordinary", source))
        return made

    roles = st.sampled_from(["task", "ordinary", "task", "ordinary", "parameters"])
    return st.lists(st.tuples(roles, sources), max_size=5).map(notebook)


@settings(max_examples=100)
@given(cells(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
def test_no_text_makes_it_raise(notebook: list[FlowCell]) -> None:
    analyse(notebook)


@settings(max_examples=100)
@given(cells(st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)), st.sampled_from(["refuse", "keep"]))
def test_no_python_makes_it_raise(notebook: list[FlowCell], shell_lines: str) -> None:
    flow = analyse(notebook, shell_lines)
    tasks = [cell.task.name for cell in notebook if cell.task is not None]
    assert [plan.task.name for plan in flow.plans] == tasks
    for edge in flow.edges:
        assert tasks.index(edge.upstream) < tasks.index(edge.downstream)


SHAPES = [
    ("a chain of numbers", "x{n} = x{before} + 1"),
    ("a chain of calls", "x{n} = f(x{before})"),
    ("a chain of what may be shared", "x{n} = same(x{before})"),
    ("a chain of unknown methods", "x{n} = x{before}.step()"),
    ("one name bound anew", "x1 = x1 + 1"),
    ("one list changed in place", "base.append({n})"),
    ("many readers of one list", "x{n} = len(base)"),
    ("many lists that hold one", "x{n} = [base]"),
    ("a chain of lists that hold the last", "x{n} = [x{before}]"),
    ("one list that grows by others", "x{n} = [{n}]\nbase.append(x{n})"),
    ("others that change inside one list", "x{n} = [{n}]\nbase.append(x{n})\nx{n}.append(1)"),
    ("one table that gets columns", "table['c{n}'] = table.x + {n}"),
    ("a chain of tables", "t{n} = t{before}[t{before}.x > 1]\nt{n}['y'] = t{n}.x\nm{n} = t{n}.y.mean()"),
    ("objects of a class", "o{n} = Box([{n}])\no{n}.add(base)"),
    ("loops that print", "rows{n} = [1]\nfor v in rows{n}:\n    print(v)"),
]
FIRST = """import math
import pandas as pd
table = t1 = pd.DataFrame()
limit = 3
base = [1]
x1 = 1

def f(v):
    return math.floor(v) * limit

def same(v):
    return v

class Box:
    def __init__(self, v):
        self.v = v
    def add(self, other):
        self.v.append(other)
"""


def long_notebook(length: int, line: str) -> list[FlowCell]:
    """Tasks and ordinary cells by turns, of the same line with other names."""
    made = [FlowCell(1, "ordinary", FIRST)]
    for number in range(2, length + 1):
        source = line.format(n=number, before=number - 1)
        if number % 2:
            made.append(FlowCell(number, "ordinary", source))
        else:
            made.append(FlowCell(number, "task", source, 2, Task(f"t{number}", body=source)))
    return made


def calls(length: int, line: str) -> int:
    """How many calls an analysis makes: its work, whatever else the machine does."""
    notebook, profile = long_notebook(length, line), cProfile.Profile()
    profile.runcall(analyse, notebook)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize(("name", "line"), SHAPES, ids=[row[0].replace(" ", "-") for row in SHAPES])
def test_four_times_the_cells_are_about_four_times_the_work(name: str, line: str) -> None:
    assert calls(400, line) < 9 * calls(100, line)


def test_shell_lines_are_taken_where_the_notebook_keeps_them() -> None:
    assert shown("!ls\n---\n%%k8s_task a\nx = 1\n", "keep").count("shell-line") == 0


def test_no_cells_are_no_tasks() -> None:
    flow = analyse([])
    assert (flow.plans, flow.edges, flow.problems, flow.left_out) == ((), (), (), ())


BODIES = [
    ("a name", "x = 1", ("x",), ()),
    ("an input that is only read", "n = len(given)", ("n",), ()),
    ("an input that is changed", "given.append(1)", ("given",), ("given",)),
    ("an input that is bound anew", "given = [2]", ("given",), ()),
    ("a name deleted at the end", "x = 1\ndel x", (), ()),
    ("code is no data", "import math\ndef f(): pass\nclass Box: pass\nx = 1", ("x",), ()),
    ("a loop's own name", "for i in range(3):\n    x = i", ("i", "x"), ()),
]


@pytest.mark.parametrize(("name", "body", "binds", "changes"), BODIES, ids=[row[0].replace(" ", "-") for row in BODIES])
def test_what_a_body_binds_and_changes(name: str, body: str, binds: tuple[str, ...], changes: tuple[str, ...]) -> None:
    plan = plans(f"%%k8s_task a\ngiven = [1]\n---\n%%k8s_task b\n{body}\n")["b"]
    assert (plan.binds, plan.changes) == (binds, changes)


def test_the_packages_of_a_task_are_those_of_all_its_code() -> None:
    found = plans("import numpy as np\nimport os.path\n---\n%%k8s_task a\nimport json\nx = np.zeros(1)\n")["a"]
    assert {"json", "numpy"} <= set(found.modules)

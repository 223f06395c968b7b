"""A cell that runs elsewhere sees the values that the kernel has, however they came about; only code is run again there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.magics.kernel import kernel

CASES = [
    pytest.param(
        ["%%k8s_task mk\nrows = [{'v': 1}, {'v': 2}]", "for r in rows:\n    r['v'] *= 10"],
        "s = sum(r['v'] for r in rows)",
        "s == 30",
        id="what an ordinary cell changed is changed once",
    ),
    pytest.param(["import random\nx = random.random()"], "y = x", "y == x", id="what came by chance is what came"),
    pytest.param(["n = 0", "n += 1", "n += 1 "], "m = n", "m == 2", id="a cell that ran twice"),
    pytest.param(
        ["cfg = {'a': 1}\ndef size():\n    return len(cfg)", "cfg['b'] = 2"], "k = size()", "k == 2", id="what functions read"
    ),
    pytest.param(
        ["import random\nrandom.seed(3)"], "w = random.random()", "w == random.Random(3).random()", id="the state of chance"
    ),
    pytest.param(["one = [1]", "two = one"], "one.append(2)\nthree = list(two)", "three == [1, 2] == two", id="names that share"),
    pytest.param(
        ["import sqlite3\ncon = sqlite3.connect(':memory:')"],
        "q = con.execute('select 7').fetchone()[0]",
        "q == 7",
        id="what can't travel is made again",
    ),
    pytest.param(["x = 1", "x = x + 1\ndel x", "x = 5"], "y = x", "y == 5", id="a name that was gone for a while"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "body", "expected"), CASES)
def test_the_kernels_values_are_taken(tmp_path: Path, cells: list[str], body: str, expected: str) -> None:
    with kernel(tmp_path) as started:
        for cell in cells:
            assert started.run(cell).status == "ok"
        reply = started.run(f"%%k8s_task there --run local\n{body}")
        assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
        assert started.value(expected) is True


def test_what_a_task_changed_and_could_not_come_back_is_said(tmp_path: Path) -> None:
    with kernel(tmp_path) as started:
        started.run("class A:\n    def __init__(self, v):\n        self.v = v\na = A(3)")
        reply = started.run("%%k8s_task there --run local\na.v += 1\nprint(a.v)")
        assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
        assert "4" in reply.out
        assert "a stayed there" in reply.out
        assert "The kernel's a is as before the task." in reply.out

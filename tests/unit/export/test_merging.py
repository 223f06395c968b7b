"""Hand edits of an export survive the next one, or the place is shown."""

from __future__ import annotations

import pytest

from kubenb.export.edited import Flaw, flaw, lost
from kubenb.export.merge import diff, meeting, merge

BASE = "a\nb\nc\nd\ne\n"
CASES = [
    ("nothing changed", BASE, BASE, BASE),
    ("only the notebook changed", BASE, "a\nB\nc\nd\ne\n", "a\nB\nc\nd\ne\n"),
    ("only the hand changed", "a\nb\nc\nD\ne\n", BASE, "a\nb\nc\nD\ne\n"),
    ("both, apart", "A\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "A\nb\nc\nd\nE\n"),
    ("both, in neighbouring lines", "a\nB\nc\nd\ne\n", "a\nb\nC\nd\ne\n", "a\nB\nC\nd\ne\n"),
    ("both, the same", "a\nX\nc\nd\ne\n", "a\nX\nc\nd\ne\n", "a\nX\nc\nd\ne\n"),
    ("a line added by hand", "a\nb\nnew\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "a\nb\nnew\nc\nd\nE\n"),
    ("a line taken away by hand", "a\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "a\nc\nd\nE\n"),
]


@pytest.mark.parametrize(("what", "mine", "theirs", "merged"), CASES)
def test_both_sides_survive(what: str, mine: str, theirs: str, merged: str) -> None:
    found = merge(BASE, mine, theirs)
    assert (found.text, found.conflicts) == (merged, ())


CONFLICTS = [
    ("the same line, two ways", "a\nX\nc\nd\ne\n", "a\nY\nc\nd\ne\n", 2),
    ("changed by one, taken away by the other", "a\nb\nX\nd\ne\n", "a\nb\nd\ne\n", 3),
    ("two lines added at one place", "a\nb\nX\nc\nd\ne\n", "a\nb\nY\nZ\nc\nd\ne\n", 3),
]


@pytest.mark.parametrize(("what", "mine", "theirs", "line"), CONFLICTS)
def test_a_conflict_keeps_mine_and_names_the_line(what: str, mine: str, theirs: str, line: int) -> None:
    found = merge(BASE, mine, theirs)
    assert (found.text, [conflict.line for conflict in found.conflicts]) == (mine, [line])


RESOLVED = [
    ("the new line and one of my own below", "a\nY\nmine\nc\nd\ne\n", "a\nY\nc\nd\ne\n"),
    ("the new line and one of my own above", "a\nmine\nY\nc\nd\ne\n", "a\nY\nc\nd\ne\n"),
    ("mine between the new ones", "a\nb\nY\nmine\nZ\nc\nd\ne\n", "a\nb\nY\nZ\nc\nd\ne\n"),
]


@pytest.mark.parametrize(("what", "mine", "theirs"), RESOLVED)
def test_a_conflict_is_resolved_by_taking_the_new_lines_over(what: str, mine: str, theirs: str) -> None:
    found = merge(BASE, mine, theirs)
    assert (found.text, found.conflicts) == (mine, ())


def test_the_old_line_beside_the_new_one_resolves_nothing() -> None:
    assert merge(BASE, "a\nmine\nY\nb\nmine\nc\nd\ne\n", "a\nY\nc\nd\ne\n").conflicts


def test_a_conflict_shows_only_the_lines_that_meet() -> None:
    found = merge(BASE, "mine\na\nX\nc\nd\ne\n", "a\nY\nc\nd\nE\n")
    there = "what the notebook now says there (- gone, + new):\n"
    assert meeting("x.py", found.conflicts) == f"x.py, line 3, what you wrote:\n X\n{there}-b\n+Y\n"


FLAWS = [
    ("a name that nothing defines", "x.py", "a = 1\na >> b\n", Flaw(2, "uses b, which no line defines")),
    ("an open bracket", "x.py", "a = 1\nx = (\n", Flaw(2, "is no Python ('(' was never closed)")),
    (
        "broken JSON",
        "x.json",
        '{\n"a": 1,\n}',
        Flaw(3, "is no JSON (Expecting property name enclosed in double quotes)"),
    ),
    ("a star import may define it", "x.py", "from os import *\nprint(getcwd())\n", None),
    (
        "all that binds",
        "x.py",
        "import os.path as p, sys\nwith p as q:\n    [i for i in q]\ndef f(z): return z, f\n",
        None,
    ),
    ("built in", "x.py", "print(__file__)\n", None),
    ("sound JSON", "x.ipynb", "{}", None),
    ("anything else", "x.txt", "(", None),
]


@pytest.mark.parametrize(("what", "name", "text", "found"), FLAWS)
def test_a_file_that_no_longer_works_is_known_by_its_line(what: str, name: str, text: str, found: Flaw | None) -> None:
    assert flaw(name, text) == found


HEAD = """with DAG("d"):
    a = Op(**notebook("a"))
    b = Op(**notebook("b", cpu="1"), retries=1)
    c = Op.partial(**task("c-c", "container.json", {})).expand(env_vars=a.output)
"""
WANTED = HEAD + "    a >> b >> c\n"
NO_B = Flaw(4, "has no task b, whose data task c-c takes", "Put the task back")
LOST = Flaw(3, "does not run task b after task a, whose data it takes", "Write a >> b")
ORDERS = [
    ("as it was", HEAD + "    a >> b >> c\n", None),
    ("an edge taken out", HEAD + "    b >> c\n", LOST),
    ("turned round", HEAD + "    b >> a\n    b >> c\n", LOST),
    ("all taken out", HEAD, LOST),
    ("a task taken out", HEAD.replace("    b =", "    # b =") + "    a >> c\n", NO_B),
    ("the last task taken out", "".join(HEAD.splitlines(keepends=True)[:3]) + "    a >> b\n", None),
    ("one more task between", HEAD + '    x = Other(task_id="x")\n    a >> x >> b >> c\n', None),
    ("several at once", HEAD + '    x = Other(task_id="x")\n    a >> [b, x]\n    [b, x] >> c\n', None),
    ("from right to left", HEAD + "    c << b << a\n", None),
    ("another variable", HEAD.replace("    b =", "    bee =") + "    a >> bee >> c\n", None),
    ("a function that may chain them", HEAD + "    chain(a, b, c)\n", None),
    ("a method", HEAD + "    a.set_downstream(b)\n    b >> c\n", None),
    ("a group around a task", HEAD.replace("    b =", '    with TaskGroup("g"):\n        b =') + "    a >> b >> c\n", None),
    ("a group that lost an edge", HEAD.replace("    b =", '    with TaskGroup("g"):\n        b =') + "    b >> c\n",
     Flaw(4, LOST.what, LOST.fix)),
    ("a group that is chained", HEAD.replace("    b =", '    with TaskGroup("g") as g:\n        b =') + "    a >> g >> c\n", None),
    ("tasks in a dict", 'with DAG("d"):\n    all = {n: Op(**notebook(n)) for n in "abc"}\n', None),
    ("a task of no name", HEAD.replace("    b =", "   ") + "    a >> c\n", None),
    ("a loop", HEAD + "    for one in (a, b):\n        one >> c\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "found"), ORDERS, ids=[what for what, *_ in ORDERS])
def test_an_edit_may_reorder_tasks_but_not_take_their_data_away(what: str, text: str, found: Flaw | None) -> None:
    assert lost(text, WANTED) == found


def test_a_diff_names_the_file() -> None:
    assert diff("x.py", None, "a\n") == "--- /dev/null\n+++ b/x.py\n@@ -0,0 +1 @@\n+a\n"
    assert diff("x.py", "a", "b\n").endswith("-a\n\\ No newline at end of file\n+b\n")
    assert diff("x.py", "a\n", "a\n") == ""

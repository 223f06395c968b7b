"""Hand edits of an export survive the next one, or the place is shown."""

from __future__ import annotations

import pytest

from kubenb.export.merge import diff, merge

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


def test_a_diff_names_the_file() -> None:
    assert diff("x.py", None, "a\n") == "--- /dev/null\n+++ b/x.py\n@@ -0,0 +1 @@\n+a\n"
    assert diff("x.py", "a", "b\n").endswith("-a\n\\ No newline at end of file\n+b\n")
    assert diff("x.py", "a\n", "a\n") == ""

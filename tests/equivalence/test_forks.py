"""No notebook of the search may hang it."""

from __future__ import annotations

import itertools
from collections import deque
from functools import partial

import pytest

from tests.equivalence.author import Author, CellRecipe, Recipe
from tests.equivalence.forks import DiedError, in_fork


def test_a_loop_in_c_that_hears_no_signal_is_ended() -> None:
    with pytest.raises(DiedError):
        in_fork(partial(deque, itertools.repeat(0), 0), cpu_seconds=1)


def test_what_a_call_gives_comes_back() -> None:
    assert in_fork(partial(sorted, [2, 1])) == [1, 2]


def test_writing_stops_where_a_value_gets_out_of_hand() -> None:
    author = Author(Recipe((CellRecipe(0, (1,)),)))
    author.space["xs"] = [1]
    assert not author.works("for v in xs:\n    xs.append(v)", author.space)
    assert author.statement(1) is None

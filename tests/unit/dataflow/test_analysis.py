"""The analysis of a notebook, case by case: `analysis.md` is its specification."""

from __future__ import annotations

import pytest

from tests.unit.dataflow.table import Row, rows, shown

ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=[row.name.replace(" ", "-") for row in ROWS])
def test_an_analysis_says(row: Row) -> None:
    assert shown(row.cells) == row.expected


def test_every_case_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names)) >= 60

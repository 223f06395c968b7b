"""The case table, run: each notebook as a whole and as a pipeline."""

from __future__ import annotations

import pytest

from tests.equivalence.author import Draft, Piece
from tests.equivalence.cases import CASES, Case
from tests.equivalence.judge import judge


def draft(case: Case) -> Draft:
    """The case's cells as a draft."""
    pieces = []
    for text in case.cells.split("\n---\n"):
        lines = text.strip("\n").split("\n")
        task = lines.pop(0).split()[1] if lines[0].startswith("%%k8s_task") else None
        source = lines.pop(0).partition(" in ")[2] if lines[0].startswith("#| map:") else None
        pieces.append(Piece(task, ("\n".join(lines),), source))
    return Draft(tuple(pieces), case.pickle)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_pipeline_means_what_its_notebook_means(case: Case) -> None:
    verdict = judge(draft(case))
    found = "equal" if verdict.kind == "equal" else verdict.code
    assert found == case.expected, f"{verdict.kind}\n{verdict.detail}"

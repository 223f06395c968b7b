"""A traceback names the user's cell and line, whichever engine printed it; where that can't be told for certain it stays."""

from __future__ import annotations

from functools import partial

import pytest

from kubenb.export.origin import as_written
from kubenb.export.task_notebook import task_notebook
from kubenb.notebook.cells import parse_notebook
from kubenb.notebook.pipeline import read_pipeline
from kubenb.notebook.settings import Settings
from kubenb.run.traces import Traces
from kubenb.testing.notebooks import code, notebook

CELLS = (
    code("n = 3", "parameters"),
    "def half(x):\n    # a comment\n    return x / 0\n\ndef third(x):\n    return x / 0",
    "%%k8s_task make\nrows = [1]",
    "%%k8s_task train --cpu 1\n#| memory: 1Gi\ntotal = 0\ntotal += half(rows[0])\nthird(1)",
)
PIPELINE = read_pipeline(parse_notebook(notebook(*CELLS), "n.ipynb"), Settings())
PLAN = PIPELINE.plans[1]
TEXT = task_notebook(PIPELINE, PLAN)


def traces(parameters: bool = False) -> Traces:
    return Traces(TEXT, partial(as_written, PIPELINE.notebook, PLAN), "train", parameters)


def number(name: str) -> int:
    import json

    return [cell["id"] for cell in json.loads(TEXT)["cells"]].index(name) + 1


@pytest.mark.parametrize(
    ("cell", "line", "expected"),
    [
        pytest.param(
            "body", 2, 'File "cell 4 of the notebook (train)", line 4', id="the task's own cell, below its header"
        ),
        pytest.param("cell-2", 2, 'File "cell 2 of the notebook (train)", line 2', id="an ordinary cell"),
        pytest.param("cell-2", 6, 'File "cell 2 of the notebook (train)", line 6', id="a line that the cell has twice"),
        pytest.param("kubenb-load", 1, "", id="a cell that no notebook has"),
    ],
)
def test_a_place_is_the_notebooks(cell: str, line: int, expected: str) -> None:
    printed = f'File "<cell {number(cell)}>", line {line}'
    assert traces().retold(printed) == (expected or printed)


def test_a_kernels_count_is_the_notebooks_cell() -> None:
    found = traces(parameters=True)
    count = found.counted.index(number("body")) + 1
    told = found.retold(f"Cell In[{count}], line 2")
    assert told == "cell 4 of the notebook (train), line 4 (here line 2)"


@pytest.mark.parametrize(
    ("cell", "said", "expected"),
    [
        ("body", ", line 2 (the task's own code).", "cell 4, line 4 of the notebook."),
        ("body", " (the task's own code).", "cell 4 of the notebook."),
        ("cell-2", ", line 6 (taken from cell 2 of the notebook).", "cell 2, line 6 of the notebook."),
        ("cell-2", " (taken from cell 2 of the notebook).", "cell 2 of the notebook."),
    ],
)
@pytest.mark.parametrize("parameters", [False, True])
def test_the_one_line_of_the_cause_names_the_notebooks_cell(
    cell: str, said: str, expected: str, parameters: bool
) -> None:
    printed = f"ZeroDivisionError in cell {number(cell) + parameters}{said}"
    assert traces(parameters).retold(printed) == f"ZeroDivisionError in {expected}"


def test_what_only_looks_like_a_place_stays() -> None:
    for text in ("In the end", "<cell of a table>", "Cell In[99], line 1", "Inf"):
        assert traces().retold(text) == text


def test_the_own_engine_counts_the_parameters_of_the_run_as_a_cell() -> None:
    printed = f'File "<cell {number("body") + 1}>", line 2'
    assert traces(parameters=True).retold(printed) == 'File "cell 4 of the notebook (train)", line 4'
    assert (
        traces(parameters=True).retold(f'File "<cell {number("parameters") + 1}>", line 1').startswith('File "<cell ')
    )

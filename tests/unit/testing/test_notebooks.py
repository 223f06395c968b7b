"""The builder makes what nbformat takes; a cell runs in an IPython of its own."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from kubenb.testing import code, notebook, run_cell, save


def test_a_built_notebook_is_valid() -> None:
    text = notebook("# %% [markdown]\n# Title", code("x = 1", "parameters"), "%%k8s_task a\ny = x")
    nbformat.validate(json.loads(text))
    assert [cell["cell_type"] for cell in json.loads(text)["cells"]] == ["markdown", "code", "code"]


def test_a_notebook_is_saved_where_it_is_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path / "deep" / "x.ipynb", "x = 1")
    assert json.loads(path.read_text())["cells"][0]["source"] == "x = 1"


def test_a_cell_runs_after_the_cells_before_it() -> None:
    done = run_cell("print(x)\nx + 1", before=["x = 1"], load=())
    assert (done.text.splitlines()[0], done.value, done.error, done.names["x"]) == ("1", 2, None, 1)


def test_an_error_is_handed_back() -> None:
    done = run_cell("1 / 0", load=())
    assert isinstance(done.error, ZeroDivisionError)

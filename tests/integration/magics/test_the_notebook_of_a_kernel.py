"""The one-line magics: which notebook they are about, and what they say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenb.testing.notebooks import code, save
from tests.integration.magics.kernel import kernel

CELLS = (
    "%load_ext kubenb",
    "%k8s_dag small --store pvc:work",
    code("n = 3", "parameters"),
    "%%k8s_task extract\nrows = [k for k in range(n)]",
    "%%k8s_task train\ntotal = sum(rows)",
)
TEXTS = [cell if isinstance(cell, str) else str(cell["source"]) for cell in CELLS]


def test_without_a_file_the_cells_that_ran_are_the_notebook(tmp_path: Path) -> None:
    with kernel(tmp_path, JPY_SESSION_NAME="") as started:
        for text in TEXTS:
            started.run(text)
        started.run("%%k8s_task extract\nrows = [k + 1 for k in range(n)]")
        started.run("%%k8s_task train\ntotal = sum(rows)")
        reply = started.run("%k8s_graph")
        assert reply.status == "ok"
        assert "small: 2 tasks, 1 edge" in reply.plain[0]
        assert "rows = [k + 1 for k in range(n)]" in reply.plain[0]
        assert reply.shown[0]["text/html"].startswith("<svg")
        assert "```mermaid" in reply.shown[0]["text/markdown"]
        assert started.run("%k8s_check").plain[0].endswith("no problems (2 tasks)")
        assert started.run("%k8s_export dags").plain[0].startswith("dags/small.py: ")
        assert (tmp_path / "dags" / "small.py").exists()
        assert "small" in started.run("%k8s_config").plain[0]


@pytest.mark.parametrize("how", ["session", "vscode", "argument"])
def test_the_file_is_the_notebook_where_it_is_known(how: str, tmp_path: Path) -> None:
    path = save(tmp_path / "small.ipynb", *CELLS)
    with kernel(tmp_path, JPY_SESSION_NAME=str(path) if how == "session" else "") as started:
        if how == "vscode":
            started.run(f"__vsc_ipynb_file__ = {str(path)!r}")
        reply = started.run("%k8s_graph" + (" small.ipynb" if how == "argument" else ""))
        assert "small: 2 tasks, 1 edge" in reply.plain[0]
        assert "cell 4, line 2: rows = [k for k in range(n)]" in reply.plain[0]


def test_cells_that_were_never_saved_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "small.ipynb", *CELLS)
    with kernel(tmp_path, JPY_SESSION_NAME=str(path)) as started:
        for text in TEXTS:
            started.run(text)
        assert "no problems" in started.run("%k8s_check").plain[0]
        started.run("%%k8s_task train\ntotal = sum(rows) + 1")
        warning = "Cells ran here that the file does not have so: %%k8s_task train. Save the notebook."
        assert warning in started.run("%k8s_check").plain[0]
        assert warning in started.run("%k8s_graph").out
        assert warning in started.run("%k8s_export dags --diff").out


def test_values_that_cant_travel_stop_check_and_export_with_the_line_to_paste(tmp_path: Path) -> None:
    cells = (*CELLS[:3], "class Model:\n    pass", "%%k8s_task fit\nmodel = Model()", "%%k8s_task use\nprint(model)")
    path = save(tmp_path / "small.ipynb", *cells)
    with kernel(tmp_path, JPY_SESSION_NAME=str(path)) as started:
        assert started.run("%k8s_check").status == "ok"
        for cell in cells:
            started.run(cell if isinstance(cell, str) else str(cell["source"]))
        for line in ("%k8s_check", "%k8s_export dags"):
            reply = started.run(line)
            assert reply.status == "error"
            assert "Write `#| pickle: model` under the task's first line" in reply.err
        assert not (tmp_path / "dags").exists()


def test_check_fails_the_cell_on_errors(tmp_path: Path) -> None:
    save(tmp_path / "bad.ipynb", "%%k8s_task train --memory 4G1\nx = 1")
    with kernel(tmp_path) as started:
        reply = started.run("%k8s_check bad.ipynb")
        assert reply.status == "error"
        assert "memory '4G1' is not a quantity" in reply.err


def test_the_api_shows_one_display_while_it_runs(tmp_path: Path) -> None:
    save(tmp_path / "small.ipynb", "%k8s_dag small --engine kubenb", *CELLS[2:])
    with kernel(tmp_path) as started:
        reply = started.run("import kubenb\nresults = kubenb.run('small.ipynb', 'out')\nresults.ok")
        assert reply.status == "ok", reply.tracebacks
        assert reply.plain[-1] == "True"
        assert len(reply.shown) == 2

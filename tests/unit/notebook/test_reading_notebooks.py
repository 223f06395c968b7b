"""Notebook files: read as they are, or refused with the reason, whatever the bytes."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.pipeline import Cell
from kubenb.model.problems import KubenbError
from kubenb.notebook import cells
from kubenb.notebook.cells import parse_notebook, read_notebook
from tests.unit.model.strategies import PATIENT


def notebook(*sources: Any, **changes: Any) -> str:
    """The JSON of a notebook with these code cells."""
    listed = [
        source if isinstance(source, dict) else {"cell_type": "code", "metadata": {}, "source": source}
        for source in sources
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed, **changes})


def test_cells_are_numbered_from_one_with_kind_tags_and_id() -> None:
    read = parse_notebook(
        notebook(
            {"cell_type": "markdown", "metadata": {}, "source": "# Title"},
            {"cell_type": "code", "metadata": {"tags": ["parameters", 3]}, "source": ["a = 1\n", "b = 2"], "id": "x1"},
            {"cell_type": "raw", "source": ""},
        ),
        "n.ipynb",
    )
    assert read.cells == (
        Cell(1, "markdown", "# Title"),
        Cell(2, "code", "a = 1\nb = 2", ("parameters",), "x1"),
        Cell(3, "raw", ""),
    )
    assert (read.path, read.kernel) == ("n.ipynb", "python3")


def test_line_ends_are_read_as_python_reads_them() -> None:
    assert parse_notebook(notebook("a = 1\r\nb = 2\rc")).cells[0].source == "a = 1\nb = 2\nc"


def test_other_separators_and_odd_characters_are_kept_exactly() -> None:
    source = "s = '\u2028\u2029\x0c\x1c\ufeff{{ x }}{% raw %}'\n# -*- coding: latin-1 -*-\n'''\"\"\"\\"
    assert parse_notebook(notebook(source)).cells[0].source == source


def test_a_bom_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(notebook("a = 1"), encoding="utf-8-sig")
    assert read_notebook(path).cells[0].source == "a = 1"


@pytest.mark.parametrize("minor", [0, 2, 5, 9, None])
def test_every_minor_format_of_4_is_read(minor: int | None) -> None:
    assert parse_notebook(notebook("a = 1", nbformat_minor=minor)).cells


@pytest.mark.parametrize(
    "metadata",
    [{}, {"kernelspec": {"name": "conda-env-ml-py", "language": "python"}}, {"language_info": {"name": "python", "version": "3.8"}},
     {"kernelspec": {"name": "my kernel", "display_name": "Python"}}, {"kernelspec": None, "language_info": []}],
)  # fmt: skip
def test_python_kernels_of_any_name_are_read(metadata: dict[str, Any]) -> None:
    assert parse_notebook(notebook("a = 1", metadata=metadata)).cells


DEEP = '{"cells": ' + "[" * 100_000
AGAIN = "Save it again from Jupyter, or restore it from version control."
KERNEL = "Choose a Python kernel in Jupyter and save."
OTHER = "Choose a Python kernel, or make it a task of another notebook with %k8s_container."
BAD: list[tuple[str, str, str]] = [
    ("empty", "", f"n.ipynb: the file is empty. {AGAIN}"),
    ("blank", " \n", f"n.ipynb: the file is empty. {AGAIN}"),
    ("truncated", notebook("a = 1")[:-20], f"n.ipynb: it is cut off (line 1). {AGAIN}"),
    ("cut in a text", notebook("a = 1")[:80], f"n.ipynb: it is cut off (line 1). {AGAIN}"),
    ("no JSON", "{'a': 1}",
     f"n.ipynb: its JSON is broken in line 1: Expecting property name enclosed in double quotes. {AGAIN}"),
    ("doubled key", '{"nbformat": 4, "nbformat": 4}', f"n.ipynb: its JSON has the key 'nbformat' twice in one place. {AGAIN}"),
    ("NaN", notebook("a")[:-1] + ', "x": NaN}', f"n.ipynb: its JSON holds NaN, which is no JSON. {AGAIN}"),
    ("Infinity", '{"x": -Infinity}', f"n.ipynb: its JSON holds -Infinity, which is no JSON. {AGAIN}"),
    ("deep", DEEP, f"n.ipynb: its JSON is nested too deeply. {AGAIN}"),
    ("digits", '{"x": ' + "9" * 5000 + "}",
     "n.ipynb: its JSON can't be read: Exceeds the limit (4300"),
    ("a list", "[]", "n.ipynb: it is JSON, but not a notebook. Name a notebook (.ipynb)."),
    ("no format", "{}", "n.ipynb: it does not say its notebook format; kubenb reads format 4. Save it again from Jupyter."),
    ("format 3", '{"nbformat": 3}', "n.ipynb: it has notebook format 3; kubenb reads format 4. "
     "Convert it: jupyter nbconvert --to notebook --nbformat 4 --inplace NOTEBOOK."),
    ("format 5", '{"nbformat": 5}', "n.ipynb: it has notebook format 5, which this kubenb does not know yet. "
     "Save it in notebook format 4, or upgrade kubenb."),
    ("format true", '{"nbformat": true}',
     "n.ipynb: it says notebook format 'True'; kubenb reads format 4. Save it again from Jupyter."),
    ("format '4'", '{"nbformat": "4"}', "n.ipynb: it says notebook format '4'; kubenb reads format 4. Save it again from Jupyter."),
    ("no cells", '{"nbformat": 4}', "n.ipynb: it has no list of cells. Save it again from Jupyter."),
    ("a cell of nothing", notebook("a", cells=[None]), "n.ipynb: cell 1: it is not a cell. Save the notebook again from Jupyter."),
    ("a cell without type", notebook({}), "n.ipynb: cell 1: it has no type. Make it a code, markdown or raw cell."),
    ("a cell of no known type", notebook("a", {"cell_type": "sql"}),
     "n.ipynb: cell 2: its type 'sql' is not known. Make it a code, markdown or raw cell."),
    ("source a number", notebook({"cell_type": "code", "source": 3}),
     "n.ipynb: cell 1: its source is not text. Save the notebook again from Jupyter."),
    ("source with a number", notebook({"cell_type": "code", "source": ["a", 3]}),
     "n.ipynb: cell 1: its source is not text. Save the notebook again from Jupyter."),
    ("R", notebook("a", metadata={"kernelspec": {"name": "ir", "language": "R"}}),
     f"n.ipynb: it is written in 'R'; kubenb reads Python. {OTHER}"),
    ("R by name", notebook("a", metadata={"kernelspec": {"name": "ir"}}),
     f"n.ipynb: it is written in 'ir'; kubenb reads Python. {OTHER}"),
    ("Julia", notebook("a", metadata={"language_info": {"name": "julia"}}),
     f"n.ipynb: it is written in 'julia'; kubenb reads Python. {OTHER}"),
    ("a kernel's path", notebook("a", metadata={"kernelspec": {"name": "../../x", "language": "python"}}),
     f"n.ipynb: its kernel's name '../../x' is not a name. {KERNEL}"),
    ("a kernel's argument", notebook("a", metadata={"kernelspec": {"name": "--x"}}),
     f"n.ipynb: its kernel's name '--x' is not a name. {KERNEL}"),
    ("a kernel of no text", notebook("a", metadata={"kernelspec": {"name": ["x"]}}),
     f"n.ipynb: its kernel's name '['x']' is not a name. {KERNEL}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_no_notebook_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(KubenbError) as caught:
        parse_notebook(text, "n.ipynb")
    assert str(caught.value).startswith(message)


FILES: list[tuple[str, bytes, str]] = [
    ("utf-16", notebook("a").encode("utf-16"), "it is not UTF-8 text (it looks like UTF-16). Save it as UTF-8."),
    ("utf-16 without bom", notebook("a").encode("utf-16-le"), "it is not text. Save it as UTF-8."),
    ("latin-1", notebook("a")[:-1].encode() + b', "\xe9": 1}', "it is not UTF-8 text (byte 119). Save it as UTF-8."),
    (
        "a surrogate",
        notebook("a")[:-1].encode() + b', "\xed\xa0\x80": 1}',
        "it is not UTF-8 text (byte 119). Save it as UTF-8.",
    ),
]


@pytest.mark.parametrize(("data", "message"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_a_file_of_another_encoding_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_bytes(data)
    with pytest.raises(KubenbError) as caught:
        read_notebook(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_file_that_is_no_notebook_is_not_taken_for_a_broken_one(tmp_path: Path) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/bash\n")
    with pytest.raises(KubenbError) as caught:
        read_notebook(path)
    assert str(caught.value) == f"{path}: it is no notebook. Name a notebook (.ipynb) or a percent script (.py)."


def test_a_missing_file_names_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "flights.ipynb").write_text("")
    with pytest.raises(KubenbError, match=r"there is no such file\. Did you mean flights\.ipynb\?"):
        read_notebook(tmp_path / "flight.ipynb")


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ipynb")
    for path in (tmp_path, tmp_path / "pipe.ipynb", Path("/dev/zero")):
        with pytest.raises(KubenbError, match="this is not a file"):
            read_notebook(path)
    with pytest.raises(KubenbError, match="can't be read"):
        read_notebook("a\0b.ipynb")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    with pytest.raises(KubenbError, match=r"it has 200 MiB; kubenb reads up to 100\. Clear its outputs"):
        read_notebook(path)


def test_too_many_cells_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "MOST_CELLS", 2)
    with pytest.raises(KubenbError, match=r"it has 3 cells; kubenb reads up to 2\. Split it\."):
        parse_notebook(notebook("a", "b", "c"))


def test_outputs_and_foreign_metadata_are_not_looked_at() -> None:
    cell = {
        "cell_type": "code",
        "source": "a",
        "outputs": [{"data": {"text/html": "<script>"}}],
        "metadata": {"tags": "parameters"},
    }
    read = parse_notebook(notebook(cell, metadata={"kubenb": {"image": "evil"}, "papermill": 3}))
    assert read.cells == (Cell(1, "code", "a"),)


@PATIENT
@given(st.binary(max_size=200))
def test_any_bytes_are_a_notebook_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.ipynb", "any.py"):
        (folder / name).write_bytes(data)
        with contextlib.suppress(KubenbError):
            read_notebook(folder / name)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["cells", "cell_type", "source", "metadata", "tags", "nbformat", "kernelspec", "name", "id"]
            ),
            inner,
        ),
    ),
    max_leaves=12,
)


@PATIENT
@given(JSON, JSON, JSON)
def test_any_json_is_a_notebook_or_refused(metadata: object, cell: object, tags: object) -> None:
    listed = [
        cell,
        {"cell_type": "code", "metadata": metadata, "source": tags},
        {"cell_type": "code", "source": "", "metadata": {"tags": tags}},
    ]
    with contextlib.suppress(KubenbError):
        parse_notebook(json.dumps({"nbformat": 4, "metadata": metadata, "cells": listed}))

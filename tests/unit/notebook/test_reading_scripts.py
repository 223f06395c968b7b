"""Percent scripts: the same cells as the notebook that jupytext would pair with them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.pipeline import Cell
from kubenb.model.problems import KubenbError
from kubenb.notebook.cells import parse_notebook, read_notebook
from tests.unit.model.strategies import PATIENT


def cells(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(cell.kind, cell.source, cell.tags) for cell in parse_notebook(textwrap.dedent(text), "n.py").cells]


def test_cells_begin_at_markers() -> None:
    found = cells(
        """\
        import os

        # %% [markdown]
        # # Title
        #
        # text

        # %% tags=["parameters"]
        year = 2013

        # %% a title
        x = 1


        # %%
        #%%
        y = 2
        """
    )
    assert found == [
        ("code", "import os", ()),
        ("markdown", "# Title\n\ntext", ()),
        ("code", "year = 2013", ("parameters",)),
        ("code", "x = 1", ()),
        ("code", "", ()),
        ("code", "y = 2", ()),
    ]


MARKERS = [
    ('# %% tags=["parameters", "x"]', "code", ("parameters", "x")),
    ("# %% tags=['parameters']", "code", ("parameters",)),
    ('# %% {"tags": ["parameters"]}', "code", ("parameters",)),
    ('# %% title [markdown] tags=["a"]', "markdown", ("a",)),
    ("# %% [md]", "markdown", ()),
    ("# %% [raw]", "raw", ()),
    ("# %%%% deeper", "code", ()),
    ("# %% tags=[broken", "code", ()),
    ('# %% {"tags": ', "code", ()),
    ("# %% {}", "code", ()),
    ("# %% {'a'}", "code", ()),
    ('# %% id="abc-1" slideshow={"x": 1}', "code", ()),
]


@pytest.mark.parametrize(("marker", "kind", "tags"), MARKERS)
def test_a_marker_says_kind_and_tags(marker: str, kind: str, tags: tuple[str, ...]) -> None:
    assert cells(f"{marker}\nx") == [(kind, "x", tags)]


def test_a_marker_can_carry_an_id() -> None:
    assert parse_notebook('# %% id="abc-1"\nx', "n.py").cells == (Cell(1, "code", "x", (), "abc-1"),)


MAGICS = [
    ("# %%k8s_task train --cpu 2", "%%k8s_task train --cpu 2"),
    ("%%k8s_task train --cpu 2", "%%k8s_task train --cpu 2"),
    ("#%%k8s_task train", "%%k8s_task train"),
    ("# %matplotlib inline", "%matplotlib inline"),
    ("    # %time f()", "    %time f()"),
    ("# # %matplotlib inline", "# # %matplotlib inline"),
    ("# %d of them", "# %d of them"),
    ("# 5 % of them", "# 5 % of them"),
    ("# !important", "# !important"),
    ("!ls", "!ls"),
    ("#| memory: 4Gi", "#| memory: 4Gi"),
]


@pytest.mark.parametrize(("line", "read"), MAGICS)
def test_magics_may_stand_behind_a_comment_sign(line: str, read: str) -> None:
    assert cells(f"# %%\n{line}") == [("code", read, ())]


JUPYTEXT = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: my-env
# ---

# %%
# !pip install x
# %%k8s_task a
x = 1
"""


def test_a_script_of_jupytext_names_its_kernel_and_its_shell_lines() -> None:
    read = parse_notebook(JUPYTEXT, "n.py")
    assert read.kernel == "my-env"
    assert [cell.source for cell in read.cells] == ["!pip install x", "%%k8s_task a\nx = 1"]


def test_a_script_of_another_language_is_refused() -> None:
    with pytest.raises(KubenbError, match="it is written in 'R'; kubenb reads Python"):
        parse_notebook(JUPYTEXT.replace("language: python", "language: R"), "n.py")


def test_a_task_magic_begins_a_cell_where_code_stands_above_it() -> None:
    found = cells("x = 1\n# %%k8s_task a\n#| cpu: 2\ny = x\n%%k8s_task b\nz = y")
    assert [source for _, source, _ in found] == ["x = 1", "%%k8s_task a\n#| cpu: 2\ny = x", "%%k8s_task b\nz = y"]


def test_a_script_without_markers_is_one_cell() -> None:
    assert cells("x = 1\n\n\ny = 2\n") == [("code", "x = 1\n\n\ny = 2", ())]


def test_an_empty_script_has_no_cells() -> None:
    assert cells("") == []
    assert cells("\n\n") == []


def test_a_script_is_read_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "n.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"))
    assert read_notebook(path).cells[0].source.endswith("x = 'é'")
    path.write_bytes(b"# coding: klingon\n")
    with pytest.raises(KubenbError, match="its encoding is not known: unknown encoding"):
        read_notebook(path)


def test_windows_line_ends_and_a_bom_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "n.py"
    path.write_bytes(b"\xef\xbb\xbf# %%\r\nx = 1\r\n\r\n# %%\r\ny = 2\r\n")
    assert [cell.source for cell in read_notebook(path).cells] == ["x = 1", "y = 2"]


@PATIENT
@given(
    st.lists(
        st.sampled_from(
            ["# %%", "# %% [markdown]", "# ---", "# %%k8s_task a", "x = 1", "# # y", "", "# jupytext:", "\x0c"]
        )
    )
)
def test_any_lines_are_cells(lines: list[str]) -> None:
    for cell in parse_notebook("\n".join(lines), "n.py").cells:
        assert cell.number > 0


HIDDEN = [
    ("# files = !ls", "files = !ls"),
    ("# x = %time f()", "x = %time f()"),
    ("# cd ..", "cd .."),
    ("# ls", "ls"),
    ("# ?f", "?f"),
    ("# # %not", "# %not"),
    ("# rm = 3", "# rm = 3"),
    ("# lst of things", "# lst of things"),
    ("# plain", "# plain"),
]


@pytest.mark.parametrize(("line", "bare"), HIDDEN)
def test_what_jupytext_hides_behind_a_comment_sign_is_bare_again(line: str, bare: str) -> None:
    assert parse_notebook(f"{JUPYTEXT}\n# %%\n{line}", "n.py").cells[-1].source == bare


def test_a_format_that_hides_nothing_is_read_as_it_stands() -> None:
    text = JUPYTEXT.replace("#       extension: .py", "#       format_name: hydrogen")
    assert parse_notebook(text, "n.py").cells[0].source == "# !pip install x"


def test_a_cell_of_another_language_gets_its_magic_back() -> None:
    assert cells('# %% language="bash"\n# echo hi\n#\n# ls') == [("code", "%%bash\necho hi\n\nls", ())]


INSIDE = [
    "s = '''\n# %%\n%%k8s_task x\n'''",
    's = """\n# %%\n"""',
    "s = '''it's \"\"\"\n# %%\n'''",
    "f('''\\'''\n# %%\n''')",
]


@pytest.mark.parametrize("text", INSIDE)
def test_no_cell_begins_inside_a_string(text: str) -> None:
    assert cells(f"{text}\n# %%\ny = 1") == [("code", text, ()), ("code", "y = 1", ())]


@pytest.mark.parametrize("text", ["# it's '''", "s = \"'''\"", "s = '\\\\' # '''", "s = '''a'''", "s = '\\'' '''a'''"])
def test_a_quote_that_opens_nothing_keeps_no_cell_from_beginning(text: str) -> None:
    assert cells(f"{text}\n# %%\ny = 1") == [("code", text, ()), ("code", "y = 1", ())]

"""An edited header says what was asked, and everything else in its cell stays as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.kinds import KINDS, show_option
from kubenb.model.pipeline import Cell
from kubenb.notebook.edit import edit_header
from kubenb.notebook.header import Header, HeaderKind, option_for, parse_headers, print_header
from tests.unit.model.strategies import PATIENT
from tests.unit.notebook.headers import headers


def cell(text: str) -> Cell:
    return Cell(1, "code", text)


def texts(header: Header, name: str) -> list[str]:
    """An option's values as a user types them."""
    option = option_for(header.kind, name)
    assert option is not None
    value = header.values[name]
    shown = [show_option(option, item) for item in (value if option.repeats else (value,))]
    return [", ".join(shown)] if KINDS[option.kind].lists else shown


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        pytest.param(
            "%%k8s_task train\nx = 1",
            {"memory": ["1Gi"], "cpu": ["2"]},
            "%%k8s_task train --cpu 2 --memory 1Gi\nx = 1",
            id="essentials go on the line, in their order",
        ),
        pytest.param(
            "%%k8s_task train --memory=1Gi  --cpu 2 # big\n# note\nx",
            {"memory": ["3Gi"]},
            "%%k8s_task train --memory 3Gi  --cpu 2 # big\n# note\nx",
            id="in its place, with the blanks and comments around it",
        ),
        pytest.param(
            "%%k8s_task train --cpu 2 --memory 1Gi", {"cpu": []}, "%%k8s_task train --memory 1Gi", id="taken out"
        ),
        pytest.param(
            "%%k8s_task t\n#| memory: 1Gi   # since May\n#| env: A=1\n#| cpu: 2\n#| env: B=2\nx",
            {"memory": ["3Gi"], "env": ["Z=1"]},
            "%%k8s_task t\n#| memory: 3Gi  # since May\n#| env: Z=1\n#| cpu: 2\nx",
            id="below the line it stays below",
        ),
        pytest.param(
            "%%k8s_task t\n#| description: |\n#|   two\n#|   lines\n#| pool: a\nx",
            {"description": ["one"]},
            "%%k8s_task t\n#| description: one\n#| pool: a\nx",
            id="a block goes as a whole",
        ),
        pytest.param(
            "  %%k8s_task t\n  #| cpu: 1\n  x",
            {"env": ["A=b"]},
            "  %%k8s_task t\n  #| cpu: 1\n  #| env: A=b\n  x",
            id="indented",
        ),
        pytest.param(
            "%%k8s_task a --cpu 1 \\\n --memory 2Gi\n#| env: A=1\nx",
            {"cpu": ["2"]},
            "%%k8s_task a --cpu 2 --memory 2Gi\n#| env: A=1\nx",
            id="a line that went on becomes one",
        ),
        pytest.param(
            "%%k8s_task a --cpu 1 --cpu 2\nx", {"cpu": ["3"]}, "%%k8s_task a --cpu 3\nx", id="twice becomes once"
        ),
        pytest.param(
            "%k8s_dag\nx = 1",
            {"schedule": ["0 3 * * *"]},
            "%k8s_dag --schedule '0 3 * * *'\nx = 1",
            id="a DAG without an id",
        ),
        pytest.param(
            "%k8s_notebook o.ipynb --as x",
            {"cpu": ["2"]},
            "%k8s_notebook o.ipynb --as x --cpu 2",
            id="another notebook",
        ),
        pytest.param(
            "%k8s_container l --image a/b:1 -- python x.py",
            {"cpu": ["2"], "image": ["c/d:2"]},
            "%k8s_container l --image c/d:2 --cpu 2 -- python x.py",
            id="before a command",
        ),
    ],
)
def test_an_edit_changes_its_option_and_nothing_else(before: str, changes: dict[str, list[str]], after: str) -> None:
    assert edit_header(before, changes) == after


def test_the_second_header_of_a_cell_is_edited_alone() -> None:
    source = "%k8s_dag d --owner me\n%k8s_container l --image a/b:1 -- run\n"
    assert edit_header(source, {"cpu": ["2"]}, 1) == source.replace("--image a/b:1", "--image a/b:1 --cpu 2")


OF: list[HeaderKind] = ["task", "dag", "notebook", "container"]
PAIRS = st.sampled_from(OF).flatmap(lambda kind: st.tuples(headers(kind), headers(kind)))


@PATIENT
@given(PAIRS)
def test_edits_make_the_one_header_of_the_other(pair: tuple[Header, Header]) -> None:
    one, other = pair
    body = "x = 1" if one.kind == "task" else ""
    source = f"{print_header(one)}\n{body}"
    gone: dict[str, list[str]] = {name: [] for name in one.values if name not in other.values}
    edited = edit_header(source, {**gone, **{name: texts(other, name) for name in other.values}})
    [found], _ = parse_headers(cell(edited))
    assert (found.values, found.name, found.body) == (other.values, one.name, body)
    assert found.command == one.command
    assert found.problems == ()


@PATIENT
@given(headers())
def test_an_edit_to_what_is_there_already_changes_nothing(header: Header) -> None:
    source = print_header(header)
    assert edit_header(source, {name: texts(header, name) for name in header.values}) == source

"""Print, then read: the same header; read, then print: the same text. Over the whole table of options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.options import DAG, TASK
from kubenb.model.pipeline import Cell
from kubenb.model.values import KeyValue
from kubenb.notebook.header import Header, parse_headers, print_header
from tests.unit.model.strategies import PATIENT, TEXT
from tests.unit.notebook.headers import headers, meaning, read

BODY = st.sampled_from(
    ["", "x = 1", "\nx = '''\n#| memory'''\n\n", "# comment\nprint('k8s_')", "\u2028 = 3\x0c", "%time f()\n"]
)


@PATIENT
@given(headers())
def test_a_printed_header_is_read_as_the_same_header(header: Header) -> None:
    found = read(print_header(header))
    assert found.problems == ()
    assert meaning(found) == meaning(header)


@PATIENT
@given(headers())
def test_a_header_that_was_printed_is_printed_the_same_again(header: Header) -> None:
    text = print_header(header)
    assert print_header(read(text)) == text


@PATIENT
@given(headers(), BODY)
def test_a_body_never_changes_its_header_nor_the_header_its_body(header: Header, body: str) -> None:
    found = read(f"{print_header(header)}\n{body}")
    assert meaning(found) == meaning(header)
    if header.kind == "task":
        assert found.body == body


@PATIENT
@given(TEXT)
def test_any_value_survives_on_the_magic_line_and_below_it(text: str) -> None:
    below = read(print_header(Header("task", "a", {"description": text})))
    assert below.values == {"description": text}
    quoted = read(print_header(Header("task", "a", {"profile": text})))
    assert quoted.values == {"profile": text}


@PATIENT
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_a_header_or_its_problems(magic: str, below: str) -> None:
    for source in (
        f"%%k8s_task {magic}\n#| {below}",
        f"%k8s_dag {magic}\n#|{below}\nx",
        f"{magic}%k8s_container {below}",
    ):
        found, loose = parse_headers(Cell(1, "code", source))
        for problem in [*loose, *(each for header in found for each in header.problems)]:
            assert problem.what.endswith(".")
            assert problem.fix
            assert problem.code.startswith("header.")
            assert problem.where.cell == 1
            assert problem.where.line
        for header in found:
            if not header.problems:
                assert meaning(read(print_header(header))) == meaning(header)


TYPED = st.one_of(
    st.sampled_from([f"--{name}" for name in (*TASK, *DAG)]),
    st.sampled_from(
        ["train", "--", "#", "'", '"', "\\", "-1", "--x=", "=", "{{ ds }}", "4Gi", "true", "$HOME", "`id`", "*"]
    ),
    st.text(max_size=5),
)


@PATIENT
@given(
    st.lists(TYPED, max_size=8).map(" ".join),
    st.lists(TYPED.map(lambda word: f"#| {word.strip('-')}: 4Gi"), max_size=3),
)
def test_any_words_are_a_header_or_its_problems(line: str, below: list[str]) -> None:
    for header in parse_headers(Cell(1, "code", "\n".join([f"%%k8s_task {line}", *below])))[0]:
        if not header.problems:
            assert meaning(read(print_header(header))) == meaning(header)


CANONICAL = [
    ("task", "train", {"cpu": "2", "memory": "4Gi", "run": "pod"}, "%%k8s_task train --cpu 2 --memory 4Gi --run pod"),
    (
        "task",
        "a",
        {"env": (KeyValue("A", "1"), KeyValue("B", "x # y"))},
        "%%k8s_task a\n#| env: A=1\n#| env: 'B=x # y'",
    ),
    ("task", "a", {"pickle": ("model", "scaler")}, "%%k8s_task a\n#| pickle: model, scaler"),
    (
        "task",
        "a",
        {"pod": "spec:\n  hostNetwork: false"},
        "%%k8s_task a\n#| pod:\n#|   spec:\n#|     hostNetwork: false",
    ),
    ("task", "a", {"description": 'it\'s\na "day"'}, '%%k8s_task a\n#| description: |\n#|   it\'s\n#|   a "day"'),
    ("task", "a", {"description": "'quoted'"}, "%%k8s_task a\n#| description: '''quoted'''"),
    ("task", "a", {"description": " blank "}, "%%k8s_task a\n#| description: ' blank '"),
    ("task", "a", {"env": (KeyValue("A", "\t"),)}, '%%k8s_task a\n#| env: "A=\\t"'),
    ("task", "a", {"profile": "it's"}, '%%k8s_task a --profile "it\'s"'),
    ("task", "a", {"profile": "{{ ds }}"}, "%%k8s_task a --profile '{{ ds }}'"),
    ("task", "a", {"deferrable": False}, "%%k8s_task a\n#| deferrable: false"),
    ("dag", "flights", {"schedule": "@daily", "retries": 2}, "%k8s_dag flights --schedule @daily\n#| retries: 2"),
    ("dag", "", {"schedule": "0 6 * * 1"}, "%k8s_dag --schedule '0 6 * * 1'"),
]


@pytest.mark.parametrize(("kind", "name", "given_values", "text"), CANONICAL)
def test_the_canonical_form(kind: str, name: str, given_values: dict[str, object], text: str) -> None:
    assert print_header(Header(kind, name, given_values)) == text  # type: ignore[arg-type]


def test_the_canonical_form_of_other_tasks() -> None:
    container = Header("container", "load", {"image": "a/b:1", "cpu": "1"}, command=("python", "-c", "print('a b')"))
    assert print_header(container) == "%k8s_container load --image a/b:1 --cpu 1 -- python -c \"print('a b')\""
    notebook = Header("notebook", "train", {"memory": "1Gi"}, notebook="my other.ipynb")
    assert print_header(notebook) == "%k8s_notebook 'my other.ipynb' --as train --memory 1Gi"

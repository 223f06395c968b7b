"""Names: what may be written, what becomes of it, and that no two names become one."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model import names
from kubenb.model.values import BadValue
from tests.unit.model.strategies import PATIENT

DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")

TASK = [
    ("train", None),
    ("load_1", None),
    ("Extract-all", None),
    ("import", None),
    ("filter", None),
    ("a" * 63, None),
    ("", "the task has no name. Write one right after the magic, like train."),
    ("a" * 64, f"task name '{'a' * 60}…' has 64 characters. Write at most 63."),
    ("a" * 300, f"task name '{'a' * 60}…' has 300 characters. Write at most 63."),
    ("1train", "task name '1train' can't be used. Use letters, digits, - and _, beginning with a letter: train."),
    (
        "train;rm",
        "task name 'train;rm' can't be used. Use letters, digits, - and _, beginning with a letter: train_rm.",
    ),
    ("größe", "task name 'größe' can't be used. Use letters, digits, - and _, beginning with a letter: groe."),
    ("日本", "task name '日本' can't be used. Use letters, digits, - and _, beginning with a letter."),
    ("_a", "task name '_a' can't be used. Use letters, digits, - and _, beginning with a letter: a."),
    ("a-", "task name 'a-' can't be used. Use letters, digits, - and _, beginning with a letter: a."),
    ("a.b", "task name 'a.b' can't be used. Use letters, digits, - and _, beginning with a letter: a_b."),
    ("a\nb", r"task name 'a\nb' can't be used. Use letters, digits, - and _, beginning with a letter: a_b."),
    ("../x", "task name '../x' can't be used. Use letters, digits, - and _, beginning with a letter: x."),
    ("{{ x }}", "task name '{{ x }}' can't be used. Use letters, digits, - and _, beginning with a letter: x."),
]

PARAMETER = [
    ("year", None),
    ("größe", None),
    ("match", None),
    ("class", "parameter 'class' is a Python keyword. Choose another name, like class_value."),
    ("list", "parameter 'list' is a Python builtin. Choose another name, like list_value."),
    ("__name__", "parameter '__name__' is a Python builtin. Choose another name, like name_value."),
    ("_kubenb", "parameter '_kubenb' begins with an underscore. Write kubenb."),
    ("", "parameter '' is not a Python name. Write a name, like year."),
    ("1st", "parameter '1st' is not a Python name. Write a name, like year."),
    ("x=1;import os", "parameter 'x=1;import os' is not a Python name. Write a name, like x_1_import_os."),
    ("ﬁt", "parameter 'ﬁt' is not a Python name. Write a name, like fit."),
]

DAG = [
    ("flights", None),
    ("team.flights-2", None),
    ("2026_report", None),
    ("", "the DAG has no id. Write one, like flights."),
    ("my flights", "DAG id 'my flights' can't be used. Use letters, digits, '_', '-' and '.': my_flights."),
    ("../x", "DAG id '../x' can't be used. Use letters, digits, '_', '-' and '.': x."),
    ("a..b", "DAG id 'a..b' can't be used. Use letters, digits, '_', '-' and '.': a_b."),
    (".hidden", "DAG id '.hidden' can't be used. Use letters, digits, '_', '-' and '.': hidden."),
    ("a" * 201, f"DAG id '{'a' * 60}…' has 201 characters. Write at most 200."),
    ("Airflow", "DAG id 'Airflow' would hide the package of that name. Choose another, like Airflow_dag."),
]

ENV = [
    ("LEVEL", None),
    ("_x1", None),
    ("A-B", "'A-B' is not a variable's name. Write a name, like A_B."),
    ("1A", "'1A' is not a variable's name. Write a name, like LEVEL."),
    ("", "'' is not a variable's name. Write a name, like LEVEL."),
    ("kubenb_store", "'kubenb_store' begins with KUBENB_, which kubenb uses itself. Choose another name."),
]

KEYS = [
    ("team", None),
    ("kubernetes.io/hostname", None),
    ("a" * 63, None),
    ("a" * 64, "at most 63"),
    ("a/b/c", "prefix"),
    ("-a", "beginning and ending"),
    ("Bad/x", "prefix 'Bad'"),
    ("", "is not a label key"),
]


def outcome(check: Callable[[str], str], text: str) -> str | None:
    try:
        assert check(text) == text
    except BadValue as bad:
        return str(bad)
    return None


@pytest.mark.parametrize(("text", "message"), TASK)
def test_a_tasks_name(text: str, message: str | None) -> None:
    assert outcome(names.check_task, text) == message


@pytest.mark.parametrize(("text", "message"), PARAMETER)
def test_a_parameters_name(text: str, message: str | None) -> None:
    assert outcome(names.check_parameter, text) == message


@pytest.mark.parametrize(("text", "message"), DAG)
def test_a_dags_id(text: str, message: str | None) -> None:
    assert outcome(names.check_dag_id, text) == message


@pytest.mark.parametrize(("text", "message"), ENV)
def test_an_environment_variables_name(text: str, message: str | None) -> None:
    assert outcome(names.check_env, text) == message


@pytest.mark.parametrize(("text", "part"), KEYS)
def test_a_labels_key(text: str, part: str | None) -> None:
    message = outcome(names.check_key, text)
    assert (message is None) == (part is None)
    assert part is None or part.lower() in str(message).lower()


SLUGS = [
    ("train", "train"),
    ("load_1", "load--1"),
    ("a-b", "a-b"),
    ("2026", "2026"),
]


@pytest.mark.parametrize(("text", "slug"), SLUGS)
def test_a_plain_name_keeps_its_letters(text: str, slug: str) -> None:
    assert names.slug(text) == slug


@pytest.mark.parametrize(
    "text", ["Train", "größe", "", "a--b", "-a", "a" * 64, "日本", "a b", "../x", "\ud800", "a_", "x" * 10_000]
)
def test_what_can_not_be_kept_ends_in_a_hash(text: str) -> None:
    assert re.search(r"---[0-9a-f]{8}$", names.slug(text))
    assert DNS.fullmatch(names.slug(text))


@PATIENT
@given(st.text(max_size=80), st.integers(20, 63))
def test_a_slug_is_always_a_label(text: str, limit: int) -> None:
    slug = names.slug(text, limit)
    assert DNS.fullmatch(slug)
    assert len(slug) <= limit


@PATIENT
@given(st.sets(st.text("aA-_.1 ß", max_size=12), min_size=2, max_size=30))
def test_two_names_never_share_a_slug(texts: set[str]) -> None:
    assert len({names.slug(text) for text in texts}) == len(texts)


@PATIENT
@given(st.text("abAB-_. 1é\n;{", max_size=80))
def test_the_suggested_task_name_can_be_used(text: str) -> None:
    suggestion = names.task_name(text)
    assert suggestion == "" or outcome(names.check_task, suggestion) is None


@pytest.mark.parametrize(("one", "other"), [("Train", "train"), ("a-b", "a_b"), ("a__b", "a_b")])
def test_names_that_people_can_not_tell_apart_fold_alike(one: str, other: str) -> None:
    assert names.folded(one) == names.folded(other)


@PATIENT
@given(
    st.one_of(
        st.sampled_from([*keyword.kwlist, *keyword.softkwlist, "list", "filter", "print", "map"]),
        st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}([-_][A-Za-z0-9]{1,5}){0,2}", fullmatch=True),
    )
)
def test_a_tasks_variable_is_a_name_that_hides_no_builtin(name: str) -> None:
    variable = names.variable(name)
    assert variable.isidentifier()
    assert not keyword.iskeyword(variable)
    assert not names.is_builtin(variable)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("memry", "Did you mean memory?"), ("cpu-limt", "Did you mean cpu-limit?"), ("zzz", ""), ("x" * 10**6, "")],
)
def test_a_name_likely_meant_is_offered(typed: str, meant: str) -> None:
    assert names.did_you_mean(typed, ["cpu", "memory", "cpu-limit"]) == meant

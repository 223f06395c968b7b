"""The parameters cell is read as constants, and the DAG's `param` values join it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.pipeline import Cell, Parameter
from kubenb.model.problems import Place
from kubenb.model.values import KeyValue
from kubenb.notebook.parameters import read_parameters, with_params
from tests.unit.model.strategies import PATIENT

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("# nothing yet\n'''doc'''\npass", {}),
    ("year, month = 2013, 1", {"year": 2013, "month": 1}),
    ("a = b = 'x'", {"a": "x", "b": "x"}),
    ("a: int = 1\nb: list[int] = [1, -2.5, None, True]", {"a": 1, "b": [1, -2.5, None, True]}),
    ("d = {'a': [1, {'b': 2}], 'c': 'it''s'}", {"d": {"a": [1, {"b": 2}], "c": "its"}}),
    ("(a, [b, c]) = (1, (2, 3))", {"a": 1, "b": 2, "c": 3}),
    ("a = 1\na = 2", {"a": 2}),
    ("%load_ext kubenb\n%k8s_dag flights\na = 1", {"a": 1}),
    ("größe = 1e3", {"größe": 1000.0}),
    ("a = 12345678901234567890", {"a": 12345678901234567890}),
]


@pytest.mark.parametrize(("source", "values"), GOOD)
def test_constants_are_parameters(source: str, values: dict[str, Any]) -> None:
    found, problems = read_parameters(Cell(2, "code", source, ("parameters",)))
    assert problems == ()
    assert {parameter.name: parameter.default for parameter in found} == values


def test_each_parameter_knows_its_line() -> None:
    found, _ = read_parameters(Cell(2, "code", "a = 1\n\nb = [\n 1]", ("parameters",)))
    assert [parameter.where for parameter in found] == [Place(2, 1), Place(2, 3)]


MOVE = "Move it to another cell."
COMPUTE = "Write a number, text, true or false, None, a list or a dict here, and compute in another cell."
CONVERT = "Write text, a number, a list or a dict, and convert it in another cell."
BAD = [
    ("import os", f"cell 2, line 1: the parameters cell holds more than constants: 'import os'. {MOVE}"),
    ("a = 1\nprint(a)", f"cell 2, line 2: the parameters cell holds more than constants: 'print(a)'. {MOVE}"),
    ("a = 1\nb = a + 1", f"cell 2, line 2: parameter 'b' is no constant: 'a + 1'. {COMPUTE}"),
    ("a = f'{x}'", f"cell 2, line 1: parameter 'a' is no constant: 'f'{{x}}''. {COMPUTE}"),
    ("a = date(2026, 1, 1)", f"cell 2, line 1: parameter 'a' is no constant: 'date(2026, 1, 1)'. {COMPUTE}"),
    (
        "a = ('JFK', 'LGA')",
        "cell 2, line 1: parameter 'a' holds a tuple, which Airflow's params can't carry. Write a list.",
    ),
    ("a = [{1, 2}]", "cell 2, line 1: parameter 'a' holds a set, which Airflow's params can't carry. Write a list."),
    ("a = b'x'", f"cell 2, line 1: parameter 'a' holds a bytes, which Airflow's params can't carry. {CONVERT}"),
    (
        "a = {1: 2}",
        f"cell 2, line 1: parameter 'a' holds a dict with keys that are not text, which Airflow's params can't carry. {CONVERT}",
    ),
    (
        "a = 1e999",
        f"cell 2, line 1: parameter 'a' holds a number without end, which Airflow's params can't carry. {CONVERT}",
    ),
    (
        "a = '\\ud800'",
        f"cell 2, line 1: parameter 'a' holds a half of a surrogate pair, which Airflow's params can't carry. {CONVERT}",
    ),
    ("list = [1]", "cell 2, line 1: parameter 'list' is a Python builtin. Choose another name, like list_value."),
    ("x.y = 1", "cell 2, line 1: the parameters cell assigns to 'x.y'. Write each parameter as NAME = CONSTANT."),
    (
        "a, b = pair",
        "cell 2, line 1: the parameters cell assigns to '(a, b)'. Write each parameter as NAME = CONSTANT.",
    ),
    ("a += 1", f"cell 2, line 1: the parameters cell holds more than constants: 'a += 1'. {MOVE}"),
    ("a: int", f"cell 2, line 1: the parameters cell holds more than constants: 'a: int'. {MOVE}"),
    ("%time a = 1", f"cell 2, line 1: the parameters cell holds '%time a = 1'. {MOVE}"),
    ("a = (", "cell 2, line 1: the parameters cell is not Python: '(' was never closed. Correct the line."),
]


@pytest.mark.parametrize(("source", "message"), BAD, ids=[source for source, _ in BAD])
def test_what_is_no_constant_is_named_with_its_line(source: str, message: str) -> None:
    _, problems = read_parameters(Cell(2, "code", source, ("parameters",)))
    assert [str(problem) for problem in problems] == [message]


@PATIENT
@given(st.one_of(st.text(max_size=40), st.text("abc=[](){}:,'\"1.-\n #\\lambda", max_size=40)))
def test_any_text_gives_parameters_or_problems(source: str) -> None:
    found, problems = read_parameters(Cell(2, "code", source))
    assert all(problem.what.endswith(".") and problem.fix for problem in problems)
    assert all(parameter.name.isidentifier() for parameter in found)


@pytest.mark.parametrize("source", ["a = " + "[" * 5000, "a = " + "-" * 50_000 + "1", "a = (" * 1000, "\0", "a = 1\0"])
def test_hostile_text_is_a_problem(source: str) -> None:
    assert read_parameters(Cell(2, "code", source))[1]


OWN = (Parameter("year", 2013, None, Place(2, 1)), Parameter("day", "2013-01-01", None, Place(2, 2)))
DAG = Place(1, 1)
PARAMS: list[tuple[str, list[tuple[str, object, str | None]]]] = [
    ("day={{ ds }}", [("year", 2013, None), ("day", "2013-01-01", "{{ ds }}")]),
    ("year=2014", [("year", 2014, None), ("day", "2013-01-01", None)]),
    ("extra=[1, 2]", [("year", 2013, None), ("day", "2013-01-01", None), ("extra", [1, 2], None)]),
    ("extra=007", [("year", 2013, None), ("day", "2013-01-01", None), ("extra", "007", None)]),
    ('extra="1"', [("year", 2013, None), ("day", "2013-01-01", None), ("extra", "1", None)]),
    (
        "extra=run {{ run_id }}",
        [("year", 2013, None), ("day", "2013-01-01", None), ("extra", None, "run {{ run_id }}")],
    ),
]


@pytest.mark.parametrize(("given_text", "expected"), PARAMS)
def test_a_param_of_the_dag_fills_or_adds_a_parameter(
    given_text: str, expected: list[tuple[str, object, str | None]]
) -> None:
    found, problems = with_params(OWN, (KeyValue(*given_text.split("=", 1)),), DAG)
    assert problems == ()
    assert [(each.name, each.default, each.template) for each in found] == expected


BAD_PARAMS = [
    ("year=soon", 'param year is "soon", but the parameters cell (cell 2) has 2013. Write a value of the same type.'),
    (
        "day=2014",
        'param day is 2014, but the parameters cell (cell 2) has "2013-01-01". Write a value of the same type.',
    ),
    ("extra=True", "param extra=True is Python's word, not JSON's. Write extra=true, or extra=\"True\" for text."),
    ("extra=NaN", "param extra=NaN is JavaScript's word, not JSON's. Write a number."),
]


@pytest.mark.parametrize(("given_text", "message"), BAD_PARAMS)
def test_a_param_of_another_type_is_refused(given_text: str, message: str) -> None:
    _, problems = with_params(OWN, (KeyValue(*given_text.split("=", 1)),), DAG)
    assert [f"{problem.what} {problem.fix}" for problem in problems] == [message]

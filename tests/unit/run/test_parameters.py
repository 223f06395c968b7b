"""Parameters of a run: texts of the command line become values of the default's type, or are refused by name."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Notebook, Parameter, Pipeline
from kubenb.run.fields import airflow_values, fill
from kubenb.run.params import read_value, values_for

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
FIELDS = airflow_values("flights", "local-1", "train", NOW, {"year": 2013})

READ: list[tuple[object, object, object]] = [
    ("2014", 2013, 2014),
    ("2014", "2013", "2014"),
    ("2", 1.5, 2),
    ("2.5", 1.5, 2.5),
    ("true", False, True),
    ("False", True, False),
    ("[1, 2]", [0], [1, 2]),
    ("['a', 'b']", ["c"], ["a", "b"]),
    ('{"a": 1}', {}, {"a": 1}),
    ("free text", None, "free text"),
    ("7", None, 7),
    ("null", None, None),
    (7, "text", 7),
]


@pytest.mark.parametrize(("given", "default", "value"), READ)
def test_text_is_read_as_the_default_is(given: object, default: object, value: object) -> None:
    found = read_value(given, Parameter("x", default))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("given", "default"), [("x", 1), ("1.5", 1), ("1", True), ("true", 1), ("{}", [1]), ("", 0)])
def test_text_of_another_type_is_refused(given: str, default: object) -> None:
    with pytest.raises(ValueError, match="Parameter x is"):
        read_value(given, Parameter("x", default))


def pipeline(*parameters: Parameter) -> Pipeline:
    return Pipeline(Notebook("n.ipynb", ()), DagOptions(), parameters, (), ())


def test_every_problem_is_told_at_once() -> None:
    values, problems = values_for(pipeline(Parameter("year", 2013)), {"yaer": "1", "year": "x"}, FIELDS)
    assert [str(problem) for problem in problems] == [
        "The notebook has no parameter yaer. Did you mean year?",
        "Parameter year is int (2013), and 'x' is not. Give one, like -p year=2013.",
    ]
    assert values == {}


def test_an_airflow_field_has_todays_value_and_a_given_one_wins() -> None:
    day = Parameter("day", None, "{{ ds }}")
    assert values_for(pipeline(day), {}, FIELDS) == ({"day": "2026-01-02"}, ())
    assert values_for(pipeline(day), {"day": "2020-01-01"}, FIELDS)[0] == {"day": "2020-01-01"}


def test_the_notebooks_own_value_stands_for_a_field_and_one_that_only_airflow_knows_is_named() -> None:
    assert values_for(pipeline(Parameter("day", "2020-01-01", "{{ ds }}")), {}, FIELDS)[0] == {"day": "2020-01-01"}
    field = "{{ var.value.bucket }}"
    assert values_for(pipeline(Parameter("bucket", "here", field)), {}, FIELDS)[0] == {"bucket": "here"}
    _, problems = values_for(pipeline(Parameter("bucket", None, field)), {}, FIELDS)
    assert str(problems[0]) == (
        "Parameter bucket comes from Airflow ({{ var.value.bucket }}), which takes no part here. Give it: -p bucket=VALUE."
    )


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{{ ds }}/{{ run_id }}", "2026-01-02/local-1"),
        ("{{ds_nodash}}", "20260102"),
        ("{{ params.year }} {{ params['year'] }}", "2013 2013"),
        ("{{ dag.dag_id }}-{{ ti.try_number }}", "flights-1"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_usual_fields_are_filled_in(text: str, filled: str) -> None:
    assert fill(text, FIELDS) == (filled, ())

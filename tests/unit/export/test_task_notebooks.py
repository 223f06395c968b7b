"""A task as a notebook of its own: cells in the notebook's order, valid nbformat, the same bytes everywhere, every source exact."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.export.task_notebook import task_notebook
from kubenb.model.pipeline import Apart, Cell, Code, Load, Notebook, Parameter, Pipeline, Plan
from kubenb.model.problems import Place
from tests.unit.export.pipelines import code, flights, pipeline, plan, task


def cells(made: Pipeline, number: int = 0) -> list[tuple[str, str]]:
    found = json.loads(task_notebook(made, made.plans[number]))
    return [(cell["id"], "".join(cell["source"])) for cell in found["cells"]]


def steps(*parts: Code | Load | Apart, **more: Any) -> list[tuple[str, str]]:
    return cells(pipeline(Plan(task("one", "body()"), parts, **more)))


def test_a_task_notebook_has_parameters_loads_the_body_and_a_save_in_that_order() -> None:
    assert cells(flights(), 1) == [
        ("parameters", "year = 2013\nmonth = 1\n"),
        ("kubenb", "import kubenb_runtime as _kubenb"),
        ("kubenb-load", 'flights = _kubenb.load("extract", "flights", readonly=True)'),
        ("body", "model = fit(flights)\nscore = 0.9"),
        (
            "save",
            '_kubenb.save(\n    {"model": model, "score": score},\n    pickle=["model"],\n    keep=["model", "score"],\n)',
        ),
    ]


def test_it_is_what_json_writes_and_what_jupyter_reads() -> None:
    text = task_notebook(flights(), flights().plans[0])
    found = json.loads(text)
    assert text == json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert found["metadata"]["kubenb"] == {"task": "extract", "dag": "flights", "version": 1}
    assert [cell["metadata"].get("tags") for cell in found["cells"]] == [
        ["parameters"],
        None,
        None,
        ["kubenb-body"],
        ["kubenb-save"],
    ]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in found["cells"])


def test_nbformat_agrees() -> None:
    import nbformat

    for each in flights().plans:
        nbformat.validate(nbformat.reads(task_notebook(flights(), each), as_version=4))  # type: ignore[no-untyped-call]


def test_a_task_that_takes_and_leaves_nothing_needs_no_runtime() -> None:
    assert cells(pipeline(task("one", "print(1)"))) == [("body", "print(1)")]


def test_pieces_of_one_cell_stay_together_with_its_blank_lines() -> None:
    cell = "import a\n\n\ndef f():\n    return 1\nx = 1\nprint(x)\n\nz = 3"
    parts = (
        code("import a", 1, 1),
        code("def f():\n    return 1", 1, 4),
        code("x = 1", 1, 6),
        code("z = 3", 1, 9),
        code("y = 2", 2, 1),
        code("x = 1", 1, 6),
    )
    found = cells(pipeline(Plan(task("one", "body()"), parts), cells=[cell, "y = 2"]))
    assert found[:-1] == [
        ("cell-1", "import a\n\n\ndef f():\n    return 1\nx = 1\n\nz = 3"),
        ("cell-2", "y = 2"),
        ("cell-1-2", "x = 1"),
    ]


STEPS: list[tuple[str, Load | Apart, str]] = [
    ("one name", Load("a", ("x",)), 'x = _kubenb.load("a", "x")'),
    ("two names", Load("a", ("x", "y"), ("y",)), 'x, y = _kubenb.load("a", "x", "y", readonly=["y"])'),
    ("all read-only", Load("a", ("x", "y"), ("x", "y")), 'x, y = _kubenb.load("a", "x", "y", readonly=True)'),
    ("a mapped task", Load("a", ("x",), (), "months"), 'x = _kubenb.gather("a", "x", count=len(months))'),
    (
        "a mapped task over a literal",
        Load("a", ("x",), (), "[1, 2]"),
        'x = _kubenb.gather("a", "x", count=len([1, 2]))',
    ),
    ("a random generator", Load("a", ("<random>",)), '_kubenb.load_random("a", "random")'),
    (
        "names and a generator",
        Load("a", ("x", "<numpy.random>")),
        'x = _kubenb.load("a", "x")\n_kubenb.load_random("a", "numpy.random")',
    ),
    ("apart", Apart("x", ("y", "z"), "train"), '_kubenb.apart("x", x, {"y": y, "z": z}, by="train")'),
]


@pytest.mark.parametrize(("what", "step", "source"), STEPS)
def test_how_steps_are_written(what: str, step: Load | Apart, source: str) -> None:
    assert steps(step)[1][1] == source


SAVES: list[tuple[str, dict[str, Any], dict[str, Any], list[str], str]] = [
    ("outputs", {}, {"outputs": ("x",), "binds": ("x",)}, [], '_kubenb.save({"x": x}, keep=["x"])'),
    ("nothing but what is kept", {}, {"binds": ("x", "y")}, [], '_kubenb.save({}, keep=["x", "y"])'),
    (
        "pickle of what is left only",
        {"pickle": ["x", "z"]},
        {"outputs": ("x",)},
        [],
        '_kubenb.save({"x": x}, pickle=["x"])',
    ),
    (
        "what shares data",
        {},
        {"outputs": ("x",), "changes": ("x",), "live": (("r", "load"),)},
        [],
        '_kubenb.save({"x": x}, changes=["x"], live=[["r", "load"]])',
    ),
    (
        "a random generator",
        {},
        {"outputs": ("x", "<random>"), "binds": ("<random>",)},
        [],
        '_kubenb.save({"x": x}, random=["random"])',
    ),
    ("xcom", {"xcom": "s"}, {"binds": ("s",)}, [], '_kubenb.save({"s": s}, xcom=["s"], keep=["s"])'),
    ("a list to map over", {}, {"outputs": ("x",)}, ["x"], '_kubenb.save({"x": x}, items=["x"])'),
]


@pytest.mark.parametrize(("what", "typed", "left", "lists", "source"), SAVES)
def test_how_saving_is_written(
    what: str, typed: dict[str, Any], left: dict[str, Any], lists: list[str], source: str
) -> None:
    one = Plan(task("one", "body()", **typed), **left)
    found = json.loads(task_notebook(pipeline(one), one, lists={"one": lists}))
    assert "".join(found["cells"][-1]["source"]) == source


def test_the_item_of_a_mapped_task_comes_right_before_its_body() -> None:
    made = pipeline(
        plan(task("one", "score = month", map="month in months"), code("months = [1, 2]"), outputs=["score"])
    )
    assert [source for _, source in cells(made)][1:4] == [
        "months = [1, 2]",
        "month = _kubenb.item(months)",
        "score = month",
    ]


def test_parameters_that_only_the_dag_has_are_bound_too() -> None:
    parameters = [Parameter("year", 2013), Parameter("day", None, "{{ ds }}"), Parameter("mode", 'a "b"')]
    own = Notebook("x.ipynb", (Cell(1, "code", "year = 2013\n", ("parameters",)),))
    made = pipeline(task("one"), parameters=parameters)
    assert cells(Pipeline(own, made.dag, made.parameters, made.plans, ()))[0] == (
        "parameters",
        "year = 2013\nday = None\nmode = 'a \"b\"'",
    )
    assert cells(made)[0] == ("parameters", "year = 2013\nday = None\nmode = 'a \"b\"'")


HOSTILE = [
    "x = '''{{ ds }}'''",
    'y = """{% raw %}"""',
    "z = 1\\",
    "a\r\nb",
    "\ufeffx = 1",
    "# -*- coding: latin-1 -*-",
    "s = '\u2028\u2029'",
    "s = '\u202e'",
    "t = '\x00\x1b\x7f'",
    "s = '\ud800'",
    "",
    "\n\n",
    "x = 1\n",
    "\tx",
    "ä = '😀'",
    "</script>",
    "'}} {{'",
]


@pytest.mark.parametrize("source", HOSTILE)
def test_every_source_is_kept_exactly(source: str) -> None:
    one = Plan(task("one"), (Code(source, Place(1, 1)),)) if source else plan(task("one"))
    text = task_notebook(pipeline(one), one)
    text.encode("utf-8")
    if source:
        assert "".join(json.loads(text)["cells"][0]["source"]) == source


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_source_is_kept_exactly(source: str) -> None:
    one = Plan(task("one"), (Code(source, Place(1, 1)),))
    text = task_notebook(pipeline(one), one)
    found = json.loads(text.encode("utf-8"))
    assert "".join(found["cells"][0]["source"]) == source
    assert found == json.loads(json.dumps(found, indent=1, sort_keys=True))

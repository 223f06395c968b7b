"""Pipelines as the reading floor makes them, written by hand: options as a user types them, plans as dataflow finds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubenb.model.kinds import parse_option
from kubenb.model.options import DAG, TASK, DagOptions, Option, TaskOptions
from kubenb.model.pipeline import Cell, Code, Edge, Load, Notebook, Parameter, Pipeline, Plan, Reason, Task
from kubenb.model.problems import Place

IMAGE = "registry.example.com/team/notebook:1"
Typed = str | list[str]


def parsed(table: dict[str, Option], typed: dict[str, Typed]) -> dict[str, Any]:
    """Options as typed ('cpu_limit' stands for cpu-limit) -> fields."""
    found: dict[str, Any] = {}
    for name, value in typed.items():
        option = table[name.replace("_", "-").strip("-")]
        texts = [value] if isinstance(value, str) else value
        values = tuple(each for text in texts for each in parse_option(option, text))
        found[option.field] = values if option.repeats else values[-1]
    return found


def task_options(**typed: Typed) -> TaskOptions:
    return TaskOptions(**parsed(TASK, typed))


def dag_options(**typed: Typed) -> DagOptions:
    return DagOptions(**parsed(DAG, {"id": "flights", **typed}))


def task(name: str, body: str = "", cell: int = 3, **typed: Typed) -> Task:
    return Task(
        name, task_options(**{"image": IMAGE, **typed}), body=body or f"{name}_done = True", where=Place(cell, 2, name)
    )


def container(name: str, command: Iterable[str] = ("run",), **typed: Typed) -> Task:
    return Task(
        name, task_options(**{"image": IMAGE, **typed}), "container", command=tuple(command), where=Place(9, 1, name)
    )


def plan(one: Task, *steps: Code | Load, outputs: Iterable[str] = (), binds: Iterable[str] = (), **more: Any) -> Plan:
    return Plan(one, steps, tuple(outputs), tuple(binds) or tuple(outputs), **more)


def code(source: str, cell: int = 1, line: int = 1) -> Code:
    return Code(source, Place(cell, line))


def pipeline(
    *plans: Plan | Task,
    dag: DagOptions | None = None,
    parameters: Iterable[Parameter] = (),
    edges: Iterable[tuple[str, str]] | None = None,
    cells: Iterable[str] = (),
    path: str = "notebooks/flights.ipynb",
) -> Pipeline:
    """A pipeline; without `edges` those of the loads and of `after`."""
    whole = tuple(each if isinstance(each, Plan) else Plan(each) for each in plans)
    notebook = Notebook(path, tuple(Cell(number, "code", source) for number, source in enumerate(cells, 1)))
    pairs = list(edges) if edges is not None else [pair for each in whole for pair in _upstream(each)]
    made = tuple(Edge(up, down, (Reason("x", Place(), Place()),)) for up, down in dict.fromkeys(pairs))
    return Pipeline(notebook, dag or dag_options(), tuple(parameters), whole, made, dag_where=Place(2, 1))


def _upstream(one: Plan) -> list[tuple[str, str]]:
    loads = [(step.producer, one.task.name) for step in one.steps if isinstance(step, Load)]
    return [*loads, *((name, one.task.name) for name in one.task.options.after)]


def flights() -> Pipeline:
    """Three tasks, as the README has them."""
    imports = code("import pandas as pd", 2)
    return Pipeline(
        Notebook(
            "notebooks/flights.ipynb",
            (
                Cell(1, "code", "year = 2013\nmonth = 1\n", ("parameters",)),
                Cell(2, "code", "import pandas as pd\n\n\ndef read(year, month):\n    return pd.DataFrame()"),
            ),
        ),
        dag_options(schedule="@daily", start="2026-01-01", owner="analytics"),
        (Parameter("year", 2013, where=Place(1, 1)), Parameter("month", 1, where=Place(1, 2))),
        (
            plan(
                task("extract", "flights = read(year, month)", 3, cpu="500m", memory="1Gi", store="pvc:kubenb"),
                imports,
                code("def read(year, month):\n    return pd.DataFrame()", 2, 4),
                outputs=["flights"],
            ),
            plan(
                task(
                    "train",
                    "model = fit(flights)\nscore = 0.9",
                    4,
                    cpu="2",
                    memory="4Gi",
                    store="pvc:kubenb",
                    pickle="model",
                    retries="3",
                ),
                Load("extract", ("flights",), ("flights",)),
                outputs=["model", "score"],
            ),
            plan(
                task("report", "print(score, model)", 5, memory="1Gi", store="pvc:kubenb"),
                Load("train", ("model", "score"), ("model", "score")),
            ),
        ),
        (Edge("extract", "train", ()), Edge("train", "report", ())),
    )

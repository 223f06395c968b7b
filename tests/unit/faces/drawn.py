"""One pipeline for all tests of drawing: every kind of task, edge, reason and problem."""

from __future__ import annotations

from kubenb.model.options import DagOptions, TaskOptions
from kubenb.model.pipeline import Cell, Code, Edge, Load, Notebook, Parameter, Pipeline, Plan, Reason, Task
from kubenb.model.problems import Place, Problem, Severity
from kubenb.model.values import FanOut

CELLS = (
    Cell(1, "code", "year = 2013", ("parameters",)),
    Cell(2, "code", "import pandas as pd\npd.options"),
    Cell(3, "code", "%%k8s_task extract\nflights = read_flights(year)"),
    Cell(4, "code", "%%k8s_task score\n#| map: month in months\ndelay = flights[flights.month == month].delay.mean()"),
    Cell(5, "code", "%k8s_container load --image registry/load:1.2 -- /load"),
    Cell(6, "code", "%%k8s_task report\n#| after: load\nprint(delay, flights)"),
)


def spot(cell: int, line: int, task: str) -> Place:
    return Place(cell, line, task)


FLIGHTS = Reason("flights", spot(3, 2, "extract"), spot(4, 3, "score"))
PIPELINE = Pipeline(
    Notebook("notebooks/flights.ipynb", CELLS),
    DagOptions(id="flights", schedule="@daily"),
    (Parameter("year", 2013, None, Place(1, 1)),),
    (
        Plan(
            Task(
                "extract", TaskOptions(memory="1Gi"), where=spot(3, 1, "extract"), origins={"memory": "profile large"}
            ),
            (Code("import pandas as pd", Place(2, 1)),),
            ("flights",),
        ),
        Plan(
            Task("score", TaskOptions(map=FanOut("month", "months")), where=spot(4, 1, "score")),
            (Load("extract", ("flights",), ("flights",)),),
            ("delay",),
        ),
        Plan(
            Task(
                "load",
                TaskOptions(image="registry/load:1.2"),
                "container",
                command=("/load",),
                where=spot(5, 1, "load"),
            )
        ),
        Plan(
            Task("report", where=spot(6, 1, "report")),
            (Load("extract", ("flights",)), Load("score", ("delay",), (), "months")),
        ),
    ),
    (
        Edge("extract", "score", (FLIGHTS,)),
        Edge("extract", "report", (Reason("flights", spot(3, 2, "extract"), spot(6, 3, "report")),)),
        Edge("score", "report", (Reason("delay", spot(4, 3, "score"), spot(6, 3, "report")),)),
        Edge("load", "report", (Reason(None, Place(), spot(6, 2, "report")),)),
    ),
    (Problem(spot(4, 2, "score"), "months is not known.", "Assign it.", "x.y", Severity.WARNING),),
    (Code("pd.options", Place(2, 2)),),
)

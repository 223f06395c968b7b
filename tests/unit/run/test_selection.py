"""Which tasks a run is about."""

from __future__ import annotations

import pytest

from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Edge, Notebook, Pipeline, Plan, Task
from kubenb.model.problems import KubenbError
from kubenb.run.select import select

EDGES = (("extract", "clean"), ("clean", "train"), ("clean", "plot"), ("train", "report"))
NAMES = ("extract", "clean", "train", "plot", "report")
PIPELINE = Pipeline(
    Notebook("n.ipynb", ()),
    DagOptions(),
    (),
    tuple(Plan(Task(name)) for name in NAMES),
    tuple(Edge(a, b, ()) for a, b in EDGES),
)


@pytest.mark.parametrize(
    ("tasks", "from_", "fresh", "wanted", "again"),
    [
        ((), (), False, set(NAMES), set()),
        ((), (), True, set(NAMES), set(NAMES)),
        (("train",), (), False, {"extract", "clean", "train"}, {"train"}),
        ((), ("train",), False, {"extract", "clean", "train", "report"}, {"train", "report"}),
        (("plot",), ("train",), False, set(NAMES), {"plot", "train", "report"}),
        (("train",), (), True, {"extract", "clean", "train"}, {"extract", "clean", "train"}),
    ],
)
def test_a_run_is_of_the_tasks_named_and_what_they_need_or_what_follows(
    tasks: tuple[str, ...], from_: tuple[str, ...], fresh: bool, wanted: set[str], again: set[str]
) -> None:
    found = select(PIPELINE, tasks, from_, fresh)
    assert (set(found.wanted), set(found.again)) == (wanted, again)


def test_an_unknown_task_is_named_with_the_near_one() -> None:
    with pytest.raises(KubenbError, match=r"There is no task trian\. Did you mean train\?"):
        select(PIPELINE, ["trian"])

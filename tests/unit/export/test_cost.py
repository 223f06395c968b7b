"""Time and cost: what was measured is counted, what was not is only bounded, and what is not counted is said."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from kubenb.export.cost import Cost, cost, runs_a_day
from kubenb.model.pipeline import Pipeline
from kubenb.show.cost import CostOf
from tests.unit.export.pipelines import dag_options, pipeline, task
from tests.unit.export.test_policy import policy
from tests.unit.faces.golden import check

PRICES = {"cpu-hour": 0.04, "gib-hour": 0.005, "gpu-hour": 1, "gpus": {"amd.com/gpu": 0.5}, "currency": "EUR"}
HOUR = 3600.0


def priced(*tasks: Any, edges: Any = (), prices: Any = PRICES, **dag: Any) -> Pipeline:
    one = pipeline(*tasks, edges=edges, dag=dag_options(**dag))
    return replace(one, policies=(policy("site.toml", prices=prices),) if prices else ())


def one_hour(prices: Any = PRICES, **typed: Any) -> Cost:
    return cost(priced(task("one", **typed), prices=prices), {"one": HOUR})


RATES: list[tuple[dict[str, Any], str]] = [
    ({"cpu": "500m"}, "0.02"),
    ({"cpu_limit": "2"}, "0.08"),
    ({"memory": "4Gi"}, "0.02"),
    ({"memory": "4Gi", "memory_request": "2Gi"}, "0.01"),
    ({"memory": "512Mi"}, "0.0025"),
    ({"gpu": "2"}, "2"),
    ({"gpu": "2 amd.com/gpu"}, "1.0"),
    ({"cpu": "1", "memory": "8Gi", "gpu": "1"}, "1.08"),
    ({"map": "x in [1, 2, 3]", "cpu": "1"}, "0.12"),
    ({"map": "x in [1, 2]", "cpu": "1", "item_resources": '[{"cpu": "1"}, {"cpu": "3"}]'}, "0.16"),
    ({"map": "x in [1]", "memory": "9Gi", "memory_request": "1Gi", "item_resources": '[{"memory": "4Gi"}]'}, "0.02"),
    ({"map": "x in [1]", "memory": "9Gi", "memory_request": "2Gi", "item_resources": '[{"cpu": "1"}]'}, "0.05"),
    ({}, "0"),
]


@pytest.mark.parametrize(("typed", "euros"), RATES)
def test_an_hour_costs_what_is_requested(typed: dict[str, Any], euros: str) -> None:
    found = one_hour(**typed)
    assert found.tasks[0].cost == found.cost == Decimal(euros)


def test_items_that_differ_are_shown_and_counted_each_for_itself() -> None:
    rows = '[{"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "3Gi"}]'
    found = one_hour(map="x in [1, 2]", item_resources=rows)
    assert (found.tasks[0].cpu, found.tasks[0].memory, found.cost) == ("1, 2", "1Gi, 3Gi", Decimal("0.14"))
    assert found.notes == ()


def test_a_time_that_is_not_known_is_not_guessed() -> None:
    found = cost(priced(task("one", cpu="1", timeout="2h", retries="1"), task("two", cpu="1")), {"two": HOUR})
    one, two = found.tasks
    assert (one.seconds, one.cost, one.bound, one.tries) == (None, None, 7200, 2)
    assert one.at_most == Decimal("0.16")
    assert (two.seconds, two.cost) == (HOUR, Decimal("0.04"))
    assert (found.seconds, found.cost, found.day) == (None, None, None)
    assert found.notes[0] == "The time of one is not known; the timeout is only an upper bound."


def test_a_run_takes_its_longest_way() -> None:
    tasks = [task(name) for name in "abcd"]
    found = cost(
        priced(*tasks, edges=[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]),
        dict(zip("abcd", (1, 10, 2, 1), strict=True)),
    )
    assert found.seconds == 12


def test_items_that_cannot_run_at_once_come_after_each_other() -> None:
    many = priced(task("one", map="x in [1, 2, 3, 4, 5]", max_parallel="2"))
    assert cost(many, {"one": 60}).seconds == 180
    assert (
        cost(priced(task("one", map="x in range(40)")), {"one": 60}).seconds == 180
    )  # 16 at once is Airflow's default


def test_a_bound_counts_every_try_and_the_waits_and_ends_with_the_dag_run() -> None:
    typed: dict[str, Any] = {"timeout": "1h", "retries": "2", "retry_delay": "10m"}
    assert cost(priced(task("one", **typed))).bound == 3 * 3600 + 2 * 600
    assert cost(priced(task("one", **typed), timeout="2h")).bound == 7200


RUNS = [
    ("@hourly", "24"),
    ("@daily", "1"),
    ("@weekly", "0.1429"),
    ("@monthly", "0.0329"),
    ("6h", "4"),
    ("7d", "0.1429"),
    ("0 6 * * *", "1"),
    ("*/15 * * * *", "96"),
    ("0,30 8-17 * * 1-5", "14.2857"),
    ("0 6 L * *", "0.0329"),
    ("0 6 1 1 *", "0.0027"),
    ("0 6 * * mon#1", "0.0329"),
    ("none", None),
    ("@once", None),
    ("@continuous", None),
    ("asset:prices", None),
]


@pytest.mark.parametrize(("schedule", "runs"), RUNS)
def test_a_schedule_says_how_often_a_day(schedule: str, runs: str | None) -> None:
    found = runs_a_day(schedule)
    assert (None if found is None else round(found, 4)) == (None if runs is None else Decimal(runs))


def test_a_day_is_as_many_runs_as_its_schedule_has() -> None:
    found = cost(priced(task("one", cpu="1"), schedule="6h"), {"one": HOUR})
    assert (found.cost, found.day, found.day_at_most) == (Decimal("0.04"), Decimal("0.16"), Decimal("11.52"))


NOTES: list[tuple[Cost, str]] = [
    (one_hour(prices=None), "No policy has prices: write [policy.prices] in kubenb.toml, and cost is counted."),
    (one_hour(memory="1Gi"), "No cpu is requested by one; what they use of it is not counted."),
    (one_hour(prices={"cpu-hour": 1}, memory="1Gi", cpu="1"), "memory has no price, and is not counted."),
    (one_hour(prices={"cpu-hour": 1}, gpu="1", cpu="1"), "nvidia.com/gpu has no price, and is not counted."),
    (
        one_hour(map="x in names", memory="1Gi", cpu="1"),
        "How many items one has is known only when it runs, so its cost and the run's are not.",
    ),
]


@pytest.mark.parametrize(("found", "note"), NOTES)
def test_what_is_not_counted_is_said(found: Cost, note: str) -> None:
    assert note in found.notes


def shown(prices: Any, **walls: float) -> CostOf:
    tasks = [
        task("extract", cpu="500m", memory="1Gi", retries="0", timeout="30m"),
        task("train", cpu="4", memory="16Gi", gpu="1", map="x in [1, 2]"),
        task("report"),
    ]
    edges = [("extract", "train"), ("train", "report")]
    return CostOf("flights.ipynb", cost(priced(*tasks, edges=edges, prices=prices, schedule="0 6 * * 1-5"), walls))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cost-measured", shown(PRICES, extract=75, train=5025, report=0.4)),
        ("cost-not-measured", shown(PRICES, extract=75)),
        ("cost-without-prices", shown(None, extract=75, train=5025, report=0.4)),
    ],
)
def test_cost_as_shown(name: str, found: CostOf) -> None:
    check(f"{name}.txt", str(found))
    check(f"{name}.md", found.markdown())
    check(f"{name}.html", found.html())

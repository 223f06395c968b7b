"""When a task starts, waits or never will: Airflow's rules, one row each."""

from __future__ import annotations

import pytest

from kubenb.model.options import TRIGGER_RULES
from kubenb.run.events import State
from kubenb.run.rules import decide

Before = dict[str, State | None]

CASES: list[tuple[str, Before, str]] = [
    ("all_success", {}, "start"),
    ("all_success", {"a": "done", "b": "reused"}, "start"),
    ("all_success", {"a": "done", "b": None}, "wait"),
    ("all_success", {"a": "failed", "b": None}, "never"),
    ("all_success", {"a": "not run"}, "never"),
    ("all_failed", {"a": "failed"}, "start"),
    ("all_failed", {"a": "failed", "b": "done"}, "never"),
    ("all_done", {"a": "failed", "b": "not run"}, "start"),
    ("all_done", {"a": "failed", "b": None}, "wait"),
    ("all_done_min_one_success", {"a": "failed", "b": "done"}, "start"),
    ("all_done_min_one_success", {"a": "failed"}, "never"),
    ("all_skipped", {"a": "not run"}, "start"),
    ("all_skipped", {"a": "done"}, "never"),
    ("one_failed", {"a": "failed", "b": None}, "start"),
    ("one_failed", {"a": "done", "b": None}, "wait"),
    ("one_failed", {"a": "done"}, "never"),
    ("one_success", {"a": "done", "b": None}, "start"),
    ("one_success", {"a": "failed"}, "never"),
    ("one_done", {"a": "failed", "b": None}, "start"),
    ("none_failed", {"a": "not run", "b": "done"}, "start"),
    ("none_failed", {"a": "failed"}, "never"),
    ("none_failed_min_one_success", {"a": "not run", "b": "done"}, "start"),
    ("none_failed_min_one_success", {"a": "not run"}, "never"),
    ("none_skipped", {"a": "failed"}, "start"),
    ("none_skipped", {"a": "not run"}, "never"),
    ("always", {"a": None}, "start"),
]


@pytest.mark.parametrize(("rule", "before", "expected"), CASES)
def test_a_trigger_rule_decides_by_what_became_of_the_tasks_before(rule: str, before: Before, expected: str) -> None:
    assert decide(rule, before)[0] == expected


@pytest.mark.parametrize("rule", TRIGGER_RULES.split())
def test_every_rule_comes_to_a_decision_once_all_have_ended(rule: str) -> None:
    states: tuple[State, ...] = ("done", "reused", "failed", "not run", "interrupted")
    for one in states:
        for other in states:
            assert decide(rule, {"a": one, "b": other})[0] in ("start", "never")


def test_the_reason_names_the_tasks() -> None:
    assert decide("all_success", {"a": "failed", "b": "not run", "c": "done"}) == ("never", "a failed, b did not run")

"""When a DAG runs, told in words and as the next times of its own zone's clock."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from kubenb.export.calendar import MOST, upcoming
from kubenb.model.options import DagOptions
from kubenb.model.schedules import PRESETS

NOW = datetime(2026, 3, 27, 12, 0, tzinfo=timezone.utc)  # a Friday; Berlin's clocks go forward on Sunday


@pytest.mark.parametrize(
    ("options", "words", "runs"),
    [
        pytest.param({}, "only when somebody starts it", [], id="no schedule"),
        pytest.param({"schedule": "@once"}, "once, as soon as the DAG is switched on", [], id="once"),
        pytest.param({"schedule": "@daily"}, "at 00:00, every day (UTC)", ["28 00:00", "29 00:00"], id="a preset"),
        pytest.param(
            {"schedule": "30 2 * * *", "timezone": "Europe/Berlin"},
            "at 02:30, every day (Europe/Berlin)",
            ["28 02:30", "29 03:30"],
            id="an hour that the clocks leave out",
        ),
        pytest.param(
            {"schedule": "0 6 * * mon-fri", "start": "2026-04-01"},
            "at 06:00, Monday through Friday (UTC)",
            ["01 06:00", "02 06:00"],
            id="not before the first day",
        ),
        pytest.param(
            {"schedule": "0 0 * * *", "end": "2026-03-28"}, "at 00:00, every day (UTC)", ["28 00:00"], id="not after the last"
        ),
        pytest.param({"schedule": "6h"}, "every 6h, counted from when the DAG is switched on", [], id="a time between runs"),
        pytest.param({"schedule": "asset:prices"}, "whenever prices has been updated", [], id="an asset"),
        pytest.param({"schedule": "asset:a, asset:b"}, "whenever a and b have been updated", [], id="two assets"),
    ],
)  # fmt: skip
def test_a_schedule_in_words_and_times(options: dict[str, str], words: str, runs: list[str]) -> None:
    found = upcoming(DagOptions(**options), NOW, 2)  # type: ignore[arg-type]
    assert (found.words, [f"{run:%d %H:%M}" for run in found.runs], found.past) == (words, runs, None)


def test_catchup_says_how_many_runs_begin_at_once() -> None:
    assert upcoming(DagOptions(schedule="@daily", start="2026-01-01", catchup=True), NOW).past == 86
    assert upcoming(DagOptions(schedule="@hourly", start="2000-01-01", catchup=True), NOW).past == MOST
    assert upcoming(DagOptions(schedule="@daily", start="2027-01-01", catchup=True), NOW).past is None


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_words(preset: str) -> None:
    assert upcoming(DagOptions(schedule=preset), NOW).words

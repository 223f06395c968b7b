"""Schedules, dates and time zones: what each text means to Airflow, and what is refused before Airflow sees it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.schedules import (
    PRESETS,
    Schedule,
    check_date,
    check_schedule,
    check_timezone,
    read_date,
    read_schedule,
)
from kubenb.model.values import BadValue
from tests.unit.model.strategies import PATIENT, outcome

MEANING = [
    *((preset, Schedule("preset", preset)) for preset in PRESETS),
    ("none", Schedule("none")),
    ("None", Schedule("none")),
    ("6h", Schedule("every", "6h", timedelta(hours=6))),
    ("1d12h", Schedule("every", "1d12h", timedelta(hours=36))),
    ("0 6 * * 1-5", Schedule("cron", "0 6 * * 1-5")),
    ("*/15  *   * * mon,FRI", Schedule("cron", "*/15 * * * mon,FRI")),
    ("0 0 L * *", Schedule("cron", "0 0 L * *")),
    ("0 0 * * mon#1", Schedule("cron", "0 0 * * mon#1")),
    ("0 0 1,15 jan-jun *", Schedule("cron", "0 0 1,15 jan-jun *")),
    ("asset:prices", Schedule("assets", "asset:prices", assets=("prices",))),
    ("s3://b/x, asset:y", Schedule("assets", "s3://b/x, asset:y", assets=("s3://b/x", "y"))),
]


@pytest.mark.parametrize(("text", "meaning"), MEANING)
def test_a_schedule_has_its_meaning(text: str, meaning: Schedule) -> None:
    assert read_schedule(text) == meaning


BAD = [
    ("@dialy", "'@dialy' is not one of Airflow's presets. Write @daily."),
    ("@annually", "'@annually' is not one of Airflow's presets. Write @yearly."),
    ("@never", "'@never' is not one of Airflow's presets. Write none."),
    ("daily", "'daily' is not a schedule. Write a preset (@daily), a cron line (0 6 * * *), a time between runs (6h), "
     "an asset (asset:prices) or none."),
    ("0s", "'0s' would never end. Write a time between runs, like 6h."),
    ("0 6 * *", "'0 6 * *' has 4 fields. Write five: minute, hour, day of the month, month, day of the week, like 0 6 * * *."),
    ("0 0 6 * * *", "'0 0 6 * * *' has 6 fields. Write five: minute, hour, day of the month, month, day of the week, "
     "like 0 6 * * *."),
    ("60 6 * * *", "'60' is no minute (in '60 6 * * *'). Write 0 to 59, *, or a list or range of them."),
    ("0 24 * * *", "'24' is no hour (in '0 24 * * *'). Write 0 to 23, *, or a list or range of them."),
    ("0 6 * * 8", "'8' is no day of the week (in '0 6 * * 8'). Write 0 to 7, *, or a list or range of them."),
    ("0 6 * * 5-1", "'5-1' runs backwards (in '0 6 * * 5-1'). Write the smaller day of the week first."),
    ("*/0 * * * *", "'*/0' is no minute (in '*/0 * * * *'). Write 0 to 59, *, or a list or range of them."),
    ("0 6 * * mon-", "'mon-' is no day of the week (in '0 6 * * mon-'). Write 0 to 7, *, or a list or range of them."),
    ("asset:", "'' is not an asset's name. Write it like asset:prices or s3://bucket/prices."),
    ("asset:a, asset:a", "'asset:a, asset:a' names an asset twice. Write each once."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_schedule_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        read_schedule(text)
    assert str(caught.value) == message


@PATIENT
@given(st.one_of(st.text(max_size=30), st.text("0123456789*/,-@LWmondaily# ", max_size=30)))
def test_any_text_is_a_schedule_or_refused(text: str) -> None:
    found = outcome(check_schedule, text)
    if isinstance(found, BadValue):
        assert found.fix
    else:
        assert check_schedule(found) == found


DATES = [
    ("2026-01-31", "2026-01-31", ""),
    ("2026-01-31T06:00", "2026-01-31T06:00:00", ""),
    ("2026-01-31 06:00:30", "2026-01-31T06:00:30", ""),
    ("2026-02-30", "", "'2026-02-30' is not a day of the calendar. Write it like 2026-01-31."),
    ("31.01.2026", "", "'31.01.2026' is not a date. Write it like 2026-01-31 or 2026-01-31T06:00."),
    (
        "2026-01-31T06:00Z",
        "",
        "'2026-01-31T06:00Z' is not a date. Write 2026-01-31T06:00 and name the zone in timezone.",
    ),
    (
        "2026-01-31T06:00+01:00",
        "",
        "'2026-01-31T06:00+01:00' is not a date. Write 2026-01-31T06:00 and name the zone in timezone.",
    ),
    ("0001-01-01", "", "'0001-01-01' is outside Airflow's calendar. Write a year from 1970."),
    ("today", "", "'today' is not a date. Write it like 2026-01-31 or 2026-01-31T06:00."),
]


@pytest.mark.parametrize(("text", "shown", "message"), DATES)
def test_a_date_is_a_day_without_a_zone(text: str, shown: str, message: str) -> None:
    if shown:
        assert check_date(text) == shown
        assert read_date(shown) == read_date(text)
        return
    with pytest.raises(BadValue) as caught:
        check_date(text)
    assert str(caught.value) == message


ZONES = [
    ("UTC", ""),
    ("Europe/Berlin", ""),
    ("Berlin", "'Berlin' is not a time zone. Write Europe/Berlin."),
    ("Europe/Berln", "'Europe/Berln' is not a time zone. Write Europe/Berlin"),
    ("../../etc/passwd", "'../../etc/passwd' is not a time zone. Write it like Europe/Berlin or UTC."),
    ("", "'' is not a time zone. Write it like Europe/Berlin or UTC."),
]


@pytest.mark.parametrize(("text", "message"), ZONES)
def test_a_time_zone_is_one_of_the_database(text: str, message: str) -> None:
    if not message:
        assert check_timezone(text) == text
        return
    with pytest.raises(BadValue) as caught:
        check_timezone(text)
    assert str(caught.value).startswith(message)

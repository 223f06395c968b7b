"""When a DAG runs: `@daily`, `0 6 * * 1-5`, `6h`, `asset:prices`, `none`; and its dates and time zone.

In: the text of `schedule`, `start`, `end`, `timezone`. Out: the text, checked; `read_schedule` gives its meaning to `export.dag`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from kubenb.model import names
from kubenb.model.names import shown
from kubenb.model.quantities import parse_duration
from kubenb.model.values import BadValue

PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_SYNONYMS = {"@annually": "@yearly", "@midnight": "@daily", "@none": "none", "@never": "none"}
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_ASSET = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_./:@+]{0,1000}")


@dataclass(frozen=True)
class Schedule:
    """What a schedule's text means. `text` is the cron line or preset; `every` a timedelta; `assets` names or URIs."""

    kind: Literal["none", "preset", "cron", "every", "assets"]
    text: str = ""
    every: timedelta | None = None
    assets: tuple[str, ...] = ()


def read_schedule(text: str) -> Schedule:
    """The meaning, or BadValue.

    >>> read_schedule("0 6 * * 1-5").kind, read_schedule("6h").every
    ('cron', datetime.timedelta(seconds=21600))
    """
    word = text.strip()
    if word.lower() == "none":
        return Schedule("none")
    if word.startswith("@"):
        return _preset(word)
    if word.startswith("asset:") or "://" in word:
        return _assets(word)
    if len(word.split()) > 1:
        return Schedule("cron", _cron(word))
    every = parse_duration(word) if re.fullmatch(r"(?:[0-9]+[dhms])+", word, re.ASCII) else None
    if every is None:
        fix = "Write a preset (@daily), a cron line (0 6 * * *), a time between runs (6h), an asset (asset:prices) or none."
        raise BadValue(f"{shown(text)} is not a schedule.", fix)
    if not every:
        raise BadValue(f"{shown(text)} would never end.", "Write a time between runs, like 6h.")
    return Schedule("every", word, every)


def check_schedule(text: str) -> str:
    """The text, spaces tidied, when it is a schedule."""
    read_schedule(text)
    return " ".join(text.split())


def _preset(word: str) -> Schedule:
    if word in PRESETS:
        return Schedule("preset", word)
    likely = _SYNONYMS.get(word.lower()) or next(iter(names.near(word.lower(), PRESETS, 1)), "")
    fix = f"Write {likely}." if likely else f"Write one of {', '.join(PRESETS)}."
    raise BadValue(f"{shown(word)} is not one of Airflow's presets.", fix)


def _assets(word: str) -> Schedule:
    assets = tuple(part.strip().removeprefix("asset:").strip() for part in word.split(","))
    for asset in assets:
        if not _ASSET.fullmatch(asset) or asset.startswith("airflow:"):
            raise BadValue(
                f"{shown(asset)} is not an asset's name.", "Write it like asset:prices or s3://bucket/prices."
            )
    if len(set(assets)) < len(assets):
        raise BadValue(f"{shown(word)} names an asset twice.", "Write each once.")
    return Schedule("assets", word, assets=assets)


def _cron(text: str) -> str:
    """A cron line of five fields, each in its range."""
    parts = text.split()
    if len(parts) != 5:
        what = f"{shown(text)} has {len(parts)} fields."
        raise BadValue(what, "Write five: minute, hour, day of the month, month, day of the week, like 0 6 * * *.")
    for part, (field, least, most) in zip(parts, _FIELDS, strict=True):
        for piece in part.split(","):
            _cron_piece(piece, field, least, most, text)
    return " ".join(parts)


def _cron_piece(piece: str, field: str, least: int, most: int, text: str) -> None:
    """One of a field's comma-separated pieces: `*`, `5`, `1-5`, `*/10`, `mon`, `L` or `mon#2` where cron has them."""
    body, slash, step = piece.partition("/")
    bad = BadValue(
        f"{shown(piece)} is no {field} (in {shown(text)}).",
        f"Write {least} to {most}, *, or a list or range of them.",
    )
    if slash and not (
        re.fullmatch(r"[0-9]{1,4}", step, re.ASCII) and int(step) > 0 and (body == "*" or "-" in body or body.isdigit())
    ):
        raise bad
    if body == "*" or (body in ("L", "l") and field == "day of the month" and not slash):
        return
    if field == "day of the week" and not slash:
        body = re.sub(r"#[1-5]$", "", body)
    bounds = [_cron_number(word, field) for word in body.split("-")]
    if len(bounds) > 2 or not all(bound is not None and least <= bound <= most for bound in bounds):
        raise bad
    if len(bounds) == 2 and bounds[0] > bounds[1]:  # type: ignore[operator]
        raise BadValue(f"{shown(piece)} runs backwards (in {shown(text)}).", f"Write the smaller {field} first.")


def _cron_number(word: str, field: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,2}", word, re.ASCII):
        return int(word)
    if field == "month" and word.lower() in _MONTHS:
        return _MONTHS.index(word.lower()) + 1
    if field == "day of the week" and word.lower() in _DAYS:
        return _DAYS.index(word.lower())
    return None


def read_date(text: str) -> datetime:
    """A day, or a day and time, without a zone (the option `timezone` has that)."""
    word = text.strip()
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?", word, re.ASCII):
        zoned = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}).*", word, re.ASCII)
        fix = (
            f"Write {zoned[1]} and name the zone in timezone."
            if zoned
            else "Write it like 2026-01-31 or 2026-01-31T06:00."
        )
        raise BadValue(f"{shown(text)} is not a date.", fix)
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        raise BadValue(f"{shown(text)} is not a day of the calendar.", "Write it like 2026-01-31.") from None
    if not 1970 <= found.year <= 9000:
        raise BadValue(f"{shown(text)} is outside Airflow's calendar.", "Write a year from 1970.")
    return found


def check_date(text: str) -> str:
    """The text in one form: '2026-01-31' or '2026-01-31T06:00:00'."""
    found = read_date(text)
    return date(found.year, found.month, found.day).isoformat() if len(text.strip()) == 10 else found.isoformat()


def check_timezone(text: str) -> str:
    """A zone of the time-zone database: 'Europe/Berlin', 'UTC'."""
    from zoneinfo import ZoneInfo, available_timezones

    word = text.strip()
    if word == "UTC":
        return word
    if re.fullmatch(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", word, re.ASCII):
        try:
            return ZoneInfo(word).key
        except (KeyError, ValueError, OSError):
            pass
    known = {name.lower(): name for name in available_timezones()}
    if not known:
        return word
    likely = [known[found] for found in names.near(word.lower(), known)]
    same = [name for lower, name in known.items() if lower.rpartition("/")[2] == word.lower().replace(" ", "_")]
    choices = same[:3] or likely[:1]
    fix = f"Write {' or '.join(sorted(choices))}." if choices else "Write it like Europe/Berlin or UTC."
    raise BadValue(f"{shown(text)} is not a time zone.", fix)

"""Dates, times and time zones, there and back.

In: `plain` puts these into its tables. A zone goes by its name or its offset; one that has neither is refused.
"""

from __future__ import annotations

import datetime

from .codec import Cannot
from .named import full_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder


def encode_zone(enc: Encoder, zone: Any) -> Any:
    """A time zone by its offset or its name."""
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return ["tz", _delta(enc, offset), *name]
    kind = type(zone).__module__.partition(".")[0]
    if kind == "zoneinfo" and zone.key:
        return ["zone", zone.key]
    if kind == "pytz" and getattr(zone, "zone", None):
        return ["pytz", zone.zone]
    raise Cannot("it is a time zone of %s" % full_name(type(zone)))


def _read_tz(dec: Decoder, node: list[Any], label: int) -> Any:
    return datetime.timezone(dec.decode(node[1]), *node[2:])


def _read_zone(dec: Decoder, node: list[Any], label: int) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(node[1])


def _read_pytz(dec: Decoder, node: list[Any], label: int) -> Any:
    return __import__("pytz").timezone(node[1])


def _delta(enc: Encoder, value: datetime.timedelta) -> Any:
    return ["td", value.days, value.seconds, value.microseconds]


def _datetime(enc: Encoder, value: datetime.datetime) -> Any:
    clock = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    if type(value.tzinfo).__module__.partition(".")[0] == "pytz":
        # pytz hangs one of a zone's offsets onto each datetime: rebuilt from UTC by the zone.
        utc = value.astimezone(datetime.timezone.utc)
        clock = [utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond]
    return ["dt", clock, value.fold, encode_zone(enc, value.tzinfo)]


def _read_datetime(dec: Decoder, node: list[Any], label: int) -> datetime.datetime:
    zone, plain = dec.decode(node[3]), datetime.datetime(*node[1])
    if node[3] and node[3][0] == "pytz":
        return plain.replace(tzinfo=datetime.timezone.utc).astimezone(zone).replace(fold=node[2])
    return plain.replace(tzinfo=zone, fold=node[2])


def _time(enc: Encoder, value: datetime.time) -> Any:
    return [
        "time",
        [value.hour, value.minute, value.second, value.microsecond],
        value.fold,
        encode_zone(enc, value.tzinfo),
    ]


def _read_time(dec: Decoder, node: list[Any], label: int) -> datetime.time:
    return datetime.time(*node[1]).replace(tzinfo=dec.decode(node[3]), fold=node[2])


ENCODERS: dict[type, Callable[[Any, Any], Any]] = {
    datetime.date: lambda enc, value: ["date", value.year, value.month, value.day],
    datetime.datetime: _datetime,
    datetime.time: _time,
    datetime.timedelta: _delta,
    datetime.timezone: encode_zone,
}

DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "date": lambda dec, node, label: datetime.date(*node[1:]),
    "dt": _read_datetime,
    "time": _read_time,
    "td": lambda dec, node, label: datetime.timedelta(*node[1:]),
    "tz": _read_tz,
    "zone": _read_zone,
    "pytz": _read_pytz,
}

"""Amounts in Kubernetes' own grammar, and durations: compared exactly, shown for people.

In: the text a user typed. Out: Decimal cores or bytes, timedelta, or `BadValue` that names the likely meaning.
A cluster takes `--memory 4` as four bytes; here it is refused with the fix. Next room: `kinds`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

from kubenb.model.values import BadValue

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<number>[0-9]+\.?[0-9]*|\.[0-9]+)"
    r"(?P<suffix>[KMGTPE]i|[eE][+-]?[0-9]{1,4}|[numkMGTPE]?)",
    re.ASCII,
)
_SLIP = re.compile(r"[+-]?(?P<number>[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)\s*(?P<unit>[A-Za-z]?)(?P<rest>.*)", re.DOTALL)
_LONGEST = 40
_MOST = Decimal(2**63 - 1)

LEAST_BYTES = Decimal(2**20)
MOST_BYTES = Decimal(2**50)
LEAST_CPU = Decimal("0.001")
MOST_CPU = Decimal(1000)


def parse_quantity(text: str) -> Decimal:
    """The exact amount, or BadValue.

    >>> parse_quantity("100m"), parse_quantity("1e3"), parse_quantity("4Gi")
    (Decimal('0.100'), Decimal('1E+3'), Decimal('4294967296'))
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise BadValue(f"{_quoted(text)} is not a quantity.", _likely(text))
    if match["sign"] == "-":
        raise BadValue(f"{_quoted(text)} is negative.", "Write an amount above 0.")
    amount = Decimal(match["number"])
    suffix = match["suffix"]
    if suffix in _BINARY:
        amount *= 1024 ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        amount = amount.scaleb(_DECIMAL[suffix])
    else:
        amount = amount.scaleb(int(suffix[1:]))
    if amount > _MOST:
        raise BadValue(f"{_quoted(text)} is more than Kubernetes can count.", "Write a smaller amount.")
    return amount


def parse_cpu(text: str) -> Decimal:
    """Cores: at least 1m, in whole thousandths.

    >>> parse_cpu("1.5")
    Decimal('1.5')
    """
    try:
        cores = parse_quantity(text)
    except BadValue as bad:
        if "not a quantity" in bad.what:
            raise BadValue(bad.what, _likely_cpu(text)) from None
        raise
    shown = _quoted(text)
    if text.endswith("i"):
        number = re.match(r"[0-9.]+", text.lstrip("+"))
        raise BadValue(
            f"{shown} is an amount of memory, not of CPU.", f"Write cores, like {_cores(number[0] if number else '1')}."
        )
    if cores == 0:
        raise BadValue(f"{shown} is no CPU at all.", "Write cores, like 500m or 2.")
    if cores < LEAST_CPU or cores * 1000 != int(cores * 1000):
        raise BadValue(f"{shown} is finer than a thousandth of a core.", "Write whole thousandths, like 1m or 250m.")
    if cores > MOST_CPU:
        raise BadValue(f"{shown} is {plain(cores)} cores.", f"Write cores, like {_cores(text)}.")
    return cores


def parse_bytes(text: str) -> Decimal:
    """Bytes of memory or storage: at least 1Mi, at most 1Pi, so that a forgotten unit is caught.

    >>> parse_bytes("1Gi")
    Decimal('1073741824')
    """
    amount = parse_quantity(text)
    if amount < LEAST_BYTES:
        number = re.match(r"[0-9.]+", text.lstrip("+"))
        likely = number[0].rstrip(".") if number else "4"
        unit = "Mi" if "m" in text or Decimal(likely) >= 128 else "Gi"
        what = f"{_quoted(text)} is only {plain(amount)} byte{'' if amount == 1 else 's'}."
        raise BadValue(what, f"Write {likely if Decimal(likely) else '1'}{unit}.")
    if amount > MOST_BYTES:
        raise BadValue(
            f"{_quoted(text)} is {show_bytes(amount)}, more than any machine has.", "Write an amount like 4Gi."
        )
    return amount


def plain(amount: Decimal) -> str:
    """The number without exponent or trailing zeros: '0.4', '4000'."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_bytes(amount: float | Decimal) -> str:
    """Bytes for people, in binary units.

    >>> show_bytes(432013312), show_bytes(2_000_000_000), show_bytes(12)
    ('412 MiB', '1.9 GiB', '12 B')
    """
    value = float(amount)
    unit = "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if value < 999.5 or unit == "EiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if value >= 9.95 or unit == "B" else f"{value:.1f} {unit}"


_DURATION = re.compile(r"(?:(?P<d>[0-9]+)d)?(?:(?P<h>[0-9]+)h)?(?:(?P<m>[0-9]+)m)?(?:(?P<s>[0-9]+)s)?", re.ASCII)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST_DURATION = 3650 * 86400


def parse_duration(text: str) -> timedelta:
    """A length of time: days, hours, minutes, seconds in that order.

    >>> parse_duration("1h30m"), parse_duration("2d")
    (datetime.timedelta(seconds=5400), datetime.timedelta(days=2))
    """
    match = _DURATION.fullmatch(text) if 0 < len(text) <= _LONGEST else None
    if match is None:
        raise BadValue(f"{_quoted(text)} is not a duration.", _likely_duration(text))
    seconds = sum(int(match[unit]) * size for unit, size in _SECONDS.items() if match[unit])
    if seconds > _LONGEST_DURATION:
        raise BadValue(f"{_quoted(text)} is longer than ten years.", "Write a shorter time, like 2h or 7d.")
    return timedelta(seconds=seconds)


def _quoted(text: str) -> str:
    """The text as shown in a message: on one line, not endless."""
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return repr(shown) if not shown.isprintable() else f"'{shown}'"


def _likely(text: str) -> str:
    """The fix for text that is no quantity: what was likely meant."""
    match = _SLIP.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST:
        return "Write a number with a unit, like 512Mi or 4Gi."
    number = match["number"].replace(",", ".")
    unit = match["unit"].upper()
    if unit and unit in "KMGTP":
        smaller = {"K": "", "M": "Ki", "G": "Mi", "T": "Gi", "P": "Ti"}[unit]
        whole = Decimal(number) * 1024
        also = f" or {plain(whole)}{smaller}" if whole == int(whole) and unit != "K" else ""
        return f"Write {number}{unit}i{also}."
    return f"Write {number}Gi or {number}Mi." if not unit else "Write a number with a unit, like 512Mi or 4Gi."


def _likely_cpu(text: str) -> str:
    match = _SLIP.fullmatch(text.strip())
    if match is None or len(text) > _LONGEST:
        return "Write cores, like 500m or 2."
    number = match["number"].replace(",", ".")
    return f"Write {number}m." if match["unit"] in ("m", "M") else f"Write {number}."


def _cores(text: str) -> str:
    """A sensible CPU amount from a number that is too large to be cores: 500 -> 500m."""
    number = re.match(r"[0-9]+", text)
    value = int(number[0]) if number else 0
    return str(value) if 0 < value <= 64 else f"{value}m" if 64 < value <= 100_000 else "2"


def _likely_duration(text: str) -> str:
    number = re.fullmatch(r"\s*([0-9]{1,9})\s*([A-Za-z]?)[A-Za-z]*\s*", text)
    if number is None:
        return "Write it like 90s, 5m, 1h30m or 2d."
    count, unit = number[1], number[2].lower()
    if unit == "w":
        return f"Write {int(count) * 7}d."
    if not int(count):
        return "Write it like 90s, 5m, 1h30m or 2d."
    return f"Write {count}{unit}." if unit and unit in "dhms" else f"Write {count}s or {count}m."

"""Quantities as Kubernetes reads them, and the slips that it would take in silence."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.quantities import parse_bytes, parse_cpu, parse_duration, parse_quantity, show_bytes
from kubenb.model.values import BadValue
from tests.unit.model.strategies import PATIENT, outcome

GOOD = [
    ("0", "0"), ("1", "1"), ("+1", "1"), ("0.1", "0.1"), (".5", "0.5"), ("5.", "5"), ("100m", "0.1"), ("1u", "0.000001"),
    ("1n", "0.000000001"), ("1k", "1000"), ("1M", "1000000"), ("1G", "1e9"), ("1T", "1e12"), ("1P", "1e15"), ("1E", "1e18"),
    ("1Ki", "1024"), ("1Mi", "1048576"), ("1Gi", "1073741824"), ("1.5Gi", "1610612736"), ("1Ti", "1099511627776"),
    ("1e3", "1000"), ("1E3", "1000"), ("1e+3", "1000"), ("1e-3", "0.001"), ("12e6", "12000000"), ("007", "7"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "amount"), GOOD)
def test_a_quantity_has_its_exact_amount(text: str, amount: str) -> None:
    assert parse_quantity(text) == Decimal(amount)


BAD = [
    ("4G1", "'4G1' is not a quantity. Write 4Gi or 4096Mi."),
    ("4GB", "'4GB' is not a quantity. Write 4Gi or 4096Mi."),
    ("4gb", "'4gb' is not a quantity. Write 4Gi or 4096Mi."),
    ("4g", "'4g' is not a quantity. Write 4Gi or 4096Mi."),
    ("4K", "'4K' is not a quantity. Write 4Ki."),
    ("512mb", "'512mb' is not a quantity. Write 512Mi or 524288Ki."),
    ("1 Gi", "'1 Gi' is not a quantity. Write 1Gi or 1024Mi."),
    ("1,5Gi", "'1,5Gi' is not a quantity. Write 1.5Gi or 1536Mi."),
    (" 1Gi", "' 1Gi' is not a quantity. Write 1Gi or 1024Mi."),
    ("1Gi\n", r"'1Gi\n' is not a quantity. Write 1Gi or 1024Mi."),
    ("nan", "'nan' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("inf", "'inf' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("", "'' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("Gi", "'Gi' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("1e", "'1e' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("1_000", "'1_000' is not a quantity. Write 1Gi or 1Mi."),
    ("٤Gi", "'٤Gi' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
    ("-1", "'-1' is negative. Write an amount above 0."),
    ("-1Gi", "'-1Gi' is negative. Write an amount above 0."),
    ("1e9999", "'1e9999' is more than Kubernetes can count. Write a smaller amount."),
    ("10E", "'10E' is more than Kubernetes can count. Write a smaller amount."),
    ("9" * 50, f"'{'9' * 40}…' is not a quantity. Write a number with a unit, like 512Mi or 4Gi."),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_is_no_quantity_is_refused_with_the_likely_meaning(text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_quantity(text)
    assert str(caught.value) == message


BAD_BYTES = [
    ("4", "'4' is only 4 bytes. Write 4Gi."),
    ("1", "'1' is only 1 byte. Write 1Gi."),
    ("512", "'512' is only 512 bytes. Write 512Mi."),
    ("400m", "'400m' is only 0.4 bytes. Write 400Mi."),
    ("0", "'0' is only 0 bytes. Write 1Gi."),
    ("1e3", "'1e3' is only 1000 bytes. Write 1Gi."),
    ("100k", "'100k' is only 100000 bytes. Write 100Gi."),
    ("2Pi", "'2Pi' is 2.0 PiB, more than any machine has. Write an amount like 4Gi."),
]


@pytest.mark.parametrize(("text", "message"), BAD_BYTES)
def test_an_amount_of_memory_without_its_unit_is_caught(text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_bytes(text)
    assert str(caught.value) == message


BAD_CPU = [
    ("500Gi", "'500Gi' is an amount of memory, not of CPU. Write cores, like 500m."),
    ("4Gi", "'4Gi' is an amount of memory, not of CPU. Write cores, like 4."),
    ("0", "'0' is no CPU at all. Write cores, like 500m or 2."),
    ("0.0001", "'0.0001' is finer than a thousandth of a core. Write whole thousandths, like 1m or 250m."),
    ("1.5m", "'1.5m' is finer than a thousandth of a core. Write whole thousandths, like 1m or 250m."),
    ("2k", "'2k' is 2000 cores. Write cores, like 2."),
    ("1500", "'1500' is 1500 cores. Write cores, like 1500m."),
    ("2 cores", "'2 cores' is not a quantity. Write 2."),
    ("500 m", "'500 m' is not a quantity. Write 500m."),
    ("nan", "'nan' is not a quantity. Write cores, like 500m or 2."),
    ("-1", "'-1' is negative. Write an amount above 0."),
]


@pytest.mark.parametrize(("text", "message"), BAD_CPU)
def test_an_amount_that_is_no_cpu_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_cpu(text)
    assert str(caught.value) == message


def test_amounts_compare_exactly_whatever_their_form() -> None:
    assert parse_bytes("1Gi") > parse_bytes("1G")
    assert parse_bytes("1024Mi") == parse_bytes("1Gi") == parse_bytes("1073741824")
    assert parse_cpu("0.1") == parse_cpu("100m") == parse_cpu("1e-1")


@PATIENT
@given(st.text(max_size=50))
def test_any_text_gives_an_amount_or_a_fix(text: str) -> None:
    for parse in (parse_quantity, parse_cpu, parse_bytes, parse_duration):
        found = outcome(parse, text)
        if isinstance(found, BadValue):
            assert found.what.endswith(".")
            assert found.fix.endswith(".")


@PATIENT
@given(st.integers(0, 10**9), st.sampled_from(["Ki", "Mi", "Gi", "m", "k", "M", ""]))
def test_an_amount_is_its_number_times_its_unit(number: int, unit: str) -> None:
    size = {"Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "m": Decimal("0.001"), "k": Decimal(1000),
            "M": Decimal(10**6), "": Decimal(1)}[unit]  # fmt: skip
    if number * size < 2**63:
        assert parse_quantity(f"{number}{unit}") == number * size


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1024, "1.0 KiB"), (10_240, "10 KiB"), (432013312, "412 MiB"),
     (2_000_000_000, "1.9 GiB"), (2**30 - 1, "1.0 GiB"), (2**50, "1.0 PiB"), (2**70, "1024 EiB")],
)  # fmt: skip
def test_bytes_are_shown_for_people(amount: int, shown: str) -> None:
    assert show_bytes(amount) == shown


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172800), ("1d1h1m1s", 90061), ("0s", 0)]
)
def test_a_duration_has_its_length(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


BAD_DURATIONS = [
    ("", "'' is not a duration. Write it like 90s, 5m, 1h30m or 2d."),
    ("90", "'90' is not a duration. Write 90s or 90m."),
    ("5 m", "'5 m' is not a duration. Write 5m."),
    ("2H", "'2H' is not a duration. Write 2h."),
    ("3 weeks", "'3 weeks' is not a duration. Write 21d."),
    ("30m1h", "'30m1h' is not a duration. Write it like 90s, 5m, 1h30m or 2d."),
    ("-5m", "'-5m' is not a duration. Write it like 90s, 5m, 1h30m or 2d."),
    ("99999d", "'99999d' is longer than ten years. Write a shorter time, like 2h or 7d."),
]


@pytest.mark.parametrize(("text", "message"), BAD_DURATIONS)
def test_what_is_no_duration_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_duration(text)
    assert str(caught.value) == message

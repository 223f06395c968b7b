"""Advice: the rule, a row a case; never below what was seen; how sure it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.export.advice import advise, round_memory
from kubenb.model.measured import OUT_OF_MEMORY, Asked, How, Measured
from kubenb.model.quantities import parse_cpu, parse_quantity

MIB = 2**20


def run(
    peak: int, *, size: int | None = None, cores: float = 0.5, text: str = "t", how: How = "pod", **more: object
) -> Measured:
    made = Measured("train", how, 1.0, 3600.0, text=text, peak=peak * MIB, cores=cores, size=size and size * MIB)
    return replace(made, **more)  # type: ignore[arg-type]


def killed(limit: int) -> Measured:
    return run(limit - 1, end=OUT_OF_MEMORY, asked=Asked(memory_limit=limit * MIB))


GROWING = [run(100 + 2 * size, size=size) for size in (50, 100, 200)]
CASES = [
    ("nothing on record", [], None, (None, None), "a first guess"),
    ("one run: a quarter of headroom", [run(400)], None, ("500m", "512Mi"), "a first guess"),
    ("several: the highest, and 15 %", [run(400), run(300), run(500)], None, ("500m", "576Mi"), "fairly sure"),
    ("many that agree", [run(400)] * 5, None, ("500m", "464Mi"), "sure"),
    ("many that differ", [run(100), *[run(400)] * 5], None, ("500m", "464Mi"), "fairly sure"),
    ("a little one has 16Mi of headroom", [run(20)] * 5, None, ("500m", "48Mi"), "sure"),
    ("cores are rounded up", [run(400, cores=1.52)] * 5, None, ("1600m", "464Mi"), "sure"),
    ("another text counts only where there is none of this", [run(400, text="u"), run(200)], None, ("500m", "256Mi"), "a first guess"),
    ("an earlier text is a guess", [run(400, text="u")] * 9, None, ("500m", "464Mi"), "a first guess"),
    ("the kernel holds more than the task", [run(900, how="here"), run(200)], None, ("500m", "256Mi"), "a first guess"),
    ("where there is the kernel alone it counts", [run(400, how="here")] * 9, None, ("500m", "464Mi"), "a first guess"),
    ("killed: half as much again than the limit", [killed(512)], None, ("500m", "768Mi"), "a lower bound"),
    ("killed, and well with more: what that needed", [run(600), killed(512)], None, ("500m", "768Mi"), "a first guess"),
    ("killed with more than a good run needed", [run(300), killed(512)], None, ("500m", "768Mi"), "a lower bound"),
    ("stopped by somebody says nothing", [run(900, end="stopped"), run(400)], None, ("500m", "512Mi"), "a first guess"),
    ("failed by its own error was seen all the same", [run(600, end="user"), run(400)], None, ("500m", "768Mi"), "a first guess"),
    ("growth, the largest input seen", GROWING, None, ("500m", "576Mi"), "fairly sure"),
    ("growth, a larger input", GROWING, 400, ("500m", "1088Mi"), "fairly sure"),
    ("growth, an input far beyond", GROWING, 1000, ("500m", "2432Mi"), "a first guess"),
    ("never less, for a small input", GROWING, 10, ("500m", "576Mi"), "fairly sure"),
    ("two sizes are no line", GROWING[:2], 400, ("500m", "384Mi"), "a first guess"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("records", "size", "expected", "sure"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_rule(
    records: list[Measured], size: int | None, expected: tuple[str | None, str | None], sure: str
) -> None:
    found = advise("train", "t", records, size=size and size * MIB)
    assert ((found.cpu, found.memory), found.sureness) == (expected, sure)
    assert (found.rule == "") == (not records)


def test_what_grows_ever_faster_is_not_taken_for_a_line() -> None:
    square = [run(size * size // 100, size=size) for size in (100, 200, 300, 400)]
    found = advise("train", "t", square, size=500 * MIB)
    assert found.needed is not None
    assert found.needed / MIB >= 1600 + 7 * 100  # as steep as between the last two; a line through all would say less


@given(
    st.lists(st.tuples(st.integers(1, 100_000), st.integers(1, 10_000), st.floats(0.01, 64)), min_size=1, max_size=20),
    st.integers(1, 20_000),
)
def test_it_is_never_below_what_was_seen_and_always_an_amount(runs: list[tuple[int, int, float]], size: int) -> None:
    records = [run(peak, size=read, cores=cores) for peak, read, cores in runs]
    found = advise("train", "t", records, size=size * MIB)
    assert found.memory is not None
    assert found.cpu is not None
    assert parse_quantity(found.memory) >= max(peak for peak, _, _ in runs) * MIB
    assert float(parse_cpu(found.cpu)) >= round(max(cores for _, _, cores in runs), 2)


@given(st.integers(1, 2**45))
def test_rounding_wastes_little(size: int) -> None:
    rounded = round_memory(size)
    assert size <= rounded <= max(size * 17 / 16, size + 16 * MIB)


def test_what_it_saves_and_what_is_too_little() -> None:
    saves = advise("train", "t", [run(400)] * 5, Asked(2.0, 1024 * MIB, None, 1024 * MIB))
    assert (saves.saves.cpu, saves.saves.memory, saves.saves.hours) == (1.5, 560 * MIB, 0.5469)
    assert saves.problems == ()
    short = advise("train", "t", [run(400)] * 5, Asked(0.1, 256 * MIB, None, 256 * MIB))
    assert short.saves.memory == -208 * MIB
    assert [problem.what for problem in short.problems] == ["its memory limit is 256 MiB, and it has needed 400 MiB."]

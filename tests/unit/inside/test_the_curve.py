"""The curve of a run: bounded, and no peak is lost on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.inside.curve import MOST, Curve, cores


@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(0, 10**12), st.floats(0, 8)), min_size=1, max_size=3000))
def test_it_is_bounded_and_keeps_the_peak_and_the_end(samples: list[tuple[float, int, float]]) -> None:
    curve, at, cpu = Curve(), 0.0, 0.0
    for pause, memory, busy in samples:
        at, cpu = at + pause, cpu + busy * pause
        curve.add(at, memory, cpu)
    points = curve.points
    assert len(points) <= MOST
    assert max(point[1] for point in points) == max(memory for _, memory, _ in samples)
    assert points[-1][0] == pytest.approx(at)
    assert points[-1][2] == pytest.approx(cpu)
    assert [point[0] for point in points] == sorted(point[0] for point in points)


BUSY = [
    ("half a second of four cores: two in that second", [(0, 0), (0.5, 2.0), (3, 2.0)], 3, 2.0),
    ("one core throughout", [(0, 0), (1, 1), (2, 2), (3, 3)], 3, 1.0),
    ("four cores for two seconds of ten", [(0, 0), (4, 0), (5, 4), (6, 8), (10, 8)], 10, 4.0),
    ("four cores for two seconds of a hundred: less than a twentieth", [(0, 0), (50, 0), (52, 8), (100, 8)], 100, 1.6),
    ("a run shorter than a second", [(0, 0), (0.2, 0.1)], 0.2, 0.5),
]


@pytest.mark.parametrize(("points", "seconds", "expected"), [row[1:] for row in BUSY], ids=[row[0] for row in BUSY])
def test_cores_are_those_of_the_busiest_twentieth(
    points: list[tuple[float, float]], seconds: float, expected: float
) -> None:
    assert cores([[at, 0, cpu] for at, cpu in points], seconds, points[-1][1]) == pytest.approx(expected, abs=0.01)

"""Memory and CPU over a run, in a bounded number of points: as the run grows, neighbours become one, and no peak is lost.

In: samples (seconds since the start, bytes now, CPU seconds so far). Out: points, and the most cores that were busy for a while.
Next room: `usage`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

MOST = 240


class Curve:
    """Points [seconds, most bytes since the point before, CPU seconds so far]."""

    def __init__(self) -> None:
        """Empty; any two samples are points of their own until there are too many."""
        self.points: list[list[float]] = []
        self.step, self.opened = 0.0, 0.0

    def add(self, at: float, memory: float, cpu: float) -> None:
        """One more sample."""
        points = self.points
        if points and at - self.opened < self.step:
            points[-1] = [at, max(memory, points[-1][1]), cpu]
            return
        points.append([at, memory, cpu])
        self.opened = at
        if len(points) >= MOST:
            self.step = 2 * (self.step or (at - points[0][0]) / MOST)
            self.points = [[b[0], max(a[1], b[1]), b[2]] for a, b in zip(points[::2], points[1::2])]

    def rounded(self) -> list[list[float]]:
        """The points as they are kept: milliseconds, whole bytes."""
        return [[round(at, 3), int(memory), round(cpu, 3)] for at, memory, cpu in self.points]


def cores(points: Sequence[Sequence[float]], seconds: float, cpu: float) -> float:
    """The most cores that were busy for a twentieth of the run, at least for a second: a shorter burst takes what is idle.

    >>> cores([[0, 1, 0.0], [1, 1, 0.2], [2, 1, 2.2], [3, 1, 2.3]], 3, 2.3)
    2.0
    """
    most, window = (cpu / seconds if seconds > 0 else 0.0), max(1.0, seconds / 20)
    if not points or points[-1][0] - points[0][0] < window:
        return round(most, 3)
    starts = [point[0] for point in points] + [point[0] - window for point in points]
    begin, end, last = 0, 0, points[-1][0]
    for start in sorted(at for at in starts if points[0][0] <= at <= last - window):
        begin, end = _before(points, start, begin), _before(points, start + window, end)
        used = _spent(points, end, start + window) - _spent(points, begin, start)
        most = max(most, used / window)
    return round(most, 3)


def _before(points: Sequence[Sequence[float]], at: float, index: int) -> int:
    """The last point that is not behind `at`, from `index` on."""
    while index + 1 < len(points) and points[index + 1][0] <= at:
        index += 1
    return index


def _spent(points: Sequence[Sequence[float]], index: int, at: float) -> float:
    """CPU seconds until `at`, between two points as if they were spent evenly."""
    here = points[index]
    if index + 1 == len(points) or points[index + 1][0] <= here[0]:
        return here[2]
    there = points[index + 1]
    return here[2] + (there[2] - here[2]) * (at - here[0]) / (there[0] - here[0])

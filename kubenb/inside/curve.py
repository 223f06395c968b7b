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
    first = 0
    for last in range(len(points)):
        while first + 1 < last and points[last][0] - points[first + 1][0] >= window:
            first += 1
        time = points[last][0] - points[first][0]
        if time >= window:
            most = max(most, (points[last][2] - points[first][2]) / time)
    return round(most, 3)

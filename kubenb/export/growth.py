"""Memory as it grows with the size of the input: a line through runs of several sizes.

In: pairs of size and peak. Out: `Growth`: what an input of some size needs. Next room: `advice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubenb.model.quantities import show_bytes

SIZES, SPREAD = 3, 1.3  # different sizes that make a line, the largest so many times the smallest
FITS, FAR = 0.1, 2.0  # of the peak: the largest distance from the line; times the largest size seen


@dataclass(frozen=True)
class Growth:
    """`needed`: bytes that the wanted size needs; `words`: the line; `beyond`: that size was never seen, `far`: by a lot.

    `fits`: all runs lie near the line.
    """

    needed: int
    words: str
    beyond: bool
    far: bool
    fits: bool


def growth(pairs: Sequence[tuple[int, int]], wanted: int | None) -> Growth | None:
    """The line, moved up to the run that lies farthest above it; None where sizes are too few or too alike, or nothing grows.

    Beyond the largest size the steeper counts, the line or the last stretch between two sizes: what grows ever faster is not
    taken for a line.
    """
    highest: dict[int, int] = {}
    for size, peak in pairs:
        highest[size] = max(peak, highest.get(size, 0))
    sizes = sorted(highest)
    if wanted is None or len(sizes) < SIZES or sizes[-1] < SPREAD * sizes[0]:
        return None
    base, slope = _line(pairs)
    if slope <= 0:
        return None
    off = [peak - base - slope * size for size, peak in pairs]
    at = base + slope * wanted + max(0.0, *off)
    if wanted > sizes[-1]:
        last, before = sizes[-1], sizes[-2]
        steep = max(slope, (highest[last] - highest[before]) / (last - before))
        at = max(at, highest[last] + steep * (wanted - last))
    fits = max(map(abs, off)) <= FITS * max(highest.values())
    factor = f"{slope:.2g} bytes a byte read"
    words = f"{show_bytes(max(0.0, base))} and {factor}, for an input of {show_bytes(wanted)}"
    return Growth(int(at), words, wanted > sizes[-1], wanted > FAR * sizes[-1], fits)


def _line(pairs: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Least squares: where it begins, and how steep it is."""
    count = len(pairs)
    size = sum(pair[0] for pair in pairs) / count
    peak = sum(pair[1] for pair in pairs) / count
    spread = sum((pair[0] - size) ** 2 for pair in pairs)
    slope = sum((pair[0] - size) * (pair[1] - peak) for pair in pairs) / spread
    return peak - slope * size, slope

"""Memory and CPU over a run as a picture: one SVG text, against what was asked for and what the limit is.

In: a `Measured`. Out: SVG with a background of its own, so that no theme is asked; nothing is loaded from elsewhere.
What a screen reader reads is the same as the picture says. Next room: `usage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from kubenb.model.measured import Measured
from kubenb.model.quantities import show_bytes
from kubenb.show.results import show_seconds
from kubenb.show.svg import EDGE_TEXT, FONT, LINE, MONO, TEXT

WIDTH, HEIGHT, LEFT, RIGHT, TOP, GAP = 560.0, 96.0, 64.0, 112.0, 30.0, 30.0
MEMORY, CPU, ASKED, LIMIT = "#2f6fab", "#8a5a00", "#34404e", "#c0392b"
NEAR = 13.0  # pixels between two labels at the right


@dataclass(frozen=True)
class Panel:
    """One quantity over time. `steps`: (from, to, value); `lines`: what was asked for and the limit."""

    title: str
    steps: tuple[tuple[float, float, float], ...]
    lines: tuple[tuple[str, float, str], ...]
    color: str
    unit: str  # 'bytes' or 'cores'

    @property
    def top(self) -> float:
        """The largest value that is shown. A limit far above all that was used would flatten it, and is told in words."""
        most = max((value for _, _, value in self.steps), default=0.0) or 1.0
        shown = [value for _, value, _ in self.lines if value <= 4 * most]
        return 1.12 * max(most, *shown) if shown else 1.12 * most

    def words(self, value: float) -> str:
        """An amount with its unit."""
        return show_bytes(value) if self.unit == "bytes" else f"{value:.3g}"


def draw_usage(measured: Measured) -> str:
    """Two panels over one axis of time; '' where too little was seen to draw."""
    if len(measured.curve) < 2:
        return ""
    panels = (_memory(measured), _cpu(measured))
    seconds = max(measured.wall, measured.curve[-1][0]) or 1.0
    width, height = LEFT + WIDTH + RIGHT, TOP + 2 * HEIGHT + GAP + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" style="max-width:100%;height:auto" role="img"'
        f' aria-label="{escape(sentence(measured), quote=True)}" font-family="{FONT}">',
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#f7f9fb"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, TOP + number * (HEIGHT + GAP), seconds)
    parts += _times(TOP + 2 * HEIGHT + GAP, seconds)
    return "\n".join([*parts, "</svg>"])


def sentence(measured: Measured) -> str:
    """What the picture says."""
    asked = measured.asked
    said = [f"{measured.task} ran {show_seconds(measured.wall)}"]
    if measured.peak:
        limit = f" of {show_bytes(asked.memory_limit)}" if asked.memory_limit else ""
        said.append(f"peak memory {show_bytes(measured.peak)}{limit}")
    if measured.cores is not None:
        request = f" of {asked.cpu:.3g} requested" if asked.cpu else ""
        said.append(f"at most {measured.cores:.3g} cores busy{request}")
    return ", ".join(said)


def _memory(measured: Measured) -> Panel:
    points = measured.curve
    steps = tuple((before[0], point[0], point[1]) for before, point in pairwise(points))
    asked, both = measured.asked, measured.asked.memory == measured.asked.memory_limit
    lines = (
        [("limit" if not both else "request, limit", float(asked.memory_limit), LIMIT)] if asked.memory_limit else []
    )
    if asked.memory and not both:
        lines.append(("request", float(asked.memory), ASKED))
    return Panel("memory", steps, tuple(lines), MEMORY, "bytes")


def _cpu(measured: Measured) -> Panel:
    steps = tuple(
        (before[0], point[0], max(0.0, point[2] - before[2]) / (point[0] - before[0]))
        for before, point in pairwise(measured.curve)
        if point[0] > before[0]
    )
    asked = measured.asked
    lines = [("limit", asked.cpu_limit, LIMIT)] if asked.cpu_limit else []
    lines += [("request", asked.cpu, ASKED)] if asked.cpu else []
    return Panel("cpu, cores", steps, tuple(lines), CPU, "cores")


def _panel(panel: Panel, top: float, seconds: float) -> Iterator[str]:
    def x(at: float) -> float:
        return LEFT + WIDTH * at / seconds

    def y(value: float) -> float:
        return top + HEIGHT * (1 - value / panel.top)

    yield _text(LEFT, top - 8, panel.title, size=12, weight=600, fill=TEXT)
    for value in (0.0, panel.top / 1.12):
        yield _rule(y(value), "#d5dce4", "")
        yield _text(LEFT - 6, y(value) + 4, panel.words(value), anchor="end")
    if panel.steps:
        path = " ".join(
            f"L{x(start):.1f} {y(value):.1f} L{x(end):.1f} {y(value):.1f}" for start, end, value in panel.steps
        )
        base = f"M{x(panel.steps[0][0]):.1f} {y(0):.1f} {path} L{x(panel.steps[-1][1]):.1f} {y(0):.1f} Z"
        yield f'<path d="{base}" fill="{panel.color}" fill-opacity="0.28" stroke="{panel.color}" stroke-width="1.4"/>'
    yield from _lines(panel, y)


def _lines(panel: Panel, y: object) -> Iterator[str]:
    """Request and limit: across the panel where they fit, in words above it where they are far beyond."""
    assert callable(y)
    taken: list[float] = []
    beyond = []
    for name, value, color in panel.lines:
        if value > panel.top:
            beyond.append(f"{name} {panel.words(value)}")
            continue
        yield _rule(y(value), color, "" if color == LIMIT else "5 3")
        at = y(value) + 4
        while any(abs(at - other) < NEAR for other in taken):
            at += NEAR
        taken.append(at)
        yield _text(LEFT + WIDTH + 6, at, name, fill=color)
    if beyond:
        yield _text(LEFT + WIDTH, y(panel.top) - 8, ", ".join(beyond) + " (above)", anchor="end", fill=LIMIT)


def _times(top: float, seconds: float) -> Iterator[str]:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = LEFT + WIDTH * share
        yield f'<line x1="{at:.1f}" y1="{top:.1f}" x2="{at:.1f}" y2="{top + 4:.1f}" stroke="{LINE}"/>'
        yield _text(at, top + 17, show_seconds(seconds * share) if share else "0", anchor="middle")


def _rule(y: float, color: str, dash: str) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + WIDTH}" y2="{y:.1f}" stroke="{color}"{dashed}/>'


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 11, weight: int = 400, fill: str = EDGE_TEXT
) -> str:
    family = f' font-family="{MONO}"' if weight == 400 else ""
    style = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}"{family} fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def bars(values: Sequence[float], width: int = 60) -> str:
    """The same in one line of text.

    >>> bars([0, 1, 2, 4])
    ' ▂▄█'
    """
    if not values:
        return ""
    groups = [values[index * len(values) // width : (index + 1) * len(values) // width] for index in range(width)]
    kept = [max(group) for group in groups if group] if len(values) > width else list(values)
    most = max(kept) or 1.0
    return "".join(" ▁▂▃▄▅▆▇█"[round(8 * value / most)] for value in kept)

"""The graph as a picture: one SVG text that is readable on a light and on a dark page, with nothing loaded from
elsewhere.

In: a `Pipeline`. Out: SVG. Boxes carry their own background, lines are mid-grey, so no theme is asked; reasons are in
the tooltips.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise

from kubenb.model.pipeline import Edge, Pipeline, Plan
from kubenb.model.problems import errors
from kubenb.show.graph import Graph, variables
from kubenb.show.layout import Box, Layout, lay_out

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"
MARGIN = 12
LETTER, SMALL = 8.4, 6.7  # widths of a character: bold 14 px sans, 11 px mono (both with some air)
LONGEST = 34  # characters of a label or a name before it is cut; the tooltip has it whole
LINE, TEXT, FILL, EDGE_TEXT, BAD = "#7d8a9c", "#16202c", "#e7edf5", "#34404e", "#c0392b"
FILLS = {"cell": FILL, "notebook": "#e8e6f7", "container": "#e3f0e8"}


def draw(pipeline: Pipeline) -> str:
    """The whole picture."""
    graph = Graph(pipeline)
    labels = {(edge.upstream, edge.downstream): _label(edge) for edge in pipeline.edges}
    widths = {
        plan.task.name: max(72.0, 28 + LETTER * len(_cut(plan.task.name)), 28 + SMALL * len(_below(plan)))
        for plan in pipeline.plans
    }
    layout = lay_out(widths, list(labels), {edge: SMALL * len(label) for edge, label in labels.items()})
    width, height = layout.width + 2 * MARGIN, layout.height + 2 * MARGIN
    bad = {problem.where.task for problem in errors(pipeline.problems)}
    size = f'viewBox="{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    label = escape(_sentence(graph), quote=True)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="max-width:100%;height:auto" role="img"'
        f' aria-label="{label}" font-family="{FONT}">',
        '<defs><marker id="kubenb-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8"'
        f' orient="auto"><path d="M0 0.6 L8 4 L0 7.4 Z" fill="{LINE}"/></marker></defs>',
        *(_edge(graph, edge, layout) for edge in pipeline.edges),
        *(_box(plan, layout.boxes[plan.task.name], plan.task.name in bad) for plan in pipeline.plans),
        *_labels(labels, layout),
        "</svg>",
    ]
    return "\n".join(parts)


def _edge(graph: Graph, edge: Edge, layout: Layout) -> str:
    points = layout.paths[(edge.upstream, edge.downstream)]
    path = f"M{_at(points[0])}"
    for index, (start, end) in enumerate(pairwise(points)):
        if index % 2:  # straight past a layer
            path += f" L{_at(end)}"
        else:
            bend = max((end[0] - start[0]) / 2, 18)
            path += f" C{start[0] + bend:.1f} {start[1]:.1f} {end[0] - bend:.1f} {end[1]:.1f} {_at(end)}"
    dash = "" if variables(edge) else ' stroke-dasharray="5 4"'
    title = escape("\n".join(line.strip() for line in graph.reasons(edge)))
    style = f'fill="none" stroke="{LINE}" stroke-width="1.5"{dash} marker-end="url(#kubenb-arrow)"'
    return f'<path d="{path}" {style}><title>{title}</title></path>'


def _labels(labels: dict[tuple[str, str], str], layout: Layout) -> Iterator[str]:
    """Each label on its edge's last stretch, on a patch of its own; moved down where another already stands."""
    taken: list[tuple[float, float, float]] = []
    for edge, label in labels.items():
        if not label:
            continue
        start, end = layout.paths[edge][-2:]
        half = SMALL * len(label) / 2 + 5
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        while any(
            abs(x - other_x) < half + other_half and abs(y - other_y) < 17 for other_x, other_y, other_half in taken
        ):
            y += 4
        taken.append((x, y, half))
        patch = f'fill="#f4f6f9" stroke="{LINE}" stroke-opacity="0.45"'
        yield _rect(Box(x - half, y - 8, 2 * half, 16), 4, patch) + _small(x, y + 3.8, label)


def _box(plan: Plan, box: Box, bad: bool) -> str:
    middle, below = box.x + box.width / 2, _below(plan)
    style = f'text-anchor="middle" font-size="14" font-weight="600" fill="{TEXT}"'
    name = f'<text x="{middle:.1f}" y="{box.y + (17.5 if below else 25):.1f}" {style}>{escape(_cut(plan.task.name))}</text>'
    small = _small(middle, box.y + 32, below) if below else ""
    behind = Box(box.x + 4, box.y - 4, box.width, box.height)
    stack = _rect(behind, 8, f'fill="{FILL}" stroke="{LINE}"') if plan.task.options.map else ""
    stroke = (
        f'stroke="{BAD}" stroke-width="2.5" stroke-dasharray="6 3"' if bad else f'stroke="{LINE}" stroke-width="1.2"'
    )
    title = escape(f"{plan.task.name}: {plan.task.where}" + (" has problems" if bad else ""))
    front = _rect(box, 8, f'fill="{FILLS[plan.task.kind]}" {stroke}')
    return f"<g><title>{title}</title>{stack}{front}{name}{small}</g>"


def _rect(box: Box, radius: int, style: str) -> str:
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.0f}"'
    return f'<rect {place} rx="{radius}" {style}/>'


def _small(x: float, y: float, text: str) -> str:
    style = f'text-anchor="middle" font-size="11" font-family="{MONO}" fill="{EDGE_TEXT}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'


def _below(plan: Plan) -> str:
    """The second line in a box: the fan-out, the other notebook or the image."""
    task = plan.task
    if task.options.map:
        return _cut(f"× {task.options.map.name} in {task.options.map.source}")
    return _cut({"cell": "", "notebook": task.notebook or "", "container": task.options.image or ""}[task.kind])


def _label(edge: Edge) -> str:
    names = variables(edge)
    for kept in range(len(names), 0, -1):
        label = ", ".join(names[:kept]) + (f" +{len(names) - kept}" if kept < len(names) else "")
        if len(label) <= LONGEST or kept == 1:
            return _cut(label)
    return ""


def _sentence(graph: Graph) -> str:
    edges = "; ".join(f"{edge.upstream} to {edge.downstream}" for edge in graph.pipeline.edges)
    return f"Graph of {graph.caption()}" + (f": {edges}" if edges else "")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _at(point: tuple[float, float]) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"

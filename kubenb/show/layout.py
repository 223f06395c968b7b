"""Where the boxes of a graph stand: layers from left to right, few crossings, straight long edges.

In: names with their sizes, edges. Out: `Layout`, coordinates only. `svg` draws it. The usual three steps: longest path
gives the layer, sweeps by barycentre give the order, and each box moves towards its neighbours' middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from kubenb.model.pipeline import ranks

HEIGHT = 40.0
GAP = 26.0  # between boxes of a layer
LANE = 18.0  # what a long edge takes where it passes a layer
SWEEPS = 8

Node = tuple[str, int]  # (task, layer) of a box; (edge's name, layer) of a bend


@dataclass(frozen=True)
class Box:
    """A task's rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Boxes by name, and for each edge the points it passes: from the right of a box to the left of another."""

    boxes: dict[str, Box]
    paths: dict[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


@dataclass
class _Grid:
    """Layers of nodes while they are sorted; `links` both ways between neighbouring layers."""

    layers: list[list[Node]]
    above: dict[Node, list[Node]] = field(default_factory=dict)
    below: dict[Node, list[Node]] = field(default_factory=dict)
    bends: dict[tuple[str, str], list[Node]] = field(default_factory=dict)
    y: dict[Node, float] = field(default_factory=dict)

    def link(self, left: Node, right: Node) -> None:
        self.below.setdefault(left, []).append(right)
        self.above.setdefault(right, []).append(left)


def lay_out(
    widths: Mapping[str, float], edges: Sequence[tuple[str, str]], gaps: Mapping[tuple[str, str], float]
) -> Layout:
    """Boxes for `widths` (by name, in the order they should keep) and `edges`; `gaps`: the room an edge's label wants."""
    rank = ranks(list(widths), edges)
    grid = _grid(list(widths), edges, rank)
    for sweep in range(SWEEPS):
        _sort(grid, down=sweep % 2 == 0)
    _place(grid, widths)
    columns = [max((widths[node[0]] for node in layer if node[0] in widths), default=0.0) for layer in grid.layers]
    spaces = [_space(index, edges, rank, gaps) for index in range(len(columns))]
    lefts = [sum(columns[:index]) + sum(spaces[:index]) for index in range(len(columns))]
    boxes = {
        name: Box(lefts[rank[name]], grid.y[(name, rank[name])] - HEIGHT / 2, widths[name], HEIGHT) for name in widths
    }
    paths = {edge: tuple(_points(edge, grid, boxes, lefts, columns)) for edge in edges}
    height = max((box.y + HEIGHT for box in boxes.values()), default=0.0)
    return Layout(
        boxes,
        paths,
        (lefts[-1] + columns[-1]) if columns else 0.0,
        max([height, *(y + LANE / 2 for y in grid.y.values())], default=0.0),
    )


def _grid(names: Sequence[str], edges: Sequence[tuple[str, str]], rank: Mapping[str, int]) -> _Grid:
    layers: list[list[Node]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    grid = _Grid(layers)
    for name in names:
        layers[rank[name]].append((name, rank[name]))
    for left, right in edges:
        chain: list[Node] = [(left, rank[left])]
        for layer in range(rank[left] + 1, rank[right]):
            bend = (f"{left}\0{right}", layer)
            layers[layer].append(bend)
            chain.append(bend)
        chain.append((right, rank[right]))
        for one, other in pairwise(chain):
            grid.link(one, other)
        grid.bends[(left, right)] = chain[1:-1]
    return grid


def _sort(grid: _Grid, down: bool) -> None:
    """One sweep: each layer by the mean position of its neighbours in the layer before; those without keep their place."""
    layers = grid.layers if down else grid.layers[::-1]
    near = grid.above if down else grid.below
    for before, layer in pairwise(layers):
        position = {node: index for index, node in enumerate(before)}
        own = {node: index for index, node in enumerate(layer)}
        means = {node: _mean([position[other] for other in near.get(node, [])], own[node]) for node in layer}
        layer.sort(key=lambda node, means=means, own=own: (means[node], own[node]))  # type: ignore[misc]


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default


def _place(grid: _Grid, names: Mapping[str, float]) -> None:
    """Vertical places: stacked, then pulled to the middle of their neighbours a few times without overlap, then shifted
    to start at 0.
    """
    size = {node: HEIGHT + GAP if node[0] in names else LANE for layer in grid.layers for node in layer}
    for layer in grid.layers:
        top = -sum(size[node] for node in layer) / 2
        for node in layer:
            grid.y[node] = top + size[node] / 2
            top += size[node]
    for sweep in range(SWEEPS):
        near = grid.above if sweep % 2 == 0 else grid.below
        for layer in grid.layers if sweep % 2 == 0 else grid.layers[::-1]:
            _pull(
                layer,
                {node: _mean([grid.y[other] for other in near.get(node, [])], grid.y[node]) for node in layer},
                size,
                grid.y,
            )
    shift = min(
        (grid.y[node] - (HEIGHT if node[0] in names else LANE) / 2 for layer in grid.layers for node in layer),
        default=0.0,
    )
    for node in grid.y:
        grid.y[node] -= shift


def _pull(layer: Sequence[Node], wish: Mapping[Node, float], size: Mapping[Node, float], y: dict[Node, float]) -> None:
    """Least-squares places that keep order and distance: runs of touching nodes move as one block to their mean wish."""
    blocks: list[tuple[float, int, list[Node], list[float]]] = []  # (place of first, count, nodes, offsets)
    for node in layer:
        blocks.append((wish[node], 1, [node], [0.0]))
        while len(blocks) > 1:
            first, second = blocks[-2], blocks[-1]
            distance = first[3][-1] + (size[first[2][-1]] + size[second[2][0]]) / 2
            if second[0] - first[0] >= distance:
                break
            count = first[1] + second[1]
            start = (first[0] * first[1] + (second[0] - distance) * second[1]) / count
            blocks[-2:] = [(start, count, first[2] + second[2], first[3] + [distance + offset for offset in second[3]])]
    for start, _, nodes, offsets in blocks:
        for node, offset in zip(nodes, offsets, strict=True):
            y[node] = start + offset


def _space(
    layer: int, edges: Sequence[tuple[str, str]], rank: Mapping[str, int], gaps: Mapping[tuple[str, str], float]
) -> float:
    """The free width after a layer: as much as the widest label of an edge that ends in the next one wants."""
    return max([56.0, *(gaps.get(edge, 0.0) + 44 for edge in edges if rank[edge[1]] == layer + 1)])


def _points(
    edge: tuple[str, str], grid: _Grid, boxes: Mapping[str, Box], lefts: Sequence[float], columns: Sequence[float]
) -> Iterator[tuple[float, float]]:
    start, end = boxes[edge[0]], boxes[edge[1]]
    yield start.x + start.width, start.y + HEIGHT / 2
    for node in grid.bends[edge]:
        yield lefts[node[1]], grid.y[node]
        yield lefts[node[1]] + columns[node[1]], grid.y[node]
    yield end.x, end.y + HEIGHT / 2

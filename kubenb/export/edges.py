"""Edges as `extract >> features >> train` lines: each edge once, long chains first, every line within the formatters'
width.

In: pairs of variables. Out: lines of code. Next room: `dag`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import pairwise

from kubenb.export.literal import WIDTH


def edge_lines(edges: Iterable[tuple[str, str]], order: list[str], indent: int = 4) -> list[str]:
    """The lines, in the tasks' order.

    >>> edge_lines([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], ["a", "b", "c", "d"], 0)
    ['a >> b >> d', 'a >> c >> d']
    """
    left: dict[str, deque[str]] = defaultdict(deque)
    place = {name: number for number, name in enumerate(order)}
    for upstream, downstream in sorted(set(edges), key=lambda edge: (place[edge[0]], place[edge[1]])):
        left[upstream].append(downstream)
    lines = []
    for start in order:
        while left[start]:
            chain = [start]
            while left[chain[-1]]:
                chain.append(left[chain[-1]].popleft())
            lines += _within(chain, indent)
    return lines


def _within(chain: list[str], indent: int) -> list[str]:
    """One chain on as many lines as it needs; each goes on with the task that the last one ended with."""
    lines, line = [], " " * indent + chain[0]
    for before, name in pairwise(chain):
        if len(line) + 4 + len(name) > WIDTH:
            lines.append(line)
            line = " " * indent + before
        line += f" >> {name}"
    return [*lines, line]

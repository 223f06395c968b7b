"""Makes a counterexample small: takes out cells, statements and lines as long as the verdict stays.

In: a draft and its verdict. Out: the smallest draft found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from tests.equivalence.author import Draft, Piece
from tests.equivalence.forks import DiedError, in_fork
from tests.equivalence.judge import Verdict, judge, top_to_bottom


def shrink(draft: Draft, verdict: Verdict, tries: int = 400) -> Draft:
    """A draft that still gets such a verdict, with nothing in it that can be left out."""
    tried: set[str] = set()
    smaller = True
    while smaller:
        smaller = False
        for candidate in simpler(draft):
            if str(candidate) in tried:
                continue
            tried.add(str(candidate))
            if len(tried) > tries:
                return draft
            found = judge(candidate)
            if (found.kind, found.code) == (verdict.kind, verdict.code) and (
                found.kind == "different" or runs(candidate)
            ):
                draft, smaller = candidate, True
                break
    return draft


def runs(draft: Draft) -> bool:
    """Whether it is still a notebook that runs from top to bottom."""
    try:
        in_fork(partial(top_to_bottom, draft, {}))
    except DiedError:
        return False
    return True


def simpler(draft: Draft) -> Iterator[Draft]:
    """Drafts with less in them, the largest steps first."""
    for count in (len(draft.cells) // 2, len(draft.cells) - 2):
        yield replace(draft, cells=draft.cells[:count])
    opening, *others = draft.cells
    if len(opening.statements) == 1:
        yield replace(draft, cells=(replace(opening, statements=tuple(opening.body.split("\n"))), *others))
    for number in range(len(draft.cells)):
        yield replace(draft, cells=draft.cells[:number] + draft.cells[number + 1 :])
    for number, cell in enumerate(draft.cells):
        for less in fewer(cell):
            yield replace(draft, cells=(*draft.cells[:number], less, *draft.cells[number + 1 :]))
    for name in draft.pickle:
        yield replace(draft, pickle=tuple(other for other in draft.pickle if other != name))


def fewer(cell: Piece) -> Iterator[Piece]:
    """The cell with one statement less, or a simpler one."""
    if len(cell.statements) > 1:
        for number in range(len(cell.statements)):
            yield replace(cell, statements=cell.statements[:number] + cell.statements[number + 1 :])
    if cell.task:
        yield replace(cell, task=None, map=None) if not cell.map else replace(cell, map="[1]")
    for number, text in enumerate(cell.statements):
        for simple in plainer(text):
            if simple != text and len(simple) <= len(text):
                yield replace(cell, statements=(*cell.statements[:number], simple, *cell.statements[number + 1 :]))


def plainer(text: str) -> Iterator[str]:
    """The statement with a line or a part of a dict less, or an expression replaced by 1 or one of its own parts."""
    lines = text.splitlines()
    if len(lines) > 1:
        for number in range(len(lines)):
            yield "\n".join(lines[:number] + lines[number + 1 :])
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.expr)
            and not isinstance(node, (ast.Constant, ast.Name))
            and node.lineno == node.end_lineno
        ):
            parts = [
                ast.get_source_segment(text, part) or "1"
                for part in ast.iter_child_nodes(node)
                if isinstance(part, ast.expr)
            ]
            for part in ["1", *parts]:
                yield cut(text, node, part)
            if isinstance(node, ast.Dict) and len(node.keys) > 1:
                for number in range(len(node.keys)):
                    pairs = [
                        (key, value)
                        for place, (key, value) in enumerate(zip(node.keys, node.values, strict=True))
                        if place != number
                    ]
                    yield cut(
                        text, node, ast.unparse(ast.Dict([key for key, _ in pairs], [value for _, value in pairs]))
                    )


def cut(text: str, node: ast.expr, part: str) -> str:
    """The text with the node replaced."""
    lines = text.splitlines()
    line = lines[node.lineno - 1].encode()
    lines[node.lineno - 1] = (line[: node.col_offset] + part.encode() + line[node.end_col_offset :]).decode()
    return "\n".join(lines)

"""Whether a file still holds together after hand edits: it is Python or JSON, uses no name that nothing defines, and a
DAG file still runs every task after those whose data it takes.

In: a file's name and text. Out: the line, what is wrong there and what to do, or None. Next room: `reconcile`; `order`
reads the tasks' order.
"""

from __future__ import annotations

import ast
import builtins
import json
from collections.abc import Iterator
from dataclasses import dataclass

from kubenb.export.order import read_order

_GIVEN = frozenset([*dir(builtins), "__file__", "__name__", "__doc__", "__path__", "__class__", "__annotations__"])


@dataclass(frozen=True)
class Flaw:
    """What is wrong, as the end of a sentence that begins with the file."""

    line: int | None
    what: str
    fix: str = "Mend the line"


def flaw(name: str, text: str) -> Flaw | None:
    """The first thing that keeps the file from working."""
    try:
        if name.endswith(".py"):
            compile(text, name, "exec", dont_inherit=True)
            return _undefined(ast.parse(text))
        if name.endswith((".json", ".ipynb")):
            json.loads(text)
    except SyntaxError as error:
        return Flaw(error.lineno, f"is no Python ({error.msg})")
    except json.JSONDecodeError as error:
        return Flaw(error.lineno, f"is no JSON ({error.msg})")
    except ValueError as error:
        return Flaw(None, f"is no Python ({error})")
    return None


def lost(text: str, wanted: str) -> Flaw | None:
    """A task that the wanted DAG file runs after another one, and the edited file does not; None where its order can't be read."""
    edited, whole = read_order(text), read_order(wanted)
    if edited is None or whole is None:
        return None
    for upstream, downstream in whole.edges:
        if downstream in edited.lines and downstream not in edited.after(upstream):
            line = edited.lines[downstream]
            if upstream not in edited.lines:
                return Flaw(line, f"has no task {upstream}, whose data task {downstream} takes", "Put the task back")
            fix = f"Write {edited.variables[upstream]} >> {edited.variables[downstream]}"
            return Flaw(line, f"does not run task {downstream} after task {upstream}, whose data it takes", fix)
    return None


def _undefined(tree: ast.Module) -> Flaw | None:
    """A name that no line of the file defines, in whatever scope: so nothing that works is refused."""
    nodes = list(ast.walk(tree))
    bound = {name for node in nodes for name in _binds(node)}
    if "*" in bound:
        return None
    used = [node for node in nodes if isinstance(node, ast.Name) and node.id not in bound | _GIVEN]
    if not used:
        return None
    first = min(used, key=lambda node: (node.lineno, node.col_offset))
    return Flaw(first.lineno, f"uses {first.id}, which no line defines")


def _binds(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
        yield node.name or ""
    elif isinstance(node, ast.MatchMapping):
        yield node.rest or ""

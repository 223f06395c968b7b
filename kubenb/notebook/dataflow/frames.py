"""The scopes a statement is read in: the module's, a function's, a class's, a comprehension's.

In: the tree of a function. Out: `Frame`, which says for a name what it is: bound here, captured, or global.
`expressions` and `statements` walk with a frame in hand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from kubenb.notebook.dataflow.records import Atoms, Doubt, Function, Op


@dataclass(slots=True)
class Frame:
    """What is known while one scope is walked.

    `env`: what names bound here may hold; `sure`: names bound on every way to here; `locals`: a function's own names, `globals` and
    `nonlocals` those it declares so. `reads`: upward-exposed reads of globals, with their line, `certain` of them on every way; `soft`:
    names in annotations and texts, read where they are there; `inner`: reads of functions made here. `binds`, `deletes`, `deleted` (and
    not bound again), `looped` (where a loop runs), `imports`, `packages`: as in `records.Unit`. `ops`: what happens, in order; `made`:
    functions and classes by their atom; `doubts`: what can't be decided. `returns`: what a function gives; `everything`: all that its
    names ever held; `captured`: names taken from an enclosing function, `waiting`: those that inner functions take from here.
    `count` numbers the atoms; `branch` is above 0 where it is not certain that a line runs; `keyed`: something is looked up by a key.
    """

    kind: str
    outer: Frame | None = None
    locals: frozenset[str] = frozenset()
    globals: frozenset[str] = frozenset()
    nonlocals: frozenset[str] = frozenset()
    env: dict[str, Atoms] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    reads: dict[str, int] = field(default_factory=dict)
    soft: list[str] = field(default_factory=list)
    binds: dict[str, int] = field(default_factory=dict)
    deletes: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    made: dict[str, Function] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    returns: set[str] = field(default_factory=set)
    captured: set[str] = field(default_factory=set)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    everything: dict[str, set[str]] = field(default_factory=dict)
    generator: bool = False
    count: int = 0
    branch: int = 0
    inner: list[str] = field(default_factory=list)
    looped: set[str] = field(default_factory=set)
    certain: set[str] = field(default_factory=set)
    keyed: bool = False


@dataclass(slots=True)
class Names:
    """Names that a function's body binds, and those it declares global or nonlocal."""

    bound: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    nonlocals: set[str] = field(default_factory=set)


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_QUIET = (ast.Expr, ast.Return, ast.Pass, ast.Raise, ast.Assert, ast.Break, ast.Continue)


def names_of(body: Iterable[ast.stmt], walrus: bool) -> Names:
    """What a scope's statements bind. `walrus`: look into expressions too (the text has a `:=` somewhere)."""
    found = Names()
    stack: list[ast.AST] = list(body)
    while stack:
        _gather(stack.pop(), stack, found, walrus)
    return found


def _gather(node: ast.AST, stack: list[ast.AST], found: Names, walrus: bool) -> None:
    kind = type(node)
    if kind in _SCOPES:
        found.bound.add(node.name)  # type: ignore[attr-defined]
        return
    if kind is ast.Global:
        found.globals.update(node.names)  # type: ignore[attr-defined]
    elif kind is ast.Nonlocal:
        found.nonlocals.update(node.names)  # type: ignore[attr-defined]
    elif kind is ast.Import or kind is ast.ImportFrom:
        for alias in node.names:  # type: ignore[attr-defined]
            found.bound.add(alias.asname or alias.name.partition(".")[0])
    elif kind is ast.Name:
        if type(node.ctx) is not ast.Load:  # type: ignore[attr-defined]
            found.bound.add(node.id)  # type: ignore[attr-defined]
    elif kind is ast.ExceptHandler or kind is ast.MatchAs or kind is ast.MatchStar:
        if node.name:  # type: ignore[attr-defined]
            found.bound.add(node.name)  # type: ignore[attr-defined]
    elif kind is ast.MatchMapping and node.rest:  # type: ignore[attr-defined]
        found.bound.add(node.rest)  # type: ignore[attr-defined]
    if kind is ast.Lambda or (kind in _QUIET and not walrus):
        return
    if isinstance(node, ast.expr) and not walrus:
        if isinstance(node, (ast.Tuple, ast.List, ast.Starred)):
            stack.extend(ast.iter_child_nodes(node))
        return
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        stack.extend(child for child in ast.walk(node) if isinstance(child, ast.NamedExpr))
        return
    stack.extend(ast.iter_child_nodes(node))

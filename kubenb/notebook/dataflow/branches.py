"""Branches: statements with several ways through, and what holds on all of them, on some, or on none.

In: `if`, loops, `with`, `try` and `match`. Out: one state after the ways have met, noted in the frame. Between `definitions` (below)
and `statements` (above), which binds what a way's target takes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kubenb.notebook.dataflow import effects
from kubenb.notebook.dataflow.definitions import Definitions
from kubenb.notebook.dataflow.expressions import deep, inside, joined, never_runs, surely_runs
from kubenb.notebook.dataflow.records import Atoms, Call

_JUMPS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_State = tuple[dict[str, Atoms], set[str]]


class Branches(Definitions):
    """Walks what branches; a way's state is what its names hold, and which of them it surely binds."""

    assign: Callable[[ast.expr, Atoms, int], None]

    def _state(self) -> _State:
        return dict(self.frame.env), set(self.frame.sure)

    def _enter(self, state: _State) -> None:
        self.frame.env, self.frame.sure = dict(state[0]), set(state[1])

    def _merge(self, ways: Sequence[tuple[_State, bool]]) -> None:
        """Goes on after several ways; a way that ends in a jump does not come here."""
        here = [state for state, jumps in ways if not jumps] or [state for state, _ in ways]
        env: dict[str, Atoms] = {}
        for state, _ in ways:
            for name, held in state[0].items():
                env[name] = joined(env[name], held) if name in env else held
        self.frame.env = env
        self.frame.sure = set.intersection(*[state[1] for state in here])

    def _way(self, start: _State, statements: Sequence[ast.stmt]) -> tuple[_State, bool]:
        self._enter(start)
        self.body(statements)
        return self._state(), bool(statements) and isinstance(statements[-1], _JUMPS)

    def _if(self, node: ast.If) -> None:
        self.value(node.test)
        self.frame.branch += 1
        start = self._state()
        first = self._way(start, node.body)
        self._merge([first, self._way(start, node.orelse)])
        self.frame.branch -= 1

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        held = inside(self.value(node.iter))
        runs = surely_runs(node.iter)
        known, looped = dict(self.frame.binds), set(self.frame.looped)
        self._loop(
            node.body, node.orelse, runs, forever=False, head=lambda: self.assign(node.target, held, node.lineno)
        )
        if never_runs(node.iter):
            self.frame.binds, self.frame.looped = known, looped

    def _while(self, node: ast.While) -> None:
        self.value(node.test)
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._loop(node.body, node.orelse, forever, forever=forever, head=None)

    def _loop(
        self,
        body: list[ast.stmt],
        orelse: list[ast.stmt],
        runs: bool,
        *,
        forever: bool,
        head: Callable[[], None] | None,
    ) -> None:
        frame = self.frame
        frame.branch += not runs
        start = self._state()
        self.jumps.append([])
        known = len(frame.reads)
        if head is not None:
            head()
        self.body(body)
        if self._goes_round(start, known):
            frame.env = {name: joined(start[0].get(name, ()), held) for name, held in frame.env.items()}
            if head is not None:
                head()
            self.body(body)
        after = self._state()
        jumps = self.jumps.pop()
        frame.branch -= not runs
        self._merge([(start, False), (after, False)])
        frame.looped |= after[1] - start[1]
        if runs:
            ways = [sure for leaves, sure in jumps if leaves or not forever]
            frame.sure = set.intersection(*ways, *([] if forever and ways else [after[1]]))
        self.frame.branch += 1
        self.body(orelse)
        self.frame.branch -= 1

    def _goes_round(self, start: _State, known: int) -> bool:
        """Whether a second turn can meet what the first one bound."""
        frame = self.frame
        if any(held and start[0].get(name, held) != held for name, held in frame.env.items()):
            return True
        return len(frame.reads) > known and any(frame.env.get(name) for name in frame.reads)

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        swallows = False
        left: list[Atoms] = []
        for item in node.items:
            held = self.value(item.context_expr)
            if held:
                given = self._managed(held, "__enter__", node.lineno)
                left.append(held)
            func = item.context_expr.func if isinstance(item.context_expr, ast.Call) else None
            swallows |= getattr(func, "attr", getattr(func, "id", "")) in ("suppress", "raises", "assertRaises")
            if item.optional_vars is not None:
                self.assign(item.optional_vars, joined(held, given) if held else held, node.lineno)
        start = self._state()
        self.frame.branch += swallows
        self.body(node.body)
        self.frame.branch -= swallows
        for held in left:
            self._managed(held, "__exit__", node.lineno)
        if swallows:
            self._merge([(start, False), (self._state(), False)])

    def _managed(self, held: Atoms, word: str, line: int) -> Atoms:
        """What `with` calls of its own; nothing where that is not the notebook's code."""
        frame = self.frame
        number = frame.count
        frame.count += 1
        frame.ops.append(Call(number, "", word, held, (), (), effects.SCALAR, not frame.branch, False, line))
        return (f"${number}",)

    def _try(self, node: Any) -> None:
        frame = self.frame
        start = self._state()
        catches = bool(node.handlers)
        frame.branch += catches
        known = set(frame.reads) if any(_catches_names(handler) for handler in node.handlers) else None
        self.body(node.body)
        if known is not None:
            for name in [name for name in frame.reads if name not in known]:
                del frame.reads[name]
                frame.soft.append(name)
        broken = (self._state()[0], set(start[1]))
        for name, held in start[0].items():
            broken[0][name] = joined(broken[0].get(name, ()), held)
        self.body(node.orelse)
        ways = [(self._state(), bool(node.body) and isinstance((node.orelse or node.body)[-1], _JUMPS))]
        for handler in node.handlers:
            self._enter(broken)
            self.value(handler.type)
            if handler.name:
                self.bind(handler.name, (), handler.lineno)
            self.body(handler.body)
            if handler.name:
                frame.env.pop(handler.name, None)
                frame.sure.discard(handler.name)
                frame.looped.discard(handler.name)
            ways.append((self._state(), isinstance(handler.body[-1], _JUMPS)))
        self._merge(ways)
        frame.branch -= catches
        self.body(node.finalbody)

    def _match(self, node: ast.Match) -> None:
        held = self.value(node.subject)
        part = joined(held, deep(held))
        self.frame.branch += 1
        start = self._state()
        ways: list[tuple[_State, bool]] = []
        total = False
        for case in node.cases:
            self._enter(start)
            self._pattern(case.pattern, part)
            self.value(case.guard)
            self.body(case.body)
            ways.append((self._state(), isinstance(case.body[-1], _JUMPS)))
            total |= case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
        if not total:
            ways.append((start, False))
        self._merge(ways)
        self.frame.branch -= 1

    def _pattern(self, pattern: ast.pattern, held: Atoms) -> None:
        for child in ast.walk(pattern):
            if isinstance(child, (ast.MatchAs, ast.MatchStar)) and child.name:
                self.bind(child.name, held, child.lineno)
            elif isinstance(child, ast.MatchMapping) and child.rest:
                self.bind(child.rest, held, child.lineno)
            elif isinstance(child, ast.MatchValue):
                self.value(child.value)
            elif isinstance(child, ast.MatchClass):
                self.value(child.cls)


def _catches_names(handler: ast.ExceptHandler) -> bool:
    """Whether a name that is not there is caught."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", "") in ("NameError", "Exception", "BaseException") for kind in kinds)

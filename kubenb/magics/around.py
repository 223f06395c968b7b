"""What a task that ran elsewhere leaves in the kernel besides its variables: functions, classes and imports of its body,
and names here that were the same object as one that it changed.

In: the shell, the plan, the kernel's values before and after. Out: names made here, and lines for what could not follow.
Next room: `elsewhere`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Any

from kubenb.inside.sharing import ATOMS, Reach, pairs

CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
DEFS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Definitions:
    """The body's imports, functions and classes, run here as well: code never travels as a value."""

    def __init__(self, shell: Any, body: str, binds: Collection[str]) -> None:
        self.shell, self.text = shell, shell.transform_cell(body)
        try:
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError):
            tree = ast.Module([], [])
        own = [statement for statement in tree.body if isinstance(statement, CODE)]
        # A default or a base may need a variable that the task made; a pickle needs its class: so some wait, most don't.
        waits = set(binds)
        self.first: list[ast.stmt] = []
        self.then: list[ast.stmt] = []
        for statement in own:
            late = not waits.isdisjoint(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
            (self.then if late else self.first).append(statement)
            if late:
                waits.update(_names(statement))
        self.inner = [node.name for statement in tree.body for node in _inner(statement)]
        self.lines: list[str] = []

    def run(self, statements: list[ast.stmt]) -> None:
        """Each by itself: one that fails leaves a line, not a failed cell."""
        if not statements:
            return
        file = self.shell.compile.cache(self.text)
        for statement in statements:
            try:
                exec(compile(ast.Module([statement], []), file, "exec", dont_inherit=True), self.shell.user_ns)
            except Exception as error:  # noqa: BLE001 - the user's own code
                why = f"{type(error).__name__} here: {error}"
                self.lines.append(
                    f"  {', '.join(_names(statement))} stayed there: {why}. Write it in a cell of its own."
                )

    def left(self) -> list[str]:
        """What stayed there, with the fix."""
        inner = [name for name in dict.fromkeys(self.inner) if name not in self.shell.user_ns]
        if inner:
            self.lines.append(
                f"  {', '.join(inner)} stayed there: defined inside another statement. Write it in a cell of its own."
            )
        return self.lines


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, DEFS):
        return [statement.name]
    aliases = statement.names if isinstance(statement, (ast.Import, ast.ImportFrom)) else []
    return [(alias.asname or alias.name).partition(".")[0] for alias in aliases]


def _inner(statement: ast.stmt | ast.ExceptHandler) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Definitions under `if`, `try`, `with` or a loop."""
    if isinstance(statement, DEFS):
        return
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, DEFS):
            yield child
        elif isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield from _inner(child)


def follow(shell: Any, before: dict[str, Any], back: Collection[str], rebound: Collection[str]) -> list[str]:
    """Other names of a changed object get the new one; a line for each that only shares a part with the old one.

    `before`: the changed names' old values, `back`: names that came back, `rebound`: names that the body also assigns.
    """
    namespace = shell.user_ns
    old = {name: value for name, value in before.items() if name in back and type(value) not in ATOMS}
    if not old:
        return []
    hidden = set(getattr(shell, "user_ns_hidden", ()))
    others = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in hidden and name not in back and type(value) not in ATOMS
    }
    lines = []
    reaches = {name: _reach(value) for name, value in others.items()}
    for changed, value in old.items():
        mine = _reach(value)
        for name, other in others.items():
            if other is value and changed not in rebound and mine is not None and (mine.objects or mine.arrays):
                namespace[name] = namespace[changed]
            elif _meets(mine, reaches[name]):
                how = "was the same object as" if other is value else "shared data with"
                lines.append(
                    f"  {name} still holds the old data: it {how} {changed}. Run the cell that makes it again."
                )
    return lines


def _reach(value: Any) -> Reach | None:
    try:
        return Reach(value)
    except Exception:  # noqa: BLE001 - someone's own class may do anything when looked at
        return None


def _meets(one: Reach | None, two: Reach | None) -> bool:
    return one is not None and two is not None and bool(pairs({"a": one, "b": two}))

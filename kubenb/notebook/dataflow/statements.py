"""Statements: what they bind or take away; what branches is `branches`', functions and classes become records.

In: top-level statements of a cell. Out: what `cells` needs for a `Unit`, noted in the frame. Built on `branches`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kubenb.notebook.dataflow.branches import Branches
from kubenb.notebook.dataflow.expressions import inside, joined
from kubenb.notebook.dataflow.records import Atoms, Link


class Statements(Branches):
    """Walks statements; one instance a cell, a new `frame` for each top-level statement."""

    def statement(self, node: ast.stmt) -> None:
        """One statement."""
        act = _TABLE.get(type(node))
        if act is not None:
            act(self, node)

    def body(self, statements: Sequence[ast.stmt]) -> None:
        """Several, in order."""
        for statement in statements:
            act = _TABLE.get(type(statement))
            if act is not None:
                act(self, statement)

    # binding

    def bind(self, name: str, held: Atoms, line: int) -> None:
        """A name is bound here."""
        frame = self.frame
        if frame.kind == "function":
            if held:
                frame.everything.setdefault(name, set()).update(held)
            if name in frame.globals:
                frame.binds.setdefault(name, line)
            elif name in frame.nonlocals:
                self.change(("!",), line)
                frame.ops.append(Link(("!",), held))
        elif frame.kind == "module":
            frame.binds.setdefault(name, line)
            if frame.deleted:
                frame.deleted.pop(name, None)
        elif name in frame.globals and frame.outer is not None:
            self.frame = frame.outer
            self.bind(name, held, line)
            self.frame = frame
        frame.env[name] = held
        frame.sure.add(name)

    def assign(self, target: ast.expr, held: Atoms, line: int) -> None:
        """A target takes a value."""
        kind = type(target)
        if kind is ast.Name:
            self.bind(target.id, held, line)  # type: ignore[attr-defined]
        elif kind is ast.Attribute or kind is ast.Subscript:
            holder = self.value(target.value)  # type: ignore[attr-defined]
            if kind is ast.Subscript:
                key = self.value(target.slice)  # type: ignore[attr-defined]
                held = joined(held, key) if key else held
                if type(target.slice) is ast.Slice:  # type: ignore[attr-defined]
                    held = joined(held, inside(held))
            self.change(holder, line)
            if held and holder:
                self.frame.ops.append(Link(holder, held))
        elif kind is ast.Starred:
            self.assign(target.value, self.fresh(held, "#"), line)  # type: ignore[attr-defined]
        else:
            for index, item in enumerate(target.elts):  # type: ignore[attr-defined]
                self.assign(item, _part(held, index), line)

    def _assign(self, node: ast.Assign) -> None:
        value, targets = node.value, node.targets
        if type(value) in (ast.Tuple, ast.List) and len(targets) == 1 and type(targets[0]) in (ast.Tuple, ast.List):
            left: list[ast.expr] = targets[0].elts  # type: ignore[attr-defined]
            right: list[ast.expr] = value.elts  # type: ignore[attr-defined]
            if len(left) == len(right) and not any(type(item) is ast.Starred for item in (*left, *right)):
                values = [self.value(item) for item in right]
                for item, held in zip(left, values, strict=True):
                    self.assign(item, held, node.lineno)
                return
        if type(value) is ast.GeneratorExp:
            self.kept = self._later(value)
        held = self.value(value)
        self.kept = ()
        for target in targets:
            self.assign(target, held, target.lineno)

    def _later(self, node: ast.GeneratorExp) -> Atoms:
        """A generator expression with a name runs later: its code is kept as a function's is."""
        made = ast.Lambda(ast.arguments([], [], None, [], [], None, []), ast.ListComp(node.elt, node.generators))
        return self._lambda(ast.fix_missing_locations(ast.copy_location(made, node)))

    def _annotated(self, node: ast.AnnAssign) -> None:
        if self.frame.kind != "function":
            self.annotation(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.value(node.value), node.lineno)

    def _augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if type(target) is not ast.Name:
            held = self.value(node.value)
            before = self.value(target)
            self.change(before, node.lineno)
            self.assign(target, joined(before, inside(held)), node.lineno)
            return
        before = self.read(target.id, node.lineno)
        held = self.value(node.value)
        if before:
            self.change(before, node.lineno)
            if held:
                self.frame.ops.append(Link(before, inside(held)))
        self.bind(target.id, joined(before, self.fresh(inside(held))) if held else before, node.lineno)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._take_away(target, node.lineno)

    def _take_away(self, target: ast.expr, line: int) -> None:
        frame = self.frame
        if isinstance(target, ast.Name):
            if frame.kind != "function" or target.id in frame.globals:
                self.read(target.id, line)
                frame.deletes.setdefault(target.id, line)
                frame.deleted[target.id] = line
                frame.binds.setdefault(target.id, line)
            frame.env.pop(target.id, None)
            frame.sure.discard(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for item in target.elts:
                self._take_away(item, line)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            holder = self.value(target.value)
            if isinstance(target, ast.Subscript):
                self.value(target.slice)
            self.change(holder, line)

    # plain statements

    def _expression(self, node: ast.Expr) -> None:
        value = node.value
        if type(value) is ast.Await:
            value = value.value
        if type(value) is ast.Call:
            self.call(value, dropped=True)
        elif type(value) is not ast.Constant:
            self.value(value)

    def _return(self, node: ast.Return) -> None:
        if self.frame.kind != "function":
            self.doubt(node.lineno, "syntax", "return stands outside a function.", "Take it out.")
        self.frame.returns.update(self.value(node.value))
        self.exits.append(set(self.frame.sure))

    def _check(self, node: ast.Assert | ast.Raise) -> None:
        for part in (node.test, node.msg) if isinstance(node, ast.Assert) else (node.exc, node.cause):
            self.value(part)

    def _jump(self, node: ast.Break | ast.Continue) -> None:
        if self.jumps:
            self.jumps[-1].append((type(node) is ast.Break, set(self.frame.sure)))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self._bind_import(alias.asname or top, alias.name if alias.asname else top, top, node.lineno)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        top = module.partition(".")[0] if not node.level else ""
        for alias in node.names:
            if alias.name == "*":
                what = f"from {module} import * does not say which names it binds."
                self.doubt(node.lineno, "star-import", what, f"Name them: from {module} import a, b.")
                self.frame.packages.append(top)
                continue
            self._bind_import(alias.asname or alias.name, f"{module}.{alias.name}", top, node.lineno)

    def _bind_import(self, name: str, dotted: str, package: str, line: int) -> None:
        self.frame.imports[name] = dotted
        self.bind(name, (), line)
        frame = self.frame
        if package:
            frame.packages.append(package)


def _part(held: Atoms, index: int) -> Atoms:
    """What the target at `index` takes of an unpacked value: `$3.0`, `$3.1` are apart where a library gave them."""
    return tuple([f"{atom}.{index}" if atom[0] == "$" and atom[1:].isdigit() else _inside(atom) for atom in held])


def _inside(atom: str) -> str:
    return inside((atom,))[0]


_TABLE: dict[type, Callable[[Any, Any], None]] = {
    ast.Assign: Statements._assign,
    ast.Expr: Statements._expression,
    ast.AugAssign: Statements._augmented,
    ast.AnnAssign: Statements._annotated,
    ast.If: Statements._if,
    ast.For: Statements._for,
    ast.AsyncFor: Statements._for,
    ast.While: Statements._while,
    ast.With: Statements._with,
    ast.AsyncWith: Statements._with,
    ast.Try: Statements._try,
    ast.Match: Statements._match,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
    ast.FunctionDef: Statements.define,
    ast.AsyncFunctionDef: Statements.define,
    ast.ClassDef: Statements.define_class,
    ast.Return: Statements._return,
    ast.Delete: Statements._delete,
    ast.Assert: Statements._check,
    ast.Raise: Statements._check,
    ast.Break: Statements._jump,
    ast.Continue: Statements._jump,
}
if hasattr(ast, "TryStar"):
    _TABLE[ast.TryStar] = Statements._try
if hasattr(ast, "TypeAlias"):
    _TABLE[ast.TypeAlias] = Statements.type_alias

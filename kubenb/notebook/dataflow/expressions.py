"""Expressions: what they read, which objects they may give, and which calls they make.

In: an expression and the `Frame` it stands in. Out: its atoms (see `records`), with reads, calls and links noted in the frame.
`calling` builds on it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from kubenb.notebook.dataflow.frames import Frame
from kubenb.notebook.dataflow.records import Atoms, Call, Change, Doubt, Link

_NONE: Atoms = ()
_SCALAR_ATTRIBUTES = frozenset(
    ["shape", "size", "ndim", "dtype", "dtypes", "nbytes", "__name__", "__doc__", "__version__"]
)


def deep(atoms: Atoms) -> Atoms:
    """All that is reachable from there."""
    return tuple([atom if atom[-1] == "*" else atom.partition("/")[0] + "*" for atom in atoms])


def inside(atoms: Atoms, attribute: str = "") -> Atoms:
    """An element of it, or what an attribute gives."""
    return tuple([atom if atom[-1] == "*" else _step(atom, attribute) for atom in atoms])


def _step(atom: str, attribute: str) -> str:
    return f"{atom}/{attribute}" if atom.count("/") < 3 else atom.partition("/")[0] + "*"


def joined(first: Atoms, second: Atoms) -> Atoms:
    """Either of the two."""
    if not second or first == second:
        return first
    return tuple(dict.fromkeys(first + second)) if first else second


def surely_runs(node: ast.expr) -> bool:
    """Whether a loop over this runs at least once."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return bool(node.elts) and not all(isinstance(item, ast.Starred) for item in node.elts)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        values = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
        if node.func.id == "range" and values and all(isinstance(value, int) for value in values):
            return bool(len(values) < 3 or values[2]) and len(range(*values[:3])) > 0  # type: ignore[arg-type]
        if node.func.id in ("enumerate", "reversed", "sorted", "list") and node.args:
            return surely_runs(node.args[0])
    return False


def never_runs(node: ast.expr) -> bool:
    """Whether a loop over this is known not to run."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return not node.elts
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value == 0
    )


_OPERATORS: dict[type, str] = {ast.Add: "+", ast.BitOr: "+", ast.Mult: "*"}


class Expressions:
    """Walks expressions; one instance a cell. `frame` is the scope of the moment."""

    def __init__(self, walrus: bool) -> None:
        self.frame = Frame("module")
        self.walrus = walrus
        self.exits: list[set[str]] = []
        self.kept: Atoms = ()  # what a generator expression that gets a name does when it goes on

    def value(self, node: ast.expr | None) -> Atoms:
        """What an expression may give; everything it does is noted on the way."""
        if node is None:
            return _NONE
        act = _TABLE.get(type(node))
        return act(self, node) if act is not None else _NONE

    def doubt(self, line: int, code: str, what: str, fix: str) -> None:
        """Notes what can't be decided."""
        self.frame.doubts.append(Doubt(line, "dataflow." + code, what, fix))

    def fresh(self, parts: Atoms = (), mark: str = "~") -> Atoms:
        """A new object, holding `parts`. `mark`: `#` for a container whose parts are all known, `~` for any other."""
        frame = self.frame
        atom = "%s%d" % (mark, frame.count)
        frame.count += 1
        if parts:
            frame.ops.append(Link((atom,), parts))
        return (atom,)

    # names

    def read(self, name: str, line: int) -> Atoms:
        """A name is read here."""
        frame = self.frame
        kind = frame.kind
        if kind == "module":
            if name in frame.sure:
                return frame.env.get(name, _NONE)
            frame.reads.setdefault(name, line)
            known = frame.env.get(name)
            return (name,) if known is None else joined(known, (name,))
        if name in frame.locals and name not in frame.globals:
            if kind == "class" and name not in frame.env:
                return self._outer(frame, name, line)
            if name in frame.nonlocals:
                frame.captured.add(name)
                return joined(frame.env.get(name, _NONE), ("!*",))
            return frame.env.get(name, _NONE)
        if name in frame.globals:
            return self._global(frame, name, line)
        return self._outer(frame, name, line)

    def _global(self, frame: Frame, name: str, line: int) -> Atoms:
        if name in frame.sure:
            return frame.env.get(name, _NONE)
        frame.reads.setdefault(name, line)
        self._for_certain(frame, name)
        return joined(frame.env.get(name, _NONE), (name,))

    def _for_certain(self, frame: Frame, name: str) -> None:
        """Notes a global that a function reads on every way through."""
        if not frame.branch and not self.exits and frame.kind == "function":
            frame.certain.add(name)

    def _outer(self, frame: Frame, name: str, line: int) -> Atoms:
        """A name that is not the frame's own: of an enclosing function, or global."""
        outer = frame.outer
        if frame.kind == "class" and outer is not None:
            self.frame = outer
            try:
                return self.read(name, line)
            finally:
                self.frame = frame
        while outer is not None:
            if outer.kind != "class" and name in outer.locals and name not in outer.globals:
                frame.captured.add(name)
                return ("!*",)
            outer = outer.outer
        frame.reads.setdefault(name, line)
        self._for_certain(frame, name)
        return (name,)

    def _name(self, node: ast.Name) -> Atoms:
        return self.read(node.id, node.lineno)

    # containers and operators

    def _display(self, node: ast.List | ast.Tuple | ast.Set) -> Atoms:
        parts: Atoms = ()
        for item in node.elts:
            if type(item) is not ast.Constant:
                parts = joined(parts, self.value(item))
        if not parts and type(node) is ast.Tuple:
            return _NONE
        return self.fresh(parts, "#")

    def _dict(self, node: ast.Dict) -> Atoms:
        parts: Atoms = ()
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                parts = joined(parts, inside(self.value(item)))
                continue
            if type(key) is not ast.Constant:
                parts = joined(parts, self.value(key))
            parts = joined(parts, self.value(item))
        return self.fresh(parts, "#")

    def _starred(self, node: ast.Starred) -> Atoms:
        return inside(self.value(node.value))

    def _binary(self, node: ast.BinOp) -> Atoms:
        left, right = self.value(node.left), self.value(node.right)
        if not left and not right:
            return _NONE
        return self._worked(_OPERATORS.get(type(node.op), "-"), left, right)

    def _worked(self, sign: str, *operands: Atoms) -> Atoms:
        """What an operator gives: `replay` knows whether lists or numbers stand beside it."""
        frame = self.frame
        number = frame.count
        frame.count += 1
        frame.ops.append(Call(number, "%", sign, (), operands, (), 0, True, False, 0))
        return ("$%d" % number,)

    def _either(self, node: ast.BoolOp) -> Atoms:
        frame = self.frame
        found = self.value(node.values[0])
        frame.branch += 1
        before = set(frame.sure) if self.walrus else None
        for part in node.values[1:]:
            found = joined(found, self.value(part))
        if before is not None:
            frame.sure &= before
        frame.branch -= 1
        return found

    def _choice(self, node: ast.IfExp) -> Atoms:
        frame = self.frame
        self.value(node.test)
        frame.branch += 1
        before = set(frame.sure) if self.walrus else None
        found = joined(self.value(node.body), self.value(node.orelse))
        if before is not None:
            frame.sure &= before
        frame.branch -= 1
        return found

    def _unary(self, node: ast.UnaryOp) -> Atoms:
        held = self.value(node.operand)
        return self._worked("-", held) if held and type(node.op) is not ast.Not else _NONE

    def _compare(self, node: ast.Compare) -> Atoms:
        held = self.value(node.left)
        for part in node.comparators:
            held = held or self.value(part) if type(part) is ast.Constant else joined(held, self.value(part))
        apart = type(node.ops[0]) not in (ast.Is, ast.IsNot, ast.In, ast.NotIn)
        return self._worked("-", held) if held and apart else _NONE

    def _text(self, node: ast.JoinedStr) -> Atoms:
        for part in node.values:
            if type(part) is not ast.Constant:
                self.value(part)
        return _NONE

    def _format(self, node: ast.FormattedValue) -> Atoms:
        self.value(node.value)
        self.value(node.format_spec)
        return _NONE

    def _walrus(self, node: ast.NamedExpr) -> Atoms:
        held = self.value(node.value)
        self.bind(node.target.id, held, node.lineno)
        return held

    def _await(self, node: ast.Await | ast.YieldFrom) -> Atoms:
        if type(node) is ast.YieldFrom:
            self.frame.generator = True
            self.frame.returns.update(inside(self.value(node.value)))
            return _NONE
        return self.value(node.value)

    def _yield(self, node: ast.Yield) -> Atoms:
        self.frame.generator = True
        self.frame.returns.update(self.value(node.value))
        return _NONE

    # parts

    def _attribute(self, node: ast.Attribute) -> Atoms:
        held = self.value(node.value)
        return _NONE if node.attr in _SCALAR_ATTRIBUTES else inside(held, node.attr)

    def _subscript(self, node: ast.Subscript) -> Atoms:
        held = self.value(node.value)
        self.frame.keyed = True
        key = node.slice
        if type(key) is ast.Constant:
            return inside(held)
        self.value(key)
        if type(key) in (ast.Compare, ast.List) or (
            type(key) in (ast.BinOp, ast.UnaryOp) and type(key.op) in (ast.BitAnd, ast.BitOr, ast.Invert)  # type: ignore[attr-defined]
        ):
            return self.fresh()  # a mask or a list of columns: pandas and numpy copy
        if type(key) is ast.Slice:
            return inside(held, ":")
        return inside(held)

    def _slice(self, node: ast.Slice) -> Atoms:
        self.value(node.lower)
        self.value(node.upper)
        self.value(node.step)
        return _NONE

    # comprehensions and lambdas

    def _comprehension(self, node: Any) -> Atoms:
        outer = self.frame
        first = self.value(node.generators[0].iter)
        frame = outer
        names = _targets(node.generators)
        kept: dict[str, Atoms | None] = {name: outer.env.get(name) for name in names}
        sure, local, free = outer.sure & names, outer.locals, outer.globals
        before = set(outer.sure) if self.walrus else None
        outer.branch += 1
        outer.locals, outer.globals = local | names, free - names
        for index, generator in enumerate(node.generators):
            source = first if index == 0 else self.value(generator.iter)
            self._inner_bind(generator.target, inside(source))
            for test in generator.ifs:
                self.value(test)
        if type(node) is ast.DictComp:
            found = joined(self.value(node.key), self.value(node.value))
        else:
            found = self.value(node.elt)
        for name, held in kept.items():
            if held is None:
                frame.env.pop(name, None)
            else:
                frame.env[name] = held
        frame.sure -= names - sure
        frame.sure |= sure
        fresh = frame.sure - before if before is not None else set()
        if (
            before is not None
            and fresh
            and not all(surely_runs(each.iter) and not each.ifs for each in node.generators)
        ):
            frame.looped |= fresh
            frame.sure &= before
        frame.locals, frame.globals = local, free
        frame.branch -= 1
        if type(node) is ast.GeneratorExp:
            return self._stream(found, first)
        return self.fresh(found, "#")

    def _stream(self, found: Atoms, source: Atoms) -> Atoms:
        """A generator: what it runs over is read when it is used."""
        return self._worked("stream", found, source, self.kept)

    def _inner_bind(self, target: ast.expr, held: Atoms) -> None:
        """A comprehension's own variable: gone when it ends."""
        if type(target) is ast.Name:
            self.frame.env[target.id] = held
            self.frame.sure.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for item in target.elts:
                self._inner_bind(item, inside(held))
        elif isinstance(target, ast.Starred):
            self._inner_bind(target.value, held)
        else:
            self.value(target)

    def change(self, atoms: Atoms, line: int) -> None:
        """These objects are changed in place."""
        if atoms:
            self.frame.ops.append(Change(atoms, line))

    # given by `statements`

    bind: Callable[[str, Atoms, int], None]
    statement: Callable[[ast.stmt], None]
    _lambda: Callable[[ast.Lambda], Atoms]


def _targets(generators: list[ast.comprehension]) -> set[str]:
    return {
        node.id
        for generator in generators
        for node in ast.walk(generator.target)
        if type(node) is ast.Name and type(node.ctx) is ast.Store
    }


_TABLE: dict[type, Callable[[Any, Any], Atoms]] = {
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Call: lambda walk, node: walk.call(node, dropped=False),
    ast.Subscript: Expressions._subscript,
    ast.BinOp: Expressions._binary,
    ast.Compare: Expressions._compare,
    ast.Tuple: Expressions._display,
    ast.List: Expressions._display,
    ast.Set: Expressions._display,
    ast.Dict: Expressions._dict,
    ast.JoinedStr: Expressions._text,
    ast.FormattedValue: Expressions._format,
    ast.UnaryOp: Expressions._unary,
    ast.BoolOp: Expressions._either,
    ast.IfExp: Expressions._choice,
    ast.Slice: Expressions._slice,
    ast.Starred: Expressions._starred,
    ast.NamedExpr: Expressions._walrus,
    ast.Await: Expressions._await,
    ast.YieldFrom: Expressions._await,
    ast.Yield: Expressions._yield,
    ast.Lambda: lambda walk, node: walk._lambda(node),
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
}

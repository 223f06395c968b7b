"""Calls as the text has them: who is called with what, and what built-ins say that can be read from here.

In: a call and the frame it stands in. Out: a `Call` for `replay`, and its atoms. Calls that name an attribute or a method in a
text (`getattr(x, "y")`, `methodcaller("append", 1)`) are read as what they stand for. Built on `expressions`; next: `definitions`.
"""

from __future__ import annotations

import ast
import re

from kubenb.notebook.dataflow import effects
from kubenb.notebook.dataflow.expressions import Expressions, inside, joined
from kubenb.notebook.dataflow.frames import Frame
from kubenb.notebook.dataflow.records import Atoms, Call, Link

_NONE: Atoms = ()
_AT_NAME = re.compile(r"@([A-Za-z_]\w*)")
_FORMULA_NAME = re.compile(r"([A-Za-z_]\w*)\s*[(.]")
_BLIND = {
    "globals": "globals() gives access to every name",
    "locals": "locals() gives access to every name",
    "vars": "vars() gives access to every name",
    "exec": "exec() runs code that can't be read here",
    "eval": "eval() runs code that can't be read here",
    "execfile": "execfile() runs code that can't be read here",
    "__import__": "",
}


_SPOKEN = frozenset(["type", "super", "getattr", "setattr", "delattr"])
_CALLERS = frozenset(["methodcaller", "attrgetter", "itemgetter"])


_NOW = ("now", "today")
_MOMENTS = ("to_datetime", "Timestamp", "datetime64", "Period", "DatetimeIndex")


def _dotted(thing: ast.expr, text: str) -> ast.expr:
    for word in text.split("."):
        thing = ast.Attribute(thing, word, ast.Load())
    return thing


class Calling(Expressions):
    """Walks calls."""

    def call(self, node: ast.Call, dropped: bool) -> Atoms:
        """One call; `dropped` where nobody uses its result."""
        func = node.func
        if type(func) is ast.Name and func.id in _SPOKEN and self._root(func.id) and not node.keywords:
            held = self._spoken(node, func.id)
            if held is not None:
                return held
        root, path, target = self._callee(func)
        frame = self.frame
        args = tuple([self.value(arg) for arg in node.args])
        named: tuple[tuple[str, Atoms], ...] = ()
        effect = effects.METHODS.get(path.rpartition(".")[2], 0) if path else 0
        if node.keywords:
            named = tuple([(key.arg or "**", self.value(key.value)) for key in node.keywords])
            effect |= self._keywords(node.keywords)
        if any(type(arg) is ast.Constant and arg.value in _NOW for arg in node.args) and (path or root).endswith(
            _MOMENTS
        ):
            frame.ops.append(Call(-1, "%pandas.Timestamp.now", "", _NONE, (), (), 0, True, False, node.lineno))
        if path in ("query", "eval") or (path and node.args):
            self._texts(node, path.rpartition(".")[2])
        elif not path and root in _BLIND:
            self._blind(node, root)
        if path and dropped and not effect & ~effects.SEEDED:
            effect |= effects.RECV_DEEP | effects.KEEP
        number = frame.count
        frame.count += 1
        frame.ops.append(Call(number, root, path, target, args, named, effect, not frame.branch, dropped, node.lineno))
        if path.rpartition(".")[2] in _CALLERS or root in _CALLERS:
            return joined(("$%d" % number,), self._caller(node, path.rpartition(".")[2] or root))
        return ("$%d" % number,) if path or root not in effects.SCALARS else _NONE

    def _spoken(self, node: ast.Call, name: str) -> Atoms | None:
        """`type(x)`, `super()`, and attributes that are named by a text: read as what they stand for."""
        args = node.args
        if name == "super":
            frame = self.frame
            inside_method = frame.kind == "function" and frame.outer is not None and frame.outer.kind == "class"
            return inside(("@0",), "__super__") if not args and inside_method else None
        if name == "type":
            return inside(self.value(args[0]), "__class__") if len(args) == 1 else None
        word = args[1].value if len(args) > 1 and type(args[1]) is ast.Constant else None
        if type(word) is not str:
            return None
        holder = self.value(args[0])
        if name == "getattr":
            found = inside(holder, word)
            return joined(found, self.value(args[2])) if len(args) > 2 else found
        self.change(holder, node.lineno)
        if name == "setattr" and len(args) > 2 and (held := self.value(args[2])) and holder:
            self.frame.ops.append(Link(holder, held))
        return _NONE

    def _caller(self, node: ast.Call, word: str) -> Atoms:
        """`operator.methodcaller("append", 1)` and the like: the lambda that they stand for."""
        first = node.args[0] if node.args else None
        thing: ast.expr = ast.Name("v", ast.Load())
        text = first.value if type(first) is ast.Constant else None
        body: ast.expr
        if first is None or (word != "itemgetter" and type(text) is not str):
            return _NONE
        if word == "itemgetter":
            parts: list[ast.expr] = [ast.Subscript(thing, key, ast.Load()) for key in node.args]
            body = parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())
        elif word == "attrgetter":
            body = _dotted(thing, str(text))
        else:
            body = ast.Call(_dotted(thing, str(text)), node.args[1:], node.keywords)
        args = ast.arguments([], [ast.arg("v")], None, [], [], None, [])
        made = ast.Lambda(args, body)
        for child in ast.walk(made):
            ast.copy_location(child, node)
        return self._lambda(made)

    def _callee(self, func: ast.expr) -> tuple[str, str, Atoms]:
        """Root name, dotted path below it, and the receiver (or the called value itself)."""
        if type(func) is ast.Name:
            return self._root(func.id), "", self.read(func.id, func.lineno)
        if type(func) is not ast.Attribute:
            return "", "", self.value(func)
        path, base = func.attr, func.value
        if type(base) is ast.Name:
            return self._root(base.id), path, self.read(base.id, base.lineno)
        while type(base) is ast.Attribute:
            path, base = base.attr + "." + path, base.value
        if type(base) is ast.Name:
            held = self.read(base.id, base.lineno)
            for word in path.split(".")[:-1]:
                held = inside(held, word)
            return self._root(base.id), path, held
        return "", func.attr, self.value(func.value)

    def _root(self, name: str) -> str:
        """The name a chain begins with; a function's own import as `%module`, its other locals as ''."""
        frame: Frame | None = self.frame
        if frame is None or frame.kind == "module":
            return name
        while frame is not None and frame.kind != "module":
            if name in frame.imports:
                return "%" + frame.imports[name]
            if name in frame.locals and name not in frame.globals:
                return ""
            frame = frame.outer
        return name

    def _keywords(self, keywords: list[ast.keyword]) -> int:
        effect = 0
        for key in keywords:
            constant = key.value.value if type(key.value) is ast.Constant else ...
            if key.arg == "inplace" and constant is not False:
                effect |= effects.RECV_DEEP
            elif key.arg == "copy" and constant is False:
                effect |= effects.OF_RECV | effects.OF_ARGS
            elif key.arg == "out":
                effect |= effects.ARGS
            elif (key.arg == "shuffle" and constant is False) or (
                key.arg in effects.RANDOM_STATES and constant is not None
            ):
                effect |= effects.SEEDED
        return effect

    def _texts(self, node: ast.Call, method: str) -> None:
        """Names inside texts: `df.query("delay > @limit")`, `ols("y ~ log(x)")`."""
        first = node.args[0] if node.args else None
        if type(first) is ast.JoinedStr:
            text = " ".join(str(part.value) for part in first.values if isinstance(part, ast.Constant))
        elif type(first) is ast.Constant and type(first.value) is str:
            text = first.value
        else:
            return
        if method in ("query", "eval"):
            for name in _AT_NAME.findall(text):
                self.read(name, node.lineno)
        elif "~" in text:
            self.frame.soft.extend(_FORMULA_NAME.findall(text))

    def _blind(self, node: ast.Call, name: str) -> None:
        """exec, eval, globals(), …: code or names that can't be seen from here, unless the text is there to read."""
        line = node.lineno
        first = node.args[0] if node.args else None
        if name in ("exec", "eval"):
            text = first.value if type(first) is ast.Constant else None
            if type(text) is str and len(node.args) == 1 and not node.keywords:
                self._run_text(text, name, node)
                return
            self.doubt(line, name, _BLIND[name] + ".", "Write the code itself.")
        elif name in ("locals", "vars") and self.frame.kind not in ("module", "class"):
            return
        elif name in ("globals", "locals", "vars") and not node.args:
            self.doubt(line, "names", _BLIND[name] + ".", "Name the variables that you need.")

    def _run_text(self, text: str, name: str, node: ast.Call) -> None:
        try:
            tree = ast.parse(text, mode=name)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.doubt(node.lineno, name, _BLIND[name] + ".", "Write the code itself.")
            return
        for child in ast.walk(tree):
            if hasattr(child, "lineno"):
                child.lineno = node.lineno
        if isinstance(tree, ast.Expression):
            self.value(tree.body)
        elif self.frame.kind == "module":
            for statement in tree.body:  # type: ignore[attr-defined]
                self.statement(statement)
        else:
            self.doubt(
                node.lineno,
                name,
                "exec() inside a function binds names that can't be followed.",
                "Write the code itself.",
            )

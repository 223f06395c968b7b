"""Functions, lambdas and classes: what happens when they are made, and a record of what happens when they are called.

In: a definition's tree. Out: a `Function` in the frame's `made`, and what its decorators, defaults and class body do at once.
Between `calling` (below) and `branches` (above).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kubenb.notebook.dataflow import effects
from kubenb.notebook.dataflow.calling import Calling
from kubenb.notebook.dataflow.expressions import joined
from kubenb.notebook.dataflow.frames import Frame, names_of
from kubenb.notebook.dataflow.records import Atoms, Call, Change, Function, Link


class Definitions(Calling):
    """Walks definitions. `exits`: names bound at each return of the function in hand; `jumps`: at each break and continue."""

    def __init__(self, walrus: bool) -> None:
        super().__init__(walrus)
        self.jumps: list[list[tuple[bool, set[str]]]] = []

    body: Callable[[Sequence[ast.stmt]], None]

    def annotation(self, node: ast.expr | None) -> None:
        """Names in an annotation are taken where they are there; whether it is evaluated is not known here."""
        if node is None or type(node) is ast.Constant:
            return
        soft = self.frame.soft
        if type(node) is ast.Name:
            soft.append(node.id)
            return
        soft.extend([child.id for child in ast.walk(node) if type(child) is ast.Name])

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """`def`: defaults, annotations and decorators run now, the body later."""
        self.annotation(node.returns)
        defaults = self._defaults(node.args)
        decorators = [(decorator, self._decorator(decorator)) for decorator in node.decorator_list]
        made, function = self._function(node.name, node.args, node.body, node.lineno, defaults, _type_params(node))
        held: Atoms = (made,)
        for decorator, (root, path, target) in reversed(decorators):
            held = joined(self._decorate(root, path, target, held, decorator.lineno), (made,))
        if self.frame.kind == "class":
            self._method(node, function)
        self.bind(node.name, held, node.lineno)

    def _method(self, node: ast.FunctionDef | ast.AsyncFunctionDef, function: Function) -> None:
        """A function of a class; behind a decorator that is not known it is an attribute that can be called."""
        words = [_word(each) for each in node.decorator_list]
        if any(word not in _PLAIN for word in words):
            return
        function.implicit = _runs_unasked(node)
        function.sort = next((_SORTS[word] for word in words if word in _SORTS), "")
        if node.name in ("__init_subclass__", "__class_getitem__"):
            function.sort = "class"
        if "cached_property" in words:
            function.ops.append(Change(("@0",), node.lineno))
        late = next((word for word in words if word in ("setter", "deleter")), "")
        self.methods[f"{node.name}.{late}" if late else node.name] = function

    def _decorator(self, node: ast.expr) -> tuple[str, str, Atoms]:
        if isinstance(node, ast.Call):
            held = self.value(node)
            if held and isinstance(node.func, ast.Attribute):  # `@app.route("/")`: the app keeps the function
                root, path, target = self._callee(node.func)
                return root, f"{path}.", joined(target, held)
            return "", "", held
        return self._callee(node)

    def _decorate(self, root: str, path: str, target: Atoms, held: Atoms, line: int) -> Atoms:
        frame = self.frame
        number = frame.count
        frame.count += 1
        effect = effects.DECORATES | effects.HOLDS
        if path and path[-1] == ".":
            *target_atoms, made = target
            receiver = tuple(target_atoms)
            frame.ops.append(Call(number, "%", "keep", receiver, (held,), (), effects.KEEP, True, False, line))
            return self._decorate("", "", (made,), held, line)
        if path:
            effect |= effects.METHODS.get(path.rpartition(".")[2], 0) or effects.RECV | effects.KEEP
        frame.ops.append(Call(number, root, path, target, (held,), (), effect, not frame.branch, False, line))
        return (f"${number}",)

    def _lambda(self, node: ast.Lambda) -> Atoms:
        defaults = self._defaults(node.args)
        made, _ = self._function(
            "<lambda>", node.args, [ast.Return(node.body, lineno=node.lineno)], node.lineno, defaults, ()
        )
        return (made,)

    def _defaults(self, args: ast.arguments) -> dict[str, Atoms]:
        """Parameters whose default can be changed in place."""
        found: dict[str, Atoms] = {}
        plain = [*args.posonlyargs, *args.args]
        pairs = [*zip(plain[len(plain) - len(args.defaults) :], args.defaults, strict=True)]
        pairs += [
            (arg, default)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is not None
        ]
        for arg, default in pairs:
            if type(default) is not ast.Constant and (held := self.value(default)):
                found[arg.arg] = held
        for each in [*plain, *args.kwonlyargs, *filter(None, [args.vararg, args.kwarg])]:
            if each.annotation is not None:
                self.annotation(each.annotation)
        return found

    def _function(
        self,
        name: str,
        args: ast.arguments,
        body: Sequence[ast.stmt],
        line: int,
        defaults: dict[str, Atoms],
        types: Sequence[str],
    ) -> tuple[str, Function]:
        outer = self.frame
        made = f"#{outer.count}"
        outer.count += 1
        params = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
        stars = [arg.arg for arg in (args.vararg, args.kwarg) if arg is not None]
        found = names_of(body, self.walrus)
        own = frozenset((found.bound | {*params, *stars, *types}) - found.globals - found.nonlocals) | frozenset(
            found.nonlocals
        )
        frame = Frame(
            "function", outer, own, frozenset(found.globals), frozenset(found.nonlocals), packages=outer.packages
        )
        for index, param in enumerate((*params, *stars)):
            held: Atoms = (f"@{index}",) if index < len(params) else (f"@{index}*",)
            if param in defaults:
                held = (*held, "!*")
            frame.env[param] = held
            frame.everything[param] = set(held)
        exits, jumps = self.exits, self.jumps
        self.frame, self.exits, self.jumps = frame, [], []
        self.body(body)
        sure = set.intersection(frame.sure, *self.exits)
        self.frame, self.exits, self.jumps = outer, exits, jumps
        function = _finished(frame, name, line, (*params, *stars), len(params), sure)
        function.plain = len(args.posonlyargs) + len(args.args)
        outer.made[made] = function
        outer.doubts.extend(frame.doubts)
        self._give_up(outer, frame, function, made, defaults)
        return made, function

    def _give_up(self, outer: Frame, frame: Frame, function: Function, made: str, defaults: dict[str, Atoms]) -> None:
        """What the enclosing scope learns: captured names, default values, and globals that an inner function needs."""
        scope = outer.outer if outer.kind == "class" and outer.outer is not None else outer
        if scope.kind == "function":
            for name, line in frame.reads.items():
                scope.reads.setdefault(name, line)
            scope.soft.extend(frame.soft)
            for name in frame.captured:
                if name in scope.locals and name not in scope.nonlocals:
                    scope.waiting.append((made, name))
                    if now := scope.env.get(name, ()):
                        outer.ops.append(Link((made,), now))  # it may be called at once
                else:
                    scope.captured.add(name)
                    outer.ops.append(Link((made,), ("!*",)))
        elif scope.kind == "module":
            exposed = scope.sure | scope.locals
            scope.inner.extend(name for name in (*frame.reads, *frame.soft) if name not in exposed)
            for name in frame.captured:
                if held := scope.env.get(name):
                    outer.ops.append(Link((made,), held))
        for held in defaults.values():
            outer.ops.append(Link((made,), held))

    def define_class(self, node: ast.ClassDef) -> None:
        """`class`: its body runs now, in a scope of its own; its methods run later."""
        outer = self.frame
        bases: Atoms = ()
        for base in node.bases:
            bases = joined(bases, self.value(base))
        meta: Atoms = ()
        for keyword in node.keywords:
            held = self.value(keyword.value)
            meta = held if keyword.arg == "metaclass" else meta
        decorators = [(decorator, self._decorator(decorator)) for decorator in node.decorator_list]
        made = f"#{outer.count}"
        outer.count += 1
        found = names_of(node.body, self.walrus)
        own = frozenset((found.bound | set(_type_params(node))) - found.globals)
        frame = Frame("class", outer, own, frozenset(found.globals), packages=outer.packages)
        frame.ops, frame.made, frame.doubts, frame.soft = outer.ops, outer.made, outer.doubts, outer.soft
        frame.count, frame.branch = outer.count, outer.branch
        methods, self.methods = self.methods, {}
        jumps, self.jumps = self.jumps, []
        self.frame = frame
        self.body(node.body)
        self.frame, self.jumps = outer, jumps
        outer.count = frame.count
        values = {name: held for name, held in frame.env.items() if name not in self.methods and held}
        sort = "decorated" if decorators or node.keywords else ""
        record = Function(
            node.name, node.lineno, "class", values=values, methods=self.methods, bases=bases, meta=meta, sort=sort
        )
        self.methods = methods
        shared = tuple(dict.fromkeys(atom for held in values.values() for atom in held))
        if shared:
            outer.ops.append(Link((made,), shared))
        outer.made[made] = record
        held = (made,)
        for decorator, (root, path, target) in reversed(decorators):
            held = joined(self._decorate(root, path, target, held, decorator.lineno), (made,))
        self.bind(node.name, held, node.lineno)

    methods: dict[str, Function] = {}  # noqa: RUF012 - outside of a class nothing is put into it

    def type_alias(self, node: Any) -> None:
        """`type Pair = tuple[int, int]`: evaluated when it is asked for."""
        self.annotation(node.value)
        self.bind(node.name.id, (), node.lineno)


def _finished(frame: Frame, name: str, line: int, params: tuple[str, ...], plain: int, sure: set[str]) -> Function:
    """A function's record once its body is walked."""
    for made, captured in frame.waiting:
        held = tuple(sorted(frame.everything.get(captured, ())))
        if held:
            frame.ops.append(Link((made,), held))
    returns = tuple(sorted(frame.returns))
    if frame.generator and returns:
        atom = f"#{frame.count}"
        frame.count += 1
        frame.ops.append(Link((atom,), returns))
        returns = (atom,)
    changed = {name: line for name, line in frame.binds.items() if name in frame.globals}
    return Function(
        name,
        line,
        params=params,
        star=plain if len(params) > plain else -1,
        reads=frame.reads,
        soft=tuple(dict.fromkeys(frame.soft)),
        binds={name: line for name, line in changed.items() if name in sure},
        maybes={name: line for name, line in changed.items() if name not in sure},
        values={name: frame.env.get(name, ()) for name in changed},
        ops=frame.ops,
        returns=returns,
        made=frame.made,
        generator=frame.generator,
        keyed=frame.keyed,
        certain=frozenset(frame.certain),
    )


_SORTS = {
    "staticmethod": "static",
    "classmethod": "class",
    "property": "property",
    "cached_property": "property",
    "abstractproperty": "property",
    "getter": "property",
}
_PLAIN = {*_SORTS, "setter", "deleter", "abstractmethod", "override", "overload", "final", "contextmanager"}
_ASKED = frozenset(
    ["__init__", "__new__", "__post_init__", "__init_subclass__", "__del__", "__class_getitem__", "__set_name__"]
)


def _runs_unasked(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method runs without a call: properties, and what operators, loops and `with` call."""
    if node.name.startswith("__") and node.name.endswith("__"):
        return node.name not in _ASKED
    words = [_word(each) for each in node.decorator_list]
    return any(word.endswith("property") or word in ("setter", "getter", "deleter") for word in words)


def _word(node: ast.expr) -> str:
    """The last word of a decorator's name; '' for a call."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _type_params(node: Any) -> tuple[str, ...]:
    return tuple(param.name for param in getattr(node, "type_params", ()))

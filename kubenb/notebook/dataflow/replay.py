"""One statement's operations, applied to the objects of the moment; what calls of built-ins and libraries do.

In: `Unit` or `Function` operations, and the `Heap`. Out: on `Effects`, what the statement did: names changed, global names bound by
functions, hidden variables drawn from, libraries set up. Calls of own code go to `owncode`. Next room: `forward` makes events of it.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import replace

from kubenb.notebook.dataflow import configuring
from kubenb.notebook.dataflow import effects as fx
from kubenb.notebook.dataflow import libraries as lib
from kubenb.notebook.dataflow.objects import (
    CONTAINER,
    DEFAULTS,
    ESTIMATOR,
    FACTORY,
    FRAME,
    GENERATOR,
    LIBRARY,
    MEMO,
    ROLLS,
    SAME,
    SEEDED,
    STREAM,
    Objects,
)
from kubenb.notebook.dataflow.owncode import OwnCode
from kubenb.notebook.dataflow.records import Call, Change, Function, Link, Op
from kubenb.notebook.dataflow.values import STANDARD, TABLES, Local, package, union

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

_QUIET = fx.SCALAR | fx.QUIET | fx.DECORATES


class Replay(OwnCode):
    """Applies operations."""

    def run(self, ops: Sequence[Op], local: Local) -> None:
        """Operations in order."""
        for op in ops:
            if type(op) is Call:
                local.objects["$%d" % op.number] = self._call(op, local)
            elif type(op) is Link:
                self._link(self.objects(op.holder, local), self.objects(op.inside, local))
            elif type(op) is Change:
                self._change_atoms(op.atoms, local)

    # calls

    def _call(self, op: Call, local: Local) -> Objects:
        heap = self.heap
        root, path = op.root, op.path
        if root == "%":
            return self._generator(op, local) if op.path in ("stream", "keep") else self._operator(op, local)
        dotted = root[1:] if root[:1] == "%" else self.modules.get(root)
        if dotted is not None:
            held = heap.names.get(root, ())
            return self._library(op, f"{dotted}.{path}" if path else dotted, held, local)
        target = self.objects(op.target, local)
        if target and heap.is_coded(target):
            found = self.own(op, target, local)
            if found is not None:
                return found
        if root and root not in heap.names:
            if not path:
                return self._builtin(op, local)
            if root in BUILTIN and op.args and not target:
                known = lib.CALLS.get(f"{root}.{path}")
                if known is not None:
                    return self.apply(op, known, (), local)
                target = self.objects(op.args[0], local)  # list.append(rows, 1)
        effect = op.effect
        if target:
            flags = self.heap.flags.get(target[0], 0) if not path and op.args else 0
            if flags & SAME:
                return self.objects(op.args[0], local)
            if flags & MEMO:
                return self._behind_cache(self.objects(op.args[0], local))
            if any(heap.flags.get(thing, 0) & GENERATOR for thing in target):
                effect |= fx.RECV
            if effect & fx.RECV_DEEP or path:
                self._may_draw(op, path.rpartition(".")[2], target)
        if not path:
            effect |= fx.RECV if target else fx.KNOWN
        return self.apply(op, effect, target, local)

    def _generator(self, op: Call, local: Local) -> Objects:
        """A generator expression: gives its first argument's objects, and reads the others when it is used."""
        heap = self.heap
        given, *sources = (self.objects(arg, local) for arg in op.args)
        if op.path == "keep":  # a decorator's receiver
            target = tuple(thing for thing in self.objects(op.target, local) if thing not in heap.kinds)
            self.change(target)
            self._link(target, given)
            return ()
        made = heap.new(STREAM)
        heap.gives[made[0]] = set(given)
        self._link(made, union([given, *sources]))
        return made

    def _operator(self, op: Call, local: Local) -> Objects:
        """`+` and the like: a list of lists, nothing that can change of numbers, of anything else something new."""
        heap = self.heap
        operands = [self.objects(arg, local) for arg in op.args]
        every = union(operands)
        if not every:
            return ()
        lists = all(heap.flags.get(thing, 0) & CONTAINER and thing not in heap.coded for thing in every)
        if op.path == "-" or not lists or (op.path == "+" and not all(operands)):
            made = heap.new()
        else:
            made = heap.new(CONTAINER)
        if op.path != "-":
            self._link(made, tuple(sorted(heap.elements(every))))
        return made

    def _behind_cache(self, wrapped: Objects) -> Objects:
        """What lru_cache makes of a function."""
        heap = self.heap
        made = heap.new(LIBRARY | MEMO)
        heap.coded.add(made[0])
        self._link(made, wrapped)
        return made

    def apply(self, op: Call, effect: int, target: Objects, local: Local) -> Objects:
        """What a table says of a call; then what callbacks among the arguments do."""
        heap = self.heap
        args = [self.objects(arg, local) for arg in op.args]
        named = [self.objects(arg, local) for _, arg in op.named]
        every = union([*args, *named])
        called: Objects = ()
        if every and heap.is_coded(every) and not effect & _QUIET and not self._only_keeps(effect, target):
            parts = self._given_on(op, args)
            called = self.handed(every, union([target, *args, *named]) if parts is None else parts)
            if op.root in ("filter", "sorted", "max", "min") and parts is not None:
                called = ()  # only asked what it thinks of a thing
        if not effect & ~(fx.KNOWN | fx.SEEDED | fx.DECORATES):
            if self._is_plain(op, target, every, called):
                return ()
            frame = FRAME if target and heap.flags.get(target[0], 0) & FRAME else 0
            made = heap.new(LIBRARY | frame | (SEEDED if effect & fx.SEEDED else 0))
            self._link(made, called)
            return union([made, called])
        if effect & fx.SCALAR:
            return ()
        if effect & fx.RECV_DEEP:
            self.change(heap.reach(target))
        elif effect & fx.RECV:
            self.change(target)
        if effect & fx.ARGS:
            self.change(heap.reach(every))
            for thing in every:
                heap.flags[thing] = heap.flags.get(thing, 0) & ~CONTAINER  # what it holds is not known any more
        elif effect & fx.ARG0 and args:
            self.change(args[0])
        if effect & fx.KEEP:
            self._link(target, every)
        if effect & fx.KEEP_DEEP:
            self._link(target, tuple(heap.elements(every)))
        if effect & fx.KEEP0 and args:
            self._link(args[0], union([*args[1:], *named]))
        return self._result(effect, target, every, called)

    def _is_plain(self, op: Call, target: Objects, every: Objects, called: Objects) -> bool:
        """Whether a call gives a number, a text or the like, by what it is given."""
        heap = self.heap
        if called:
            return False
        if not op.path:
            return op.root == "sum" and len(op.args) == 1 and op.root not in heap.names and not heap.elements(every)
        if op.path not in fx.PLAIN or op.root in self.modules:
            return False
        return all(heap.flags.get(thing, 0) & CONTAINER and thing not in heap.coded for thing in target)

    def _given_on(self, op: Call, args: list[Objects]) -> list[int] | None:
        """Built-ins that call a function with what their arguments hold, and not with those themselves."""
        if op.path or op.root in self.heap.names:
            return None
        if op.root in ("map", "filter"):
            return sorted(self.heap.elements(union(args[1:])))
        return sorted(self.heap.elements(args[0])) if op.root in ("sorted", "max", "min") and len(args) == 1 else None

    def _only_keeps(self, effect: int, target: Objects) -> bool:
        """Whether a list or the like just takes in what it is given."""
        keeps = effect & (fx.KEEP | fx.KEEP_DEEP)
        return bool(keeps and target) and all(self.heap.flags.get(thing, 0) & CONTAINER for thing in target)

    def _result(self, effect: int, target: Objects, every: Objects, called: Objects) -> Objects:
        heap = self.heap
        found: set[int] = set(called) if effect & (fx.OF_ARGS | fx.OF_RECV) else set()
        listed = bool(target) and all(heap.flags.get(thing, 0) & CONTAINER for thing in target)
        if effect & fx.OF_RECV:
            found |= heap.elements(target) | set(every if listed else ())  # it may be what stands for a missing one
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
        held |= set(called)
        if held or not (found or effect & fx.PART or (listed and effect & fx.OF_RECV)):
            flags = STREAM if effect & fx.STREAM else GENERATOR if effect & fx.GENERATOR else 0
            flags |= (SEEDED if effect & fx.SEEDED else 0) | (
                CONTAINER if effect & (fx.HOLDS_DEEP | fx.HOLDS_RECV) and not effect & fx.HOLDS else 0
            )
            made = heap.new(flags or LIBRARY)
            if effect & fx.PAIRS and held:
                pair = heap.new(CONTAINER)
                self._link(pair, tuple(sorted(held)))
                held.update(pair)
            if effect & fx.STREAM:
                heap.gives[made[0]] = set(held)
                held |= set(every) | set(target)  # an iterator sees what its source becomes
            self._link(made, tuple(sorted(held)))
            found.update(made)
        return tuple(sorted(found))

    def _builtin(self, op: Call, local: Local) -> Objects:
        effect = fx.BUILTINS.get(op.root, 0)
        if op.root == "input":
            self.effects.input = True
        elif op.root in ("id", "hash") and not self.stack and not op.dropped:
            self.effects.wanders = self.effects.wanders or f"{op.root}()"
        elif op.root == "getattr" and op.args:
            return self._any_attribute(op, local)
        if op.root in ("list", "dict", "set", "tuple") and not op.args and not op.named:
            return self.heap.new(CONTAINER)
        if op.root == "dict" and op.named:
            effect |= fx.HOLDS
        elif op.root == "next" and len(op.args) == 2:
            found = self.apply(replace(op, args=op.args[:1]), effect, (), local)
            return union([found, self.objects(op.args[1], local)])
        elif effect & fx.PART and len(op.args) > 1:
            effect |= fx.OF_ARGS
        found = self.apply(op, op.effect | (effect or fx.KNOWN), (), local)
        if effect & fx.PART:
            found = union([found, *(self.objects(arg, local) for name, arg in op.named if name == "default")])
        return found

    def _any_attribute(self, op: Call, local: Local) -> Objects:
        """`getattr(x, name)`: any attribute, any method."""
        heap = self.heap
        things, *others = (self.objects(arg, local) for arg in op.args)
        found = {*things, *heap.elements(things)}
        for thing in things:
            if thing in heap.kinds or thing in heap.code:
                found.update(heap.bound(thing, method.name) for method in heap.methods(thing))
                for kind in heap.kinds.get(thing, ()):
                    found.update(heap.bound(thing, method.name) for method in heap.methods(kind))
            else:
                found.add(heap.bound(thing, "append"))
        return union([tuple(sorted(found)), *others])

    def _library(self, op: Call, dotted: str, target: Objects, local: Local) -> Objects:
        """A call into a library that an import names."""
        said, top, last = self.effects, package(dotted), dotted.rpartition(".")[2]
        hidden = lib.SEEDS.get(dotted)
        if hidden is not None:
            (said.seeds if op.sure else said.draws).add(hidden)
            said.setups.add(top)
        elif drawn := lib.draws_from(dotted):
            said.draws.add(drawn)
        elif lib.varies(dotted, len(op.args) + len(op.named)):
            said.wanders = said.wanders or dotted
        elif (
            op.dropped
            and configuring.is_setup(dotted, top in STANDARD)
            and not lib.CALLS.get(dotted, 0) & (fx.ARG0 | fx.ARGS)
        ):
            if configuring.works_outside(dotted):
                said.outside.add(dotted)
            else:
                self.configured(top, configuring.sets(dotted), passing=not configuring.is_firm(dotted))
        elif not op.dropped and configuring.sets(dotted):
            self.configured(top, True)
        if lib.rolls(dotted) and not op.effect & fx.SEEDED:
            said.draws.add("<numpy.random>")
        elif last in lib.NUMPY_DRAWERS:
            self._may_draw(op, last, ())
        if dotted in lib.SAME or dotted in lib.MEMO:
            return self._decorator(op, dotted, local)
        if dotted in lib.CLASS_MAKERS:
            return self.heap.define(Function(last, op.line, "class"))
        effect = fx.SCALAR if top == "math" else lib.CALLS.get(dotted, 0)
        if effect & fx.OF_ARGS and dotted == "copy.copy":
            effect |= fx.HOLDS_DEEP
        if dotted in lib.FACTORIES:
            effect = fx.HOLDS | fx.QUIET
        if not effect:
            if op.dropped and top not in lib.PURE_LIBRARIES and top not in STANDARD:
                effect = fx.ARGS
            elif last[:1].isupper() and top not in ("pandas", "numpy", "pathlib", "datetime", "decimal"):
                effect = fx.HOLDS
            elif op.effect & fx.DECORATES or top not in lib.PURE_LIBRARIES:
                effect = fx.HOLDS if any(self.heap.is_coded(self.objects(arg, local)) for arg in op.args) else 0
        mask = -1 if target else fx.SEEDED | fx.OF_ARGS | fx.ARGS
        found = self.apply(op, effect | (op.effect & mask) or fx.KNOWN, target, local)
        if found and (dotted in lib.DEFAULTS or dotted in lib.FACTORIES):
            self._mark(found[0], dotted)
        if found and effect & fx.OF_ARGS and any(self.heap.flags.get(thing, 0) & CONTAINER for thing in found):
            found = union([self.heap.new(LIBRARY), found])  # a list is copied, an array is not
        if last in configuring.GETTERS and found:
            self.heap.state[found[0]] = top
        if dotted in lib.ORIGINS or (top in lib.MODELS and last[:1].isupper() and found):
            self.heap.origins[found[0]] = dotted
        if top in TABLES and found:
            self.heap.flags[found[0]] = self.heap.flags.get(found[0], 0) | FRAME
        if last[:1].isupper() and top not in ("pandas", "numpy") and found:
            steady = op.effect & fx.SEEDED or last in lib.STEADY
            kind = SEEDED if steady else ESTIMATOR | ROLLS if lib.rolling(dotted) else ESTIMATOR
            self.heap.flags[found[0]] = self.heap.flags.get(found[0], 0) | kind
        if dotted in ("matplotlib.pyplot.subplots", "torch.utils.data.random_split") and found:
            self.heap.flags[found[0]] = 0
        return found

    def _decorator(self, op: Call, dotted: str, local: Local) -> Objects:
        """`@dataclass`, `@lru_cache` and the like, with options or without."""
        heap = self.heap
        wrapped = self.objects(op.args[0], local) if op.args else ()
        called = any(thing in heap.coded for thing in wrapped) and dotted != "functools.wraps"
        if dotted in lib.SAME:
            return wrapped if called else heap.new(LIBRARY | SAME)
        return self._behind_cache(wrapped) if called else heap.new(LIBRARY | MEMO)

    def _mark(self, thing: int, dotted: str) -> None:
        """What a defaultdict or a dataclass's field does later on."""
        heap = self.heap
        if dotted in lib.DEFAULTS:
            heap.flags[thing] = heap.flags.get(thing, 0) & ~CONTAINER | DEFAULTS
            heap.defaults.add(thing)
        else:
            heap.flags[thing] = heap.flags.get(thing, 0) | FACTORY

    def _may_draw(self, op: Call, word: str, target: Objects) -> None:
        """Library code that takes random numbers from numpy's own generator unless it was given a state."""
        if word not in lib.NUMPY_DRAWERS or op.effect & fx.SEEDED:
            return
        reach = self.heap.reach(target)
        flags = [self.heap.flags.get(thing, 0) for thing in reach]
        fits = word.startswith("fit")
        if fits and not any(flag & ESTIMATOR for flag in flags):
            return
        sure = word == "rvs" or (word == "sample" and any(flag & FRAME for flag in flags))
        sure |= fits and any(flag & ROLLS for flag in flags)
        self.effects.draws.add("<numpy.random>" if sure else "<numpy.random>?")

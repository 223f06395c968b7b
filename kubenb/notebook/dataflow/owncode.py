"""Calls of the notebook's own code: functions, classes, methods, instances, and whatever else keeps such code to call it.

In: a `Call` whose target reaches own code, or values that were handed over to a library. Out: the objects that the call may give;
what the body does is done to the heap. Built on `values`; next room: `replay`, which knows the libraries' calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kubenb.notebook.dataflow import effects as fx
from kubenb.notebook.dataflow.objects import CONTAINER, LIBRARY, MEMO, STREAM, Heap, Objects
from kubenb.notebook.dataflow.records import Call, Function, Op
from kubenb.notebook.dataflow.values import Effects, Local, Values, union

DEPTH = 12
BUDGET = 1_000
_BEGIN = ("__new__", "__init__", "__post_init__")


class OwnCode(Values):
    """Follows calls. `stack`: the functions whose bodies are being followed; `steps`: how many in this statement,
    BUDGET at the most; `given_up`: what was taken for changed after that; `busy`: what was handed over and is being called."""

    def __init__(self, heap: Heap) -> None:
        super().__init__(heap)
        self.steps = 0
        self.given_up: set[int] = set()
        self.busy: set[int] = set()

    def begin(self) -> None:
        """A statement begins."""
        self.effects = Effects()
        self.steps = 0
        self.given_up = set()

    run: Callable[[Sequence[Op], Local], None]
    apply: Callable[[Call, int, Objects, Local], Objects]
    _result: Callable[[int, Objects, Objects, Objects], Objects]

    def own(self, op: Call, target: Objects, local: Local) -> Objects | None:
        """A call of the notebook's own code; None where it is none after all."""
        heap = self.heap
        args = [self.objects(arg, local) for arg in op.args]
        named = {name: self.objects(arg, local) for name, arg in op.named}
        word = op.path.rpartition(".")[2]
        kept = {part for thing in target if heap.flags.get(thing, 0) & MEMO for part in heap.holds.get(thing, ())}
        things = [thing for thing in target if thing not in kept] if kept else target
        sure = op.sure and local.sure and sum(thing in heap.coded for thing in things) == 1
        found: set[int] = set()
        rest: list[int] = []
        hit = False
        for thing in things:
            given = (
                self._method(thing, word, args, named, sure) if word else self._value(thing, args, named, sure, target)
            )
            if given is None:
                rest.append(thing)
            else:
                found.update(given)
            if word and given is not None and not self._is_instance(thing):
                rest.append(thing)  # what a library's object does with it is said by the method's name
                hit = True
        if len(rest) == len(things) and not hit:
            return None
        rest = [thing for thing in rest if not heap.flags.get(thing, 0) & CONTAINER]
        if rest:
            found.update(self.apply(op, op.effect, tuple(rest), local))
        return tuple(sorted(found))

    # what is called

    def _value(
        self, thing: int, args: list[Objects], named: dict[str, Objects], sure: bool, beside: Objects = ()
    ) -> Objects | None:
        """`thing(...)`."""
        heap = self.heap
        function = heap.code.get(thing)
        if function is not None:
            return self._called(function, thing, args, named, sure)
        if thing in heap.bounds:
            receiver, word = heap.bounds[thing]
            given = self._method(receiver, word, args, named, sure)
            return given if given is not None else self._library_method(receiver, word, union([*args, *named.values()]))
        if thing in heap.kinds:
            given = self._method(thing, "__call__", args, named, sure)
            return given if given is not None else self._all_methods(thing, args, named)
        if heap.flags.get(thing, 0) & CONTAINER or thing not in heap.coded:
            return None
        every = union([*args, *named.values()])
        if heap.flags.get(thing, 0) & MEMO:
            return self._remembered(thing, every)
        known = set(heap.holds.get(thing, ())) & set(beside)  # what it wraps is called by itself
        parts = (thing,) if thing in heap.gives else tuple(sorted(heap.holds.get(thing, ())))
        given = self.handed((thing,), (*parts, *every), known)
        return given if heap.origins.get(thing) == "functools.partial" else union([given, heap.new(LIBRARY)])

    def _method(
        self, thing: int, word: str, args: list[Objects], named: dict[str, Objects], sure: bool
    ) -> Objects | None:
        """`thing.word(...)`."""
        heap = self.heap
        found: set[int] = set()
        hit = False
        for own, kind in self._kinds(thing):
            method = heap.method(kind, word)
            if method is None:
                continue
            hit = True
            first: list[Objects] = [] if own == kind or method.sort == "static" else [(own,)]
            if method.sort == "class":
                first = [(kind,)]
            if method.sort == "property":
                found.update(self._enter(method, (kind,), first, False))
                found.update(self.handed(tuple(found), union(args)))
                continue
            found.update(self._enter(method, (kind,), self._passed(method, [*first, *args], named), sure))
        if hit:
            return tuple(found)
        if word == "__new__" and thing in heap.supers:
            return self._instance(args[0] if args else ())
        if word == "cache_info" and heap.flags.get(thing, 0) & MEMO:
            self.effects.counts = True
        return self._kept(thing, word, union([*args, *named.values()]))

    def _instance(self, kinds: Objects) -> Objects:
        """What `super().__new__(cls)` gives."""
        heap = self.heap
        made = heap.new()
        heap.be(made[0], tuple(kind for kind in kinds if kind in heap.code))
        heap.coded.add(made[0])
        return made

    def _kinds(self, thing: int) -> Iterable[tuple[int, int]]:
        """Receivers with the classes to look into: an instance's, the class itself, or after `super()` those above."""
        heap = self.heap
        if thing in heap.supers:
            here = heap.at_home.get(self.stack[-1]) if self.stack else None
            for own in heap.supers[thing]:
                for kind in heap.kinds.get(here, ()) if here is not None else ():
                    yield own, kind
        elif thing in heap.code:
            yield thing, thing
        else:
            for kind in heap.kinds.get(thing, ()):
                yield thing, kind

    def _kept(self, thing: int, word: str, every: Objects) -> Objects | None:
        """An attribute that is no method: functions that the instance, its class or a library's object keeps."""
        heap = self.heap
        if thing not in heap.coded or (heap.flags.get(thing, 0) & CONTAINER and not self._is_instance(thing)):
            return None
        if not self._is_instance(thing):
            if heap.flags.get(thing, 0) & MEMO:
                return () if word.startswith("cache_") else None
            if thing in heap.supers or thing in heap.lazies:
                return None
            return self.handed((thing,), (thing, *every)) if self._callables((thing,)) else None
        kinds = [kind for _, kind in self._kinds(thing)]
        parts = [part for one in (thing, *kinds) for part in sorted(heap.holds.get(one, ()))]
        calls = [part for part in parts if part in heap.coded and part not in kinds]
        found: set[int] = set()
        for part in calls:
            if (
                part in heap.code
                or part in heap.bounds
                or heap.flags.get(part, 0) & MEMO
                or not self._is_instance(part)
            ):
                found.update(self.handed((part,), (thing, *every)))
        whole = all(self.whole(kind) for kind in kinds)
        if not whole:
            found.update(self._all_methods(thing, [every], {}))
        return tuple(found) if calls and whole else None

    def _is_instance(self, thing: int) -> bool:
        return thing in self.heap.code or thing in self.heap.kinds or thing in self.heap.supers

    def _callables(self, objects: Iterable[int]) -> list[int]:
        """What can be called, of all that is reached from here."""
        heap = self.heap
        return sorted(
            thing
            for thing in heap.reach(objects)
            if thing in heap.code or thing in heap.bounds or thing in heap.lazies or self._has_call(thing)
        )

    def _has_call(self, thing: int) -> bool:
        heap = self.heap
        return any(heap.method(kind, "__call__") is not None for kind in heap.kinds.get(thing, ()))

    def handed(self, objects: Iterable[int], others: Iterable[int], known: Iterable[int] = ()) -> Objects:
        """Whatever can be called among objects that were handed over may be called, with whatever else was."""
        if self.steps > BUDGET:
            return self._give_up((*objects, *others))
        heap = self.heap
        found: set[int] = set()
        given = {part for other in others for part in heap.gives.get(other, (other,))}
        for thing in self._callables(objects):
            if thing in known or thing in self.busy:
                continue
            things = tuple(heap.reach(given - {thing}))
            function = heap.code.get(thing)
            self.busy.add(thing)
            if thing in heap.lazies:
                self.wake(thing)
            elif function is None:
                found.update(self._value(thing, [things] * 4, {}, False) or ())
            elif function.kind == "function":
                found.update(self._enter(function, (thing,), [things] * len(function.params), False))
            else:
                found.update(self._called(function, thing, [things] * 8, {}, False))
            self.busy.discard(thing)
        return tuple(sorted(found))

    def use_up(self, streams: Iterable[int]) -> None:
        """Iterators are read: they change, and what they call is called."""
        self.change(streams)
        self.handed(streams, self.heap.reach(streams))

    def look_up(self, values: Iterable[Objects]) -> None:
        """Something is looked up by a key: a defaultdict in reach may get a new entry."""
        found = self.heap.defaults & self.heap.reach(union(values))
        self.change(found)

    def wake(self, thing: int) -> None:
        """A generator goes on: its body runs."""
        function, own, passed = self.heap.lazies[thing]
        self._body(function, own, passed, False)

    def _library_method(self, receiver: int, word: str, every: Objects) -> Objects:
        """A method of a list or the like that was kept: it may change its receiver, and keep what it is given."""
        heap = self.heap
        known = fx.METHODS.get(word, fx.RECV)
        if known & (fx.RECV | fx.RECV_DEEP):
            self.change((receiver,))
            self._link((receiver,), union([every, tuple(heap.elements(every))]))
        if word in fx.METHODS and heap.flags.get(receiver, 0) & CONTAINER:
            if known and not known & ~(fx.RECV | fx.KEEP | fx.KEEP_DEEP):
                return ()
            return self._result(known, (receiver,), every, ())
        return tuple(sorted(heap.elements((receiver,))))

    def _remembered(self, thing: int, every: Objects) -> Objects:
        """A function behind a cache: the cache is state wherever a call does more than give a plain value."""
        outer, self.effects = self.effects, Effects()
        found = self.handed((thing,), every)
        said, self.effects = self.effects, outer
        outer.add(said)
        self._link((thing,), found)
        instances = any(other in self.heap.kinds and other not in self.heap.code for other in self.heap.reach(every))
        if instances or not said.silent():
            self.change((thing,))
        outer.cached.append((thing, tuple(function for function, _ in said.entered)))
        return found

    # classes and instances

    def _called(
        self, function: Function, thing: int, args: list[Objects], named: dict[str, Objects], sure: bool
    ) -> Objects:
        if function.kind == "function":
            return self._enter(function, (thing,), self._passed(function, args, named), sure)
        heap = self.heap
        made = heap.new(CONTAINER if self.whole(thing) else 0)
        heap.be(made[0], (thing,))
        heap.coded.add(made[0])
        begin = [method for word in _BEGIN if (method := heap.method(thing, word)) is not None]
        for factory in heap.factories(thing):
            self._link(made, self.handed((factory,), ()) or heap.new())
        kept: Objects = ()
        for method in begin:
            first = (thing,) if method.name == "__new__" else made
            given = self._enter(method, (thing,), self._passed(method, [first, *args], named), sure)
            if method.name == "__new__":
                kept = tuple(
                    each for each in given if each in heap.kinds and each not in heap.code
                )  # maybe an older one
        if not begin or begin[0].name == "__post_init__":
            self._link(made, union([*args, *named.values()]))
        elif not self.whole(thing):
            self._kept(made[0], "__init__", union([*args, *named.values()]))
        self.unasked(made)
        return union([made, kept])

    def unasked(self, objects: Objects) -> None:
        """Methods that reading an instance may run: properties, operators, loops."""
        heap = self.heap
        things = heap.reach(objects)
        if self.steps > BUDGET:
            self._give_up(things)
            return
        for thing in things:
            for kind in heap.kinds.get(thing, ()) if thing not in heap.code else ():
                for method in heap.unasked(kind):
                    others = tuple(things - {thing})
                    self._enter(method, (kind,), [(thing,), *([others] * (len(method.params) - 1))], False)

    def _all_methods(self, thing: int, args: list[Objects], named: dict[str, Objects]) -> Objects:
        if self.steps > BUDGET:
            return self._give_up((thing, *union([*args, *named.values()])))
        found: set[int] = set()
        for _, kind in self._kinds(thing):
            for method in self.heap.methods(kind):
                found.update(self._enter(method, (kind,), self._passed(method, [(thing,), *args], named), False))
        return tuple(found)

    # bodies

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
                    passed = [union([each, objects]) for each in passed]
        for index in range(star, len(function.params)):
            passed[index] = union(rest)
        return passed

    def _enter(self, function: Function, own: Objects, passed: Sequence[Objects], sure: bool) -> Objects:
        """Follows a call into a function's body; a generator's runs now and whenever it goes on."""
        if not function.generator:
            return self._body(function, own, passed, sure)
        heap = self.heap
        made = heap.new(STREAM)
        heap.gives[made[0]] = set()
        heap.lazies[made[0]] = (function, own, tuple(passed))
        heap.coded.add(made[0])
        self._link(made, union([own, *passed]))
        given = self._body(function, own, passed, False)
        self._link(made, given)
        heap.gives[made[0]] = heap.elements(given)
        return made

    def _body(self, function: Function, own: Objects, passed: Sequence[Objects], sure: bool) -> Objects:
        self.steps += 1
        if self.steps > BUDGET:
            return self._give_up(union(passed))
        if self.stack.count(function) > 1 or len(self.stack) > DEPTH:
            return tuple(sorted(self.heap.reach(union(passed))))
        objects: dict[str, Objects] = {"!": own}
        for index, held in enumerate(passed):
            objects["@%d" % index] = held
        local = Local(objects, function.made, sure)
        self.stack.append(function)
        self.effects.entered.append((function, sure))
        self.run(function.ops, local)
        found = self.objects(function.returns, local)
        self.stack.pop()
        for name in (*function.binds, *function.maybes):
            certain = sure and name in function.binds
            self._bind_global(name, self.objects(function.values.get(name, ()), local), certain)
        return found

    def _give_up(self, objects: Iterable[int]) -> Objects:
        """Code that is followed no further: it may change whatever it is given, and give any of it."""
        everything = self.heap.reach(objects)
        self.change(everything - self.given_up)
        self.given_up |= everything
        return tuple(sorted(everything))

    def _bind_global(self, name: str, objects: Objects, sure: bool) -> None:
        said = self.effects.binds
        before = self.heap.names.get(name, ())
        said[name] = said.get(name, False) or sure
        self.heap.bind(name, objects if sure else tuple(sorted({*before, *objects})))
        if sure:
            self.modules.pop(name, None)

"""Who may share what: abstract objects, what they hold, and which names may point at them.

In: binds, links and changes in the notebook's order. Out: for a change, the names whose value it may touch; groups of names
that share data. Objects are numbers; nothing is known of their values. Next room: `effects` says who does it, `forward` asks.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubenb.notebook.dataflow.records import Function
from kubenb.notebook.dataflow.sharing import Groups, Spells

Objects = tuple[int, ...]

CONTAINER = 1  # all it holds is known
STREAM = 2  # used up by reading
GENERATOR = 4  # a random generator
SEEDED = 8  # has a random state of its own, or needs none
ESTIMATOR = 16  # made by a library's class: may draw from the global generator
LIBRARY = 32  # given by a library call: its parts are apart
FRAME = 64  # a table: its parts may be views, but only a change shows that
DEFAULTS = 128  # makes what is not there when it is asked for, as a defaultdict does
MEMO = 256  # a function behind a cache: holds what it wraps and what it gave
SAME = 512  # a decorator that gives back what it decorates
FACTORY = 1024  # makes an attribute for each new instance, as dataclasses.field() does
ROLLS = 2048  # an estimator that surely draws when it is fitted
MANY = 48  # more objects than this in reach are taken for one: whoever changes a part may change all of them


class Heap:
    """All objects of one analysis, each a number.

    `holds`: what an object holds; `gives`: what an iterator gives, where that is less; `flags`: the bits above. `code`: functions and
    classes; `kinds`: an instance's classes, a class's bases; `fields`: a class's attributes; `at_home`: a method's class;
    `bounds`: receiver and name of a bound method, `made_bounds` the other way; `supers`: what a super() stands for; `lazies`: a
    generator's function, itself and arguments; `origins`: the library call that made an object, where that matters later;
    `defaults`: all defaultdicts; `state`: a library's own values, with its name, `inner` the parts of those; `metas`: a class's
    metaclasses; `instances`: `kinds` the other way. `coded`: objects, and groups' roots, from which code may be reached; `epoch`
    counts when that changed. `names`: what names point at. `group`, `tight`: a tree of groups each (`root`, `close`), with
    `members` and `kin` their names. `parts`: what a table's parts stand for; `heaps` and `sums`: the objects that stand for many.
    """

    def __init__(self) -> None:
        self.count = 0
        self.holds: dict[int, set[int]] = {}
        self.holders: dict[int, list[int]] = {}
        self.named: dict[int, set[str]] = {}
        self.flags: dict[int, int] = {}
        self.code: dict[int, Function] = {}
        self.kinds: dict[int, Objects] = {}
        self.names: dict[str, Objects] = {}
        self.loose = Groups()
        self.tight = Groups()
        self.spells = Spells()
        self.parts: dict[int, int] = {}
        self.coded: set[int] = set()
        self.heaps: dict[int, list[int]] = {}
        self.sums: set[int] = set()
        self.epoch = 0
        self.gives: dict[int, set[int]] = {}
        self.fields: dict[int, dict[str, Objects]] = {}
        self.at_home: dict[Function, int] = {}
        self.bounds: dict[int, tuple[int, str]] = {}
        self.made_bounds: dict[tuple[int, str], int] = {}
        self.supers: dict[int, Objects] = {}
        self.lazies: dict[int, tuple[Function, Objects, tuple[Objects, ...]]] = {}
        self.defaults: set[int] = set()
        self.origins: dict[int, str] = {}
        self.state: dict[int, str] = {}
        self.inner: set[int] = set()
        self.metas: dict[int, Objects] = {}
        self.instances: dict[int, list[int]] = {}

    def new(self, flags: int = 0) -> Objects:
        """A fresh object."""
        self.count += 1
        if flags:
            self.flags[self.count] = flags
        return (self.count,)

    # groups of objects that hold each other

    def at(self, now: int) -> None:
        """The statement in hand."""
        self.loose.now = self.tight.now = now

    def settle(self) -> None:
        """Nothing more will happen."""
        self.loose.settle()
        self.tight.settle()

    def root(self, thing: int) -> int:
        """The group an object belongs to."""
        return self.loose.root(thing)

    def close(self, thing: int) -> int:
        """The group of objects that hold each other for certain: a table's parts are not in it."""
        return self.tight.root(thing)

    def bind(self, name: str, objects: Objects) -> None:
        """A name now points at these objects only."""
        before = self.names.get(name, ())
        if before and self.coded and self.is_coded(before):
            self.epoch += 1
        for thing in before:
            self.named[thing].discard(name)
        for thing in objects:
            self.named.setdefault(thing, set()).add(name)
        self.loose.drop(name, before)
        self.tight.drop(name, before)
        self.names[name] = objects
        if objects and self.coded and self.is_coded(objects):
            self.epoch += 1
        self.loose.add(name, objects)
        self.tight.add(name, objects)
        if len(objects) > 1:
            data = [thing for thing in objects if thing not in self.code]
            for thing in data[1:]:
                self._join(data[0], thing)  # a name that may be either travels with both
            objects = (*data[:1], *(thing for thing in objects if thing in self.code))
        self.spells.add(name, self.loose.now, objects)

    def link(self, holders: Iterable[int], parts: Objects) -> list[int]:
        """Holders now hold the parts; the groups that grew."""
        grown = []
        for holder in holders:
            held = self.holds.setdefault(holder, set())
            for part in parts:
                if part in held or part == holder:
                    continue
                held.add(part)
                self.holders.setdefault(part, []).append(holder)
                if part in self.coded:
                    self.coded.add(self.root(holder))
                    self.epoch += 1
                if part not in self.code or part in self.holds:
                    grown.append(self._join(holder, part))
        return grown

    def _join(self, first: int, second: int) -> int:
        if second != self.parts.get(first):
            self.tight.join(first, second)
        one, two = self.loose.join(first, second)
        if one != two:
            if two in self.heaps:
                self.heaps.setdefault(one, []).extend(self.heaps.pop(two))
            if two in self.coded:
                self.coded.add(one)
        return one

    def part(self, thing: int) -> int:
        """What a table's column, row or selection may be: a view."""
        known = self.parts.get(thing)
        if known is None:
            known = self.parts[thing] = self.new(FRAME)[0]
            self.parts[known] = known
            self.link((thing,), (known,))
        return known

    # reach

    def reach(self, objects: Iterable[int]) -> set[int]:
        """These objects and all they hold."""
        holds = self.holds
        found = set(objects)
        stack = [thing for thing in found if thing in holds or thing in self.kinds]
        while stack:
            thing = stack.pop()
            for part in (*holds.get(thing, ()), *self._of_class(thing)):
                if part not in found:
                    found.add(part)
                    stack.append(part)
        return found if len(found) <= MANY else self._summed(found)

    def _summed(self, found: set[int]) -> set[int]:
        """Many objects as one for each group, beside those whose kind counts; keeps long chains of values linear."""
        loud = STREAM | GENERATOR | ESTIMATOR | ROLLS | DEFAULTS | MEMO
        short = {
            thing
            for thing in found
            if thing in self.sums
            or thing in self.code
            or thing in self.kinds
            or thing in self.bounds
            or self.flags.get(thing, 0) & loud
        }
        for thing in found:
            root = self.root(thing)
            if root not in self.heaps:
                whole = self.new()[0]
                self.sums.add(whole)
                root = self.loose.join(root, whole)[0]
                self.heaps[root] = [whole]
            whole = self.heaps[root][0]
            self.tight.join(thing, whole)
            short.add(whole)
        return short

    def _of_class(self, thing: int) -> Objects:
        """Classes that hold data of their own, for an instance."""
        flags = self.flags
        return tuple(
            kind
            for kind in self.kinds.get(thing, ())
            if any(not flags.get(part, 0) & FACTORY for part in self.holds.get(kind, ()))
        )

    def elements(self, objects: Iterable[int], attribute: str = "") -> set[int]:
        """What an element or attribute may be."""
        found: set[int] = set()
        for thing in objects:
            flags = self.flags.get(thing, 0)
            if thing in self.gives:
                found |= self.gives[thing]
            elif thing in self.state:
                found.update(self._of_state(thing, attribute))
            elif not attribute and (
                thing in self.bounds or (thing in self.code and self.code[thing].kind == "function")
            ):
                continue  # a function has no elements
            elif thing in self.kinds or thing in self.code:
                found |= self._members(thing, attribute) if flags & CONTAINER else self._inherited(thing)
            elif flags & CONTAINER:
                found |= self.holds.get(thing, set())
            elif flags & FRAME:
                found.add(self.part(thing))
            else:
                found |= self.reach((thing,))
        return found

    def _of_state(self, thing: int, attribute: str) -> Objects:
        """An attribute of a library's own value is a part of it; what it has under a key is not."""
        made = self.new(LIBRARY)
        if attribute:
            self.state[made[0]] = self.state[thing]
            self.inner.add(made[0])
        return made

    def _inherited(self, thing: int) -> set[int]:
        """What an instance with a library's base has: anything in reach, but not its class itself."""
        return self.reach((thing,)) - set(self.kinds.get(thing, ()))

    def _members(self, thing: int, attribute: str) -> set[int]:
        """What an instance or a class has under a name; all that is in reach where it is asked for elements."""
        if not attribute:
            return self.reach((thing,)) - {thing}
        own = self.holds.get(thing, set())
        found = set(own) if thing not in self.code else self._shared(thing, attribute)
        stack = [*self.kinds.get(thing, ())]
        for kind in stack:
            found |= self._shared(kind, attribute)
            stack += [base for base in self.kinds.get(kind, ()) if base not in stack]
        return found

    def _shared(self, kind: int, attribute: str) -> set[int]:
        """What a class has under a name: by its text, or put there later."""
        fields = self.fields.get(kind, {})
        named = {part for parts in fields.values() for part in parts}
        later = {
            part for part in self.holds.get(kind, ()) if part not in named and not self.flags.get(part, 0) & FACTORY
        }
        return later | {part for part in fields.get(attribute, ()) if not self.flags.get(part, 0) & FACTORY}

    # code

    def define(self, function: Function, flags: int = 0) -> Objects:
        """An object that is a function or a class."""
        made = self.new(flags | CONTAINER)
        self.code[made[0]] = function
        self.coded.add(made[0])
        self.epoch += 1
        for method in function.methods.values():
            self.at_home[method] = made[0]
        return made

    def be(self, thing: int, kinds: Objects) -> None:
        """An object is an instance, or a class a subclass, of these classes."""
        self.kinds[thing] = kinds
        for kind in kinds:
            self.instances.setdefault(kind, []).append(thing)

    def bound(self, thing: int, word: str) -> int:
        """A method as a value: `thing.word`, not called yet."""
        known = self.made_bounds.get((thing, word))
        if known is None:
            known = self.made_bounds[thing, word] = self.new(CONTAINER)[0]
            self.bounds[known] = (thing, word)
            self.coded.add(known)
            self.link((known,), (thing,))
            self.coded.add(self.root(known))
            self.epoch += 1
        return known

    def factories(self, kind: int) -> list[int]:
        """What makes attributes for each new instance of a class."""
        return sorted(part for part in self.holds.get(kind, ()) if self.flags.get(part, 0) & FACTORY)

    def methods(self, kind: int, depth: int = 0) -> list[Function]:
        """All methods of a class, those of its bases too."""
        record = self.code.get(kind)
        if record is None or depth > 20:
            return []
        found = dict.fromkeys(record.methods.values())
        for base in self.kinds.get(kind, ()):
            found.update(dict.fromkeys(self.methods(base, depth + 1)))
        return list(found)

    def unasked(self, kind: int) -> list[Function]:
        """Methods of a class that run without being called, and do something."""
        return [
            method for method in self.methods(kind) if method.implicit and (method.ops or method.binds or method.maybes)
        ]

    def is_coded(self, objects: Objects) -> bool:
        """Whether code may be reached from here (cheap, errs on the side of yes)."""
        return any(thing in self.coded or self.root(thing) in self.coded for thing in objects)

    def codes(self, objects: Iterable[int]) -> list[int]:
        """Functions and classes that are reached from these objects, in a fixed order."""
        found: set[int] = set()
        for thing in self.reach(objects):
            if thing in self.code:
                found.add(thing)
            found.update(self.kinds.get(thing, ()))
        return sorted(found)

    def method(self, kind: int, name: str, depth: int = 0) -> Function | None:
        """A class's method, its bases asked as well."""
        record = self.code.get(kind)
        if record is None or record.kind != "class":
            return None
        if name in record.methods:
            return record.methods[name]
        if depth < 20:
            for base in self.kinds.get(kind, ()):
                found = self.method(base, name, depth + 1)
                if found is not None:
                    return found
        return None

    def meant(self, changed: set[int]) -> tuple[set[str], set[int]]:
        """Names whose value these objects are part of, and the groups concerned."""
        changed |= {self.parts[thing] for thing in changed if thing in self.parts}
        roots = {self.root(thing) for thing in changed}
        names: set[str] = set()
        if self.sums:
            for thing in changed & self.sums:
                names |= self.loose.names.get(self.root(thing), set())
        for thing in self._above(changed, roots):
            if thing in self.named:
                names |= self.named[thing]
        return names, roots

    def _above(self, changed: set[int], roots: set[int]) -> set[int]:
        """These objects and all that hold them."""
        found = set(changed)
        for root in roots:
            found.update(self.heaps.get(root, ()))
        stack = [thing for thing in found if thing in self.holders or thing in self.code]
        while stack:
            thing = stack.pop()
            more = self.holders.get(thing, [])
            if thing in self.code and self.holds.get(thing):
                more = [*more, *self.instances.get(thing, ())]
            for each in more:
                if each not in found:
                    found.add(each)
                    stack.append(each)
        return found

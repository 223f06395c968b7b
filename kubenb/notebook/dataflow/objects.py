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
MANY = 48  # more objects than this in reach are taken for one: whoever changes a part may change all of them


class Heap:
    """All objects of one analysis."""

    def __init__(self) -> None:
        self.count = 0
        self.holds: dict[int, set[int]] = {}
        self.holders: dict[int, list[int]] = {}
        self.bound: dict[int, set[str]] = {}
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
            self.bound[thing].discard(name)
        for thing in objects:
            self.bound.setdefault(thing, set()).add(name)
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
        loud = STREAM | GENERATOR | ESTIMATOR
        short = {
            thing
            for thing in found
            if thing in self.sums or thing in self.code or thing in self.kinds or self.flags.get(thing, 0) & loud
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
        return tuple(kind for kind in self.kinds.get(thing, ()) if self.holds.get(kind))

    def elements(self, objects: Iterable[int], attribute: str = "") -> set[int]:
        """What an element or attribute may be."""
        found: set[int] = set()
        for thing in objects:
            if self.flags.get(thing, 0) & CONTAINER:
                found |= self.holds.get(thing, set())
                if attribute and thing not in self.kinds:
                    found.add(thing)  # a list's or dict's own method
                for kind in self.kinds.get(thing, ()):
                    found |= self.holds.get(kind, set())
                    if attribute and self.method(kind, attribute) is not None:
                        found.add(thing)
            elif self.flags.get(thing, 0) & FRAME:
                found.add(self.part(thing))
            else:
                found |= self.reach((thing,))
        return found

    # code

    def define(self, function: Function, flags: int = 0) -> Objects:
        """An object that is a function or a class."""
        made = self.new(flags | CONTAINER)
        self.code[made[0]] = function
        self.coded.add(made[0])
        self.epoch += 1
        return made

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
            if thing in self.bound:
                names |= self.bound[thing]
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
                more = [*more, *(each for each, kinds in self.kinds.items() if thing in kinds)]
            for each in more:
                if each not in found:
                    found.add(each)
                    stack.append(each)
        return found

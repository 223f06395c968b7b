"""Which names share data, and since when: groups of objects that grow together and are never listed whole.

In: objects that are joined, names that come and go, statements since which a group's names share (`share`).
Out: for the versions of names that one task needs, the stretches of statements in which two of them shared (`meetings`).
A group is a tree by weight whose links remember their statement, so that a group can be asked as it was at any statement.
`objects` joins, `forward` says when, `slices` asks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

NEVER = 1 << 60


class Groups:
    """Objects that hold each other. `now` is the statement in hand.

    `shares`: for each root, the statements since which the names of its group share; `waiting`: those that count only once
    something in the group is changed, by the root that the group has now.
    """

    def __init__(self) -> None:
        self.now = 0
        self.names: dict[int, set[str]] = {}
        self.shares: dict[int, list[int]] = {}
        self.waiting: dict[int, list[tuple[int, int]]] = {}
        self._above: dict[int, int] = {}
        self._since: dict[int, int] = {}
        self._short: dict[int, int] = {}
        self._weight: dict[int, int] = {}

    def root(self, thing: int) -> int:
        """The group that an object belongs to now."""
        short = self._short
        above = short.get(thing)
        if above is None:
            return thing
        while (higher := short.get(above)) is not None:
            short[thing] = higher
            thing, above = above, higher
        return above

    def join(self, first: int, second: int) -> tuple[int, int]:
        """Two groups become one; its root, and the root that is none any more (the same where they were one)."""
        one, two = self.root(first), self.root(second)
        if one == two:
            return one, one
        heavy, light = self._weight.get(one, 1), self._weight.get(two, 1)
        if heavy < light:
            one, two = two, one
        self._weight[one] = heavy + light
        self._above[two] = self._short[two] = one
        self._since[two] = self.now
        _merge_sets(self.names, one, two)
        if two in self.waiting:
            _merge_lists(self.waiting, one, two)
        return one, two

    def add(self, name: str, things: Iterable[int]) -> None:
        """A name now points at these objects."""
        for thing in things:
            self.names.setdefault(self.root(thing), set()).add(name)

    def drop(self, name: str, things: Iterable[int]) -> None:
        """A name does not point at these objects any more."""
        for thing in things:
            known = self.names.get(self.root(thing))
            if known is not None:
                known.discard(name)

    def share(self, root: int) -> None:
        """From the statement in hand on the names of this group share data."""
        if len(self.names.get(root, ())) > 1:
            self.shares.setdefault(root, []).append(self.now)

    def wait(self, root: int) -> None:
        """The same, if something in the group is changed later."""
        if len(self.names.get(root, ())) > 1:
            self.waiting.setdefault(root, []).append((self.now, root))

    def count(self, root: int) -> None:
        """Something in the group is changed: what waited counts."""
        for at, then in self.waiting.pop(root, ()):
            self.shares.setdefault(then, []).append(at)

    def settle(self) -> None:
        """Puts the statements in order, once all are known."""
        for known in self.shares.values():
            known.sort()

    def path(self, thing: int, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """The roots that an object had between two statements, each with its own stretch."""
        while True:
            until = self._since.get(thing, NEVER)
            if start < until:
                yield thing, start, min(until, end)
                start = until
            if start >= end:
                return
            thing = self._above[thing]


def _merge_sets(table: dict[int, set[str]], one: int, two: int) -> None:
    more = table.pop(two, None)
    if more is None:
        return
    known = table.setdefault(one, more)
    if known is not more:
        if len(known) < len(more):
            known, more = more, known
            table[one] = known
        known |= more


def _merge_lists(table: dict[int, list[tuple[int, int]]], one: int, two: int) -> None:
    more = table.pop(two)
    known = table.setdefault(one, more)
    if known is not more:
        if len(known) < len(more):
            known, more = more, known
            table[one] = known
        known += more


@dataclass(frozen=True, slots=True)
class Stretch:
    """Statements from `start` up to `end` (not included), of a list in order, at which a name shares with another."""

    places: list[int]
    start: int
    end: int

    @property
    def key(self) -> tuple[int, int, int]:
        """What tells it from others of the same story."""
        return id(self.places), self.start, self.end

    def last(self, before: int) -> int:
        """The last of them before a statement; -1 if there is none."""
        index = bisect_left(self.places, min(self.end, before)) - 1
        return self.places[index] if index >= 0 and self.places[index] >= self.start else -1

    def all(self) -> list[int]:
        """Each of them."""
        return self.places[bisect_left(self.places, self.start) : bisect_left(self.places, self.end)]


@dataclass(slots=True)
class Spells:
    """What each name pointed at, and since which statement."""

    since: dict[str, list[int]] = field(default_factory=dict)
    held: dict[str, list[tuple[int, ...]]] = field(default_factory=dict)

    def add(self, name: str, at: int, objects: tuple[int, ...]) -> None:
        """From a statement on, a name points at these."""
        since = self.since.setdefault(name, [])
        held = self.held.setdefault(name, [])
        if since and since[-1] == at:
            held[-1] = objects
        else:
            since.append(at)
            held.append(objects)

    def between(self, name: str, start: int, end: int) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The spells of a stretch of statements."""
        since = self.since.get(name)
        if since is None:
            return
        index = max(bisect_right(since, start) - 1, 0)
        while index < len(since) and since[index] < end:
            until = since[index + 1] if index + 1 < len(since) else NEVER
            yield max(start, since[index]), min(end, until), self.held[name][index]
            index += 1


Needed = Iterable[tuple[str, int, int]]


def meetings(groups: Groups, spells: Spells, needed: Needed) -> Iterator[tuple[str, Stretch]]:
    """For names needed from one statement to another: where two of them are in one group, and its statements.

    >>> groups, spells = Groups(), Spells()
    >>> groups.now = 3
    >>> for name, thing in (("a", 1), ("b", 2)):
    ...     groups.add(name, [thing])
    ...     spells.add(name, 0, (thing,))
    >>> groups.share(groups.join(1, 2)[0])
    >>> [(name, found.all()) for name, found in meetings(groups, spells, [("a", 0, 9), ("b", 1, 9)])]
    [('a', [3]), ('b', [3])]
    >>> list(meetings(groups, spells, [("a", 0, 3), ("b", 1, 9)]))
    []
    """
    seen: dict[int, list[tuple[int, int, str]]] = {}
    shares = groups.shares
    if not shares:
        return
    for name, start, end in needed:
        for first, last, objects in spells.between(name, start, end):
            for thing in objects:
                for root, low, high in groups.path(thing, first, last):
                    if root in shares:
                        seen.setdefault(root, []).append((low, high, name))
    for root, stretches in seen.items():
        if len(stretches) > 1:
            for name, low, high in _together(stretches):
                found = Stretch(shares[root], low, high)
                if found.last(high) >= 0:
                    yield name, found


def _together(stretches: list[tuple[int, int, str]]) -> Iterator[tuple[str, int, int]]:
    """The parts of stretches in which those of two names are under way."""
    edges = sorted({edge for low, high, _ in stretches for edge in (low, high)})
    steps: dict[int, list[tuple[bool, str]]] = {edge: [] for edge in edges}
    for low, high, name in stretches:
        steps[low].append((True, name))
        steps[high].append((False, name))
    active: dict[str, int] = {}
    both: list[tuple[int, int]] = []
    for index, edge in enumerate(edges):
        for begins, name in steps[edge]:
            active[name] = active.get(name, 0) + (1 if begins else -1)
            if not active[name]:
                del active[name]
        if len(active) > 1:
            until = edges[index + 1]
            if both and both[-1][1] == edge:
                both[-1] = (both[-1][0], until)
            else:
                both.append((edge, until))
    for low, high, name in stretches:
        for start, end in both[max(bisect_right(both, (low, NEVER)) - 1, 0) :]:
            if start >= high:
                break
            if end > low:
                yield name, max(low, start), min(high, end)

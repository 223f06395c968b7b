"""Values as documents: exact types, no pickle. This room holds the two walkers; `plain`, `arrays`, `frames`, `tables` know the types.

In: values. Out: a tree that JSON can hold, with buffers beside it (`blobs`). An object met twice becomes a label and a reference,
so shared and cyclic data stay shared; values that share anything end in one group. Next room: `documents`.

A tree is: null, true, 1, 1.5, "text" as they are, and ["tag", …] for everything else.
"""

from __future__ import annotations

import math
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# Room for each package's values, imported when the first of them is met.
ROOMS = {
    "numpy": "arrays",
    "pandas": "frames",
    "pyarrow": "tables",
    "polars": "tables",
    "scipy": "tables",
}
DEEPEST = 6000
LONG_INT = 1 << 4000
_WHOLE = frozenset([int, bool, type(None)])


class Cannot(Exception):
    """A value that has no exact form: why, and where inside."""

    def __init__(self, reason: str) -> None:
        """`reason` goes on from "it is …"."""
        Exception.__init__(self, reason)
        self.reason, self.path = reason, ""

    def at(self, step: str) -> Cannot:
        """The same, one step further out."""
        self.path = step + self.path
        return self


class Deep:
    """Room for nested data, for as long as it is walked."""

    def __enter__(self) -> None:
        """More levels than Python allows by itself."""
        self.limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(self.limit, DEEPEST))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """As before; beyond all levels there is a reason, not a crash."""
        sys.setrecursionlimit(self.limit)
        if kind is RecursionError:
            raise Cannot("it is nested too deeply") from None


class Slot:
    """What is known of an object that was met: its node, its root, and its label once it is met again."""

    __slots__ = ("label", "node", "open", "order", "root", "value")

    def __init__(self, value: Any, root: str, order: int) -> None:
        """`value` is held, so that its id stays its own."""
        self.value, self.root, self.order, self.label, self.open = value, root, order, 0, True
        self.node: list[Any] = []


class Encoder:
    """Turns values into trees. `blobs` None: only looks whether it could."""

    def __init__(self, blobs: Any) -> None:
        """A fresh memory of objects."""
        from . import moments, named, plain

        self.blobs = blobs
        self.table: dict[type, Callable[..., Any]] = {**plain.ENCODERS, **moments.ENCODERS}
        self.other = named.encode_other
        self.memo: dict[int, Slot] = {}
        self.root, self.labels, self.hashing = "", 0, 0
        self.joined: list[tuple[str, str]] = []
        self.later: list[Callable[[Encoder], None]] = []
        self.memory: list[Any] = []
        self.frames: list[Any] = []

    def encode_root(self, name: str, value: Any) -> Any:
        """The tree of one named value."""
        self.root = name
        with Deep():
            return self.encode(value)

    def encode(self, value: Any) -> Any:
        """The tree of any value."""
        kind = type(value)
        found = self.table.get(kind)
        if found is None:
            room = ROOMS.get(kind.__module__.partition(".")[0])
            if room:
                self._furnish(room)
                found = self.table.get(kind)
        return found(self, value) if found else self.other(self, value)

    def _furnish(self, room: str) -> None:
        module = __import__(__package__ + "." + room, fromlist=["encoders"])
        for kind, function in module.encoders().items():
            self.table.setdefault(kind, function)

    def items(self, values: Any) -> list[Any]:
        """The trees of many values; "L" in front when they are all what JSON holds as it is."""
        kinds = set(map(type, values))
        if kinds <= _WHOLE and (int not in kinds or all(-LONG_INT < value < LONG_INT for value in values if value)):
            return ["L", *values]
        if kinds == {float} and all(map(math.isfinite, values)):
            return ["L", *values]
        if kinds == {str} and all(map(str.isascii, values)):
            return ["L", *values]
        nodes: list[Any] = ["l"]
        encode, index = self.encode, 0
        try:
            for value in values:
                nodes.append(encode(value))
                index += 1
        except Cannot as error:
            raise error.at("[%d]" % index) from None
        return nodes

    def met(self, value: Any) -> Any:
        """A reference if `value` was met before, else None; then `open` it."""
        slot = self.memo.get(id(value))
        if slot is None:
            return None
        if slot.open and (self.hashing or slot.node[:1] in (["t"], ["f"], ["nt"])):
            raise Cannot("it contains itself through a tuple, a set or a key")
        return ["r", self.label(slot)]

    def label(self, slot: Slot) -> int:
        """The label under which an object is known; joins the roots that share it."""
        if not slot.label:
            self.labels += 1
            slot.label = self.labels
        if slot.root != self.root:
            self.joined.append((slot.root, self.root))
        return slot.label

    def open(self, value: Any, *node: Any) -> Slot:
        """Remembers `value` with the beginning of its node."""
        slot = Slot(value, self.root, len(self.memo))
        slot.node = list(node)
        self.memo[id(value)] = slot
        return slot

    def finish(self) -> None:
        """Writes what waited for the whole picture (arrays that share memory), and puts the labels in."""
        for act in self.later:
            act(self)
        for slot in self.memo.values():
            if slot.label:
                slot.node[:] = ["=", slot.label, list(slot.node)]

    def groups(self, names: list[str]) -> list[list[str]]:
        """Names that share anything, together; each group and the groups in the order of `names`."""
        return joined_groups(names, self.joined)


def joined_groups(names: list[str], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """The connected parts of `names` under `pairs`.

    >>> joined_groups(["a", "b", "c"], [("a", "c")])
    [['a', 'c'], ['b']]
    """
    home = {name: name for name in names}

    def find(name: str) -> str:
        while home[name] != name:
            name = home[name]
        return name

    for first, second in pairs:
        home[find(second)] = find(first)
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(find(name), []).append(name)
    return list(groups.values())


class Damaged(Exception):
    """A tree that no encoder of ours wrote, or that needs what this process does not have."""


class Decoder:
    """Turns trees back into values. One decoder a group: labels are known across its values."""

    def __init__(self, blobs: Any) -> None:
        """`blobs.read(reference)` gives a buffer."""
        from . import moments, named, plain

        self.blobs = blobs
        self.table: dict[str, Callable[..., Any]] = {**plain.DECODERS, **moments.DECODERS, **named.DECODERS}
        self.known: dict[int, Any] = {}

    def decode_root(self, node: Any) -> Any:
        """The value of one root."""
        with Deep():
            return self.decode(node)

    def decode(self, node: Any) -> Any:
        """The value of a tree."""
        if type(node) is not list:
            return node
        tag = node[0]
        if tag == "r":
            return self.known[node[1]]
        if tag == "=":
            value = self._call(node[2], node[1])
            self.known[node[1]] = value
            return value
        return self._call(node, 0)

    def items(self, node: list[Any]) -> list[Any]:
        """The values of `Encoder.items`."""
        return node[1:] if node[0] == "L" else [self.decode(part) for part in node[1:]]

    def _call(self, node: list[Any], label: int) -> Any:
        found = self.table.get(node[0])
        if found is None:
            room = node[0].partition(".")[0]
            if room not in ROOMS.values():
                raise Damaged("the tag %r is unknown" % (node[0],))
            module = __import__(__package__ + "." + room, fromlist=["DECODERS"])
            self.table.update(module.DECODERS)
            found = self.table[node[0]]
        return found(self, node, label)

    def know(self, label: int, value: Any) -> Any:
        """Makes a mutable value known before its parts are decoded: a part may hold it."""
        if label:
            self.known[label] = value
        return value

"""A task's outputs as files: `outputs.json` with every name, and the buffers beside it.

In: named values (and which of them may be pickled). Out: files in the task's place; back: the values of some names.
Names that share data lie in one group and are always read together. Next room: `hand`.
"""

from __future__ import annotations

import hashlib
import json

from . import blobs, pickles, sharing
from .codec import Cannot, Damaged, Decoder, Deep, Encoder
from .exits import Refused
from .named import full_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

FORMAT = 1
_INLINE = 1 << 16
_ORDER = {"DataFrame": 0, "Series": 1}


def can_carry(value: Any, pickle: bool = False) -> str | None:
    """None if a value can go to another task; else why not, as a half sentence with the path inside.

    >>> can_carry([1, (2.5, "x")]), can_carry([len])
    (None, '[0]: it is a function: functions travel as their def')
    """
    try:
        Encoder(None).encode_root("x", value)
    except Cannot as error:
        return pickles.reason(value) if pickle else _why(error)
    return None


def _why(error: Cannot) -> str:
    return "%s: %s" % (error.path, error.reason) if error.path else error.reason


def refusal(name: str, value: Any, reason: str, declared: bool = False) -> Refused:
    """What is said of an output that can't be carried: its name, its type, where inside, and the line to write."""
    path, mark, rest = reason.partition("it is ")
    text = "%s%s is %s" % (name, path[:-2] if path else "", rest) if mark else reason
    fix = "Write `#| pickle: %s` under the task's first line, if a pickle will do." % name
    if "lives in its own process" in reason:
        fix = "Make it in each task that uses it, as in an ordinary cell's function."
    elif reason.endswith("make it a copy"):
        fix = "Write `%s = %s.copy()` at the end of the task." % (name, name)
    elif declared or "travel as" in reason:
        fix = "Leave it out, or keep only what can be carried from it."
    return Refused("carry", "%s (%s) can't go to another task: %s." % (name, full_name(type(value)), text), fix)


def write(
    store: Any, place: str, values: dict[str, Any], may_pickle: Iterable[str] = (), skip: bool = False
) -> tuple[str, int]:
    """Saves all values; the digest of `outputs.json` and all bytes written. `skip`: leave out what can't be carried."""
    allowed = set(may_pickle)
    writer = blobs.Writer(store, place)
    groups, left_out = [], {}
    for names in sharing.shared(values):
        members, begun = {name: values[name] for name in names}, len(writer.files)
        try:
            groups.append(_group(writer, members, allowed))
        except Refused as refused:
            if not skip:
                raise
            writer.drop(begun)
            left_out.update({name: str(refused) for name in names})
    found = {
        name: {"group": at, "type": full_name(type(values[name]))}
        for at, group in enumerate(groups)
        for name in group["names"]
    }
    outputs = {"format": FORMAT, "names": found, "groups": groups, "files": writer.files, "left_out": left_out}
    with Deep():
        text = json.dumps(outputs, sort_keys=True, separators=(",", ":")).encode("ascii")
    store.write(place + "/outputs.json", [text])
    return hashlib.sha256(text).hexdigest(), len(text) + sum(entry["size"] for entry in writer.files)


def _group(writer: blobs.Writer, members: dict[str, Any], allowed: set[str]) -> dict[str, Any]:
    """Names that share data, as one document; as one pickle where their exact form can't be had and all are declared."""
    begun = len(writer.files)
    encoder = Encoder(writer)
    # Frames first: an array may be a view of one.
    names = sorted(members, key=lambda name: _ORDER.get(type(members[name]).__name__, 2))
    try:
        roots = [encoder.encode_root(name, members[name]) for name in names]
        encoder.finish()
        with Deep():
            text = json.dumps(roots, separators=(",", ":"))
    except Cannot as error:
        writer.drop(begun)
        return _pickled(writer, members, allowed, encoder.root, _why(error))
    if len(text) <= _INLINE:
        return {"names": names, "roots": roots}
    return {"names": names, "document": writer.add(".json", [text.encode("ascii")])}


def _pickled(writer: blobs.Writer, members: dict[str, Any], allowed: set[str], bad: str, reason: str) -> dict[str, Any]:
    if bad not in allowed:
        raise refusal(bad, members[bad], reason)
    for name in members:
        if name not in allowed:
            what = "%s and %s share data, and %s can only be pickled." % (name, bad, bad)
            raise Refused("shared", what, "Write `#| pickle: %s, %s`, or give %s its own copy." % (bad, name, name))
    if sharing.views({name: sharing.Reach(value) for name, value in members.items()}):
        what = "%s are views of one memory, which a pickle would split." % " and ".join(members)
        raise Refused("shared", what, "Give each its own copy (`.copy()`).")
    try:
        data = pickles.dump(members)
    except Exception as error:
        for name, value in members.items():
            why = pickles.reason(value)
            if why:
                raise refusal(name, value, why, declared=True) from None
        raise Refused("carry", "%s can't be pickled (%s)." % (", ".join(members), error), "Leave it out.") from None
    return {"names": list(members), "pickle": writer.add(".pickle", [data])}


class Outputs:
    """A finished task's outputs, read back by name."""

    def __init__(self, store: Any, place: str, text: bytes) -> None:
        """`text` is `outputs.json`, already checked against the marker."""
        with Deep():
            held = json.loads(text)
        if held.get("format") != FORMAT:
            raise Refused("digest", "%s was saved by another version of kubenb." % place, "Run that task again.")
        self.names: dict[str, dict[str, Any]] = held["names"]
        self.left_out: dict[str, str] = held["left_out"]
        self.groups = held["groups"]
        self.place = place
        self.reader = blobs.Reader(store, place, held["files"])
        self.shared: dict[int, dict[str, Any]] = {}

    def value(self, name: str) -> Any:
        """One value; names of one group come from one reading, so that what they share stays shared."""
        at = self.names[name]["group"]
        if at not in self.shared:
            self.shared[at] = self._group(self.groups[at], name)
        found = self.shared[at].pop(name)
        if not self.shared[at]:
            del self.shared[at]
        return found

    def _group(self, group: dict[str, Any], name: str) -> dict[str, Any]:
        try:
            if "pickle" in group:
                return pickles.load(self.reader.read(group["pickle"]))
            with Deep():
                roots = group["roots"] if "roots" in group else json.loads(bytes(self.reader.read(group["document"])))
            decoder = Decoder(self.reader)
            return dict(zip(group["names"], [decoder.decode_root(root) for root in roots]))
        except Damaged as error:
            raise Refused(
                "carry",
                "%s of %s can't be rebuilt here: %s." % (name, self.place, error),
                "Give both tasks the same image and code.",
            ) from None
        except ImportError as error:
            raise Refused(
                "engine",
                "%s of %s needs a package that this image does not have (%s)." % (name, self.place, error),
                "Give both tasks the same image.",
            ) from None
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Refused(
                "digest",
                "%s of %s is damaged (%s: %s)." % (name, self.place, type(error).__name__, error),
                "Run that task again.",
            ) from error

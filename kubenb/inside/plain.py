"""The types of the standard library, there and back: exact type, order, sign of zero, lone surrogates.

In: `codec.Encoder` and `codec.Decoder` ask by type and by tag. Dates and times are in `moments`, what goes by its class in `named`.
"""

from __future__ import annotations

import array
import binascii
import collections
import math
import random
import struct
import types
from decimal import Decimal
from fractions import Fraction

from .codec import LONG_INT, Cannot
from .named import class_name, class_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder

INLINE = 4096


def text64(data: Any) -> str:
    """Bytes as text."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


# ---- scalars


def _same(enc: Encoder, value: Any) -> Any:
    return value


def _int(enc: Encoder, value: int) -> Any:
    return value if -LONG_INT < value < LONG_INT else ["int", hex(value)]


def _float(enc: Encoder, value: float) -> Any:
    return value if math.isfinite(value) else ["x", struct.pack(">d", value).hex()]


def _str(enc: Encoder, value: str) -> Any:
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return ["u", text64(value.encode("utf-32-le", "surrogatepass"))]
    return value


def _bytes(enc: Encoder, value: bytes) -> Any:
    if len(value) <= INLINE or enc.blobs is None:
        return ["b", text64(value) if len(value) <= INLINE else ""]
    return ["B", enc.blobs.add(".bin", [value])]


def _read_bytes(dec: Decoder, node: list[Any], label: int) -> bytes:
    return bytes(dec.blobs.read(node[1]))


def _complex(enc: Encoder, value: complex) -> Any:
    return ["c", struct.pack(">dd", value.real, value.imag).hex()]


def _read_complex(dec: Decoder, node: list[Any], label: int) -> complex:
    real, imag = struct.unpack(">dd", bytes.fromhex(node[1]))
    return complex(real, imag)


# ---- containers


def _list(enc: Encoder, value: list[Any]) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value)
    slot.node[:] = enc.items(value)
    slot.open = False
    return slot.node


def _read_list(dec: Decoder, node: list[Any], label: int) -> list[Any]:
    made: list[Any] = dec.know(label, [])
    made.extend(dec.items(node))
    return made


def _tuple(enc: Encoder, value: tuple[Any, ...]) -> Any:
    if not value:
        return ["t", ["L"]]
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "t")
    slot.node.append(enc.items(value))
    slot.open = False
    return slot.node


def _pairs(enc: Encoder, value: dict[Any, Any]) -> list[Any]:
    nodes: list[Any] = []
    encode = enc.encode
    for key, held in value.items():
        enc.hashing += 1
        try:
            nodes.append(encode(key))
        except Cannot as error:
            raise error.at(".key(%s)" % _short(key)) from None
        finally:
            enc.hashing -= 1
        hashing, enc.hashing = enc.hashing, 0
        try:
            nodes.append(encode(held))
        except Cannot as error:
            raise error.at("[%s]" % _short(key)) from None
        finally:
            enc.hashing = hashing
    return nodes


def _short(key: Any) -> str:
    try:
        text = repr(key)
    except Exception:
        text = type(key).__name__
    return text if len(text) < 60 else text[:57] + "..."


def _fill(dec: Decoder, made: Any, nodes: list[Any]) -> Any:
    decode = dec.decode
    for at in range(0, len(nodes), 2):
        made[decode(nodes[at])] = decode(nodes[at + 1])
    return made


def _dict(enc: Encoder, value: dict[Any, Any]) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "d")
    slot.node.append(_pairs(enc, value))
    slot.open = False
    return slot.node


def _read_dict(dec: Decoder, node: list[Any], label: int) -> Any:
    return _fill(dec, dec.know(label, {}), node[1])


def _set(tag: str) -> Callable[[Encoder, Any], Any]:
    def encode(enc: Encoder, value: Any) -> Any:
        import json

        known = enc.met(value)
        if known is not None:
            return known
        slot = enc.open(value, tag)
        enc.hashing += 1
        labels = enc.labels
        try:
            nodes = [enc.encode(part) for part in value]
        except Cannot as error:
            raise error.at(".item") from None
        finally:
            enc.hashing -= 1
        # A set has no order of its own: sorted, the same set gives the same bytes. A label must stay in front of its references.
        slot.node.append(sorted(nodes, key=json.dumps) if enc.labels == labels else nodes)
        slot.open = False
        return slot.node

    return encode


def _read_set(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, set())
    made.update(dec.decode(part) for part in node[1])
    return made


def _read_frozenset(dec: Decoder, node: list[Any], label: int) -> Any:
    return frozenset([dec.decode(part) for part in node[1]])


def _bytearray(enc: Encoder, value: bytearray) -> Any:
    known = enc.met(value)
    if known is None:
        slot = enc.open(value, "ba", _bytes(enc, bytes(value)))
        slot.open = False
        known = slot.node
    return known


def _held(tag: str, take: Callable[[Any], Any]) -> Callable[[Encoder, Any], Any]:
    """An encoder for a mutable object whose whole state is `take(value)`."""

    def encode(enc: Encoder, value: Any) -> Any:
        known = enc.met(value)
        if known is not None:
            return known
        slot = enc.open(value, tag)
        slot.node.append(enc.encode(take(value)))
        slot.open = False
        return slot.node

    return encode


def _mapping(tag: str, first: Callable[[Encoder, Any], Any]) -> Callable[[Encoder, Any], Any]:
    def encode(enc: Encoder, value: Any) -> Any:
        known = enc.met(value)
        if known is not None:
            return known
        slot = enc.open(value, tag, first(enc, value))
        slot.node.append(_pairs(enc, value))
        slot.open = False
        return slot.node

    return encode


def _deque(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "deque", value.maxlen)
    slot.node.append(enc.items(list(value)))
    slot.open = False
    return slot.node


def _read_deque(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, collections.deque(maxlen=node[1]))
    made.extend(dec.items(node[2]))
    return made


def _namespace(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, types.SimpleNamespace())
    made.__dict__.update(dec.decode(node[1]))
    return made


def _factory(enc: Encoder, value: Any) -> Any:
    made = value.default_factory
    return None if made is None else class_name(made)


def _array(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is None:
        slot = enc.open(value, "array", value.typecode, _bytes(enc, value.tobytes()))
        slot.open = False
        known = slot.node
    return known


def _read_random(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, random.Random())
    made.setstate(dec.decode(node[1]))
    return made


ENCODERS: dict[type, Callable[[Any, Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _int,
    float: _float,
    complex: _complex,
    str: _str,
    bytes: _bytes,
    bytearray: _bytearray,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set("s"),
    frozenset: _set("f"),
    type(Ellipsis): lambda enc, value: ["..."],
    type(NotImplemented): lambda enc, value: ["NotImplemented"],
    range: lambda enc, value: ["range", [enc.encode(part) for part in (value.start, value.stop, value.step)]],
    slice: lambda enc, value: ["slice", [enc.encode(part) for part in (value.start, value.stop, value.step)]],
    Decimal: lambda enc, value: ["D", str(value)],
    Fraction: lambda enc, value: ["F", _int(enc, value.numerator), _int(enc, value.denominator)],
    collections.OrderedDict: _mapping("od", lambda enc, value: None),
    collections.Counter: _mapping("counter", lambda enc, value: None),
    collections.defaultdict: _mapping("dd", _factory),
    collections.deque: _deque,
    types.SimpleNamespace: _held("ns", vars),
    random.Random: _held("random", random.Random.getstate),
    array.array: _array,
}

DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "int": lambda dec, node, label: int(node[1], 16),
    "x": lambda dec, node, label: struct.unpack(">d", bytes.fromhex(node[1]))[0],
    "c": _read_complex,
    "u": lambda dec, node, label: binascii.a2b_base64(node[1]).decode("utf-32-le", "surrogatepass"),
    "b": lambda dec, node, label: binascii.a2b_base64(node[1]),
    "B": _read_bytes,
    "ba": lambda dec, node, label: bytearray(dec.decode(node[1])),
    "l": _read_list,
    "L": _read_list,
    "t": lambda dec, node, label: tuple(dec.items(node[1])),
    "d": _read_dict,
    "s": _read_set,
    "f": _read_frozenset,
    "...": lambda dec, node, label: ...,
    "NotImplemented": lambda dec, node, label: NotImplemented,
    "range": lambda dec, node, label: range(*map(dec.decode, node[1])),
    "slice": lambda dec, node, label: slice(*map(dec.decode, node[1])),
    "D": lambda dec, node, label: Decimal(node[1]),
    "F": lambda dec, node, label: Fraction(dec.decode(node[1]), dec.decode(node[2])),
    "od": lambda dec, node, label: _fill(dec, dec.know(label, collections.OrderedDict()), node[2]),
    "counter": lambda dec, node, label: _fill(dec, dec.know(label, collections.Counter()), node[2]),
    "dd": lambda dec, node, label: _fill(
        dec, dec.know(label, collections.defaultdict(node[1] and class_of(node[1]))), node[2]
    ),
    "deque": _read_deque,
    "ns": _namespace,
    "random": _read_random,
    "array": lambda dec, node, label: array.array(node[1], dec.decode(node[2])),
}

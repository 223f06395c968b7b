"""The types of the standard library, there and back: exact type, order, sign of zero, lone surrogates.

In: `codec.Encoder` and `codec.Decoder` ask by type and by tag. A class travels by name only, never as code:
named tuples, dataclasses and enums are rebuilt from the class of that name in the reading process.
"""

from __future__ import annotations

import array
import binascii
import collections
import datetime
import enum
import math
import random
import struct
import sys
import types
from decimal import Decimal
from fractions import Fraction

from .codec import Cannot, Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder

INLINE = 4096
_LONG_INT = 1 << 4000
_WHOLE = frozenset([int, bool, type(None)])


def text64(data: Any) -> str:
    """Bytes as text."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


# ---- scalars


def _same(enc: Encoder, value: Any) -> Any:
    return value


def _int(enc: Encoder, value: int) -> Any:
    return value if -_LONG_INT < value < _LONG_INT else ["int", hex(value)]


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


def items(enc: Encoder, values: Any) -> list[Any]:
    """The trees of many values; ['L', …] in front when they are all what JSON holds as it is."""
    kinds = set(map(type, values))
    if kinds <= _WHOLE and (int not in kinds or all(-_LONG_INT < value < _LONG_INT for value in values if value)):
        return ["L", *values]
    if kinds == {float} and all(map(math.isfinite, values)):
        return ["L", *values]
    if kinds == {str} and all(map(str.isascii, values)):
        return ["L", *values]
    nodes: list[Any] = ["l"]
    encode, index = enc.encode, 0
    try:
        for value in values:
            nodes.append(encode(value))
            index += 1
    except Cannot as error:
        raise error.at("[%d]" % index) from None
    return nodes


def read_items(dec: Decoder, node: list[Any]) -> list[Any]:
    """The values of `items`."""
    return node[1:] if node[0] == "L" else [dec.decode(part) for part in node[1:]]


def _list(enc: Encoder, value: list[Any]) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value)
    slot.node[:] = items(enc, value)
    slot.open = False
    return slot.node


def _read_list(dec: Decoder, node: list[Any], label: int) -> list[Any]:
    made = dec.know(label, [])
    made.extend(read_items(dec, node))
    return made


def _tuple(enc: Encoder, value: tuple[Any, ...]) -> Any:
    if not value:
        return ["t", ["L"]]
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "t")
    slot.node.append(items(enc, value))
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
    slot.node.append(items(enc, list(value)))
    slot.open = False
    return slot.node


def _read_deque(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, collections.deque(maxlen=node[1]))
    made.extend(read_items(dec, node[2]))
    return made


def _namespace(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, types.SimpleNamespace())
    made.__dict__.update(dec.decode(node[1]))
    return made


def _factory(enc: Encoder, value: Any) -> Any:
    made = value.default_factory
    return None if made is None else class_name(made)


# ---- time


def _zone(enc: Encoder, zone: Any) -> Any:
    if zone is None:
        return None
    if type(zone) is datetime.timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]
        return ["tz", _delta(enc, offset), *name]
    kind = type(zone).__module__.partition(".")[0]
    if kind == "zoneinfo" and zone.key:
        return ["zone", zone.key]
    if kind == "pytz" and getattr(zone, "zone", None):
        return ["pytz", zone.zone]
    raise Cannot("it is a time zone of %s" % full_name(type(zone)))


def _read_tz(dec: Decoder, node: list[Any], label: int) -> Any:
    return datetime.timezone(dec.decode(node[1]), *node[2:])


def _read_zone(dec: Decoder, node: list[Any], label: int) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(node[1])


def _read_pytz(dec: Decoder, node: list[Any], label: int) -> Any:
    return __import__("pytz").timezone(node[1])


def _delta(enc: Encoder, value: datetime.timedelta) -> Any:
    return ["td", value.days, value.seconds, value.microseconds]


def _datetime(enc: Encoder, value: datetime.datetime) -> Any:
    clock = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
    if type(value.tzinfo).__module__.partition(".")[0] == "pytz":
        # pytz hangs one of a zone's offsets onto each datetime: rebuilt from UTC by the zone.
        utc = value.astimezone(datetime.timezone.utc)
        clock = [utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond]
    return ["dt", clock, value.fold, _zone(enc, value.tzinfo)]


def _read_datetime(dec: Decoder, node: list[Any], label: int) -> datetime.datetime:
    zone = dec.decode(node[3])
    if node[3] and node[3][0] == "pytz":
        made = datetime.datetime(*node[1], tzinfo=datetime.timezone.utc).astimezone(zone)
        return made.replace(fold=node[2])
    return datetime.datetime(*node[1], tzinfo=zone, fold=node[2])


def _time(enc: Encoder, value: datetime.time) -> Any:
    return ["time", [value.hour, value.minute, value.second, value.microsecond], value.fold, _zone(enc, value.tzinfo)]


def _read_time(dec: Decoder, node: list[Any], label: int) -> datetime.time:
    return datetime.time(*node[1], tzinfo=dec.decode(node[3]), fold=node[2])


# ---- classes by name


def full_name(kind: type) -> str:
    """`pandas.core.frame.DataFrame`, `int`."""
    module = getattr(kind, "__module__", "builtins")
    name = getattr(kind, "__qualname__", str(kind))
    return name if module == "builtins" else "%s.%s" % (module, name)


def class_name(kind: Any) -> str:
    """`module:name` if that is where the class can be found again."""
    module, name = getattr(kind, "__module__", None), getattr(kind, "__qualname__", None)
    found: Any = sys.modules.get(module) if module else None
    for part in (name or "").split("."):
        found = getattr(found, part, None)
    if found is not kind or kind is None:
        raise Cannot("its class %s can't be found by its name" % full_name(kind))
    return "%s:%s" % (module, name)


def class_of(text: str) -> Any:
    """The class of that name, imported if need be."""
    module, _, name = text.partition(":")
    try:
        found: Any = sys.modules.get(module) or __import__(module, fromlist=["x"])
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        place = "the code of this task" if module == "__main__" else "this image"
        raise Damaged("its class %s is not in %s" % (text.replace(":", "."), place)) from None
    return found


def _instance(enc: Encoder, value: Any, tag: str, state: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, tag, class_name(type(value)))
    slot.node.append(items(enc, state) if tag == "nt" else [[key, _part(enc, key, held)] for key, held in state.items()])
    slot.open = False
    return slot.node


def _part(enc: Encoder, key: str, held: Any) -> Any:
    try:
        return enc.encode(held)
    except Cannot as error:
        raise error.at("." + key) from None


def _read_named(dec: Decoder, node: list[Any], label: int) -> Any:
    kind = class_of(node[1])
    if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")):
        raise Damaged("%s is no named tuple" % node[1])
    return tuple.__new__(kind, read_items(dec, node[2]))


def _read_dataclass(dec: Decoder, node: list[Any], label: int) -> Any:
    kind = class_of(node[1])
    if not hasattr(kind, "__dataclass_fields__"):
        raise Damaged("%s is no dataclass" % node[1])
    made = dec.know(label, object.__new__(kind))
    for key, part in node[2]:
        object.__setattr__(made, key, dec.decode(part))
    return made


def _read_enum(dec: Decoder, node: list[Any], label: int) -> Any:
    kind = class_of(node[1])
    if not (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        raise Damaged("%s is no enum" % node[1])
    return kind[node[2]] if node[2] is not None else kind(dec.decode(node[3]))


def _plain_dataclass(kind: type) -> bool:
    """Whether the fields and `__dict__` are all that an instance is."""
    fields = vars(kind).get("__dataclass_fields__")
    state = getattr(kind, "__getstate__", None)
    usual = state is getattr(object, "__getstate__", None) or getattr(state, "__name__", "") == "_dataclass_getstate"
    slots = {name for base in kind.__mro__ for name in vars(base).get("__slots__", ())} - {"__dict__", "__weakref__"}
    same = kind.__new__ is object.__new__ and kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
    return fields is not None and usual and same and slots <= set(fields)


def _dataclass_state(value: Any) -> dict[str, Any]:
    import dataclasses

    state = dict(getattr(value, "__dict__", {}))
    for field in dataclasses.fields(value):
        try:
            state.setdefault(field.name, object.__getattribute__(value, field.name))
        except AttributeError:
            continue
    return state


_REASONS = (
    (types.ModuleType, "it is a module: modules travel as import lines"),
    ((types.FunctionType, types.BuiltinFunctionType, types.MethodType), "it is a function: functions travel as their def"),
    (type, "it is a class: classes travel as their definition"),
    (types.GeneratorType, "it is a generator, which can be used only once: make it a list"),
)


def encode_other(enc: Encoder, value: Any) -> Any:
    """Values known by what their class is, not by which class it is."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        name = value.name if value.name in kind.__members__ else None
        return ["enum", class_name(kind), name, None if name is not None else enc.encode(value.value)]
    if issubclass(kind, tuple) and hasattr(kind, "_fields") and kind.__new__ is not tuple.__new__ and not getattr(value, "__dict__", None):
        return _instance(enc, value, "nt", tuple(value))
    if _plain_dataclass(kind):
        return _instance(enc, value, "dc", _dataclass_state(value))
    root = kind.__module__.partition(".")[0]
    if root == "pathlib":
        return ["path", kind.__name__, enc.encode(str(value))]
    if root == "re" and kind.__name__ == "Pattern":
        return ["re", enc.encode(value.pattern), value.flags]
    if root == "uuid" and kind.__name__ == "UUID":
        return ["uuid", str(value)]
    if root == "zoneinfo":
        return _zone(enc, value)
    if root == "ipaddress":
        return ["ip", kind.__name__, str(value)]
    for kinds, reason in _REASONS:
        if isinstance(value, kinds):
            raise Cannot(reason)
    if hasattr(value, "fileno") or root in ("_io", "io", "socket", "sqlite3", "_thread", "threading"):
        raise Cannot("it is %s, which lives in its own process only" % a_name(kind))
    raise Cannot("it is %s" % a_name(kind))


def a_name(kind: type) -> str:
    """With its article: 'a pandas.DataFrame', 'an int'."""
    name = full_name(kind)
    return ("an " if name[0] in "aeiouAEIOU" else "a ") + name


def _read_path(dec: Decoder, node: list[Any], label: int) -> Any:
    import pathlib

    if node[1] not in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
        raise Damaged("%s is no path" % node[1])
    return getattr(pathlib, node[1])(dec.decode(node[2]))


def _read_re(dec: Decoder, node: list[Any], label: int) -> Any:
    import re

    return re.compile(dec.decode(node[1]), node[2] & ~re.DEBUG)


def _read_ip(dec: Decoder, node: list[Any], label: int) -> Any:
    import ipaddress

    if not node[1].startswith("IPv"):
        raise Damaged("%s is no address" % node[1])
    return getattr(ipaddress, node[1])(node[2])


def _read_uuid(dec: Decoder, node: list[Any], label: int) -> Any:
    import uuid

    return uuid.UUID(node[1])


def _read_random(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, random.Random())
    made.setstate(dec.decode(node[1]))
    return made


def _random(enc: Encoder, value: random.Random) -> Any:
    return _held("random", random.Random.getstate)(enc, value)


def _array(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is None:
        slot = enc.open(value, "array", value.typecode, _bytes(enc, value.tobytes()))
        slot.open = False
        known = slot.node
    return known


def _read_array(dec: Decoder, node: list[Any], label: int) -> Any:
    return array.array(node[1], dec.decode(node[2]))


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
    datetime.date: lambda enc, value: ["date", value.year, value.month, value.day],
    datetime.datetime: _datetime,
    datetime.time: _time,
    datetime.timedelta: _delta,
    datetime.timezone: _zone,
    collections.OrderedDict: _mapping("od", lambda enc, value: None),
    collections.Counter: _mapping("counter", lambda enc, value: None),
    collections.defaultdict: _mapping("dd", _factory),
    collections.deque: _deque,
    types.SimpleNamespace: _held("ns", vars),
    random.Random: _random,
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
    "t": lambda dec, node, label: tuple(read_items(dec, node[1])),
    "d": _read_dict,
    "s": _read_set,
    "f": _read_frozenset,
    "...": lambda dec, node, label: ...,
    "NotImplemented": lambda dec, node, label: NotImplemented,
    "range": lambda dec, node, label: range(*map(dec.decode, node[1])),
    "slice": lambda dec, node, label: slice(*map(dec.decode, node[1])),
    "D": lambda dec, node, label: Decimal(node[1]),
    "F": lambda dec, node, label: Fraction(dec.decode(node[1]), dec.decode(node[2])),
    "date": lambda dec, node, label: datetime.date(*node[1:]),
    "dt": _read_datetime,
    "time": _read_time,
    "td": lambda dec, node, label: datetime.timedelta(*node[1:]),
    "tz": _read_tz,
    "zone": _read_zone,
    "pytz": _read_pytz,
    "od": lambda dec, node, label: _fill(dec, dec.know(label, collections.OrderedDict()), node[2]),
    "counter": lambda dec, node, label: _fill(dec, dec.know(label, collections.Counter()), node[2]),
    "dd": lambda dec, node, label: _fill(dec, dec.know(label, collections.defaultdict(node[1] and class_of(node[1]))), node[2]),
    "deque": _read_deque,
    "ns": _namespace,
    "random": _read_random,
    "array": _read_array,
    "nt": _read_named,
    "dc": _read_dataclass,
    "enum": _read_enum,
    "path": _read_path,
    "re": _read_re,
    "uuid": _read_uuid,
    "ip": _read_ip,
}

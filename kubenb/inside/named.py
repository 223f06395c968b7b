"""What is known by its class: named tuples, dataclasses and enums; paths, patterns, addresses; and the reasons of what can't go.

In: `codec` asks here for a type that no table has. A class travels by name only, never as code: the value is rebuilt from the class
of that name in the reading process.
"""

from __future__ import annotations

import enum
import sys
import types

from .codec import Cannot, Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder


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
    slot.node.append(enc.items(state) if tag == "nt" else [[key, _part(enc, key, held)] for key, held in state.items()])
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
    return tuple.__new__(kind, dec.items(node[2]))


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
    same = all(getattr(kind, name) is getattr(object, name) for name in ("__new__", "__reduce_ex__", "__reduce__"))
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
    (
        (types.FunctionType, types.BuiltinFunctionType, types.MethodType),
        "it is a function: functions travel as their def",
    ),
    (type, "it is a class: classes travel as their definition"),
    (types.GeneratorType, "it is a generator, which can be used only once: make it a list"),
)


def encode_other(enc: Encoder, value: Any) -> Any:
    """Values known by what their class is, not by which class it is."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        name = value.name if value.name in kind.__members__ else None
        return ["enum", class_name(kind), name, None if name is not None else enc.encode(value.value)]
    if (
        issubclass(kind, tuple)
        and hasattr(kind, "_fields")
        and kind.__new__ is not tuple.__new__
        and not getattr(value, "__dict__", None)
    ):
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
    if root in ("zoneinfo", "pytz"):
        from .moments import encode_zone

        return encode_zone(enc, value)
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


DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "nt": _read_named,
    "dc": _read_dataclass,
    "enum": _read_enum,
    "path": _read_path,
    "re": _read_re,
    "uuid": _read_uuid,
    "ip": _read_ip,
}

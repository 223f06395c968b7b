"""Which values share data that can be changed: the same list in two places, two views of one array.

In: named values, of any type. Out: groups of names that share; `meets` for two sets of values. Only mutable data counts:
a text or a tuple of numbers in two places is no bond. Next room: `documents` stores a group as one, `hand` refuses a split.
"""

from __future__ import annotations

import collections
import sys
import types

from .codec import joined_groups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

ATOMS = frozenset(
    [int, float, complex, bool, str, bytes, type(None), range, slice, type(Ellipsis), type(NotImplemented)]
)
_UNDER = ("_ndarray", "_data", "_mask", "_codes")  # where pandas' own arrays hold numpy's
_CODE = (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType, types.CodeType, property)
_FIXED = frozenset(
    [
        "datetime",
        "decimal",
        "fractions",
        "pathlib",
        "uuid",
        "re",
        "zoneinfo",
        "ipaddress",
        "enum",
        "pytz",
        "dateutil",
        "_thread",
        "threading",
        "logging",
    ]
)


class Reach:
    """Everything changeable that a value leads to."""

    def __init__(self, value: Any) -> None:
        """Walks the value once."""
        self.objects: dict[int, Any] = {}
        self.arrays: list[Any] = []
        self.frames: list[Any] = []
        self.passed: dict[int, Any] = {}
        stack = [value]
        while stack:
            part = stack.pop()
            kind = type(part)
            if kind in ATOMS or id(part) in self.passed:
                continue
            stack.extend(self._enter(part, kind))

    def _enter(self, part: Any, kind: type) -> Iterable[Any]:
        self.passed[id(part)] = part
        if kind in (tuple, frozenset):
            return list(part)
        if isinstance(part, (list, set, bytearray, collections.deque)):
            self.objects[id(part)] = part
            inner = (
                [] if isinstance(part, bytearray) or (len(part) > 16 and set(map(type, part)) <= ATOMS) else list(part)
            )
            return inner + self._own(part)
        if isinstance(part, dict):
            self.objects[id(part)] = part
            return [*part.keys(), *part.values(), *self._own(part)]
        if isinstance(part, types.MethodType):
            return [part.__self__]
        if isinstance(part, _CODE):
            return ()
        room = kind.__module__.partition(".")[0]
        if room == "numpy":
            return self._numpy(part)
        if room == "pandas":
            return self._pandas(part)
        if room in _FIXED or room == "pyarrow" or isinstance(part, BaseException):
            return ()
        return self._instance(part, kind)

    def _numpy(self, part: Any) -> Iterable[Any]:
        import numpy as np

        if isinstance(part, np.ndarray):
            self.arrays.append(part)
            inner = part.ravel().tolist() if part.dtype.hasobject else []
            return [
                *inner,
                *([part.mask] if isinstance(part, np.ma.MaskedArray) and part.mask is not np.ma.nomask else []),
            ]
        if isinstance(part, (np.random.Generator, np.random.RandomState)):
            self.objects[id(part)] = part
        return ()

    def _pandas(self, part: Any) -> Iterable[Any]:
        import pandas as pd

        if isinstance(part, (pd.DataFrame, pd.Series)):
            self.objects[id(part)] = part
            self.frames.append(part)
            columns = [part.iloc[:, at] for at in range(part.shape[1])] if isinstance(part, pd.DataFrame) else [part]
            inner = [column.tolist() for column in columns if column.dtype == object]
            for values in inner:
                self.passed[id(values)] = values
            return [held for values in inner for held in values] + list(part.attrs.values())
        if isinstance(part, pd.api.extensions.ExtensionArray):
            self.objects[id(part)] = part
        return ()

    def _instance(self, part: Any, kind: type) -> Iterable[Any]:
        frozen = getattr(getattr(kind, "__dataclass_params__", None), "frozen", False)
        if not (frozen or issubclass(kind, tuple) or _is_enum(kind)):
            self.objects[id(part)] = part
        if _is_enum(kind):
            return ()
        return [*(part if isinstance(part, tuple) else ()), *self._own(part)]

    def _own(self, part: Any) -> list[Any]:
        held = list(getattr(part, "__dict__", {}).values()) if type(part).__module__ != "builtins" else []
        for base in type(part).__mro__:
            names = base.__dict__.get("__slots__", ())
            for name in (names,) if isinstance(names, str) else names:
                if name not in ("__dict__", "__weakref__") and isinstance(
                    base.__dict__.get(name), types.MemberDescriptorType
                ):
                    try:
                        held.append(object.__getattribute__(part, name))
                    except AttributeError:
                        continue
        return held


def _is_enum(kind: type) -> bool:
    return any(base.__module__ == "enum" for base in kind.__mro__)


def copy_on_write() -> bool:
    """Whether pandas keeps frames apart by itself."""
    pd = sys.modules.get("pandas")
    if pd is None or int(pd.__version__.partition(".")[0]) >= 3:
        return True
    try:
        return pd.get_option("mode.copy_on_write") is True
    except Exception:
        return False


def memory(frame: Any) -> list[Any]:
    """The arrays that lie under a frame or series, without copies."""
    import numpy as np

    held = getattr(getattr(frame, "_mgr", None), "arrays", [])
    parts = [part for array in held for part in (array, *(getattr(array, name, None) for name in _UNDER))]
    return [part for part in parts if isinstance(part, np.ndarray) and not part.dtype.hasobject]


def _memories(reach: Reach) -> tuple[list[Any], list[Any]]:
    """Arrays that stand for themselves, and those under frames."""
    under = [array for frame in reach.frames for array in memory(frame)]
    return [array for array in reach.arrays if not array.dtype.hasobject], under


def pairs(reaches: dict[str, Reach]) -> list[tuple[str, str]]:
    """Names that share, as pairs."""
    home: dict[int, str] = {}
    found = []
    for name, reach in reaches.items():
        keys = [*reach.objects, *map(id, reach.arrays)]
        found += [(home[key], name) for key in keys if home.setdefault(key, name) != name]
    return found + views(reaches)


def views(reaches: dict[str, Reach]) -> list[tuple[str, str]]:
    """Names that share memory through different arrays."""
    if "numpy" not in sys.modules:
        return []
    from .arrays import overlapping

    arrays, names, under = [], [], []
    for name, reach in reaches.items():
        for at, part in enumerate(_memories(reach)):
            arrays += part
            names += [name] * len(part)
            under += [at == 1] * len(part)
    apart = copy_on_write()
    found = []
    for group in overlapping(arrays):
        both = [
            (one, two) for one in group for two in group if names[one] < names[two] and arrays[one] is not arrays[two]
        ]
        found += [(names[one], names[two]) for one, two in both if not (apart and under[one] and under[two])]
    return found


def shared(values: dict[str, Any]) -> list[list[str]]:
    """Names that share changeable data, together; every name is in one group.

    >>> rows = [1]
    >>> shared({"a": rows, "b": {"rows": rows}, "c": [1]})
    [['a', 'b'], ['c']]
    """
    able = [name for name, value in values.items() if type(value) not in ATOMS]
    return joined_groups(list(values), pairs({name: Reach(values[name]) for name in able}) if len(able) > 1 else [])


def meets(value: Any, other: Any) -> bool:
    """Whether two values share changeable data."""
    return bool(pairs({"a": Reach(value), "b": Reach(other)}))

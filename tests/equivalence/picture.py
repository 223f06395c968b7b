"""A value drawn as text, exactly: types, order, digits, and which parts are one and the same object.

Two runs are equal where the pictures of their variables are. In: names and values. Out: nested lists of strings.
"""

from __future__ import annotations

import functools
from collections import deque
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = (type(None), bool, int, float, complex, str, bytes, range, type(...))
CODE = (ModuleType, FunctionType, BuiltinFunctionType, type)


def is_data(value: object) -> bool:
    """Whether a name that holds this is a variable, rather than code."""
    return not isinstance(value, (*CODE, staticmethod, functools.partial)) and type(value).__name__ not in (
        "_lru_cache_wrapper",
        "function",
    )


class Sketch:
    """Draws values into one picture, so that sharing between them shows."""

    def __init__(self) -> None:
        self.labels: dict[int, int] = {}
        self.kept: list[object] = []
        self.arrays: list[Any] = []

    def draw(self, value: Any) -> Any:
        """One value; a mutable one that is there already is only referred to."""
        kind = type(value).__name__
        if isinstance(value, PLAIN) and type(value) in PLAIN:
            return [kind, repr(value)]
        if type(value) is tuple:
            return ["tuple", *map(self.draw, value)]
        if type(value) is frozenset:
            return ["frozenset", sorted(map(repr, value))]
        if isinstance(value, CODE):
            return [kind, getattr(value, "__qualname__", getattr(value, "__name__", "?"))]
        if isinstance(value, MethodType):
            return [kind, value.__func__.__qualname__, self.draw(value.__self__)]
        if id(value) in self.labels:
            return ["same as", self.labels[id(value)]]
        self.labels[id(value)] = len(self.labels)
        self.kept.append(value)
        return [kind, self.labels[id(value)], *self.inside(value)]

    def inside(self, value: Any) -> list[Any]:
        """The parts of a mutable value."""
        module = type(value).__module__.partition(".")[0]
        if module == "numpy":
            return self.array(value)
        if module == "pandas":
            return self.frame(value)
        parts: list[Any] = []
        if isinstance(value, dict):
            parts += [[self.draw(key), self.draw(item)] for key, item in value.items()]
            parts += [self.draw(value.default_factory)] if hasattr(value, "default_factory") else []
        elif isinstance(value, (list, deque)):
            parts += [self.draw(item) for item in value]
            parts += [str(value.maxlen)] if isinstance(value, deque) else []
        elif isinstance(value, set):
            parts += sorted(map(repr, value))
        elif isinstance(value, functools.partial):
            parts += [self.draw(part) for part in (value.func, value.args, value.keywords)]
        elif hasattr(value, "getstate"):
            parts += [repr(value.getstate())]
        elif type(value).__module__ not in ("__main__", "dataclasses") and not hasattr(value, "__dict__"):
            parts += [repr(value)] if " at 0x" not in repr(value) else ["?"]
        parts += [[name, self.draw(item)] for name, item in getattr(value, "__dict__", {}).items()]
        return parts

    def array(self, value: Any) -> list[Any]:
        """A numpy array, with the earlier ones that it shares memory with; a scalar as its text."""
        import numpy as np

        if not isinstance(value, np.ndarray):
            return [repr(value)]
        shared = [number for number, other in enumerate(self.arrays) if value.size and np.shares_memory(value, other)]
        self.arrays.append(value)
        return [str(value.dtype), list(value.shape), value.flags.writeable, ["shares", *shared], repr(value.tolist())]

    def frame(self, value: Any) -> list[Any]:
        """A pandas object: labels, types and values; a scalar as its text."""
        if not hasattr(value, "dtypes") and not hasattr(value, "tolist"):
            return [repr(value)]
        parts = [repr(getattr(value, "name", None)), repr(getattr(value, "attrs", None))]
        for index in ("index", "columns"):
            if hasattr(value, index):
                labels = getattr(value, index)
                parts += [type(labels).__name__, str(labels.dtype), repr(labels.names), repr(labels.tolist())]
        if hasattr(value, "dtypes"):
            parts += [str(value.dtypes)]
        columns = (
            [value.iloc[:, number] for number in range(value.shape[1])] if getattr(value, "ndim", 1) == 2 else [value]
        )
        return parts + [[self.draw(item) for item in column.tolist()] for column in columns]


def picture(values: dict[str, Any]) -> dict[str, Any]:
    """All variables in one picture, by name."""
    sketch = Sketch()
    return {name: sketch.draw(values[name]) for name in sorted(values)}


def values_only(drawn: Any) -> Any:
    """A picture without who shares what: each reference replaced by what it refers to, so that only values are compared.

    Sharing that a later line changes something through shows in the values of that line's task.
    """
    nodes: dict[int, Any] = {}
    _find(list(drawn.values()), nodes)
    return {name: _expand(value, nodes, ()) for name, value in drawn.items()}


def _find(part: Any, nodes: dict[int, Any]) -> None:
    if isinstance(part, list):
        if len(part) > 1 and type(part[1]) is int and part[0] != "same as":
            nodes[part[1]] = part
        for each in part:
            _find(each, nodes)


def _expand(part: Any, nodes: dict[int, Any], above: tuple[int, ...]) -> Any:
    if not isinstance(part, list):
        return part
    if part[:1] == ["shares"]:
        return "shares"
    label = part[1] if len(part) > 1 and type(part[1]) is int else None
    if label is None:
        return [_expand(each, nodes, above) for each in part]
    if label in above:
        return ["loops back", len(above) - above.index(label)]
    node = nodes[label]
    return [node[0], *(_expand(each, nodes, (*above, label)) for each in node[2:])]

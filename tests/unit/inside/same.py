"""Are two values the same to the last bit: type, value, order, sign of zero, and what they share inside?"""

from __future__ import annotations

import dataclasses
import decimal
import re
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd


def same(one: Any, two: Any, seen: dict[int, int] | None = None) -> bool:
    """Deep and exact; cycles are walked once."""
    seen = {} if seen is None else seen
    if type(one) is not type(two):
        return False
    if id(one) in seen and isinstance(one, (list, dict, set, np.ndarray, pd.DataFrame)):
        return seen[id(one)] == id(two)
    seen[id(one)] = id(two)
    if isinstance(one, float):
        return struct.pack(">d", one) == struct.pack(">d", two)
    if isinstance(one, complex):
        return same(one.real, two.real) and same(one.imag, two.imag)
    if isinstance(one, (int, decimal.Decimal)):
        return bool(one.as_tuple() == two.as_tuple() if isinstance(one, decimal.Decimal) else one == two)
    if isinstance(one, (pd.DataFrame, pd.Series, pd.Index)):
        return _pandas(one, two)
    if isinstance(one, pd.api.extensions.ExtensionArray):
        return _pandas(pd.Series(one), pd.Series(two))
    if isinstance(one, np.ma.MaskedArray):
        parts = ("data", "mask", "fill_value", "hardmask")
        return all(same(np.asarray(getattr(one, part)), np.asarray(getattr(two, part))) for part in parts)
    if isinstance(one, np.ndarray):
        return _array(one, two, seen)
    if isinstance(one, np.generic):
        return bool(one.dtype == two.dtype and one.tobytes() == two.tobytes())
    if isinstance(one, Mapping):
        return len(one) == len(two) and all(
            same(a, c, seen) and same(b, d, seen) for (a, b), (c, d) in zip(one.items(), two.items(), strict=True)
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(same(a, b, seen) for a, b in zip(one, two, strict=True))
    if isinstance(one, (set, frozenset)):
        return _set(one, two)
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(two, f.name), seen) for f in dataclasses.fields(one))
    if isinstance(one, re.Pattern):
        return bool(one.pattern == two.pattern and one.flags == two.flags)
    if one is None or one is pd.NaT or one is pd.NA:
        return one is two
    return bool(one == two) and repr(one) == repr(two)


def _set(one: Any, two: Any) -> bool:
    left = list(two)
    for part in one:
        found = next((at for at, other in enumerate(left) if same(part, other)), None)
        if found is None:
            return False
        left.pop(found)
    return not left


def _array(one: Any, two: Any, seen: dict[int, int]) -> bool:
    if one.dtype != two.dtype or one.shape != two.shape or one.flags.writeable != two.flags.writeable:
        return False
    if one.dtype.kind == "O":
        return same(one.ravel().tolist(), two.ravel().tolist(), seen)
    return bool(one.tobytes() == two.tobytes() and one.flags.f_contiguous == two.flags.f_contiguous)


def _pandas(one: Any, two: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two, check_exact=True, check_freq=True, check_flags=True)
        columns = [(one.iloc[:, at], two.iloc[:, at]) for at in range(one.shape[1])]
        return all(_objects(a, b) for a, b in columns) and one.attrs == two.attrs and _pandas(one.columns, two.columns)
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, two, check_exact=True, check_freq=True, check_flags=True)
        return _objects(one, two) and same(one.name, two.name) and one.attrs == two.attrs
    pd.testing.assert_index_equal(one, two, exact=True)
    return same(list(one.names), list(two.names)) and getattr(one, "freq", None) == getattr(two, "freq", None)


def _objects(one: Any, two: Any) -> bool:
    return one.dtype != object or same(one.tolist(), two.tolist())

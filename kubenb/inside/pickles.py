"""Declared pickles: what an author allowed by name (`#| pickle: model`) and nothing else.

In: named values. Out: bytes of protocol 5, read back only after their digest was checked (`blobs`). Classes of `__main__` work:
the cells run in the real `__main__`. What can't be pickled is named with the path to it.
"""

from __future__ import annotations

import io
import pickle

from .codec import Damaged
from .named import a_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PROTOCOL = 5
_ERRORS = (pickle.PicklingError, TypeError, AttributeError, RecursionError, NotImplementedError, ValueError)


def dump(values: dict[str, Any]) -> Any:
    """The bytes of all values together: what they share stays shared."""
    sink = io.BytesIO()
    pickle.Pickler(sink, PROTOCOL).dump(values)
    return sink.getbuffer()


def load(data: Any) -> dict[str, Any]:
    """The values of `dump`."""
    try:
        found = pickle.loads(data)
    except (ImportError, AttributeError) as error:
        raise Damaged("its pickle needs what this task does not have (%s)" % error) from None
    except Exception as error:
        raise Damaged("its pickle can't be read here (%s: %s)" % (type(error).__name__, error)) from None
    if not isinstance(found, dict):
        raise Damaged("its pickle is not one of kubenb's")
    return found


def reason(value: Any) -> str | None:
    """Why a value can't be pickled, with the path to the part that can't; None if it can."""
    error = _fails(value)
    if error is None:
        return None
    path, part = "", value
    for _ in range(30):
        found = next(((step, inner, why) for step, inner in _parts(part) for why in [_fails(inner)] if why), None)
        if found is None:
            break
        path, part, error = path + found[0], found[1], found[2]
    return "%sit is %s, which can't be pickled (%s)" % (path + ": " if path else "", a_name(type(part)), error)


def _fails(value: Any) -> str | None:
    try:
        pickle.Pickler(_Nowhere(), PROTOCOL).dump(value)
    except _ERRORS as error:
        return str(error)[:200]
    return None


class _Nowhere:
    def write(self, data: Any) -> int:
        return len(data)


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [("[%s]" % repr(key)[:40], held) for key, held in value.items()]
    if isinstance(value, (list, tuple)):
        return [("[%d]" % index, held) for index, held in enumerate(value)]
    return [("." + str(name), held) for name, held in getattr(value, "__dict__", {}).items()]

"""Fingerprints: has a value been changed in place since it was loaded?

In: any value. Out: a short text that differs when the value does. It runs the encoders, but hashes buffers in place
instead of writing them; not a digest against tampering (that is in `blobs`), so numpy's own arithmetic does for large ones.
"""

from __future__ import annotations

import hashlib
import json
import types

from .codec import Cannot, Deep, Encoder
from .sums import buffer_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


class Hashes:
    """Stands in for `blobs.Writer`: a buffer becomes its hash."""

    hashes = True

    def add(self, suffix: str, chunks: Iterable[Any]) -> str:
        """The hash of some buffers."""
        return " ".join(buffer_hash(chunk) for chunk in chunks)

    def column(self, values: Any) -> str:
        """The hash of a numpy or Arrow column."""
        if hasattr(values, "chunks"):
            return " ".join(self.column(chunk) for chunk in values.chunks)
        if hasattr(values, "buffers"):
            held = [buffer_hash(memoryview(buffer)) if buffer is not None else "-" for buffer in values.buffers()]
            if values.type.__class__.__name__ == "DictionaryType":
                held.append(self.column(values.dictionary))
            return "%d+%d %s" % (values.offset, len(values), " ".join(held))
        import numpy as np

        return buffer_hash(np.ascontiguousarray(values).view(np.uint8).data) if len(values) else "0"


def fingerprint(value: Any) -> str:
    """The fingerprint of a value; of its pickle where the value has no exact form.

    >>> rows = [1, 2]
    >>> before = fingerprint(rows)
    >>> rows.append(3)
    >>> fingerprint(rows) == before
    False
    """
    encoder = Encoder(Hashes())
    try:
        tree = encoder.encode_root("x", value)
        encoder.finish()
        with Deep():
            text = json.dumps(tree)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    except Cannot:
        return _pickled(value)


class _Sink:
    def __init__(self) -> None:
        self.digest = hashlib.blake2b(digest_size=16)

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return len(data)


def _pickled(value: Any) -> str:
    import pickle

    class Printer(pickle.Pickler):
        """Takes the notebook's own code by its name: the task may have written that name anew since."""

        def reducer_override(self, part: Any) -> Any:
            if isinstance(part, (type, types.FunctionType)) and part.__module__ == "__main__":
                return str, (part.__qualname__,)
            return NotImplemented

    sink = _Sink()
    Printer(sink, 5).dump(value)
    return "pickle " + sink.digest.hexdigest()

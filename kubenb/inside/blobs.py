"""Buffers beside a document: one file each, with a digest that is checked before a byte is used.

In: buffers from the encoders. Out: files `b0.npy`, `b1.arrow`, … in the task's place, and their list for `outputs.json`.
"""

from __future__ import annotations

import hashlib
import sys

from .exits import Refused
from .sums import buffer_hash, parts_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

_CHUNK = 1 << 24
_LITTLE = 1 << 16


class Writer:
    """Writes the buffers of one save."""

    hashes = False

    def __init__(self, store: Any, place: str, prefix: str = "b") -> None:
        """Files go to `place` in `store`."""
        self.store, self.place, self.prefix = store, place, prefix
        self.files: list[dict[str, Any]] = []

    def add(self, suffix: str, chunks: Iterable[Any]) -> int:
        """Writes one file; its number is the reference to it."""
        name = "%s%d%s" % (self.prefix, len(self.files), suffix)
        entry: dict[str, Any] = {"file": name}
        self.files.append(entry)
        self.store.write(self.place + "/" + name, _noted(entry, list(chunks)))
        return len(self.files) - 1

    def drop(self, begun: int) -> None:
        """Takes back the files from number `begun` on."""
        for entry in self.files[begun:]:
            self.store.remove(self.place + "/" + entry["file"])
        del self.files[begun:]


def _noted(entry: dict[str, Any], chunks: list[Any]) -> Iterator[Any]:
    """Passes buffers on, and notes their size and digest: of frames and arrays the fast one, of all else SHA-256."""
    fast = entry["file"].endswith((".arrow", ".npy")) and "numpy" in sys.modules
    digest, cuts, parts = hashlib.sha256(), [], []
    for view in map(_bytes, _joined(chunks)):
        if fast:
            parts.append(buffer_hash(view))
            cuts.append(len(view))
            yield view
            continue
        for at in range(0, len(view), _CHUNK):
            digest.update(view[at : at + _CHUNK])
        cuts.append(len(view))
        yield view
    entry["size"] = sum(cuts)
    entry.update({"cuts": cuts, "sums": parts_hash(parts)} if fast else {"sha256": digest.hexdigest()})


def _bytes(chunk: Any) -> memoryview:
    return memoryview(chunk).cast("B")


def _joined(chunks: list[Any]) -> Iterator[Any]:
    """Small buffers together: a system call and a hash for each would cost more than a copy."""
    small: list[Any] = []
    for chunk in chunks:
        if len(_bytes(chunk)) < _LITTLE:
            small.append(chunk)
            continue
        if small:
            yield b"".join(map(_bytes, small))
            small = []
        yield chunk
    if small:
        yield b"".join(map(_bytes, small))


def _whole(entry: dict[str, Any], data: memoryview) -> bool:
    """Whether a file is what was written."""
    if len(data) != entry["size"]:
        return False
    if "sha256" in entry:
        return hashlib.sha256(data).hexdigest() == str(entry["sha256"])
    import numpy  # noqa: F401

    parts, at = [], 0
    for length in entry["cuts"]:
        parts.append(buffer_hash(data[at : at + length]))
        at += length
    return parts_hash(parts) == str(entry["sums"])


class Reader:
    """Reads the buffers that a save wrote; each is checked once."""

    def __init__(self, store: Any, place: str, files: list[dict[str, Any]]) -> None:
        """`files` is the list from `outputs.json`."""
        self.store, self.place, self.files = store, place, files
        self.held: dict[int, memoryview] = {}
        self.bytes = 0

    def read(self, number: int) -> memoryview:
        """The buffer; read-only."""
        if number not in self.held:
            entry = self.files[number]
            data = self._data(self.place + "/" + str(entry["file"]))
            if not _whole(entry, data):
                raise Refused(
                    "digest",
                    "%s/%s is not what its task saved: its digest differs." % (self.place, entry["file"]),
                    "Run that task again.",
                )
            self.bytes += len(data)
            self.held[number] = data
        return self.held[number]

    def _data(self, path: str) -> memoryview:
        local = self.store.local(path)
        try:
            if local is None:
                return memoryview(self.store.read(path))
            with open(local, "rb") as file:
                import mmap
                import os

                if not os.fstat(file.fileno()).st_size:
                    return memoryview(b"")
                # All of it is read at once, for its digest: so the pages come in one go where the system can do that.
                flags = mmap.MAP_PRIVATE | getattr(mmap, "MAP_POPULATE", 0)
                return memoryview(mmap.mmap(file.fileno(), 0, flags, mmap.PROT_READ))
        except FileNotFoundError:
            raise Refused("missing", "%s is gone from the store." % path, "Run that task again.") from None

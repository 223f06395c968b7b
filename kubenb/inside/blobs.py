"""Buffers beside a document: one file each, with a digest that is checked before a byte is used.

In: buffers from the encoders. Out: files `b0.npy`, `b1.arrow`, … in the task's place, and their list for `outputs.json`.
"""

from __future__ import annotations

import hashlib

from .exits import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

_CHUNK = 1 << 24


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
        digest, count = hashlib.sha256(), 0

        def passed() -> Iterator[Any]:
            nonlocal count
            for chunk in chunks:
                view = memoryview(chunk).cast("B")
                for at in range(0, len(view), _CHUNK):
                    digest.update(view[at : at + _CHUNK])
                count += len(view)
                yield view

        self.files.append({"file": name})
        self.store.write(self.place + "/" + name, passed())
        self.files[-1] = {"file": name, "size": count, "sha256": digest.hexdigest()}
        return len(self.files) - 1

    def drop(self, begun: int) -> None:
        """Takes back the files from number `begun` on."""
        for entry in self.files[begun:]:
            self.store.remove(self.place + "/" + entry["file"])
        del self.files[begun:]


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
            if len(data) != entry["size"] or hashlib.sha256(data).hexdigest() != entry["sha256"]:
                raise Refused(
                    "digest",
                    "%s/%s is not what its task saved: its SHA-256 differs." % (self.place, entry["file"]),
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
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except FileNotFoundError:
            raise Refused("missing", "%s is gone from the store." % path, "Run that task again.") from None

"""Stores: where bytes lie between tasks. A folder, s3:// gs:// abs:// through fsspec, or Airflow's XCom.

In: KUBENB_STORE. Out: an object with `read`, `write`, `exists`, `clear` (and `local`: a real path, where there is one).
A writer is atomic: a reader sees the old bytes or the new ones. Next room: `hand`, `keeper`.
"""

from __future__ import annotations

import os

from .exits import Refused, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

# scheme -> (fsspec's name for it, the package to install)
REMOTE = {
    "s3": ("s3", "s3fs"),
    "gs": ("gs", "gcsfs"),
    "gcs": ("gs", "gcsfs"),
    "abs": ("abfs", "adlfs"),
    "memory": ("memory", "fsspec"),
}


class Folder:
    """A folder of this machine, or a volume mounted into the pod."""

    remote = False

    def __init__(self, root: str) -> None:
        """`root` need not exist yet."""
        self.root = root

    def __str__(self) -> str:
        """As the user wrote it."""
        return self.root

    def local(self, path: str) -> str:
        """The real path."""
        return self.root + "/" + path

    def exists(self, path: str) -> bool:
        """Whether the whole file is there."""
        return os.path.isfile(self.local(path))

    def read(self, path: str) -> bytes:
        """All bytes; FileNotFoundError when it isn't there."""
        with open(self.local(path), "rb") as file:
            return file.read()

    def write(self, path: str, chunks: Iterable[Any], sync: bool = True) -> None:
        """Writes aside, then renames into place."""
        write_file(self.local(path), chunks, sync)

    def remove(self, path: str) -> None:
        """Takes one file away."""
        if self.exists(path):
            os.unlink(self.local(path))

    def clear(self, path: str) -> None:
        """Takes away what an earlier try left."""
        full = self.local(path)
        try:
            os.makedirs(full)
        except FileExistsError:
            # The marker goes first: no moment at which it stands over half a result.
            for name in sorted(os.listdir(full), key=lambda name: name != "_SUCCESS"):
                _remove(full + "/" + name)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            _remove(path + "/" + name)
        os.rmdir(path)
    else:
        os.unlink(path)


def write_file(path: str, chunks: Iterable[Any], sync: bool = True) -> None:
    """Bytes into a file: beside it first, then renamed, so that no half of it is ever seen."""
    aside = "%s.%d.tmp" % (path, os.getpid())
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    try:
        with open(aside, "wb", buffering=0) as file:
            for chunk in chunks:
                view = memoryview(chunk)
                while len(view):
                    view = view[file.write(view) :]
            if sync:
                os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        try:
            os.unlink(aside)
        except OSError:
            pass
        raise


class Remote:
    """An object store, through fsspec."""

    remote = True

    def __init__(self, url: str) -> None:
        """Imports fsspec and the store's package; names the line to install them when they are missing."""
        scheme, _, path = url.partition("://")
        name, package = REMOTE[scheme]
        try:
            import fsspec

            self.files: Any = fsspec.filesystem(name, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise Refused(
                "store",
                "store %s needs a package that this image does not have (%s)." % (url, error),
                "Add `pip install %s` to the image." % package,
            ) from None
        self.url, self.root = url, path.rstrip("/")

    def __str__(self) -> str:
        """As the user wrote it."""
        return self.url

    def local(self, path: str) -> None:
        """There is none."""

    def exists(self, path: str) -> bool:
        """Whether the object is there."""
        return bool(self._try(path, lambda: self.files.exists(self.root + "/" + path)))

    def read(self, path: str) -> bytes:
        """All bytes; FileNotFoundError when it isn't there."""
        return bytes(self._try(path, lambda: self.files.cat_file(self.root + "/" + path), reading=True))

    def write(self, path: str, chunks: Iterable[Any], sync: bool = True) -> None:
        """One object: object stores show it whole or not at all."""
        data = b"".join(bytes(chunk) for chunk in chunks)
        self._try(path, lambda: self.files.pipe_file(self.root + "/" + path, data))

    def remove(self, path: str) -> None:
        """Takes one object away."""
        self._try(path, lambda: self.files.rm_file(self.root + "/" + path))

    def clear(self, path: str) -> None:
        """Takes away what an earlier try left, the marker first."""
        for name in (path + "/_SUCCESS", path):
            if self.exists(name):
                self._try(name, lambda name=name: self.files.rm(self.root + "/" + name, recursive=True))

    def _try(self, path: str, act: Any, reading: bool = False) -> Any:
        try:
            return act()
        except Exception as error:
            if reading and isinstance(error, FileNotFoundError):
                raise
            text = str(error) or type(error).__name__
            raise Refused(
                "store",
                "store %s can't be used (%s: %s)." % (self.url, path, short(text, 300)),
                "Check the bucket's name, its credentials and the network.",
            ) from error


class Xcom:
    """Airflow's own database: for a few small values. One text a task, pulled into KUBENB_XCOM_<TASK>."""

    remote = False
    most = 64_000

    def __init__(self) -> None:
        """Nothing lies here yet."""
        self.files: dict[str, bytes] = {}

    def __str__(self) -> str:
        """As the user wrote it."""
        return "xcom"

    def local(self, path: str) -> None:
        """There is none."""

    def exists(self, path: str) -> bool:
        """Whether the task's text holds it."""
        try:
            self.read(path)
        except FileNotFoundError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """One file out of the producer's text."""
        if path in self.files:
            return self.files[path]
        producer, _, name = path.rpartition("/")
        text = os.environ.get(xcom_name(producer.split("/")[2]))
        if text is None:
            raise FileNotFoundError(path)
        held = unpack_text(text)
        if name not in held:
            raise FileNotFoundError(path)
        return held[name]

    def write(self, path: str, chunks: Iterable[Any], sync: bool = True) -> None:
        """Held until the task ends."""
        self.files[path] = b"".join(bytes(chunk) for chunk in chunks)
        total = sum(map(len, self.files.values()))
        if total > self.most:
            raise Refused(
                "store",
                "the outputs are %d bytes, more than XCom should hold (%d)." % (total, self.most),
                "Set `store:` to a volume or a bucket.",
            )

    def remove(self, path: str) -> None:
        """Takes one file away."""
        self.files.pop(path, None)

    def clear(self, path: str) -> None:
        """A new run of the task starts with nothing."""
        self.files.clear()


def xcom_name(task: str) -> str:
    """The environment variable that brings a task's XCom.

    >>> xcom_name("extract-all")
    'KUBENB_XCOM_EXTRACT_ALL'
    """
    return "KUBENB_XCOM_" + "".join(char if char.isalnum() and char.isascii() else "_" for char in task.upper())


def pack_text(held: dict[str, bytes]) -> str:
    """Files as one base64 text."""
    import binascii
    import json

    text = json.dumps(
        {name: binascii.b2a_base64(data, newline=False).decode() for name, data in held.items()}, sort_keys=True
    )
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def unpack_text(text: str) -> dict[str, bytes]:
    """The reverse of `pack_text`."""
    import binascii
    import json

    try:
        return {name: binascii.a2b_base64(data) for name, data in json.loads(binascii.a2b_base64(text)).items()}
    except (ValueError, AttributeError) as error:
        raise Refused(
            "digest",
            "what came by XCom is not what a task of kubenb pushes (%s)." % error,
            "Run the producing task again.",
        ) from None


def open_store(name: str) -> Any:
    """The store that `name` stands for."""
    scheme, mark, _ = name.partition("://")
    if name == "xcom":
        return Xcom()
    if mark and scheme in REMOTE:
        return Remote(name)
    if mark and scheme != "file":
        raise Refused(
            "store",
            "store '%s' is unknown: no '%s://'." % (name, scheme),
            "Use a folder, pvc:NAME, s3://, gs://, abs:// or xcom.",
        )
    if name.startswith("pvc:"):
        return Folder("/kubenb/store")
    if not name:
        raise Refused(
            "store", "KUBENB_STORE is not set.", "Set `store:` to a folder, pvc:NAME, s3://, gs://, abs:// or xcom."
        )
    return Folder((name[7:] if mark else name).rstrip("/") or "/")

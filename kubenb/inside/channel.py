"""Files into a pod's store and out of it, by an `exec` without a shared volume: one archive as a stream, each file checked and whole.

In and out: standard input and output of `python -c <this text> put FOLDER TOKEN | get FOLDER PLACE TOKEN | done TOKEN`, which is why it
imports the standard library alone; the other end (`kubenb.cluster.handover`) imports it as a module. An archive is a first line, then
for each file a line of JSON (name, size), its bytes and their SHA-256, and a last line with the count: what was cut off is noticed,
and the receiver needs no end of its input. Names are relative; a file shows up whole or not at all, so sending again is harmless.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator

FIRST = b"kubenb archive 1\n"
BLOCK, LONGEST_LINE = 1 << 18, 1 << 16
LAST = "_SUCCESS"  # of each place: whoever sees it may read the rest
QUIET = 1.0  # seconds after which a sender that was told has stopped
NO_SPACE = (28, 122, 27)
# exit codes, as the runtime has them
DAMAGED, STORE, FULL = 66, 70, 71


class Damaged(Exception):
    """The archive is not what was sent, or stopped within."""


def names_below(folder: str, place: str) -> list[str]:
    """All files of a place, the marker last. Links are left out."""
    found = []
    for at, folders, files in os.walk(os.path.join(folder, place)):
        folders.sort()
        for name in files:
            full = os.path.join(at, name)
            if not os.path.islink(full) and not name.endswith(".tmp"):
                found.append(os.path.relpath(full, folder).replace(os.sep, "/"))
    return sorted(found, key=lambda name: (name.rpartition("/")[2] == LAST, name))


def pack(folder: str, places: Iterable[str]) -> Iterator[bytes]:
    """The archive of these places below the folder, in blocks."""
    yield FIRST
    count = 0
    for place in places:
        for name in names_below(folder, checked(place)):
            with open(os.path.join(folder, name), "rb") as file:
                size, digest = os.fstat(file.fileno()).st_size, hashlib.sha256()
                yield (json.dumps({"name": name, "size": size}) + "\n").encode("ascii")
                while size:
                    block = file.read(min(size, BLOCK))
                    if not block:
                        raise Damaged("%s became shorter while it was read" % name)
                    size -= len(block)
                    digest.update(block)
                    yield block
                yield digest.digest()
            count += 1
    yield (json.dumps({"files": count}) + "\n").encode("ascii")


def checked(name: str) -> str:
    """A relative name that stays below its folder; Damaged for any other.

    >>> checked("r1/train/x.arrow")
    'r1/train/x.arrow'
    """
    if not name or any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise Damaged("the name %r leads out of the folder" % name[:200])
    return name


class Source:
    """Chunks of any size, read in the sizes that are asked for."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        """Holds one chunk at a time."""
        self.chunks, self.held, self.count = chunks, b"", 0

    def some(self, most: int) -> bytes:
        """What is there, `most` bytes of it; Damaged at the end."""
        self.fill()
        found, self.held = self.held[:most], self.held[most:]
        self.count += len(found)
        return found

    def exactly(self, size: int) -> bytes:
        """So many bytes; for few."""
        found = b""
        while len(found) < size:
            found += self.some(size - len(found))
        return found

    def line(self) -> bytes:
        """Up to the next end of a line."""
        found = b""
        while not found.endswith(b"\n"):
            self.fill()
            end = self.held.find(b"\n") + 1
            found += self.some(end or len(self.held))
            if len(found) > LONGEST_LINE:
                raise Damaged("a line of it has no end")
        return found

    def fill(self) -> None:
        """Holds something; Damaged where nothing comes any more."""
        while not self.held:
            try:
                self.held = next(self.chunks)
            except StopIteration:
                raise Damaged("it stopped after %d bytes" % self.count) from None


def unpack(chunks: Iterable[bytes], folder: str, within: str = "") -> dict[str, int]:
    """Writes the archive's files below the folder; how many, and of how many bytes. `within`: all must lie in that place."""
    source = Source(iter(chunks))
    if source.line() != FIRST:
        raise Damaged("it is no archive")
    count = size = 0
    while True:
        try:
            told = json.loads(source.line().decode("ascii"))
        except ValueError:
            raise Damaged("a line of it can't be read") from None
        if "files" in told:
            if told["files"] != count:
                raise Damaged("it holds %d files, not %s" % (count, told["files"]))
            return {"files": count, "bytes": size}
        name = checked(str(told["name"]))
        if within and not name.startswith(within + "/"):
            raise Damaged("%s is not below %s" % (name, within))
        _write(source, folder, name, int(told["size"]))
        count, size = count + 1, size + int(told["size"])


def _write(source: Source, folder: str, name: str, size: int) -> None:
    at = folder
    os.makedirs(at, exist_ok=True)
    for part in name.split("/")[:-1]:
        at = at + "/" + part
        if os.path.islink(at):
            raise Damaged("%s is a link" % at)
        try:
            os.mkdir(at)
        except FileExistsError:
            pass
    aside = "%s/.%s.%d.tmp" % (at, hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16], os.getpid())
    digest = hashlib.sha256()
    try:
        with open(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666), "wb", buffering=0
        ) as file:
            while size:
                block = source.some(min(size, BLOCK))
                size -= len(block)
                digest.update(block)
                view = memoryview(block)
                while len(view):
                    view = view[file.write(view) :]
        if source.exactly(32) != digest.digest():
            raise Damaged("%s differs from what was sent: its SHA-256 is another" % name)
        os.replace(aside, folder + "/" + name)
    except BaseException:
        try:
            os.unlink(aside)
        except OSError:
            pass
        raise


def _notes(token: str) -> str:
    int(token, 16)
    path = "%s/kubenb-%s" % (os.environ.get("TMPDIR") or "/tmp", token)
    os.makedirs(path, 0o700, exist_ok=True)
    return path


def _touch(token: str, name: str) -> None:
    with open(_notes(token) + "/" + name, "wb"):
        pass


def _input() -> Iterator[bytes]:
    while True:
        block = os.read(0, BLOCK)
        if not block:
            return
        yield block


def _output(blocks: Iterable[bytes]) -> None:
    for block in blocks:
        view = memoryview(block)
        while len(view):
            view = view[os.write(1, view) :]


def main(verb: str, *words: str) -> None:
    """What the pod is asked for."""
    if verb == "put":
        folder, token = words
        done: Any = unpack(_input(), folder)
        _touch(token, "ready")
        _output([json.dumps(done).encode("ascii")])
    elif verb == "get":
        folder, place, _ = words
        _output(pack(folder, [place]))
    else:
        _touch(words[0], "fetched")


def start() -> int:
    """The exit code; what is wrong goes to standard error, in one line."""
    try:
        main(*sys.argv[1:])
        return 0
    except Damaged as error:
        what, code = "the archive is damaged: %s" % error, DAMAGED
    except OSError as error:
        full = error.errno in NO_SPACE
        what = "the disk is full" if full else "%s (%s)" % (error.strerror or error, error.filename or "")
        code = FULL if full else STORE
    sys.stderr.write(what + "\n")
    sys.stderr.flush()
    _drain()
    return code


def _drain() -> None:
    """Takes what is still being sent: a container runtime that can't deliver it would not tell that we have ended."""
    import select

    while select.select([0], [], [], QUIET)[0] and os.read(0, BLOCK):
        pass


if __name__ == "__main__":
    sys.exit(start())

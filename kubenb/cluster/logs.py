"""A container's log to its last byte, each line once, whatever happens to the connection.

In: a pod's name. Out: blocks of whole lines, as the container wrote them. The kubelet puts a time before every line;
after a break we ask again from the last one's (`sinceTime`, a second's resolution) and leave out what was seen, by time
and by count among equal times. So the server's clock counts, never ours. The last line need not end in a newline. Next
room: `client`.

Facts: `sinceTime` cuts to whole seconds; the kubelet serves rotated files for as long as they exist, and a follow ends
when a file is rotated away under it (kubernetes/kubernetes#59902): then there is a gap, which is said.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.client import Client, Stream
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import judge, pause

Part = dict[str, Any]
SILENT = 60.0  # seconds without a byte after which the connection is opened anew: a dead one says nothing either
LONGEST = 1 << 20  # bytes of one line that are kept; the rest of it is cut, and said
NOT_YET = (400, 404, 500, 502, 503)  # "container is creating", a kubelet whose certificate is not signed yet


MARK = b"\x1e"  # begins a line of the runtime in the pod that is for who waits, not for people


def without_marks(block: bytes) -> bytes:
    r"""Whole lines, less the runtime's own.

    >>> without_marks(b"a\n\x1et0 {}\nb\n")
    b'a\nb\n'
    """
    if MARK not in block:
        return block
    return b"".join(line for line in block.splitlines(keepends=True) if not line.startswith(MARK))


class Position:
    """How far a log was read: the last time, and how many lines with exactly that time were passed on."""

    def __init__(self) -> None:
        self.time, self.count = b"", 0

    def since(self) -> str | None:
        """What to ask for next: the second of the last line."""
        text = self.time.decode("ascii", "replace")
        return f"{text[:19]}Z" if text else None


class Cutter:
    """Takes bytes as they come, gives lines that were not given before, without their times."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self._rest = b""
        self._skip_time, self._skip = position.time, position.count  # to be passed over after a break
        self._again = bool(position.time)

    def take(self, chunk: bytes) -> bytes:
        """Whole lines of it; the beginning of the next is kept."""
        data = self._rest + chunk
        end = data.rfind(b"\n")
        if end < 0:
            self._rest = data if len(data) <= LONGEST else data[:LONGEST]
            return b""
        self._rest = data[end + 1 :]
        return self._lines(data[:end])

    def last(self) -> bytes:
        """A last line that nothing ended. Only where the log is known to be at its end: a cut line looks the same."""
        rest, self._rest = self._rest, b""
        return self._lines(rest)[:-1] if rest else b""

    def _lines(self, data: bytes) -> bytes:
        out = []
        position = self.position
        newest, count = position.time, position.count
        for line in data.split(b"\n"):
            at, _, text = line.partition(b" ")
            if self._again and self._passed(at):
                continue
            if at == newest:
                count += 1
            elif at[:2] == b"20" and at[-1:] == b"Z":
                newest, count = at, 1
            else:
                text = line  # the kubelet's own words have no time
            out.append(text)
        position.time, position.count = newest, count
        return b"\n".join(out) + b"\n" if out else b""

    def _passed(self, at: bytes) -> bool:
        """Seen before the break. Times of one length compare as text; the kubelet writes nine digits, or none of the last zeros."""
        known, now = _padded(self._skip_time), _padded(at)
        if now < known:
            return True
        if now == known and self._skip:
            self._skip -= 1
            return True
        if now > known:
            self._again = False
        return False


def _padded(at: bytes) -> bytes:
    """RFC 3339 with nine digits, so that bytes compare as times do."""
    if len(at) == 30 or at[-1:] != b"Z":
        return at
    whole, _, digits = at[:-1].partition(b".")
    return whole + b"." + digits.ljust(9, b"0") + b"Z"


def follow(
    client: Client,
    namespace: str,
    pod: str,
    container: str = "base",
    stop: threading.Event | None = None,
    gone_on: Callable[[], bool] | None = None,
) -> Iterator[bytes]:
    """Blocks of whole lines until the container has ended and all is read, or `stop` is set.

    `gone_on()`: whether the container still runs (asked of the API server where it is not given). Raises ApiError where
    the log may not be read.
    """
    stop = stop or threading.Event()
    runs = gone_on or (lambda: still_runs(client, namespace, pod, container))
    position, attempt = Position(), 0
    while not stop.is_set():
        cutter = Cutter(position)
        try:
            ran = runs()
            for chunk in _opened(client, namespace, pod, container, position, stop):
                attempt = 0
                block = cutter.take(chunk)
                if block:
                    yield block
            if not ran:
                tail = cutter.last()
                if tail:
                    yield tail
                return
        except (ApiError, Unreachable) as error:
            if isinstance(error, ApiError) and error.status == 404 and position.time:
                return  # the pod is gone: there is no more to be had
            if isinstance(error, ApiError) and error.status not in NOT_YET and judge(error) == "fail":
                raise
            if judge(error) == "renew":
                client.transport.renew()
            attempt += 1
            stop.wait(min(pause(attempt, error), 2.0))


def _opened(
    client: Client, namespace: str, pod: str, container: str, position: Position, stop: threading.Event
) -> Iterator[bytes]:
    query: Part = {"container": container, "follow": "true", "timestamps": "true"}
    since = position.since()
    if since:
        query["sinceTime"] = since
    stream = client.stream(paths.pods(namespace, pod, "log"), read=SILENT, **query)
    over = _closes(stream, stop)
    try:
        yield from stream
    finally:
        over.set()


def _closes(stream: Stream, stop: threading.Event) -> threading.Event:
    over = threading.Event()

    def wait() -> None:
        while not over.wait(0.2):
            if stop.is_set():
                stream.close()
                return

    threading.Thread(target=wait, name="kubenb-stop", daemon=True).start()
    return over


def still_runs(client: Client, namespace: str, pod: str, container: str) -> bool:
    """Whether the container may still write; False once it has ended, or its pod is gone."""
    try:
        found = client.get(paths.pods(namespace, pod))
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    status = found.get("status") or {}
    for each in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if each["name"] == container:
            return "terminated" not in (each.get("state") or {})
    return status.get("phase") not in ("Succeeded", "Failed")


def tail(client: Client, namespace: str, pod: str, container: str = "base", lines: int = 200) -> str:
    """The end of a log, at once."""
    stream = client.stream(
        paths.pods(namespace, pod, "log"), read=30.0, container=container, tailLines=lines, limitBytes=1 << 20
    )
    until = time.monotonic() + 30
    data = b""
    for chunk in stream:
        data += chunk
        if time.monotonic() > until:
            break
    return without_marks(data).decode("utf-8", "replace")

"""Open responses: bytes as they come, ended from outside when nobody needs them any more.

In: a response of `transport`. Out: pieces, or lines. A read that waits for the next byte can't look at an event, so one
thread for the whole process does, and shuts the sockets whose `stop` is set. Next rooms: `watching`, `logs`.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from kubenb.cluster.errors import Unreachable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

AT_MOST = 1 << 16
SMALL = 1 << 12  # a piece below this may not be all that has come
GLANCE = 0.1  # seconds between two looks at the events


class Ender:
    """Shuts sockets when the event that they were opened with is set."""

    def __init__(self) -> None:
        self._open: dict[socket.socket, threading.Event] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def mind(self, sock: socket.socket, stop: threading.Event) -> None:
        """From now on."""
        with self._lock:
            self._open[sock] = stop
            if self._thread is None or not self._thread.is_alive():  # a fork has no threads but its own
                self._thread = threading.Thread(target=self._look, name="kubenb-ender", daemon=True)
                self._thread.start()

    def forget(self, sock: socket.socket | None) -> None:
        """Whoever opened it has closed it."""
        with self._lock:
            self._open.pop(sock, None)  # type: ignore[arg-type]

    def _look(self) -> None:
        while True:
            time.sleep(GLANCE)
            with self._lock:
                due = [sock for sock, stop in self._open.items() if stop.is_set()]
                for sock in due:
                    del self._open[sock]
                    shut(sock)
                if not self._open:
                    self._thread = None
                    return


ENDER = Ender()


def shut(sock: socket.socket) -> None:
    """Whoever reads from it, in any thread, finds it at its end. Not through TLS, which would wait for the other side."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class Stream:
    """An open response. Iterating gives the pieces in which it came; `close` from any thread ends that."""

    def __init__(
        self, response: BaseHTTPResponse, sock: socket.socket | None, lost: Callable[[Exception], Unreachable]
    ) -> None:
        self._response, self._sock, self._lost = response, sock, lost
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Until the server ends it. Raises Unreachable where the connection is lost, also where it was closed here."""
        from urllib3.exceptions import HTTPError

        try:
            raw = getattr(getattr(self._response, "_fp", None), "fp", None)
            if getattr(self._response, "chunked", False) and raw is not None:
                yield from _dechunked(lambda: _at_hand(raw, self._sock))
            else:
                yield from self._response.stream(AT_MOST, decode_content=False)
        except (HTTPError, OSError, ValueError, AttributeError) as error:
            raise self._lost(error) from None
        finally:
            ENDER.forget(self._sock)
            self._response.close()

    def lines(self) -> Iterator[bytes]:
        """Whole lines, without their ends; an unfinished last one is left out."""
        rest = b""
        for chunk in self:
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole


def _at_hand(raw: Any, sock: socket.socket | None) -> bytes:
    """What has come, waiting for the first byte only: a TLS record holds a line or two, and each piece has its price."""
    from urllib3.util.wait import wait_for_read

    data: bytes = raw.read1(AT_MOST)
    if not data or len(data) >= SMALL or sock is None:
        return data
    pieces, size = [data], len(data)
    while size < AT_MOST and wait_for_read(sock, 0):
        more = raw.read1(AT_MOST)
        if not more:
            break
        pieces.append(more)
        size += len(more)
    return b"".join(pieces)


def _dechunked(read: Callable[[], bytes]) -> Iterator[bytes]:
    """HTTP's chunks taken apart. urllib3 takes them one by one, and the API server sends a log in chunks of two or three lines."""
    buffer, missing = b"", 0  # missing: bytes of the chunk that are still to come
    while True:
        data = read()
        if not data:
            raise ConnectionResetError("it ended in the middle")
        buffer, at, found = buffer + data, 0, []
        while at < len(buffer):
            if missing:
                piece = buffer[at : at + missing]
                found.append(piece)
                at, missing = at + len(piece), missing - len(piece)
                if missing:
                    break
            end = buffer.find(b"\r\n", at)
            if end == at:  # the end of the chunk before
                at += 2
                end = buffer.find(b"\r\n", at)
            if end < 0:
                break
            missing, at = int(buffer[at:end].partition(b";")[0], 16), end + 2
            if not missing:
                if found:
                    yield b"".join(found)
                return
        buffer = buffer[at:]
        if found:
            yield b"".join(found)

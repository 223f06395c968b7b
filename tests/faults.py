"""A server that breaks on order, in front of a real API server or of a script: what networks, proxies and API servers do.

In: a backend (`Upstream`, or a function that answers), and `Fault`s, each for the next requests that match. Out: `url`, and
every request that came. One thread a connection, one request a connection.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from urllib3.util.wait import wait_for_read

from kubenb.cluster.access import Access
from kubenb.cluster.streams import shut
from kubenb.cluster.transport import Transport

Body = Iterable[bytes]


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def kind(self) -> str:
        """watch, log, list, or the method."""
        if "watch" in self.query:
            return "watch"
        if self.path.endswith("/log"):
            return "log"
        return "list" if self.method == "GET" and self.path.endswith("/pods") else self.method


@dataclass
class Answer:
    """What goes out; a dict goes as JSON, pieces each as they come."""

    status: int = 200
    content: Mapping[str, Any] | bytes | Body = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def pieces(self) -> Body:
        if isinstance(self.content, Mapping):
            return (json.dumps(self.content).encode(),)
        return (self.content,) if isinstance(self.content, bytes) else self.content


Backend = Callable[[Request], Answer]


def status(code: int, reason: str = "", message: str = "", **more: Any) -> Answer:
    """An answer as the API server words it."""
    kind = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}
    return Answer(code, {**kind, "reason": reason, "message": message, **more})


@dataclass
class Fault:
    """What becomes of the next `times` requests of a kind. `after`: bytes of the answer's body that still arrive."""

    kind: str  # of Request; "" for any
    does: str  # "reset", "cut" (no last chunk), "stall", "end" (as if it were whole), "lose" (done, but not said), "slow", "answer"
    times: int = 1
    after: int = 0
    seconds: float = 0.0  # "clock": it ends cleanly after so long
    answer: Answer | None = None


BREAKS = ("reset", "cut", "stall", "end")


class Broken(Exception):
    """The connection is to end here."""


class Faulty:
    """The server. A context manager."""

    def __init__(self, backend: Backend, tls: ssl.SSLContext | None = None) -> None:
        self.backend, self.tls = backend, tls
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._open: set[socket.socket] = set()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.port = 0
        self.accept()

    @property
    def url(self) -> str:
        name = "https://localhost" if self.tls else "http://127.0.0.1"
        return f"{name}:{self.port}"

    def __enter__(self) -> Faulty:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.refuse()

    def add(self, *faults: Fault) -> None:
        """They come after those that wait."""
        with self._lock:
            self._faults += faults

    def pending(self) -> int:
        """How many faults have not happened yet."""
        with self._lock:
            return sum(fault.times for fault in self._faults)

    def refuse(self) -> None:
        """Nobody listens, and what is open is reset."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for sock in list(self._open):
            _reset(sock)

    def accept(self) -> None:
        """Listens (again), at the same port."""
        if self._over.is_set():
            return
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        self._open.add(sock)
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            request = _read(sock)
            if request is not None:
                with self._lock:
                    self.requests.append(request)
                self._answer(sock, request)
        except (OSError, Broken, ValueError, http.client.HTTPException):
            _reset(sock)
        finally:
            self._open.discard(sock)
            sock.close()

    def _fault(self, request: Request) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.kind in ("", request.kind):
                    fault.times -= 1
                    return fault
        return None

    def _answer(self, sock: socket.socket, request: Request) -> None:
        fault = self._fault(request)
        if fault and fault.does == "lose":
            for _ in self.backend(request).pieces():
                pass
            raise Broken
        if fault and fault.does == "stall" and not fault.after:
            self._over.wait()
            raise Broken
        answer = fault.answer if fault and fault.answer else self.backend(request)
        head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, 'Odd')}"]
        plain = {"Content-Type": "application/json", "Transfer-Encoding": "chunked", "Connection": "close"}
        head += [f"{name}: {value}" for name, value in {**plain, **answer.headers}.items()]
        pieces = iter(answer.pieces())
        sock.sendall("\r\n".join((*head, "", "")).encode())
        self._send(sock, pieces, fault)
        sock.sendall(b"0\r\n\r\n")

    def _send(self, sock: socket.socket, pieces: Iterator[bytes], fault: Fault | None) -> None:
        sent, until = 0, time.monotonic() + fault.seconds if fault and fault.seconds else None
        for piece in pieces:
            if not piece and (self._over.is_set() or wait_for_read(sock, 0)):
                raise Broken  # whoever asked has gone
            part = piece
            if fault and fault.does in BREAKS and sent + len(piece) >= fault.after:
                part = piece[: fault.after - sent]
            if fault and fault.does == "slow":
                for at in range(0, len(part), 7):
                    _chunk(sock, part[at : at + 7])
            else:
                _chunk(sock, part)
            sent += len(part)
            if fault and fault.does in BREAKS and sent >= fault.after:
                self._break(sock, fault)
                break
            if until and time.monotonic() >= until:
                break

    def _break(self, sock: socket.socket, fault: Fault) -> None:
        if fault.does == "end":
            return
        if fault.does == "stall":
            self._over.wait()
        if fault.does == "cut":
            sock.shutdown(socket.SHUT_RDWR)
        time.sleep(0.02)  # else the reset overtakes what was sent
        raise Broken


class Upstream:
    """A real API server, asked as the access says, or with the token that the request carries."""

    def __init__(self, access: Access) -> None:
        at = urlsplit(access.server)
        self.host, self.port, self.tls = at.hostname or "", at.port or 443, Transport(access).tls()

    def __call__(self, request: Request) -> Answer:
        connection = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=70)
        kept = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        try:
            connection.request(request.method, request.target, request.body or None, kept)
            sock = connection.sock
            response = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        told = {name: value for name, value in response.getheaders() if name in ("Content-Type", "Retry-After")}
        return Answer(response.status, _pieces(sock, response), told)


def _pieces(sock: socket.socket, response: http.client.HTTPResponse) -> Iterator[bytes]:
    """What comes; an empty piece now and then, so that whoever sends them can look at the clock."""
    found: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            while data := response.read1(1 << 16):
                found.put(data)
        found.put(None)
        response.close()
        sock.close()

    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            try:
                data = found.get(timeout=0.2)
            except queue.Empty:
                yield b""
                continue
            if data is None:
                return
            yield data
    finally:
        shut(sock)


def _chunk(sock: socket.socket, data: bytes) -> None:
    if data:
        sock.sendall(b"%x\r\n%s\r\n" % (len(data), data))


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(sock, socket.SHUT_RD)
    with contextlib.suppress(OSError):
        sock.close()


def _read(sock: socket.socket) -> Request | None:
    with sock.makefile("rb") as file:
        first = file.readline().decode("latin-1").split()
        if len(first) != 3:
            return None
        headers = {name.lower(): value for name, value in http.client.parse_headers(file).items()}
        body = file.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body)

"""A command in a running container, over the API server's websocket: bytes in, bytes out, and its exit code.

In: a `Client`, where, the command, blocks for its standard input. Out: `Execution`: its standard output as it comes, then the
code. https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-transition (v5 can end the input, v4 can't, so no
command of ours waits for that end). One thread, so no lock around TLS; the socket's own back-pressure. Next room: `handover`.
"""

from __future__ import annotations

import contextlib
import json
import select
import ssl
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

from kubenb.cluster import paths
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.shortening import cut
from kubenb.cluster.transport import CONNECT, proxy_for

if TYPE_CHECKING:
    from kubenb.cluster.client import Client

PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"]
STDIN, STDOUT, STDERR, ERROR, CLOSE = 0, 1, 2, 3, 255
FRAME = 1 << 16  # the API server reads no longer ones from some versions on
PING, LOST = 15.0, 60.0  # seconds without a byte: ask whether somebody is there; take it as broken
SAID = 4000  # bytes of standard error that are kept


class Execution(Iterator[bytes]):
    """A running command: iterate over it for its output. Then `code` is its exit code and `said` the end of its standard error."""

    def __init__(self, client: Client, socket: Any, stdin: Iterable[bytes]) -> None:
        self.client, self._socket, self._stdin = client, socket, stdin
        self.code: int | None = None
        self.said = b""
        self.sent = self.received = 0
        self._heard = self._pinged = time.monotonic()
        self._output = self._all()

    def __iter__(self) -> Iterator[bytes]:
        """Its standard output; who stops may go on. Raises Unreachable where the connection breaks before the command has ended."""
        return self

    def __next__(self) -> bytes:
        """The next of it."""
        return next(self._output)

    def _all(self) -> Iterator[bytes]:
        try:
            yield from self._send_all()
            while self.code is None:
                yield from self._receive(PING)
        finally:
            self.close()

    def wait(self) -> bytes:
        """All of its output, for commands that say little."""
        return b"".join(self)

    def close(self) -> None:
        """Ends the connection; a command that still runs loses its input and output."""
        with contextlib.suppress(Exception):
            self._socket.shutdown()

    def _send_all(self) -> Iterator[bytes]:
        for block in self._stdin:
            for at in range(0, len(block), FRAME):
                yield from self._receive(0)
                if self.code is not None:  # it has ended and wants no more
                    return
                piece = block[at : at + FRAME]
                yield from self._send(bytes([STDIN]) + piece)
                self.sent += len(piece)
        if self._socket.getsubprotocol() == PROTOCOLS[0] and self.code is None:
            yield from self._send(bytes([CLOSE, STDIN]))

    def _send(self, data: bytes) -> Iterator[bytes]:
        """One frame; listens where the other side takes no more, as it may be saying that the command has ended."""
        from websocket import ABNF

        raw, rest = self._raw(), memoryview(ABNF.create_frame(data, ABNF.OPCODE_BINARY).format())
        while len(rest) and self.code is None:
            try:
                raw.settimeout(0)
                rest = rest[raw.send(rest) :]
                self._heard = time.monotonic()
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                readable, writable, _ = select.select([raw], [raw], [], PING)
                if readable:
                    yield from self._receive(0)
                elif not writable and time.monotonic() - self._heard > LOST:
                    raise self._broken(None) from None
            except OSError as error:
                raise self._broken(error) from None

    def _raw(self) -> Any:
        if self._socket.sock is None:
            raise self._broken(None)
        return self._socket.sock

    def _receive(self, seconds: float) -> Iterator[bytes]:
        """What there is, waiting for the first of it; a ping where nothing comes."""
        from websocket import WebSocketException

        try:
            while self.code is None and self._readable(seconds):
                self._socket.settimeout(LOST)
                opcode, data = self._socket.recv_data(control_frame=True)
                self._heard, seconds = time.monotonic(), 0
                if opcode == _CLOSED:
                    raise self._broken(None)
                if opcode not in (_TEXT, _BINARY) or not data:
                    continue
                if isinstance(data, str):
                    data = data.encode()
                yield from self._taken(data[0], data[1:])
            now = time.monotonic()
            if now - self._heard > LOST:
                raise self._broken(None)
            if min(now - self._heard, now - self._pinged) >= PING:
                self._pinged = now
                self._socket.ping()
        except (WebSocketException, OSError) as error:
            raise self._broken(error) from None

    def _readable(self, seconds: float) -> bool:
        raw = self._raw()
        if getattr(raw, "pending", lambda: 0)():
            return True
        return bool(select.select([raw], [], [], seconds)[0])

    def _taken(self, channel: int, data: bytes) -> Iterator[bytes]:
        if channel == STDOUT and data:
            self.received += len(data)
            yield data
        elif channel == STDERR:
            self.said = (self.said + data)[-SAID:]
        elif channel == ERROR:
            self.code = _code(json.loads(data))

    def _broken(self, error: Exception | None) -> Unreachable:
        why = f" ({cut(' '.join(str(error).split()), 160)})" if error and str(error) else ""
        what = f"the connection to the pod broke after {self.sent} bytes in and {self.received} bytes out{why}"
        return Unreachable(self.client.access.server, self.client.context, what, "Check the network, and try again.")


_TEXT, _BINARY, _CLOSED = 0x1, 0x2, 0x8


def execute(
    client: Client,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    stdin: Iterable[bytes] = (),
) -> Execution:
    """Starts it. Raises ApiError where the API server, or the container, will not."""
    query = [("container", container), ("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
    query += [("command", word) for word in command]
    target = paths.pods(namespace, pod, "exec") + "?" + urlencode(query)
    try:
        socket = _connected(client, target)
    except ApiError as error:
        if error.status != 401 or not client.transport.renew():
            raise
        socket = _connected(client, target)
    return Execution(client, socket, stdin)


def _connected(client: Client, target: str) -> Any:
    import websocket

    access, transport = client.access, client.transport
    sslopt: dict[str, Any] = {}
    if access.server.startswith("https:"):
        sslopt["context"] = transport.tls()
        if access.server_name:
            sslopt["server_hostname"] = access.server_name
    try:
        headers = {"User-Agent": "kubenb", **transport.credentials.header()}
        made = websocket.create_connection(
            "ws" + access.server.removeprefix("http") + target,
            timeout=CONNECT,
            header=headers,
            subprotocols=PROTOCOLS,
            suppress_origin=True,
            sslopt=sslopt,
            **_proxy(client),
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(error) from None
    except (websocket.WebSocketException, OSError, ValueError) as error:
        raise transport.lost(error) from None
    return made


def _proxy(client: Client) -> dict[str, Any]:
    proxy = proxy_for(client.access)
    if not proxy:
        return {"http_no_proxy": ["*"]}
    at = urlsplit(proxy)
    kind = at.scheme if at.scheme.startswith("socks") else "http"
    made: dict[str, Any] = {"http_proxy_host": at.hostname, "http_proxy_port": at.port or 80, "proxy_type": kind}
    if at.username:
        made["http_proxy_auth"] = (unquote(at.username), unquote(at.password or ""))
    return made | {"http_no_proxy": ["kubenb.invalid"]}  # an empty list would mean NO_PROXY, which was asked already


def _refusal(error: Any) -> ApiError:
    body = getattr(error, "resp_body", None) or b""
    try:
        status = json.loads(body)
        return ApiError(error.status_code, status.get("reason") or "", status["message"], status.get("details") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body)
        return ApiError(error.status_code, "", cut(" ".join(text.split()) or str(error), 300))


def _code(status: dict[str, Any]) -> int:
    """The exit code that a Status of the error channel says.

    >>> _code({"status": "Success"})
    0
    """
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise ApiError(int(status.get("code") or 500), str(status.get("reason") or ""), str(status.get("message") or ""))

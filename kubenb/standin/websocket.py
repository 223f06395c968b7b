"""The least of RFC 6455 and of Kubernetes' channels that an `exec` needs: into a task's container, and Airflow's into its XCom sidecar.

In the sidecar nothing is executed: the stand-in knows the two commands that Airflow sends, reads the shared folder for the first and
ends the sidecar for the second (run on this machine, that second one would kill every shell of the user). Any other is refused there.
Next room: `api`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import struct
import subprocess
import threading
from io import BufferedIOBase
from typing import IO, Any

from kubenb.standin.container import XComSidecar

_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_STDOUT, _STDERR, _ERROR = 1, 2, 3
_BINARY, _CLOSE, _PING, _PONG = 0x2, 0x8, 0x9, 0xA
_END = 255  # v5: "this channel's input ends"
PROTOCOL = "v4.channel.k8s.io"
LATEST = "v5.channel.k8s.io"


def accept(key: str) -> str:
    """The answer to a client's handshake key (the example of the RFC).

    >>> accept("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode()).digest()).decode()


def frame(opcode: int, data: bytes) -> bytes:
    """One unfragmented frame from a server.

    >>> frame(2, b"hi").hex()
    '82026869'
    """
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return head + data


def read_frame(stream: BufferedIOBase) -> tuple[int, bytes]:
    """One frame from a client (masked): opcode and data; the opcode of a close where the stream ended."""
    head = stream.read(2)
    if len(head) < 2:
        return _CLOSE, b""
    size = head[1] & 0x7F
    if size >= 126:
        size = struct.unpack("!H" if size == 126 else "!Q", stream.read(2 if size == 126 else 8))[0]
    mask = stream.read(4) if head[1] & 0x80 else b"\0\0\0\0"
    data = stream.read(size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head[0] & 0x0F, (int.from_bytes(data, "big") ^ key).to_bytes(size, "big")


def serve_exec(command: list[str], sidecar: XComSidecar, stream_in: BufferedIOBase, stream_out: BufferedIOBase) -> None:
    """Answers one `exec` after the handshake, then closes."""
    script = command[-1] if command else ""
    if "/return.json" in script:
        _send(stream_out, _STDOUT, sidecar.read().encode())
        _send(stream_out, _ERROR, json.dumps({"metadata": {}, "status": "Success"}).encode())
    elif command == ["/bin/sh"]:
        typed = b""
        while b"\n" not in typed:
            opcode, data = read_frame(stream_in)
            if opcode == _CLOSE:
                return
            typed += data[1:]
        if b"kill -2" in typed:
            sidecar.stop()
        else:
            _send(stream_out, _STDERR, b"the stand-in runs no commands in a pod\n")
    else:
        failed = {"metadata": {}, "status": "Failure", "message": "the stand-in runs no commands in a pod"}
        _send(stream_out, _ERROR, json.dumps(failed).encode())
    stream_out.write(frame(_CLOSE, struct.pack("!H", 1000)))
    stream_out.flush()


def serve_process(process: subprocess.Popen[bytes], stream_in: BufferedIOBase, stream_out: BufferedIOBase) -> None:
    """One `exec` into a task's container: the client's bytes in, the process's bytes out, and how it ended."""
    lock = threading.Lock()

    def pump(source: IO[bytes], channel: int) -> None:
        with source:
            while data := source.read1(1 << 16):  # type: ignore[attr-defined]
                with lock, contextlib.suppress(OSError):
                    _send(stream_out, channel, data)

    assert process.stdin
    assert process.stdout
    assert process.stderr
    outputs = ((process.stdout, _STDOUT), (process.stderr, _STDERR))
    pumps = [threading.Thread(target=pump, args=each, daemon=True) for each in outputs]
    pumps.append(threading.Thread(target=_feed, args=(process, stream_in, stream_out, lock), daemon=True))
    for thread in pumps:
        thread.start()
    for thread in pumps[:2]:
        thread.join()
    code = process.wait()
    status: dict[str, Any] = {"metadata": {}, "status": "Success"}
    if code:
        cause = {"reason": "ExitCode", "message": str(code if code > 0 else 128 - code)}
        status |= {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
    with lock:
        _send(stream_out, _ERROR, json.dumps(status).encode())
        stream_out.write(frame(_CLOSE, struct.pack("!H", 1000)))
        stream_out.flush()


def _feed(
    process: subprocess.Popen[bytes], stream_in: BufferedIOBase, stream_out: BufferedIOBase, lock: threading.Lock
) -> None:
    """Until the client goes away, or says that no more comes: then the process's input ends."""
    assert process.stdin
    with contextlib.suppress(OSError, ValueError, struct.error, IndexError), process.stdin:
        while True:
            opcode, data = read_frame(stream_in)
            if opcode == _CLOSE or data[:1] == bytes([_END]):
                return
            if opcode == _PING:
                with lock:
                    stream_out.write(frame(_PONG, data))
                    stream_out.flush()
            elif data[:1] == b"\0":
                process.stdin.write(data[1:])
                process.stdin.flush()


def _send(stream: BufferedIOBase, channel: int, data: bytes) -> None:
    stream.write(frame(_BINARY, bytes([channel]) + data))
    stream.flush()

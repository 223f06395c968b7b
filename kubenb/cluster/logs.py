"""A container's log to its last byte, each line once, whatever happens to the connection.

In: a pod's name. Out: blocks of whole lines, as the container wrote them. The kubelet puts a time before every line; after
a break we ask again from the last one's (`sinceTime`, whole seconds), and `cutting` leaves out what was seen: so the node's
clock counts, never ours. The last line need not end in a newline. Next rooms: `cutting`, `client`.

Facts: the kubelet serves the newest of the rotated files only. A follow that stays connected goes over into the new file;
after a break in which the file was rotated, what we saw last is not in what we get: then there is a gap, and it is said.
A log of which nothing was written yet has no answer at all, not even a header.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.client import Client
from kubenb.cluster.cutting import Cutter, Position
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import judge, pause

Part = dict[str, Any]
SILENT = 60.0  # seconds without a byte after which the connection is opened anew: a dead one says nothing either
NOT_YET = (400, 404, 500, 502, 503)  # "container is creating", a kubelet whose certificate is not signed yet
SLOWEST = 2.0  # seconds between two tries
GIVES_UP = 10.0  # seconds for which the log of an ended container is asked for in vain

MARK = b"\x1e"  # begins a line of the runtime in the pod that is for who waits, not for people


def without_marks(block: bytes) -> bytes:
    r"""Whole lines, less the runtime's own.

    >>> without_marks(b"a\n\x1et0 {}\nb\n")
    b'a\nb\n'
    """
    if MARK not in block:
        return block
    return b"".join(line for line in block.splitlines(keepends=True) if not line.startswith(MARK))


def follow(
    client: Client,
    namespace: str,
    pod: str,
    container: str = "base",
    stop: threading.Event | None = None,
    gone_on: Callable[[], bool] | None = None,
) -> Iterator[bytes]:
    """Blocks of whole lines until the container has ended and all is read, its pod is gone, or `stop` is set.

    `gone_on()`: whether the container still runs (asked of the API server where it is not given). Raises ApiError where
    the log may not be read.
    """
    stop = stop or threading.Event()
    position, tries = Position(), 0
    before: Cutter | None = None
    over: float | None = None  # since when it is known to have ended
    while not stop.is_set():
        cutter = Cutter(position)
        try:
            runs = gone_on() if gone_on else still_runs(client, namespace, pod, container)
            over = None if runs else over or time.monotonic()
            for piece in _opened(client, namespace, pod, container, position, stop):
                before, block = cutter, cutter.take(piece)
                if block:
                    tries = 0
                    yield block
            cutter.ended()
            if over is not None:
                break
            tries += 1  # the file was rotated, the kubelet restarted, or the container has ended: see which
            stop.wait(min(pause(tries - 2), SLOWEST) if tries > 1 else 0)
        except (ApiError, Unreachable) as error:
            if stop.is_set() or _is_all(error, over):
                break
            _judge(client, error, tries > 1 and not position.time)
            tries += 1
            told = isinstance(error, ApiError) and error.retry_after
            stop.wait(pause(tries, error) if told else min(pause(tries, error), SLOWEST))
    rest = before.last() if before and not stop.is_set() else b""
    if rest:
        yield rest


def _is_all(error: ApiError | Unreachable, over: float | None) -> bool:
    """Whether there is no more to be had: the pod is gone, or its container ended and the node does not have its log."""
    if isinstance(error, Unreachable):
        return False
    gone = error.status == 404 and error.details.get("kind") == "pods"
    given_up = over is not None and (error.status in (400, 404) or time.monotonic() - over > GIVES_UP)
    return gone or given_up


def _judge(client: Client, error: ApiError | Unreachable, in_vain: bool) -> None:
    """Raises what another try will not change; while somebody waits for a run, a lost connection may come back."""
    verdict = judge(error)
    if isinstance(error, Unreachable) and not client.transport.answered:
        raise error
    if verdict == "renew" and not client.transport.renew() and in_vain:
        raise error
    if verdict == "fail" and isinstance(error, ApiError) and error.status not in NOT_YET:
        raise error


def _opened(
    client: Client, namespace: str, pod: str, container: str, position: Position, stop: threading.Event
) -> Iterator[bytes]:
    query: Part = {"container": container, "follow": "true", "timestamps": "true"}
    since = position.since()
    if since:
        query["sinceTime"] = since
    yield from client.stream(paths.pods(namespace, pod, "log"), read=SILENT, stop=stop, **query)


def still_runs(client: Client, namespace: str, pod: str, container: str) -> bool:
    """Whether the container may still write; False once it has ended, or its pod is gone."""
    try:
        found = client.get(paths.pods(namespace, pod), patience=0.0)
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    status = found.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return False
    for each in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        if each["name"] == container:
            return "terminated" not in (each.get("state") or {})
    return True


def tail(client: Client, namespace: str, pod: str, container: str = "base", lines: int = 200) -> str:
    """The end of a log, at once: a megabyte of it at the most."""
    path = paths.pods(namespace, pod, "log")
    stream = client.stream(path, read=30.0, container=container, tailLines=lines, limitBytes=1 << 20)
    return without_marks(b"".join(stream)).decode("utf-8", "replace")

"""What becomes of pods: asked by LIST, told sooner by a watch. A watch is a hint: whatever is doubtful is asked again.

In: a namespace and a label selector. Out: `Seen`, whenever a pod changed, went, or the API server did not answer. A watch
that the server ends, cuts, or says nothing on for 75 s is taken up from where it was; after a 410, and every few minutes,
all is listed anew, so nothing that was missed stays missed. Next rooms: `client`; `kubenb.run.hub` listens.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.client import Client, Stream
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import judge, pause

Part = dict[str, Any]
RELIST = 120.0  # seconds after which all is asked anew, whatever a watch said
HARD = 5.0  # while the server is away, a question about this often


@dataclass(frozen=True)
class Seen:
    """A pod as it is now; None: it is gone. `away`: the API server does not answer, and nothing is known."""

    name: str
    pod: Part | None = None
    away: bool = False


class _Expired(Exception):
    """The server no longer knows what came after our version: list anew."""


def watch_pods(client: Client, namespace: str, selector: str, stop: threading.Event) -> Iterator[Seen]:
    """Until `stop`. Raises ApiError where the pods may not be listed at all."""
    known: dict[str, str] = {}  # name -> resource version
    attempt = 0
    while not stop.is_set():
        try:
            listed = client.get(paths.pods(namespace), patience=0.0, labelSelector=selector)
            yield from _difference(listed, known)
            attempt = 0
            version = str(listed["metadata"]["resourceVersion"])
            yield from _watched(client, namespace, selector, version, known, stop)
        except (ApiError, Unreachable) as error:
            if isinstance(error, ApiError) and error.status == 410:
                continue
            if judge(error) == "fail" and isinstance(error, ApiError):
                raise
            if judge(error) == "renew":
                client.transport.renew()
            attempt += 1
            if attempt > 1:
                yield Seen("", away=True)
            stop.wait(min(pause(attempt, error), HARD))


def _difference(listed: Part, known: dict[str, str]) -> Iterator[Seen]:
    """What a list says that was not known; () where nothing changed, but for the word that the server answers."""
    here = {}
    for pod in listed.get("items") or ():
        name, version = pod["metadata"]["name"], pod["metadata"]["resourceVersion"]
        here[name] = version
        if known.get(name) != version:
            yield Seen(name, {"apiVersion": "v1", "kind": "Pod", **pod})
    for name in set(known) - set(here):
        yield Seen(name, None)
    known.clear()
    known.update(here)


def _watched(
    client: Client, namespace: str, selector: str, version: str, known: dict[str, str], stop: threading.Event
) -> Iterator[Seen]:
    """Changes from `version` on, over as many watches as the server makes of it, until it is time to list."""
    until = time.monotonic() + RELIST
    while not stop.is_set() and time.monotonic() < until:
        seconds = max(1, int(until - time.monotonic()))
        query = {"labelSelector": selector, "resourceVersion": version, "timeoutSeconds": seconds}
        stream = client.watch(paths.pods(namespace), **query)
        ender = _closing(stream, stop)
        try:
            for line in stream.lines():
                kind, pod = _event(line)
                version = str(pod["metadata"]["resourceVersion"])
                if kind == "BOOKMARK":
                    continue
                name = str(pod["metadata"]["name"])
                if kind == "DELETED":
                    known.pop(name, None)
                    yield Seen(name, None)
                else:
                    known[name] = version
                    yield Seen(name, pod)
        except _Expired:
            return
        finally:
            ender.set()
        if stop.wait(0.05):
            return


def _event(line: bytes) -> tuple[str, Part]:
    """One line of a watch. A line that is no JSON was cut: as if the connection had ended there."""
    try:
        event = json.loads(line)
        kind, found = str(event["type"]), event["object"]
        if kind == "ERROR":
            if found.get("code") == 410:
                raise _Expired
            raise ApiError(int(found.get("code", 500)), str(found.get("reason", "")), str(found.get("message", "")))
        found["metadata"]["resourceVersion"]
    except (ValueError, KeyError, TypeError):
        raise _Expired from None
    return kind, found


def _closing(stream: Stream, stop: threading.Event) -> threading.Event:
    """Closes the stream when `stop` is set, so that nobody waits a minute for a bookmark; the event returned ends this."""
    over = threading.Event()

    def wait() -> None:
        while not over.wait(0.2):
            if stop.is_set():
                stream.close()
                return

    threading.Thread(target=wait, name="kubenb-stop", daemon=True).start()
    return over

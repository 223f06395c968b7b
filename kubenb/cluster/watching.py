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
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import judge, pause

Part = dict[str, Any]
RELIST = 120.0  # seconds after which all is asked anew, whatever a watch said
GLIMPSE = 0.05  # between two watches
AT_ONCE = 0.5  # a watch that ended sooner than this is not asked for again at once
HARD = 5.0  # while the server is away, a question about this often


@dataclass(frozen=True)
class Seen:
    """A pod as it is now; None: it is gone. Without a name: of the API server. `away`: it does not answer, and `why`."""

    name: str
    pod: Part | None = None
    away: bool = False
    why: str = ""


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
            version = str(listed["metadata"]["resourceVersion"])
            for seen in _watched(client, namespace, selector, version, known, stop):
                if seen is not None:
                    yield seen
                    continue
                if attempt > 1:
                    yield Seen("")
                attempt = 0  # it lets us watch: a list alone is not all
        except _Expired:
            stop.wait(GLIMPSE)
        except (ApiError, Unreachable) as error:
            if stop.is_set():
                return
            verdict = judge(error)
            if verdict == "fail" and isinstance(error, ApiError):
                raise
            if verdict == "renew":
                client.transport.renew()
            attempt += 1
            if attempt > 1:
                yield Seen("", away=True, why=error.problem().what)
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
) -> Iterator[Seen | None]:
    """Changes from `version` on (None: a watch has begun), over as many watches as the server makes of it, until it is time to list."""
    until = time.monotonic() + RELIST
    while not stop.is_set() and time.monotonic() < until:
        opened = time.monotonic()
        seconds = max(1, int(until - opened))
        query = {"labelSelector": selector, "resourceVersion": version, "timeoutSeconds": seconds}
        try:
            stream = client.watch(paths.pods(namespace), stop=stop, **query)
            yield None
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
        except ApiError as error:
            if error.status == 410:
                raise _Expired from None
            raise
        stop.wait(GLIMPSE if time.monotonic() - opened > AT_ONCE else AT_ONCE)


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

"""Pods watched over a watch that breaks in every way: no state is missed, and nothing ends because of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from kubenb.cluster import client, watching
from kubenb.cluster.errors import ApiError
from kubenb.cluster.watching import Seen, watch_pods
from tests.faults import Answer, Fault, Faulty, Request, status
from tests.unit.cluster.scripted import asking

GONE = status(410, "Expired", "too old resource version: 3 (9)")


class Pods:
    """A list and its changes; each change is told by the next watch that is old enough to need it."""

    def __init__(self) -> None:
        self.version = 5
        self.here: dict[str, int] = {"train": 5}
        self.changes: list[tuple[int, str, str]] = []
        self.server = Faulty(self)

    def change(self, kind: str, name: str) -> None:
        self.version += 1
        self.changes.append((self.version, kind, name))
        if kind == "DELETED":
            self.here.pop(name, None)
        else:
            self.here[name] = self.version

    def __call__(self, request: Request) -> Answer:
        if request.kind != "watch":
            items = [_pod(name, version) for name, version in self.here.items()]
            return Answer(200, {"metadata": {"resourceVersion": str(self.version)}, "items": items})
        since = int(request.query["resourceVersion"])
        return Answer(200, [_event(kind, name, at) for at, kind, name in self.changes if at > since])


def _pod(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


def _event(kind: str, name: str, version: int) -> bytes:
    return json.dumps({"type": kind, "object": _pod(name, version)}).encode() + b"\n"


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pods]:
    monkeypatch.setattr(watching, "AT_ONCE", 0.01)
    monkeypatch.setattr(watching, "HARD", 0.01)
    monkeypatch.setattr(client, "QUIET", 0.2)
    made = Pods()
    with made.server:
        yield made


class Watching:
    """What `watch_pods` gives, one at a time."""

    def __init__(self, pods: Pods) -> None:
        self.stop = threading.Event()
        self._seen = watch_pods(asking(pods.server), "lab", "kubenb/run=1", self.stop)

    def next(self) -> Seen:
        return next(self._seen)

    def next_of_a_pod(self) -> Seen:
        return next(seen for seen in self._seen if seen.name)


BREAKS = {
    "F11 ended by the server": [Fault("watch", "end", times=3)],
    "F11 reset": [Fault("watch", "reset", times=2)],
    "F12 410 as an answer": [Fault("watch", "answer", answer=GONE)],
    "F12 410 in the stream": [
        Fault(
            "watch", "answer", answer=Answer(200, b'{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}\n')
        )
    ],
    "F13 half-open": [Fault("watch", "stall")],
    "F14 cut in the middle of an event": [Fault("watch", "end", after=20), Fault("watch", "reset", after=30)],
    "F14 cut where a line ends": [Fault("watch", "answer", answer=Answer(200, b'{"type": "MODIF\n'))],
    "F09 500 three times": [Fault("watch", "answer", times=3, answer=status(500, "InternalError", "boom"))],
    "F10 a new leader": [Fault("watch", "answer", answer=status(500, "", "etcdserver: leader changed"))],
    "F08 too many": [Fault("watch", "answer", answer=status(429, "TooManyRequests", "slow down"))],
}


@pytest.mark.parametrize("faults", BREAKS.values(), ids=BREAKS.keys())
def test_a_watch_that_breaks_misses_no_state(pods: Pods, faults: list[Fault]) -> None:
    seen = Watching(pods)
    assert seen.next() == Seen("train", {"apiVersion": "v1", "kind": "Pod", **_pod("train", 5)})
    pods.server.add(*(Fault(**vars(fault)) for fault in faults))
    waiting = pods.server.pending()
    pods.change("MODIFIED", "train")
    found = seen.next_of_a_pod()
    assert found.pod is not None
    assert (found.name, found.pod["metadata"]["resourceVersion"]) == ("train", "6")
    assert pods.server.pending() < waiting  # it did break; a list may have told before it broke again


@pytest.mark.parametrize("away", [0, 4], ids=["told by the watch", "F16 while the API server was away"])
def test_a_pod_that_was_deleted_is_said_to_be_gone(pods: Pods, away: int) -> None:
    seen = Watching(pods)
    seen.next()
    pods.server.add(Fault("", "reset", times=away))
    pods.change("DELETED", "train")
    assert seen.next_of_a_pod() == Seen("train", None)


def test_f15_an_api_server_that_is_away_is_said_and_its_return_too(pods: Pods) -> None:
    seen = Watching(pods)
    seen.next()
    pods.server.refuse()
    away = [seen.next() for _ in range(3)]
    assert all(each.away and not each.name for each in away)
    assert "can't be reached" in away[0].why
    pods.change("MODIFIED", "train")
    pods.change("ADDED", "score")
    pods.server.accept()
    later = [next(each for each in iter(seen.next, None) if not each.away) for _ in range(3)]
    assert [(each.name, each.away) for each in later] == [("train", False), ("score", False), ("", False)]


def test_bookmarks_move_on_and_say_nothing(pods: Pods) -> None:
    mark = json.dumps({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "77"}}}).encode() + b"\n"
    seen = Watching(pods)
    seen.next()
    pods.server.add(Fault("watch", "answer", answer=Answer(200, mark)))
    pods.changes.append((78, "MODIFIED", "train"))
    seen.next_of_a_pod()
    assert [r.query["resourceVersion"] for r in pods.server.requests if r.kind == "watch"] == ["5", "77"]


def test_all_is_listed_anew_now_and_then_whatever_the_watch_said(pods: Pods, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RELIST", 0.05)
    seen = Watching(pods)
    seen.next()
    pods.here["silent"] = 6  # a watch that does not tell
    assert seen.next().name == "silent"


def test_f05_pods_that_may_not_be_listed_are_said_at_once(pods: Pods) -> None:
    pods.server.add(
        Fault("", "answer", answer=status(403, "Forbidden", 'pods is forbidden: User "a" cannot list resource "pods"'))
    )
    with pytest.raises(ApiError) as caught:
        Watching(pods).next()
    assert "cannot list" in caught.value.problem().what


def test_a_watch_in_which_nothing_happens_ends_when_nobody_needs_it(
    pods: Pods, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "QUIET", 60.0)
    pods.server.add(Fault("watch", "stall"))
    seen = Watching(pods)
    seen.next()
    threading.Timer(0.1, seen.stop.set).start()
    with pytest.raises(StopIteration):
        seen.next()

"""One request: tried again where that can help, said in words where not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from kubenb.cluster import client as room
from kubenb.cluster import marks, paths
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.pods import Taken, create
from tests.faults import Answer, Fault, Faulty, Request, status
from tests.unit.cluster.scripted import always, asking

PODS = paths.pods("lab")


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, []  # type: tuple[float, list[float]]

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(
        room, "time", SimpleNamespace(monotonic=made.monotonic, sleep=lambda seconds: made.sleep(seconds))
    )
    return made


@pytest.fixture
def server() -> Iterator[Faulty]:
    with Faulty(always({"kind": "Pod"})) as made:
        yield made


def failing(answer: Answer, times: int) -> Fault:
    return Fault("", "answer", times=times, answer=answer)


SURVIVED = {
    "F08 429 with Retry-After": [failing(Answer(429, b"{}", {"Retry-After": "7"}), 1)],
    "F09 500": [failing(status(500, "InternalError", "boom"), 3)],
    "F09 502 in HTML": [failing(Answer(502, b"<html>bad gateway</html>"), 3)],
    "F09 503": [failing(status(503, "ServiceUnavailable", ""), 3)],
    "F09 504": [failing(status(504, "Timeout", ""), 3)],
    "F09 a connection closed": [Fault("", "reset", times=3)],
    "F09 half an answer": [Fault("", "reset", after=5, times=2), Fault("", "end", after=5)],
    "F10 a new leader": [failing(status(500, "", "rpc error: etcdserver: leader changed"), 3)],
    "slow bytes": [Fault("", "slow")],
}


@pytest.mark.parametrize("faults", SURVIVED.values(), ids=SURVIVED.keys())
def test_a_request_outlives(server: Faulty, clock: Clock, faults: list[Fault]) -> None:
    client = asking(server)
    client.get(paths.VERSION)
    server.add(*(Fault(**vars(fault)) for fault in faults))
    if "end" in {fault.does for fault in faults}:
        with pytest.raises(Unreachable, match="does not speak as an API server"):
            client.get(PODS)
    else:
        assert client.get(PODS) == {"kind": "Pod"}
    assert server.pending() == 0


def test_f08_the_server_is_waited_for_as_long_as_it_says_and_a_minute_at_the_most(server: Faulty, clock: Clock) -> None:
    server.add(
        failing(Answer(429, b"{}", {"Retry-After": "12"}), 1), failing(Answer(429, b"{}", {"Retry-After": "3600"}), 1)
    )
    client = asking(server)
    with pytest.raises(ApiError, match="429"):
        client.get(PODS)
    assert [int(seconds) for seconds in clock.slept] == [12]
    server.add(failing(status(429, "TooManyRequests", "", details={"retryAfterSeconds": 30}), 1))
    clock.slept.clear()
    client.get(PODS)
    assert [int(seconds) for seconds in clock.slept] == [30]


def test_f09_ten_failures_in_a_row_are_outlived_and_a_deadline_ends_them(server: Faulty, clock: Clock) -> None:
    client = asking(server)
    client.get(PODS)
    server.add(failing(status(503, "ServiceUnavailable", "starting"), 10))
    assert client.get(PODS, patience=120.0)
    server.add(failing(status(503, "ServiceUnavailable", "starting"), 10**6))
    begun = clock.now
    with pytest.raises(ApiError, match="503"):
        client.get(PODS)
    assert clock.now - begun <= room.PATIENCE


def test_f01_a_server_that_never_answered_is_given_up_soon_and_named(server: Faulty, clock: Clock) -> None:
    server.refuse()
    begun = clock.now
    with pytest.raises(Unreachable) as caught:
        asking(server).create(PODS, {}, patience=600.0)
    assert clock.now - begun <= room.FIRST_PATIENCE < 5
    problem = caught.value.problem()
    assert (
        problem.what == f"the API server {server.url} of context scripted can't be reached: the connection was refused."
    )
    assert "whether the cluster runs" in problem.fix


def test_a_server_that_answered_once_is_waited_for(
    server: Faulty, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = asking(server)
    client.get(PODS)
    server.refuse()
    sleep = clock.sleep

    def or_comes_back(seconds: float) -> None:
        sleep(seconds)
        if len(clock.slept) == 4:
            server.accept()

    monkeypatch.setattr(clock, "sleep", or_comes_back)
    assert client.get(PODS) == {"kind": "Pod"}


@pytest.mark.parametrize("patience", [0.0])
def test_without_patience_there_is_one_try(server: Faulty, clock: Clock, patience: float) -> None:
    server.add(failing(status(503, "ServiceUnavailable", ""), 1))
    with pytest.raises(ApiError):
        asking(server).get(PODS, patience=patience)
    assert len(server.requests) == 1


def test_a_list_comes_page_by_page(server: Faulty) -> None:
    def pages(request: Request) -> Answer:
        at = int(request.query.get("continue", "0"))
        more = {"continue": str(at + 1)} if at < 2 else {}
        return Answer(200, {"metadata": more, "items": [{"n": at}]})

    server.backend = pages
    assert asking(server).list(PODS, labelSelector="a=b") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert all(request.query["labelSelector"] == "a=b" and "limit" in request.query for request in server.requests)


def test_what_was_not_there_is_deleted_already(server: Faulty) -> None:
    server.backend = always(status(404, "NotFound", 'pods "train" not found'))
    assert asking(server).delete(paths.pods("lab", "train"), grace=0) is None


def test_an_answer_that_is_no_api_servers_is_said(server: Faulty) -> None:
    server.backend = always(Answer(200, b"<html>Log in to the hotel's network</html>"))
    with pytest.raises(Unreachable, match="does not speak as an API server"):
        asking(server).get(PODS)
    assert len(server.requests) == 1  # asking a login page again does not help


# --- pods made once


def pod(token: str = "mine", name: str = "train-x1") -> dict[str, Any]:
    return {"metadata": {"namespace": "lab", "name": name, "annotations": {marks.TOKEN: token}}}


class OneName:
    """Keeps what is made, and says 409 to the second."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.server = Faulty(self)

    def __call__(self, request: Request) -> Answer:
        import json

        if request.method == "GET":
            return Answer(200, self.pods[request.path.rpartition("/")[2]])
        body = json.loads(request.body)
        if body["metadata"]["name"] in self.pods:
            return status(409, "AlreadyExists", 'pods "train-x1" already exists')
        self.pods[body["metadata"]["name"]] = body
        return Answer(201, body)


@pytest.fixture
def named() -> Iterator[OneName]:
    made = OneName()
    with made.server:
        yield made


def test_f06_a_pod_whose_reply_is_lost_is_found_and_there_is_one(named: OneName, clock: Clock) -> None:
    named.server.add(Fault("POST", "lose", times=2))
    assert create(asking(named.server), pod()) == pod()
    assert list(named.pods) == ["train-x1"]


def test_f07_another_s_pod_of_that_name_is_left_alone(named: OneName) -> None:
    named.pods["train-x1"] = pod("another's")
    with pytest.raises(Taken, match="train-x1"):
        create(asking(named.server), pod())
    assert named.pods == {"train-x1": pod("another's")}


def test_a_stranger_s_pod_without_any_mark_is_left_alone(named: OneName) -> None:
    named.pods["train-x1"] = {"metadata": {"name": "train-x1"}}
    with pytest.raises(Taken):
        create(asking(named.server), pod())


def test_a_pod_that_is_taken_and_gone_again_is_made(named: OneName, clock: Clock) -> None:
    named.server.add(Fault("POST", "answer", answer=status(409, "AlreadyExists", "")))
    named.server.add(Fault("GET", "answer", answer=status(404, "NotFound", "")))
    assert create(asking(named.server), pod()) == pod()


def test_timeouts_are_by_a_clock_that_does_not_jump(server: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """F24: the wall clock jumps an hour at each look."""
    hours = iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: next(hours) * 3600.0)
    client = asking(server)
    client.get(PODS)
    server.add(failing(status(503, "ServiceUnavailable", ""), 2))
    assert client.get(PODS) == {"kind": "Pod"}

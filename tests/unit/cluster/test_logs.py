"""A log, followed through everything that can happen to it: each byte once."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.cluster import cutting, logs
from kubenb.cluster.cutting import Cutter, Position, later
from kubenb.cluster.errors import ApiError
from kubenb.cluster.logs import follow, tail
from tests.faults import Answer, Fault, Request, status
from tests.unit.cluster.scripted import Line, OnePod, asking, log_of

TEXTS = ("start\n", "prices: 3 €\n", "\n", "2026-01-01T00:00:00Z looks like a time\n", "naïve ☃ line\n", "the end")
EQUAL = "2026-05-04T10:00:00.100000000Z"


def stamped(texts: tuple[str, ...], first: datetime, step: timedelta) -> list[Line]:
    return [((first + n * step).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"), text) for n, text in enumerate(texts)]


SECOND = datetime(2026, 5, 4, 10, tzinfo=timezone.utc)
LINES = stamped(TEXTS, SECOND, timedelta(milliseconds=300))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "SLOWEST", 0.02)


@pytest.fixture
def pod() -> Iterator[OnePod]:
    made = OnePod(LINES)
    with made.server:
        yield made


def read(pod: OnePod, stop: threading.Event | None = None) -> str:
    return b"".join(follow(asking(pod.server), "lab", "train", stop=stop)).decode()


def whole(lines: list[Line]) -> str:
    return "".join(text for _, text in lines)


def test_a_log_is_followed_to_its_last_byte(pod: OnePod) -> None:
    assert read(pod) == whole(LINES)


@pytest.mark.parametrize("does", ["reset", "cut", "end"])
@pytest.mark.parametrize("after", [1, 31, 34, 45, 70, 100, 148, 190])
def test_a_connection_lost_anywhere_costs_no_byte_and_repeats_none(pod: OnePod, does: str, after: int) -> None:
    pod.server.add(Fault("log", does, after=after), Fault("log", does, after=after + 20))
    assert read(pod) == whole(LINES)


FAULTS = {
    "F17 reset mid-line and mid-UTF-8": [Fault("log", "reset", after=at) for at in (81, 82, 83, 84, 200)],
    "F18 an end while the container runs": [Fault("log", "end", after=100), Fault("log", "end", after=150)],
    "F20 not started yet": [
        Fault("log", "answer", answer=status(400, "BadRequest", 'container "base" is waiting to start'), times=2),
        Fault("log", "answer", answer=status(500, "InternalError", "remote error: tls: internal error"), times=2),
    ],
    "F08 too many requests": [Fault("log", "answer", answer=status(429, "TooManyRequests", "wait"), times=2)],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_a_log_outlives(pod: OnePod, faults: list[Fault]) -> None:
    pod.server.add(*(Fault(**vars(fault)) for fault in faults))
    assert read(pod) == whole(LINES)


@pytest.mark.parametrize("ending", ["\n", ""], ids=["newline", "F19 no newline"])
def test_the_last_line_is_shown_as_it_was_written(pod: OnePod, ending: str) -> None:
    pod.lines = [(EQUAL, "first\n"), (EQUAL, "last" + ending)]
    assert read(pod) == "first\nlast" + ending


@pytest.mark.parametrize("after", range(36, 180, 12), ids=lambda n: f"F22 cut at {n}")
def test_lines_of_one_time_are_told_apart_by_their_number(pod: OnePod, after: int) -> None:
    pod.lines = [(EQUAL, text) for text in ("a\n", "b\n", "a\n", "a\n", "c\n")]
    pod.server.add(Fault("log", "reset", after=after))
    assert read(pod) == "a\nb\na\na\nc\n"


def test_a_gap_is_said_where_the_node_rotated_the_log_away(pod: OnePod) -> None:
    seen, lost, kept = LINES[:2], LINES[2:4], LINES[4:]
    pod.server.add(Fault("log", "reset", after=len(log_of(seen)) + 5))
    answers = pod.server.backend

    def rotated(request: Request) -> Answer:
        if request.kind == "log" and "sinceTime" in request.query:
            pod.lines = kept
        return answers(request)

    pod.server.backend = rotated
    said = (cutting.GAP % seen[-1][0].encode()).decode()
    assert read(pod) == whole(seen) + said + "\n" + whole(kept)
    assert whole(lost) not in whole(kept)


def test_a_pod_that_goes_away_ends_its_log_with_what_was_there(pod: OnePod) -> None:
    pod.server.add(Fault("log", "end"), Fault("log", "end", after=len(log_of(LINES))))
    found = bytearray()
    for block in follow(asking(pod.server), "lab", "train", gone_on=lambda: True):
        found += block
        pod.gone = True
    assert found.decode() == whole(LINES)


def test_a_pod_that_never_was_has_no_log(pod: OnePod) -> None:
    pod.gone = True
    assert read(pod) == ""


def test_a_pod_that_failed_before_its_container_started_has_no_log(pod: OnePod) -> None:
    pod.server.backend = lambda request: (
        status(400, "BadRequest", 'container "base" in pod "train" is waiting to start: ContainerCreating')
        if request.kind == "log"
        else Answer(200, {"status": {"phase": "Failed"}})
    )
    assert read(pod) == ""


def test_an_ended_container_whose_node_is_gone_is_given_up(pod: OnePod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "GIVES_UP", 0.1)
    pod.server.backend = lambda request: (
        status(500, "InternalError", "dial tcp 10.0.0.9:10250: i/o timeout")
        if request.kind == "log"
        else Answer(200, {"status": {"phase": "Failed"}})
    )
    assert read(pod) == ""


def test_a_log_that_may_not_be_read_says_so_at_once(pod: OnePod) -> None:
    pod.server.add(Fault("log", "answer", answer=status(403, "Forbidden", "pods/log is forbidden")))
    with pytest.raises(ApiError) as caught:
        read(pod)
    assert caught.value.status == 403


def test_f23_a_pod_that_ended_before_anybody_looked_has_its_whole_log(pod: OnePod) -> None:
    assert read(pod) == whole(LINES)
    assert [request.kind for request in pod.server.requests] == ["GET", "log"]  # nothing is asked twice


@pytest.mark.parametrize("hours", [-1, 1], ids=["F24 behind", "F24 ahead"])
def test_a_clock_that_is_wrong_here_or_there_changes_nothing(
    pod: OnePod, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(timezone.utc)
    pod.lines = stamped(TEXTS, now + timedelta(hours=hours), timedelta(milliseconds=10))
    pod.server.add(*(Fault("log", "reset", after=at) for at in (60, 100, 180)))
    real, jumps = time.time, iter(range(10**6))
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * (next(jumps) % 3 - 1))
    assert read(pod) == whole(pod.lines)


def test_a_node_whose_clock_turns_back_mid_log_costs_no_line(pod: OnePod) -> None:
    early, late = LINES[:3], stamped(TEXTS[3:], SECOND - timedelta(hours=1), timedelta(milliseconds=300))
    pod.lines = early + late
    pod.piece = 30
    pod.server.add(Fault("log", "reset", after=len(log_of([*early, late[0]])) + 3))
    assert read(pod) == whole(pod.lines)


@pytest.mark.parametrize("after", range(40, 330, 11))
def test_lines_of_two_streams_that_are_a_little_out_of_order_are_each_shown_once(pod: OnePod, after: int) -> None:
    order = (999_999_998, 999_999_997, 1_000_000_002, 999_999_999, 1_000_000_001, 1_000_000_005, 1_000_000_003)
    pod.lines = [(f"2026-05-04T10:00:{n // 10**9:02}.{n % 10**9:09}Z", f"{n % 10}\n") for n in order]
    pod.server.add(Fault("log", "reset", after=after))
    assert read(pod) == whole(pod.lines)


def test_a_node_in_another_zone_is_followed_as_well(pod: OnePod) -> None:
    pod.lines = [(at.replace("Z", "+05:30"), text) for at, text in LINES]
    pod.server.add(Fault("log", "reset", after=130))
    assert read(pod) == whole(LINES)
    assert pod.server.requests[-1].query["sinceTime"] == "2026-05-04T09:59:59+05:30"


def test_a_log_in_which_nothing_stirs_is_let_go_when_nobody_needs_it(pod: OnePod) -> None:
    stop = threading.Event()
    pod.server.add(Fault("log", "stall", times=9))
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(read(pod, stop)))
    reader.start()
    while not any(request.kind == "log" for request in pod.server.requests):
        time.sleep(0.01)
    stop.set()
    reader.join(5)  # a read would wait for 60 s
    assert not reader.is_alive()
    assert found == [""]


def test_f21_a_line_without_end_is_cut_and_said_and_memory_stays_small() -> None:
    cutter, piece = Cutter(Position()), b"x" * (1 << 16)
    tracemalloc.start()
    out = len(cutter.take(b"2026-05-04T10:00:00.000000001Z "))
    for _ in range(3000):  # 187 MiB
        out += len(cutter.take(piece))
    block = cutter.take(b"\n2026-05-04T10:00:00.000000002Z next\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert out == 0
    left = 3000 * len(piece) + 31 - cutting.LONGEST
    assert block.endswith(b"xx" + cutting.CUT % left + b"\nnext\n")
    assert peak < 8 * cutting.LONGEST


def test_f21_what_is_no_text_comes_through_as_it_is(pod: OnePod) -> None:
    odd = bytes(range(256)).replace(b"\n", b"") + b"\x1b[31m\x1b]8;;http://x\x07\n"
    data = EQUAL.encode() + b" " + odd
    pod.server.backend = lambda request: (
        Answer(200, data) if request.kind == "log" else Answer(200, {"status": {"phase": "Succeeded"}})
    )
    assert b"".join(follow(asking(pod.server), "lab", "train")) == odd


def test_the_tail_is_asked_of_the_node_and_is_less_the_marks(pod: OnePod) -> None:
    pod.server.backend = lambda request: Answer(200, b"a\n\x1etoken {}\nb\n")
    assert tail(asking(pod.server), "lab", "train", lines=7) == "a\nb\n"
    assert pod.server.requests[-1].query["tailLines"] == "7"


def test_times_of_several_lengths_and_zones_compare_as_times() -> None:
    ordered = [
        b"2026-05-04T10:00:00Z",
        b"2026-05-04T10:00:00.1Z",
        b"2026-05-04T11:00:00.100000001+01:00",
        b"2026-05-04T10:00:00.2Z",
    ]
    assert all(later(b, a) and not later(a, b) for a, b in pairwise(ordered))
    assert not later(b"no time", b"2026-05-04T10:00:00Z")


@st.composite
def logs_with_breaks(draw: st.DrawFn) -> tuple[list[Line], list[tuple[int, int]], int]:
    steps = draw(st.lists(st.sampled_from([0, 0, 1, 400_000, 1_000_000, 2_500_000]), min_size=1, max_size=30))
    at, lines = SECOND, []
    for step in steps:
        at += timedelta(microseconds=step)
        text = draw(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=12))
        lines.append((at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"), text + "\n"))
    if draw(st.booleans()):
        lines[-1] = (lines[-1][0], lines[-1][1][:-1] + "no newline")
    breaks = draw(st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 90)), max_size=6))
    return lines, breaks, draw(st.integers(1, 300))


@given(logs_with_breaks())
def test_any_log_broken_anywhere_comes_out_as_it_was_written(
    case: tuple[list[Line], list[tuple[int, int]], int],
) -> None:
    lines, breaks, size = case
    position, out = Position(), b""
    for cut, piece in [*breaks, (10**6, size)]:
        cutter, data = Cutter(position), log_of(lines, position.since() or "")[:cut]
        for at in range(0, len(data), piece):
            out += cutter.take(data[at : at + piece])
    assert (out + cutter.last()).decode() == whole(lines)

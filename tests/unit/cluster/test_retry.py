"""One judge of failures, as a table."""

from __future__ import annotations

import pytest

from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import LONGEST, TOLD, judge, pause

LOST = Unreachable("https://c", "lab", "the connection was lost", "Check.")
WRONG = Unreachable("https://c", "lab", "its certificate has expired", "Tell.", hopeless=True)
LEADER = "etcdserver: leader changed"
QUOTA = 'Operation cannot be fulfilled on resourcequotas "lab": the object has been modified; please apply your changes'

VERDICTS = [
    (LOST, "again"),
    (WRONG, "fail"),
    (ApiError(400, "BadRequest", "no"), "fail"),
    (ApiError(401, "Unauthorized", "Unauthorized"), "renew"),
    (ApiError(403, "Forbidden", "exceeded quota: lab, requested: pods=1, used: pods=2, limited: pods=2"), "fail"),
    (ApiError(404, "NotFound", 'pods "a" not found'), "fail"),
    (ApiError(408, "Timeout", "request timeout"), "again"),
    (ApiError(409, "AlreadyExists", 'pods "a" already exists'), "fail"),
    (ApiError(409, "Conflict", QUOTA), "again"),
    (ApiError(410, "Expired", "too old resource version"), "fail"),
    (ApiError(422, "Invalid", "spec.containers: Required value"), "fail"),
    (ApiError(429, "TooManyRequests", "too many requests"), "again"),
    (ApiError(500, "InternalError", "boom"), "again"),
    (ApiError(500, "", LEADER), "again"),
    (ApiError(400, "", LEADER), "again"),
    (ApiError(502, "BadGateway", ""), "again"),
    (ApiError(503, "ServiceUnavailable", ""), "again"),
    (ApiError(504, "Timeout", ""), "again"),
    (ApiError(501, "NotImplemented", ""), "fail"),
    (ValueError("ours"), "fail"),
]


@pytest.mark.parametrize(("error", "verdict"), VERDICTS, ids=lambda each: str(each)[:50])
def test_a_failure_is_tried_again_renewed_or_final(error: Exception, verdict: str) -> None:
    assert judge(error) == verdict


def test_pauses_grow_and_are_never_all_alike_and_never_long() -> None:
    series = [[pause(attempt, LOST) for attempt in range(30)] for _ in range(5)]
    assert max(map(max, series)) <= LONGEST
    assert min(each[10] for each in series) > max(each[0] for each in series)
    assert len({each[3] for each in series}) > 1
    assert pause(10**6, LOST) <= LONGEST


@pytest.mark.parametrize(("asked", "most"), [(0.0, 1.0), (3.0, 4.0), (3600.0, TOLD + 1)])
def test_the_server_says_how_long_within_reason(asked: float, most: float) -> None:
    found = pause(0, ApiError(429, "TooManyRequests", "", retry_after=asked))
    assert min(asked, TOLD) <= found <= most

"""The one judge of failed requests: wait and try again, renew the credentials, or give up.

In: an exception. Out: `Verdict`. Kubernetes' own signals: 429 and 503 with Retry-After, 5xx, a leader's change in etcd, a
quota that another request changed meanwhile, connections refused, reset or cut. Pauses grow to 10 s, with jitter; whoever
asks says how long all tries may take, by the monotonic clock. Next room: `client`.
"""

from __future__ import annotations

import random
from typing import Literal

from kubenb.cluster.errors import ApiError, Unreachable

Verdict = Literal["again", "renew", "fail"]
FIRST, LONGEST, TOLD = 0.1, 10.0, 60.0

_TRANSIENT = (408, 429, 500, 502, 503, 504)
_TEXTS = (
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "operation cannot be fulfilled on resourcequotas",
    "the server was unable to return a response in the time allotted",
    "please try again",
)


def judge(error: Exception) -> Verdict:
    """What to do after it.

    >>> judge(ApiError(503, "ServiceUnavailable", "")), judge(ApiError(401, "Unauthorized", "")), judge(ApiError(403, "Forbidden", "no"))
    ('again', 'renew', 'fail')
    """
    if isinstance(error, Unreachable):
        return "fail" if error.hopeless else "again"
    if isinstance(error, ApiError):
        if error.status == 401:
            return "renew"
        text = error.message.lower()
        if error.status in _TRANSIENT or any(mark in text for mark in _TEXTS):
            return "again"
    return "fail"


def pause(attempt: int, error: Exception | None = None) -> float:
    """Seconds before the next try: what the server asks for (a minute at the most), else growing and never twice the same."""
    asked = error.retry_after if isinstance(error, ApiError) else None
    if asked is not None:
        return min(asked, TOLD) + random.uniform(0, 0.1)
    return min(FIRST * 2.0 ** min(attempt, 20), LONGEST) * random.uniform(0.5, 1.0)

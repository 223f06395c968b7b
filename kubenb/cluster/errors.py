"""What can go wrong between here and an API server, as two exceptions that can say it to a person.

In: a response, or what the transport raised. Out: `ApiError` (the server said no) and `Unreachable` (nobody answered).
Next rooms: `retry` judges them, `client` raises them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubenb.cluster.refusals import refusal
from kubenb.model.problems import NOWHERE, KubenbError, Place, Problem


@dataclass
class ApiError(Exception):
    """The server's answer, as its Status object says it. `retry_after`: seconds it asks to wait."""

    status: int
    reason: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None
    asked: str = ""

    def __str__(self) -> str:
        """'403 Forbidden: pods is forbidden: …'"""
        return f"{self.status} {self.reason}: {self.message}"

    def problem(self, where: Place = NOWHERE) -> Problem:
        """What it means, and what to do."""
        what, fix = _words(self)
        return Problem(where, what, fix, f"cluster.{self.reason or self.status}".lower())


def _words(error: ApiError) -> tuple[str, str]:
    text = error.message.rstrip(".")
    if error.status == 401:
        return (
            "the API server does not know who asks (401): the credentials are missing, wrong or have expired.",
            "Log in again, as you do for kubectl.",
        )
    said = refusal(error.status, text)
    if said is not None:
        return said
    if error.status == 403 and "cannot" in text:
        denied = text.partition("is forbidden: ")[2] or text
        return f"this is not allowed: {denied}.", "Ask who runs the cluster for the Role that `kubenb rbac` prints."
    if error.status == 403:
        return f"the cluster refuses it: {text}.", "Change what it names."
    if error.status == 404:
        return f"it is not there: {text}.", "Check the names, and the namespace."
    if error.status == 429:
        return f"the API server has too much to do (429): {text}.", "Try again in a while."
    return (
        f"the API server answered {error.status} {error.reason}: {text}.",
        "Try again; then ask who runs the cluster.",
    )


@dataclass
class Unreachable(Exception):
    """Nobody answered, or not as an API server does. `hopeless`: another try will not help (certificate, name)."""

    server: str
    context: str
    what: str
    fix: str
    hopeless: bool = False

    def __str__(self) -> str:
        """One sentence."""
        return f"{self.server} (context {self.context}): {self.what}"

    def problem(self, where: Place = NOWHERE) -> Problem:
        """What it means, and what to do."""
        what = f"the API server {self.server} of context {self.context} can't be reached: {self.what}."
        return Problem(where, what, self.fix, "cluster.unreachable")


@contextlib.contextmanager
def as_problems(where: Place = NOWHERE) -> Iterator[None]:
    """What a cluster says no to, as problems: for the verbs, which know no other exception."""
    try:
        yield
    except (ApiError, Unreachable) as error:
        raise KubenbError((error.problem(where),)) from None

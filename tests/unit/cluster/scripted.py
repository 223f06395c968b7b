"""An API server of a few lines for one pod: its state, its log, its watch. In front of it: the faults of `tests.faults`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubenb.cluster.access import Access
from kubenb.cluster.client import Client
from tests.faults import Answer, Backend, Faulty, Request, status

Line = tuple[str, str]  # time, text with its newline


def asking(server: Faulty, **more: Any) -> Client:
    """A client of it."""
    return Client(Access("scripted", server.url, "lab", **more))


def always(content: Answer | dict[str, Any]) -> Backend:
    """Answers all alike."""
    return lambda request: content if isinstance(content, Answer) else Answer(200, content)


def log_of(lines: Sequence[Line], since: str = "") -> bytes:
    """As the kubelet gives it: from a whole second on."""
    return b"".join(f"{at} {text}".encode() for at, text in lines if at[:19] >= since[:19])


class OnePod:
    """A pod whose container runs for as long as faults are to come, and has ended then."""

    def __init__(self, lines: Sequence[Line] = ()) -> None:
        self.lines = list(lines)
        self.server = Faulty(self)
        self.gone = False
        self.piece = 1 << 16

    def __call__(self, request: Request) -> Answer:
        if self.gone:
            return status(404, "NotFound", 'pods "train" not found', details={"name": "train", "kind": "pods"})
        if request.kind == "log":
            data = log_of(self.lines, request.query.get("sinceTime", ""))
            return Answer(200, (data[at : at + self.piece] for at in range(0, len(data), self.piece)))
        state = "running" if self.server.pending() else "terminated"
        return Answer(
            200, {"status": {"phase": "Running", "containerStatuses": [{"name": "base", "state": {state: {}}}]}}
        )

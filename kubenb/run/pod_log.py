"""The log of one pod of a run, on its way into a file: what the task printed; and what its runtime tells who waits.

In: a pod, its token, a file. Out: lines in the file, the runtime's markers and the reason why there is no log, to `heard`;
`wrote` is called where there is something to read. A thread of its own. Next rooms: `kubenb.cluster.logs`; `pod_work` has one.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.cluster import paths
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.logs import MARK, NOT_YET, follow

if TYPE_CHECKING:
    from kubenb.cluster.client import Client

Part = dict[str, Any]
KNOCK = 0.02
KNOCKING = 3.0  # seconds after a node was found; an image that is pulled takes longer, and then the status will do
PAUSE = 0.5


@dataclass(eq=False)
class PodLog:
    """`running`: set once it is known that the container began; `over`: set when nobody wants to know any more."""

    client: Client
    at: tuple[str, str]  # namespace and pod
    token: str
    file: Path
    over: threading.Event
    heard: Callable[[Part], None]
    wrote: Callable[[], None]
    running: threading.Event = field(default_factory=threading.Event)
    bar: str = ""  # the last progress bar that it showed
    thread: threading.Thread | None = None

    def listen(self) -> None:
        """From now on; the container need not have begun."""
        if self.thread is None:
            self.thread = threading.Thread(target=self._listen, name=f"kubenb-{self.at[1]}-log", daemon=True)
            self.thread.start()

    def last_lines(self, seconds: float) -> None:
        """All of it, within reason; nothing of a container that never began."""
        if self.thread is not None and self.running.is_set():
            self.thread.join(seconds)

    def _listen(self) -> None:
        try:
            self._knock()
            self._follow()
        except (ApiError, Unreachable) as error:
            self._unheard(f"its log can't be read: {error.problem().what}")
        except OSError as error:
            self._unheard(f"its log can't be written to {self.file}: {error.strerror}.")

    def _unheard(self, why: str) -> None:
        """Without its log nobody learns when it has ended."""
        if not self.over.is_set():
            self.heard({"unheard": why})

    def _knock(self) -> None:
        """Until there is a log. A kubelet has it up to a second before it says that the container runs."""
        until = time.monotonic() + KNOCKING
        path = paths.pods(*self.at, "log")
        while not self.running.is_set() and not self.over.is_set():
            if time.monotonic() > until:
                self.running.wait(PAUSE)
                continue
            try:
                for _ in self.client.stream(path, read=PAUSE, container="base", limitBytes=1):
                    break
            except ApiError as error:
                if error.status not in NOT_YET:
                    return
                self.running.wait(KNOCK)
            except Unreachable:
                self.running.wait(PAUSE)
            else:
                return

    def _follow(self) -> None:
        mark = MARK + self.token.encode()
        with self.file.open("wb") as file:
            for block in follow(self.client, *self.at, stop=self.over):
                printed, told = _parted(block, mark) if MARK in block else (block, [])
                file.write(printed)
                file.flush()
                for each in told:  # after what was printed before it: the last one says that no more comes
                    if "bar" in each:
                        self.bar = str(each["bar"])
                    else:
                        self.heard(each)
                self.wrote()


def _parted(block: bytes, mark: bytes) -> tuple[bytes, list[Part]]:
    """What the task printed, and what the runtime said to who waits."""
    kept, told = [], []
    for line in block.splitlines(keepends=True):
        if line.startswith(mark):
            with contextlib.suppress(ValueError):
                told.append(json.loads(line[len(mark) :]))
        else:
            kept.append(line)
    return b"".join(kept), told

"""A task that somebody waits for: it may wait for its inputs first, and says while it runs what it does.

In: KUBENB_HOLD="<token> <seconds> <await>". Out: a `Hold` on the job; without that variable nothing here is loaded. Who waits puts
files into the folder `kubenb-<token>` (`channel`): `ready` once the inputs are in the store, `fetched` once the results are out.
Next rooms: `lines` in the child, `held` in the parent.
"""

from __future__ import annotations

import _signal
import os
import time

from .exits import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST_WAIT, LOOK = 300.0, 0.05
READY, FETCHED = "ready", "fetched"


class Hold:
    """What the variable says. `memory`: shared with the process that runs the cells."""

    def __init__(self, text: str) -> None:
        """Makes the folder, and waits for the inputs where there are any."""
        try:
            self.token, seconds, awaits = text.split()
            self.seconds = float(seconds)
            int(self.token, 16)
        except ValueError:
            raise Refused("setup", "KUBENB_HOLD '%s' is not a token, seconds and 0 or 1." % text[:80]) from None
        self.folder = "%s/kubenb-%s" % (os.environ.get("TMPDIR") or "/tmp", self.token)
        self.memory: Any = None
        os.makedirs(self.folder, 0o700, exist_ok=True)
        if awaits == "1":
            self.await_inputs()

    def await_inputs(self) -> None:
        """As the first process of a container it would not even hear a SIGTERM unless it asks for it."""
        for number in (_signal.SIGTERM, _signal.SIGINT):
            _signal.signal(number, _stopped)
        until = time.monotonic() + LONGEST_WAIT
        while not self.has(READY):
            if time.monotonic() > until:
                what = "its inputs did not arrive within %d s." % LONGEST_WAIT
                raise Refused("missing", what, "Start it again; who started this pod may have lost the connection.")
            time.sleep(LOOK)

    def has(self, name: str) -> bool:
        """Whether that has happened."""
        return os.path.exists(self.folder + "/" + name)

    def join(self, job: Any) -> None:
        """Before the process forks: where the child notes its line."""
        import mmap

        job.hold = self
        if job.papermill:
            path = job.side + "/line"
            with open(path, "w+b") as file:
                file.write(bytes(mmap.PAGESIZE))
                file.flush()
                self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
            return
        self.memory, begin = mmap.mmap(-1, mmap.PAGESIZE), job.begin

        def noting(pipes: Any) -> int:
            from .lines import note, of_engine

            note(self.memory, of_engine)
            return int(begin(pipes))

        job.begin = noting

    def watcher(self) -> Any:
        """What watches such a task."""
        from .held import Held

        return Held


def _stopped(number: int, frame: Any) -> None:
    kind, name = ("stopped", "SIGTERM") if number == _signal.SIGTERM else ("interrupted", "SIGINT")
    raise Refused(kind, "stopped from outside (%s) while it waited for its inputs." % name)

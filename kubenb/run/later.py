"""Records of cells that run in the kernel are written a second later, by a thread: nobody waits for a disk.

In: what makes a record. Out: rows of `measures`, at the latest when the kernel ends or somebody asks for them. Next room: `measures`.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable

from kubenb.model.measured import Measured

PAUSE = 1.0


class Later:
    """What waits to be written, and the thread that will write it."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], Measured]] = []
        self._lock, self._thread, self._pid = threading.Lock(), False, 0

    def add(self, make: Callable[[], Measured]) -> None:
        """A record, made when it is written."""
        with self._lock:
            if self._pid != os.getpid():  # a fork's records are its own
                self._waiting, self._thread = [], False
                if not self._pid:
                    atexit.register(self.flush)
                self._pid = os.getpid()
            self._waiting.append(make)
            if self._thread:
                return
            self._thread = True
        threading.Thread(target=self._write, name="kubenb-records", daemon=True).start()

    def flush(self) -> None:
        """Writes all that waits, now."""
        from kubenb.run import measures

        with self._lock:
            if self._pid != os.getpid():
                return
            waiting, self._waiting = self._waiting, []
        if waiting:
            measures.add([make() for make in waiting])

    def _write(self) -> None:
        time.sleep(PAUSE)
        with self._lock:
            self._thread = False
        self.flush()


LATER = Later()

"""What a container wrote: lines with their times, readable while it still writes.

In: bytes as the process writes them. Out: `Line`s, from a time on or the last few. Next rooms: `container` fills it, `api` sends it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone


def now() -> str:
    """This moment as the API server writes it in logs.

    >>> len(now()), now()[-1]
    (27, 'Z')
    """
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Line:
    """One line, with the time the kubelet would have stamped on it; `text` keeps its line end, if it had one."""

    time: str
    text: bytes


class Log:
    """Lines in order; any number of readers may follow one writer."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._closed = False
        self._changed = threading.Condition()

    def append(self, text: bytes) -> None:
        """Adds a line, stamped with now."""
        with self._changed:
            self._lines.append(Line(now(), text))
            self._changed.notify_all()

    def close(self) -> None:
        """No more lines come: followers end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def lines(self) -> tuple[Line, ...]:
        """All lines so far."""
        with self._changed:
            return tuple(self._lines)

    def since(self, seen: int) -> tuple[Line, ...]:
        """The lines after the first `seen`."""
        with self._changed:
            return tuple(self._lines[seen:])

    def follow(self) -> Iterator[Line]:
        """All lines, waiting for those to come, until the writer closed."""
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda seen=seen: len(self._lines) > seen or self._closed)  # type: ignore[misc]
                fresh = self._lines[seen:]
            if not fresh:
                return
            seen += len(fresh)
            yield from fresh

    def tail(self, lines: int = 80, size: int = 2048) -> str:
        """The end of it, as FallbackToLogsOnError takes it for the termination message."""
        text = b"".join(line.text for line in self.lines()[-lines:])
        return text[-size:].decode(errors="replace")

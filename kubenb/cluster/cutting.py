"""A log's bytes cut into lines, each passed on once: what a connection gives again after a break is left out.

In: pieces of a log with times, in the order of the log. Out: blocks of whole lines without them. A line is known by its time
and its number among lines of that very time, and is found again in what comes; where it is not, only what is later than all
that was seen is new. Next room: `logs`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

LONGEST = 1 << 20  # bytes of one line that are kept; the rest of it is counted, and said
NEAR = 16  # lines within which two streams' lines may be out of order
SHORTEST = 36  # bytes of the longest time
GAP = b"[kubenb: lines after %s are missing: the node rotated the log away while the connection was lost]"
CUT = b" [kubenb: %d more bytes of this line left out]"

_STAMPS = re.compile(rb"\n20\d\d-\d\d-\d\dT\S{9,26} ")
_STAMP = re.compile(r"(20.{17})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


class Position:
    """How far a log was read: the last line's time, and how many lines of exactly that time were passed on.

    `highest`: the latest time of all. Two streams of one container are written a little out of order, and a clock may go back.
    """

    def __init__(self) -> None:
        self.time, self.count, self.highest = b"", 0, b""

    def since(self) -> str | None:
        """What to ask for next, in the zone of the node: a second early, for a line that was stamped before its neighbour."""
        found = _STAMP.fullmatch(self.time.decode("ascii", "replace"))
        if not found:
            return None
        return (datetime.fromisoformat(found[1]) - timedelta(seconds=1)).isoformat() + found[3]

    def advance(self, lines: bytes) -> None:
        """Beyond these, each with a newline before it."""
        at, count, run, end, near = b"", 0, True, len(lines), NEAR
        while end > 0 and (run or near > 0):
            start = lines.rfind(b"\n", 0, end)
            stamp = _stamp(lines, start)
            if stamp:
                at = at or stamp
                run = run and stamp == at
                count += run
                self.highest = stamp if later(stamp, self.highest) else self.highest
            end, near = start, near - 1
        if not at:
            return
        if run and at == self.time:
            count += self.count
        first = _stamp(lines, 0)
        self.highest = first if later(first, self.highest) else self.highest
        self.time, self.count = at, count


class Cutter:
    """For one connection. What `position` has passed is left out; what it gives is passed."""

    def __init__(self, position: Position) -> None:
        self.position = position
        self._rest, self._dropped = b"", 0
        self._again, self._skip = bool(position.time), position.count

    def take(self, piece: bytes) -> bytes:
        """Whole lines of it; the beginning of the next is kept."""
        if self._dropped:
            end = piece.find(b"\n")
            if end < 0:
                self._dropped += len(piece)
                return b""
            piece, self._dropped = CUT % (self._dropped + end) + piece[end:], 0
        data = self._rest + piece
        end = data.rfind(b"\n")
        self._rest = data[end + 1 :]
        if len(self._rest) > LONGEST:
            self._dropped, self._rest = len(self._rest) - LONGEST, self._rest[:LONGEST]
        return self._lines(b"\n" + data[:end]) if end >= 0 else b""

    def last(self) -> bytes:
        """A last line that nothing ended. Only where the log is known to be at its end: a cut line looks the same."""
        rest = self._rest + (CUT % self._dropped if self._dropped else b"")
        self._rest, self._dropped = b"", 0
        whole = len(rest) > SHORTEST or _stamp(b"\n" + rest, 0)  # else cut within its time
        return self._lines(b"\n" + rest)[:-1] if whole else b""

    def ended(self) -> None:
        """The server ended it: what was not found until here is not there."""
        if self._again:
            self.position.highest = self.position.time

    def _lines(self, lines: bytes) -> bytes:
        if self._again:
            lines = self._unseen(lines)
            if not lines:
                return b""
        self.position.advance(lines)
        return _STAMPS.sub(b"\n", lines)[1:] + b"\n"

    def _unseen(self, lines: bytes) -> bytes:
        """From the first line on that comes after the last one before the break."""
        known, start = self.position.time, 0
        while start >= 0:
            stamp = _stamp(lines, start)
            if self._skip and stamp == known:
                self._skip -= 1
            elif stamp and (not self._skip or later(stamp, self.position.highest)):
                self._again = False
                said = b"\n" + GAP % known if self._skip == self.position.count else b""
                return said + lines[start:]
            start = lines.find(b"\n", start + 1)
        return b""


def _stamp(lines: bytes, start: int) -> bytes:
    """The time of the line after the newline there; b'' for the kubelet's own words, which have none."""
    found = _STAMPS.match(lines, start)
    return lines[start + 1 : found.end() - 1] if found else b""


def later(one: bytes, other: bytes) -> bool:
    """Whether one time is after the other. As nearly all are, of one length and in UTC: compared as they are."""
    if len(one) == len(other) and one[-1:] == other[-1:] == b"Z":
        return one > other
    return order(one) > order(other)


def order(stamp: bytes) -> tuple[int, int]:
    """Seconds and nanoseconds: times of several lengths and zones, to be compared.

    >>> order(b"2026-01-01T01:00:00.5+01:00") < order(b"2026-01-01T00:00:00.500000001Z")
    True
    """
    found = _STAMP.fullmatch(stamp.decode("ascii", "replace"))
    if not found:
        return 0, 0
    try:
        whole = datetime.fromisoformat(found[1] + ("+00:00" if found[3] == "Z" else found[3]))
    except ValueError:
        return 0, 0
    return int(whole.timestamp()), int((found[2] or "").ljust(9, "0"))

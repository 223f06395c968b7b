"""The watching process of a task that somebody waits for: says how it goes, and keeps the results until they are fetched.

In: what `watch` sees, `hold` and the line that the child notes. Out: marker lines on standard output, each `\\x1e<token> ` and JSON, on a
line of its own; all else as ever, in whole lines (a kubelet shows no others), and of a line that is written over (a progress bar)
what stays. Next room: out of the pod.
"""

from __future__ import annotations

import json
import time

from .hold import FETCHED, LOOK
from .lines import noted
from .usage import limit
from .watch import Watcher, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EVERY, BAR_EVERY, LONGEST = 2.0, 0.25, 1 << 14


class Lines:
    """One stream. `rest`: the line that has not ended; `broken`: its beginning has been passed on, it was that long."""

    def __init__(self) -> None:
        """Nothing was printed yet."""
        self.rest, self.broken = b"", False
        self.bar, self.shown, self.at = b"", b"", 0.0

    def feed(self, data: bytes) -> bytes:
        """What may be passed on."""
        whole, mark, rest = (self.rest + data).rpartition(b"\n")
        if mark:
            whole = b"\n".join(map(_staying, whole.split(b"\n"))) if b"\r" in whole else whole
            self.broken, self.bar, self.shown = False, b"", b""
        self.rest = _staying(rest)
        if b"\r" in self.rest:
            self.bar = self.rest.strip() or self.bar
        if len(self.rest) > LONGEST:
            whole, self.rest, self.broken = whole + mark + self.rest, b"", True
            return whole
        return whole + mark

    def end(self) -> bytes:
        """What is left, as a line."""
        rest, self.rest = self.rest, b""
        return rest + b"\n" if rest or self.broken else b""

    def news(self, now: float) -> bytes:
        """The bar, where it has changed and the last one was long enough ago."""
        if self.bar == self.shown or now - self.at < BAR_EVERY:
            return b""
        self.shown, self.at = self.bar, now
        return self.bar


def _staying(line: bytes) -> bytes:
    """What a terminal shows of a line in the end, still with the mark that it writes over.

    >>> _staying(b"\\r 10%\\r 20%"), _staying(b"windows\\r"), _staying(b"plain")
    (b'\\r 20%', b'windows\\r', b'plain')
    """
    body = line.rstrip(b"\r")
    _, mark, last = body.rpartition(b"\r")
    return mark + last + line[len(body) :] if mark else line


class Held(Watcher):
    """The parent's side, where somebody waits."""

    def __init__(self, *args: Any) -> None:
        """The first marker goes out at once."""
        super().__init__(*args)
        self.hold = self.job.hold
        self.lines = {1: Lines(), 2: Lines()}
        self.told = 0.0
        self.tell(time.monotonic())

    def write(self, number: int, data: bytes) -> None:
        """Whole lines."""
        write_all(number, self.lines[number].feed(data))

    def _timeout(self, pause: float) -> int:
        return min(super()._timeout(pause), int(1000 * BAR_EVERY))

    def tell(self, now: float) -> None:
        """What is due."""
        for number, lines in self.lines.items():
            bar = lines.news(now)
            if bar:
                stream = "stdout" if number == 1 else "stderr"
                self.mark({"bar": bar.decode("utf-8", "replace"), "stream": stream})
        if now - self.told >= EVERY or not self.told:
            self.told = now
            memory, peak = self.meter.now()
            self.mark({"memory": memory, "peak": peak, "limit": limit(), **self.place()})

    def mark(self, told: dict[str, Any]) -> None:
        """One marker, unless standard output is within a line."""
        if not self.lines[1].broken:
            write_all(1, ("\x1e%s %s\n" % (self.hold.token, json.dumps(told))).encode("ascii"))

    def place(self) -> dict[str, Any]:
        """The cell that runs, its id in the task's notebook, and the line; all None between cells."""
        cell, line = noted(self.hold.memory)
        if cell and self.job.papermill:
            cell = self._counted(cell)
        if not 0 < cell <= len(self.job.cells):
            return {"line": None, "cell": None, "id": None}
        return {"line": line, "cell": cell, "id": str(self.job.cells[cell - 1].get("id") or "")}

    def _counted(self, count: int) -> int:
        """The cell with that execution count in a kernel: empty cells have none, the injected parameters have one."""
        ran = [
            n
            for n, cell in enumerate(self.job.cells, 1)
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        ]
        if self.job.parameters:
            tagged = [
                n for n in ran if "parameters" in ((self.job.cells[n - 1].get("metadata") or {}).get("tags") or ())
            ]
            ran.insert(ran.index(tagged[0]) + 1 if tagged else 0, 0)
        return ran[count - 1] if count <= len(ran) else 0

    def finish(self) -> int:
        """As ever; then the end is told, and waited until the results are fetched."""
        place = self.place()
        for number, lines in self.lines.items():
            write_all(number, lines.end())
            lines.broken = False
        code = super().finish()
        kind = self.said[0]
        told = {"ended": code, "kind": kind, "what": self.said[1], "peak": self.peak, "limit": limit()}
        if self.lost is not None:
            told["oom"] = self.lost
        self.mark({**told, **({"line": None, "cell": None, "id": None} if kind == "done" else place)})
        until = time.monotonic() + self.hold.seconds
        while not (self.job.signals or self.hold.has(FETCHED)) and time.monotonic() < until:
            time.sleep(LOOK)
        return code

"""One start of a unit, wherever it runs: its log file, its clock, its exit code; what a site must be able to do with it.

In: nothing. Out: `Work`, the base of `process.Process` and `pod_work.PodWork`. Next room: `runner`, which keeps them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False)
class Work:
    """A started task. What it prints goes into the file `log`, and is read from there.

    `began` and `stopped` are of the monotonic clock, `stopped` None while it runs; `deadline`: seconds that it may run;
    `code`: its exit code once it has ended; `why`: the cause in words, where more is known than the code tells, and `fix`;
    `remark`: what should be known beside, however it ended.
    """

    name: str
    log: Path
    began: float = field(default_factory=time.monotonic)
    deadline: float | None = None
    stopped: float | None = None
    code: int | None = None
    why: str = ""
    fix: str = ""
    remark: str = ""
    _read: int = 0
    _rest: bytes = b""

    @property
    def seconds(self) -> float:
        """How long it ran, or has run."""
        return (self.stopped or time.monotonic()) - self.began

    @property
    def overdue(self) -> bool:
        """It has run longer than its pod could."""
        return self.deadline is not None and self.seconds > self.deadline

    @property
    def state(self) -> tuple[str, int | None, int | None]:
        """What it does now, in words ('' where there is nothing to say but that it runs); memory in use and its limit, if known."""
        return "", None, None

    @property
    def lost(self) -> tuple[bool, int | None]:
        """Whether it was killed for want of memory, and the most memory that it was seen with."""
        return False, None

    @property
    def bar(self) -> str:
        """Its progress bar as it is now, where it shows one."""
        return ""

    def lines(self, final: bool = False) -> Iterator[str]:
        """Lines printed since the last call; with `final` an unfinished one too."""
        with contextlib.suppress(OSError), self.log.open("rb") as file:
            file.seek(self._read)
            new = file.read()
            self._read += len(new)
            self._rest += new
        *whole, self._rest = self._rest.split(b"\n")
        if final and self._rest:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")

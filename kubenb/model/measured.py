"""What one run of one task used: the value that records keep and advice is made of.

In: nothing. Out: `Measured`. Bytes, seconds and cores throughout. Next rooms: `run.measures` keeps them, `export.advice` reads them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

How = Literal["here", "local", "pod", "airflow"]
HOWS: tuple[How, ...] = ("here", "local", "pod", "airflow")
Point = tuple[float, float, float]  # seconds since the start, most bytes since the point before, CPU seconds so far
OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True)
class Asked:
    """What the pod asked for: cores and bytes; None where it did not."""

    cpu: float | None = None
    memory: int | None = None
    cpu_limit: float | None = None
    memory_limit: int | None = None


@dataclass(frozen=True)
class Measured:
    """One run of one task, or of one item of a mapped task.

    `text`: the digest of the task's text. `end`: 'done', 'out of memory', or another kind of end. `cores`: busy for a twentieth
    of the run. `peak`: the most memory that could not have been given back; `charged`: with the cache of files, what a container
    is charged; `before`: what the kernel held when the cell began. `size`: what the run is measured by, bytes that it read.
    """

    task: str
    how: How
    start: float
    wall: float
    end: str = "done"
    notebook: str = ""
    text: str = ""
    dag: str = ""
    run: str = ""
    item: int | None = None
    cpu: float | None = None
    cores: float | None = None
    peak: int | None = None
    charged: int | None = None
    before: int | None = None
    gpu: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    size: int | None = None
    asked: Asked = Asked()
    curve: tuple[Point, ...] = ()

    @property
    def done(self) -> bool:
        """It ran to its end."""
        return self.end == "done"


def digest_of(text: str) -> str:
    r"""A task's text by its digest; blanks at the ends of lines and around it say nothing.

    >>> digest_of("x = 1\n") == digest_of("\nx = 1  \n")
    True
    """
    lines = (line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]

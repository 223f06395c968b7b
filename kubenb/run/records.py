"""What runs used: one JSON line a task, for choosing resources by measurement.

In: outcomes. Out: lines at the end of `DIR/.kubenb/runs.jsonl`, and the records read back. A torn last line is skipped,
not an error.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from kubenb.run.events import Outcome


@dataclass(frozen=True)
class Record:
    """One task's (or item's) use of one run. Seconds and bytes."""

    at: float
    dag: str
    task: str
    item: int | None
    where: Literal["here", "local", "pod"]
    state: str
    seconds: float | None
    cpu: float | None
    peak: int | None
    bytes_in: int | None = None
    bytes_out: int | None = None
    run: str = ""


def record(outcome: Outcome, dag: str, run: str, where: Literal["local", "pod"] = "local") -> Record:
    """The record of a task that ran as a process on this machine, or in a pod."""
    measured = (outcome.seconds, outcome.cpu, outcome.peak, outcome.bytes_in, outcome.bytes_out)
    return Record(time.time(), dag, outcome.task, outcome.item, where, outcome.state, *measured, run)


def append(path: Path, records: Iterable[Record]) -> None:
    """Adds lines in one write."""
    lines = "".join(json.dumps(asdict(record)) + "\n" for record in records)
    if lines:
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)


def read(path: Path) -> Iterator[Record]:
    """All records of a file, oldest first."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield Record(**json.loads(line))
        except (ValueError, TypeError):
            continue

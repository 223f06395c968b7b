"""What tasks used, drawn: a row a run, and of the newest run of each task memory and CPU over time.

In: `Measured` values. Out: `Usage`: text, a table with pictures, JSON. Next room: `plot`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape
from itertools import pairwise
from typing import Any

from kubenb.export.advice import Advice
from kubenb.model.measured import Measured
from kubenb.model.quantities import show_bytes
from kubenb.show.plot import bars, draw_usage, sentence
from kubenb.show.results import show_data, show_seconds
from kubenb.show.shown import Shown, count
from kubenb.show.table import Table

ROWS, PICTURES = 20, 8
NONE = "There are none: run the notebook, or read Airflow's runs back with --from STORE."


@dataclass(frozen=True, repr=False)
class Usage(Shown):
    """Runs by task, newest first. `advice`: where one task was asked for, so that every run of it is a row. `note`: what was read
    back.
    """

    subject: str
    runs: tuple[tuple[str, tuple[Measured, ...]], ...]
    advice: Advice | None = None
    note: str = ""

    @property
    def alone(self) -> bool:
        """One task was asked for."""
        return self.advice is not None

    @property
    def advised(self) -> str:
        """What the task should ask for, in a sentence; '' where nothing is known."""
        if self.advice is None or self.advice.memory is None:
            return ""
        cpu = f"--cpu {self.advice.cpu} " if self.advice.cpu else ""
        why = f"{self.advice.sureness}: {self.advice.why}"
        return f"Advice: {cpu}--memory {self.advice.memory} ({why}). `kubenb advise --write` writes it."

    def table(self) -> Table:
        """A row a run, or a row a task."""
        rows: list[tuple[str, ...]] = []
        for task, found in self.runs:
            if self.alone:
                rows += [_row(each) for each in found[:ROWS]]
            else:
                rows.append((*(_row(found[0]) if found else (task, *[""] * 8)), str(len(found))))
        columns = ("task", "run", "when", "time", "cpu", "cores", "memory", "input", "end")
        empty = not any(found for _, found in self.runs)
        note = " ".join(text for text in (self.note, NONE if empty else self.advised) if text)
        return Table(f"What {self.subject} used", columns if self.alone else (*columns, "runs"), tuple(rows), note)

    def drawn(self) -> Iterator[Measured]:
        """The runs that have a picture: the newest of each task that ran long enough to be looked at."""
        for _, found in self.runs[:PICTURES]:
            yield from [each for each in found if len(each.curve) > 1][:1]

    def svg(self) -> str:
        """The picture of one task's newest run; '' where there is none."""
        return next((draw_usage(each) for each in self.drawn()), "")

    def __str__(self) -> str:
        lines = [str(self.table())]
        for each in self.drawn() if self.alone else ():
            steps = [(b[2] - a[2]) / (b[0] - a[0]) for a, b in pairwise(each.curve) if b[0] > a[0]]
            lines += [
                "",
                sentence(each),
                f"memory |{bars([point[1] for point in each.curve])}|",
                f"cpu    |{bars(steps)}|",
            ]
        return "\n".join(lines)

    def html(self) -> str:
        """The table and the pictures."""
        pictures = "".join(
            f"<figure style='margin:8px 0'><figcaption>{escape(sentence(each))}</figcaption>{draw_usage(each)}</figure>"
            for each in self.drawn()
        )
        return self.table().html() + pictures

    def markdown(self) -> str:
        """The table."""
        return self.table().markdown()

    def json(self) -> Any:
        """Every run that is kept, whole."""
        return [asdict(each) for _, found in self.runs for each in found]


def _row(each: Measured) -> tuple[str, ...]:
    asked = each.asked
    memory = show_bytes(each.peak) if each.peak else ""
    if memory and asked.memory_limit:
        memory += f" of {show_bytes(asked.memory_limit)}"
    if each.gpu:
        memory += f", gpu {show_bytes(each.gpu)}"
    cores = "" if each.cores is None else f"{each.cores:.2f}" + (f" of {asked.cpu:.3g}" if asked.cpu else "")
    return (
        each.task if each.item is None else f"{each.task}[{each.item}]",
        each.how,
        datetime.fromtimestamp(each.start).strftime("%Y-%m-%d %H:%M"),
        show_seconds(each.wall),
        "" if each.cpu is None else show_seconds(each.cpu),
        cores,
        memory,
        show_data(each.size) if each.size else "",
        each.end,
    )


def read_back_note(new: int, store: str) -> str:
    """What was read from a store."""
    return f"{count(new, 'run')} read back from {store}."

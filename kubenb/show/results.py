"""What a run came to: a line a task, the failed one's last lines, what is left and how to go on.

In: `kubenb.run.events` values. Out: `Results`, and the one line that stands under every cell and task. Next room:
`progress`, while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from kubenb.run.events import Outcome, Run
from kubenb.show.shown import Shown, count

MOST_LEFT = 12  # names in a sentence


def measures(
    seconds: float | None = None,
    peak: int | None = None,
    cpu: float | None = None,
    bytes_in: int | None = None,
    bytes_out: int | None = None,
) -> str:
    """'in 3.2 s, peak memory 412 MiB, cpu 2.9 s, in 1.2 MB, out 3.4 MB': what was measured, nothing else.

    >>> measures(3.21, 432013312, 2.9)
    'in 3.2 s, peak memory 412 MiB, cpu 2.9 s'
    """
    parts = [
        f"in {show_seconds(seconds)}" if seconds is not None else "",
        f"peak memory {show_memory(peak)}" if peak else "",
        f"cpu {show_seconds(cpu)}" if cpu is not None else "",
        f"in {show_data(bytes_in)}" if bytes_in else "",
        f"out {show_data(bytes_out)}" if bytes_out else "",
    ]
    return ", ".join(part for part in parts if part)


def show_seconds(seconds: float) -> str:
    """A time for people.

    >>> show_seconds(0.0123), show_seconds(3.21), show_seconds(75), show_seconds(5025)
    ('12 ms', '3.2 s', '1 min 15 s', '1 h 23 min')
    """
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def show_memory(size: int) -> str:
    """Memory in the unit of pods.

    >>> show_memory(432013312), show_memory(2147483648)
    ('412 MiB', '2.0 GiB')
    """
    mebi = size / 2**20
    return f"{mebi:.0f} MiB" if mebi < 1000 else f"{mebi / 1024:.1f} GiB"


def show_data(size: int) -> str:
    """Data in the unit of disks.

    >>> show_data(512), show_data(1_234_567)
    ('512 B', '1.2 MB')
    """
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} B"


def lost(count: int | None) -> str:
    """A task that is done may lack a part: '' where it lost no process.

    >>> lost(None), lost(1)
    ('', '; warning: a child process was killed for want of memory, its results may lack a part: try more --memory')
    """
    if not count:
        return ""
    who = "a child process was" if count == 1 else f"{count} child processes were"
    return f"; warning: {who} killed for want of memory, its results may lack a part: try more --memory"


def outcome_line(outcome: Outcome) -> str:
    """One task's end in words."""
    said = measures(outcome.seconds, outcome.peak, outcome.cpu, outcome.bytes_in, outcome.bytes_out)
    if outcome.state == "done":
        again = f" (again: {outcome.again})" if outcome.again else ""
        return f"done: {outcome.why}" if outcome.why else f"done {said}".rstrip() + again + lost(outcome.lost)
    if outcome.state == "failed":
        return f"failed{f' {said}' if said else ''}: {outcome.why}"
    return f"{outcome.state}: {outcome.why}" if outcome.state != "not run" else f"not run because {outcome.why}"


@dataclass(frozen=True, repr=False)
class Results(Shown):
    """A finished run. `again`: the command that goes on from here."""

    run: Run
    again: str = ""

    @property
    def ok(self) -> bool:
        """Every task succeeded."""
        return self.run.ok

    def __str__(self) -> str:
        width = max((len(outcome.name) for outcome in self.run.outcomes), default=0)
        lines = [f"{outcome.name:{width}}  {outcome_line(outcome)}" for outcome in self.run.outcomes]
        return "\n".join([*lines, *self.tails(), self.ending()])

    def ending(self) -> str:
        """The last lines: all well and where things lie, or what is left and how to go on."""
        states = list(self.run.states.values())
        words = [
            f"{states.count(state)} {state}"
            for state in ("done", "reused", "failed", "interrupted", "detached", "not run")
            if state in states
        ]
        tally = f"{count(len(states), 'task')}, {', '.join(words)}, in {show_seconds(self.run.seconds)}"
        head = f"{self.run.dag}: {tally}; " + (f"in {self.run.where}." if self.run.where else "no cluster took part.")
        if self.run.ok:
            return f"{head}\nExecuted notebooks and logs are in {self.run.folder}/"
        more = f" and {len(self.run.left) - MOST_LEFT} more" if len(self.run.left) > MOST_LEFT else ""
        left = f"Left: {', '.join(self.run.left[:MOST_LEFT])}{more}."
        return f"{head}\n{left} What is done is kept: {self.again}" if self.again else f"{head}\n{left}"

    def tails(self) -> Iterator[str]:
        """The last lines of every failed task's log."""
        for outcome in self.run.outcomes:
            if outcome.tail:
                yield f"--- {outcome.name}: the end of {outcome.log}"
                yield from outcome.tail
                yield "---"

    def html(self) -> str:
        """A table of tasks; failed ones' last lines below."""
        rows = "".join(f"<tr>{_cell(o.name)}{_cell(o.state)}{_cell(outcome_line(o))}</tr>" for o in self.run.outcomes)
        tails = "\n".join(self.tails())
        below = f"<pre>{escape(tails)}</pre>" if tails else ""
        return f"<table><tbody>{rows}</tbody></table>{below}<div>{escape(self.ending())}</div>"

    def markdown(self) -> str:
        """The same as a pipe table and a fence."""
        rows = "\n".join(f"| {o.name} | {outcome_line(o).replace('|', chr(92) + '|')} |" for o in self.run.outcomes)
        tails = "\n".join(self.tails())
        return (
            f"| task | |\n| --- | --- |\n{rows}\n"
            + (f"\n```text\n{tails}\n```\n" if tails else "")
            + f"\n{self.ending()}"
        )

    def json(self) -> Any:
        """The run and each outcome."""
        run = self.run
        head = {
            "ok": run.ok,
            "dag": run.dag,
            "run": run.id,
            "folder": str(run.folder),
            "seconds": round(run.seconds, 3),
            "where": run.where,
            "interrupted": run.interrupted,
        }
        return {**head, "left": list(run.left), "tasks": [outcome_json(outcome) for outcome in run.outcomes]}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """One outcome as a plain dict."""
    paths = {"log": outcome.log and str(outcome.log), "notebook": outcome.notebook and str(outcome.notebook)}
    sizes = {
        "seconds": outcome.seconds,
        "cpu": outcome.cpu,
        "peak": outcome.peak,
        "in": outcome.bytes_in,
        "out": outcome.bytes_out,
    }
    head = {
        "task": outcome.task,
        "item": outcome.item,
        "state": outcome.state,
        "why": outcome.why,
        "again": outcome.again,
        "exit_code": outcome.exit_code,
        **({"lost": outcome.lost} if outcome.lost else {}),
    }
    return {**head, **sizes, **paths, "tail": list(outcome.tail)}


def result_names(names: Sequence[str]) -> str:
    """'-> model, score'; the first few where there are many."""
    if not names:
        return ""
    shown = ", ".join(names[:6])
    return f" -> {shown}" + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _cell(text: str) -> str:
    return f'<td style="text-align:left">{escape(text)}</td>'

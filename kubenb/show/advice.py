"""What tasks should ask for, drawn: a row a task, the rule below, and the lines of the notebook that would change.

In: `Advice` values, and what is asked for now. Out: `Advices`: text, a table, JSON, a diff. Next room: the verb that writes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from kubenb.export.advice import Advice, show_cpu
from kubenb.model.measured import Asked
from kubenb.model.quantities import show_bytes
from kubenb.show.shown import Shown
from kubenb.show.table import Table


@dataclass(frozen=True, repr=False)
class Advices(Shown):
    """Advice for the tasks of a notebook. `before`, `after`: the file's text as it is and as it would be; '' where nothing can be
    written. `left`: why some of it can't be.
    """

    subject: str
    found: tuple[tuple[Advice, Asked], ...]
    before: str = ""
    after: str = ""
    left: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Something would be written."""
        return self.before != self.after

    def diff(self) -> str:
        """The lines that would change."""
        pairs = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in pairs if line[:1] in "+-" and line[:3] not in ("+++", "---"))

    def table(self) -> Table:
        """A row a task: now, advised, and what that saves."""
        rows = tuple((each.task, *_row(each, now)) for each, now in self.found)
        columns = ("task", "cpu now", "cpu", "memory now", "memory", "saves", "how sure")
        return Table(f"What the tasks of {self.subject} should ask for", columns, rows)

    def reasons(self) -> Iterator[str]:
        """The rule and the evidence, a task at a time, and what is wrong now."""
        for each, _ in self.found:
            if each.memory:
                yield f"{each.task}: {each.rule} {each.sureness.capitalize()}: {each.why}."
            yield from (f"{problem.severity.value}: {problem}" for problem in each.problems)
        yield from (f"not to be written: {each}" for each in self.left)

    def __str__(self) -> str:
        return "\n".join([str(self.table()), *self.reasons()])

    def html(self) -> str:
        """The table and the reasons."""
        from html import escape

        return self.table().html() + "".join(f"<div>{escape(line)}</div>" for line in self.reasons())

    def markdown(self) -> str:
        """The table and the reasons."""
        return "\n".join([self.table().markdown(), "", *(f"- {line}" for line in self.reasons())])

    def json(self) -> Any:
        """Each advice whole."""
        return [
            {**asdict(each), "problems": [str(problem) for problem in each.problems], "now": asdict(now)}
            for each, now in self.found
        ]


def _row(advice: Advice, now: Asked) -> tuple[str, ...]:
    cpu_now = "" if now.cpu is None else show_cpu(now.cpu)
    had = now.memory if now.memory is not None else now.memory_limit
    memory_now = "" if had is None else show_bytes(had)
    if advice.memory is None:
        return cpu_now, "", memory_now, "", "", advice.why
    return cpu_now, advice.cpu or "", memory_now, advice.memory, saved_words(advice), advice.sureness


def saved_words(advice: Advice) -> str:
    """'1.5 cpu, 2.6 GiB': what is asked for less; what is missing where it is more."""
    saves, parts = advice.saves, []
    for value, words in ((saves.cpu, "{:.3g} cpu"), (saves.memory, "{}")):
        if value:
            shown = words.format(abs(value)) if "cpu" in words else show_bytes(abs(value))
            parts.append(shown if value > 0 else f"{shown} more")
    return ", ".join(parts)

"""What is asked of a cluster, drawn: started pods, what a doctor found, a Role.

In: values of `kubenb.cluster`. Out: tables and texts. Next room: the verbs that return them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kubenb.cluster.doctor import Finding
from kubenb.cluster.runs import Started
from kubenb.show.results import show_seconds
from kubenb.show.shown import Shown
from kubenb.show.table import Table

MARKS = {"good": "ok", "bad": "missing", "unknown": "not known"}


def runs_table(found: Iterable[Started], where: str) -> Table:
    """Pods of runs, oldest first."""
    rows = tuple(
        (
            each.task,
            _state(each),
            show_seconds(each.age),
            each.name,
            each.namespace,
            each.owner,
            each.about.get("run", ""),
        )
        for each in found
    )
    return Table(
        f"Pods of runs in {where}",
        ("task", "state", "age", "pod", "namespace", "owner", "run"),
        rows,
        "" if rows else "There are none.",
    )


def _state(each: Started) -> str:
    words = each.state.words + (", left to itself" if each.detached else "")
    return f"{words}: {each.state.problem.what}" if each.state.problem else words


def ended_table(found: Iterable[tuple[Started, str]], where: str) -> Table:
    """What was ended, and why."""
    rows = tuple((each.task, each.name, each.namespace, why) for each, why in found)
    return Table(
        f"Ended in {where}", ("task", "pod", "namespace", "why"), rows, "" if rows else "There was nothing to end."
    )


class Findings(Shown):
    """What a doctor found; `ok` where nothing is missing."""

    def __init__(self, subject: str, found: tuple[Finding, ...]) -> None:
        self.subject, self.found = subject, found

    @property
    def ok(self) -> bool:
        """Nothing is missing."""
        return all(finding.state != "bad" for finding in self.found)

    def _table(self) -> Table:
        rows = tuple(
            (each.what, MARKS[each.state], f"{each.found}. {each.fix}" if each.fix else each.found)
            for each in self.found
        )
        return Table(self.subject, ("what", "", "found"), rows)

    def __str__(self) -> str:
        return str(self._table())

    def html(self) -> str:
        """A table."""
        return self._table().html()

    def markdown(self) -> str:
        """A pipe table."""
        return self._table().markdown()

    def json(self) -> Any:
        """The findings as records."""
        return {"ok": self.ok, "found": [vars(each) for each in self.found]}


class Text(Shown):
    """A text to be saved or applied as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text.rstrip("\n")

    def json(self) -> Any:
        """The text."""
        return {"text": self.text}

"""Problems are data: where, what, fix.

Every room that checks user input returns `Problem` values (all of them, not only the first); every face shows them.
`KubenbError` carries them where a value can't be had at all. Next room: `kubenb.show` draws them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Severity(str, Enum):
    """How much a problem weighs: an error stops export and run, a warning is shown, a note is shown on request."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Place:
    """A spot in what the user wrote. `cell` counts all cells of the notebook from 1, `line` the lines of the cell from 1."""

    cell: int | None = None
    line: int | None = None
    task: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        """'cell 4, line 1 (train)'; 'flights.ipynb' or '' where less is known."""
        spot = ", ".join(f"{word} {number}" for word, number in (("cell", self.cell), ("line", self.line)) if number)
        named = " ".join(part for part in (spot, f"({self.task})" if self.task else "") if part)
        return ": ".join(part for part in (self.file or "", named) if part)


NOWHERE = Place()


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `code` is stable ('header.unknown-option') for scripts and tests.

    >>> str(Problem(Place(4, 1, "train"), "memory '4G1' is not a quantity.", "Write 4Gi or 4096Mi."))
    "cell 4, line 1 (train): memory '4G1' is not a quantity. Write 4Gi or 4096Mi."
    """

    where: Place
    what: str
    fix: str
    code: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """One line: where, what, fix."""
        text = f"{self.what} {self.fix}".strip()
        return f"{self.where}: {text}" if str(self.where) else text


@dataclass
class KubenbError(Exception):
    """Raised where no value can be had; holds all problems, never only the first."""

    problems: tuple[Problem, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        """All problems, one a line."""
        return "\n".join(str(problem) for problem in self.problems)


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Only those that stop an export or a run."""
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def refuse(where: Place, what: str, fix: str, code: str = "") -> KubenbError:
    """The exception for a single problem: `raise refuse(place, "…", "…", "room.what")`."""
    return KubenbError((Problem(where, what, fix, code),))

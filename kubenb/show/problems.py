"""Problems as a report: what stops, what to look at, and a plain 'no problems' when there are none.

In: `Problem` values and what they are about. Out: `Report`, for check, export and run alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from kubenb.model.problems import Place, Problem, Severity, errors
from kubenb.show.shown import Shown, count

MARKS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


@dataclass(frozen=True, repr=False)
class Report(Shown):
    """All problems of one subject (a notebook's path), and in `about` what was looked at ('3 tasks, Airflow 3.3.2')."""

    subject: str
    problems: tuple[Problem, ...]
    about: str = ""

    @property
    def ok(self) -> bool:
        """No errors: warnings and notes stop nothing."""
        return not errors(self.problems)

    def __str__(self) -> str:
        return "\n".join(
            [f"{self._head()}", *(f"  {MARKS[problem.severity]:7}  {problem}" for problem in _sorted(self.problems))]
        )

    def html(self) -> str:
        """A heading and a list; each problem's severity in words, not by colour alone."""
        rows = "".join(
            f"<tr><td style='text-align:left'><b>{MARKS[p.severity]}</b></td><td style='text-align:left'>{escape(str(p.where))}</td>"
            f"<td style='text-align:left'>{escape(p.what)} <b>{escape(p.fix)}</b></td></tr>"
            for p in _sorted(self.problems)
        )
        return f"<div>{escape(self._head())}</div>" + (f"<table><tbody>{rows}</tbody></table>" if rows else "")

    def markdown(self) -> str:
        """A heading and a bullet a problem."""
        return "\n".join(
            [self._head(), "", *(f"- **{MARKS[p.severity]}** {p}" for p in _sorted(self.problems))]
        ).rstrip()

    def json(self) -> Any:
        """`ok`, the subject, and each problem with its place."""
        return {
            "ok": self.ok,
            "subject": self.subject,
            "about": self.about,
            "problems": [problem_json(p) for p in _sorted(self.problems)],
        }

    def _head(self) -> str:
        tally = [
            count(sum(p.severity is severity for p in self.problems), word)
            for severity, word in MARKS.items()
            if any(p.severity is severity for p in self.problems)
        ]
        about = f" ({self.about})" if self.about else ""
        return f"{self.subject}: {', '.join(tally) or 'no problems'}{about}"


def problem_json(problem: Problem) -> dict[str, Any]:
    """One problem as a plain dict."""
    where = {
        "cell": problem.where.cell,
        "line": problem.where.line,
        "task": problem.where.task,
        "file": problem.where.file,
    }
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "where": where,
        "what": problem.what,
        "fix": problem.fix,
        "text": str(problem),
    }


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    order = list(MARKS)

    def key(problem: Problem) -> tuple[int, str, int, int]:
        place: Place = problem.where
        return order.index(problem.severity), place.file or "", place.cell or 0, place.line or 0

    return sorted(problems, key=key)

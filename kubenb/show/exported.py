"""What an export did, or with --diff would do: files written, kept and merged, and the diff.

In: a `Delivery` and the problems that did not stop it. Out: `Exported`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.model.problems import Problem
from kubenb.show.problems import problem_json
from kubenb.show.shown import Shown, count

if TYPE_CHECKING:
    from kubenb.delivery import Delivery


@dataclass(frozen=True, repr=False)
class Exported(Shown):
    """The outcome of an export; `dry`: nothing was written."""

    dag: str
    folder: Path
    delivery: Delivery
    problems: tuple[Problem, ...] = ()
    dry: bool = False

    def __str__(self) -> str:
        warnings = [f"{problem.severity.value}: {problem}" for problem in self.problems]
        if self.dry:
            return "\n".join([*warnings, self.delivery.diff.rstrip("\n") or f"{self.folder}: nothing would change."])
        return "\n".join([*warnings, self._sentence()])

    def _sentence(self) -> str:
        written, merged = len(self.delivery.written) + len(self.delivery.joined), len(self.delivery.merged)
        if not written and not merged:
            return f"{self.dag_file}: unchanged ({count(len(self.delivery.unchanged), 'file')})."
        parts = [f"{count(written, 'file')} written", f"{len(self.delivery.unchanged)} unchanged"]
        if merged:
            parts.append(f"your edits in {', '.join(map(str, self.delivery.merged))} kept")
        return f"{self.dag_file}: {', '.join(parts)}."

    @property
    def dag_file(self) -> Path:
        """The file that Airflow reads."""
        return self.folder / f"{self.dag}.py"

    def json(self) -> Any:
        """Names of files by what became of them."""
        found = self.delivery
        lists = {name: [str(path) for path in getattr(found, name)] for name in ("written", "unchanged", "merged")}
        problems = [problem_json(problem) for problem in self.problems]
        return {
            "dag": self.dag,
            "file": str(self.dag_file),
            "dry": self.dry,
            **lists,
            "diff": found.diff,
            "problems": problems,
        }

    def markdown(self) -> str:
        """A diff fence for a dry run."""
        return f"```diff\n{self}\n```" if self.dry else str(self)

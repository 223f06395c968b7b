"""What a rehearsal came to: as a run's results, and in plain words what was not tried.

In: `kubenb.run.rehearsal` values. Out: `Rehearsal`. Next room: the faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubenb.show.results import Results

NOT_TRIED = "images, scheduling, quota, roles and parallel tasks are not tried"
BEFORE = f"No cluster takes part: a real Airflow plays the DAG, and each pod is a process of this machine; {NOT_TRIED}."


@dataclass(frozen=True, repr=False)
class Rehearsed(Results):
    """A played DAG: `airflow` is the version that played it, `said` the file with all that it said."""

    airflow: str = ""
    said: Path = Path()

    def ending(self) -> str:
        """As a run's, and what it does not show."""
        tried = f"Airflow {self.airflow} played it once, each pod as a process of this machine; {NOT_TRIED}."
        told = "" if self.ok else f"\nWhat Airflow said is in {self.said}"
        return f"{super().ending()}{told}\n{tried}"

    def json(self) -> Any:
        """The run, which Airflow played it, and that no cluster took part."""
        return {**super().json(), "airflow": self.airflow, "said": str(self.said), "cluster": False}

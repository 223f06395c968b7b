"""`kubenb run`: every task its own process, started exactly as its manifest says, as many at once as there are cores.

In: a pipeline and a folder. Out: a `Run`, and events on the way. Ctrl-C ends all process groups. `runner` is the loop,
`machine` says what stands for a pod here, `process` starts and ends.
"""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kubenb.export.manifest import timeout
from kubenb.export.payload import sha256
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.problems import Problem
from kubenb.run import process as processes
from kubenb.run.desk import write_whole
from kubenb.run.events import Outcome, Progress, Run, silent
from kubenb.run.machine import Ground, Spec, prepare
from kubenb.run.process import Process
from kubenb.run.runner import Wish as Wish
from kubenb.run.runner import run_units
from kubenb.run.units import Maker, Told, Unit
from kubenb.run.work import Work

CARRIED = re.compile(r"KUBENB_NOTEBOOK(_\d+)?")
LARGE = 800_000  # characters of a notebook as it travels; Linux takes 2 MiB of environment and arguments


def run_pipeline(pipeline: Pipeline, to: Path, wish: Wish | None = None, progress: Progress = silent) -> Run:
    """Runs the pipeline into the folder `to`. Raises KubenbError before anything starts where it can't."""
    return run_units(pipeline, to, wish or Wish(), progress, ProcessMaker)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ProcessMaker(Maker):
    """Units as processes of this machine."""

    kind = "local"

    def __init__(self, told: Told) -> None:
        super().__init__(told)
        self.most = cores()

    def problems(self, plans: Sequence[Plan]) -> tuple[Problem, ...]:
        """What this machine lacks."""
        return tuple(problem for plan in plans for problem in self._prepare(Unit(plan))[1])

    def steady(self, unit: Unit) -> tuple[tuple[str, ...], dict[str, str]]:
        """Without what lies in the run's own folders."""
        spec, around = self.spec(unit), (str(self.desk.hidden), str(self.desk.short))
        return spec.command, {name: value for name, value in spec.environment.items() if not value.startswith(around)}

    def spec(self, unit: Unit) -> Spec:
        """The process to start."""
        return self._prepare(unit)[0]

    def start(self, unit: Unit, ended: queue.SimpleQueue[Work]) -> Process:
        """Notes the process, so that the next run can end it should this one be killed."""
        process = processes.start(unit.name, self.spec(unit), self.desk.log(unit.file), ended)
        self.desk.started(process.popen.pid)
        return process

    def end(self, works: Sequence[Work]) -> None:
        """The whole groups."""
        processes.end([work for work in works if isinstance(work, Process)])

    def ended(self, unit: Unit, work: Work) -> Outcome:
        """What a task that is done left in its own folders is of no more use."""
        outcome = super().ended(unit, work)
        if outcome.ok:
            shutil.rmtree(self.desk.scratch(unit.file), ignore_errors=True)
        return outcome

    def sweep(self, work: Work) -> None:
        """Children that it forgot."""
        if isinstance(work, Process):
            processes.sweep(work)

    def cannot_start(self, unit: Unit, error: OSError) -> str:
        """Why a process did not start, in words."""
        program = self.spec(unit).command[0]
        if unit.plan.task.kind == "container":
            image = unit.plan.task.options.image
            what = f"its command {program} belongs to the image {image}, and is not on this machine."
            return f"{what} Put a program of that name on PATH to stand for it."
        return f"{program} can't be started: {error.strerror}"

    def _prepare(self, unit: Unit) -> tuple[Spec, tuple[Problem, ...]]:
        plan = unit.plan
        own = {
            **self.by_airflow(plan),
            "KUBENB_RUN": self.desk.run,
            "KUBENB_TRY": "1",
            "KUBENB_PARAMS": json.dumps(self.values),
            "KUBENB_STORE": str(self.desk.store),
            "KUBENB_NOTEBOOK_OUT": str(self.desk.notebook(unit.file).absolute()),
            "KUBENB_XCOM_FOLDER": str(self.desk.scratch(unit.file) / "xcom"),
            **({"KUBENB_ITEM": str(unit.item)} if unit.item is not None else {}),
            **({"KUBENB_KEEP": "1"} if self.keep else {}),
        }
        ground = Ground(
            self.desk.scratch(unit.file),
            self.desk.claims,
            around={**os.environ, **self.env},
            fields={**self.fields, "task.task_id": plan.task.name, "ti.task_id": plan.task.name},
        )
        spec, problems = prepare(self.manifest(plan), own, ground, plan.task.where)
        values = {**spec.environment, **self.env}
        text = self.texts[plan.task.name]
        if sum(len(value) for name, value in values.items() if CARRIED.fullmatch(name)) > LARGE:
            # More than a process can be started with: it lies in the store, as it would for a pod.
            path = self.desk.store / "notebooks" / f"{sha256(text)}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            values = {name: value for name, value in values.items() if not CARRIED.fullmatch(name)}
            values["KUBENB_NOTEBOOK_URL"] = str(path)
        most = timeout(self.pipeline, plan.task.options).total_seconds()  # Airflow's; the pod's own comes later
        return replace(spec, environment=values, deadline=min(most, spec.deadline or most)), problems

"""What one start is: a task, or one item of a mapped task; its manifest on this machine, its fingerprint, and how it
ended.

In: the pipeline, the desk, the run's parameters. Out: `Unit`s, `Spec`s and `Outcome`s for `local`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubenb.export.fan_out import items, runtime_lists
from kubenb.export.manifest import manifest
from kubenb.export.payload import sha256
from kubenb.export.task_notebook import task_notebook
from kubenb.model.pipeline import Load, Pipeline, Plan
from kubenb.model.problems import Problem
from kubenb.run import depends
from kubenb.run.desk import Desk, write_whole
from kubenb.run.events import Outcome, State
from kubenb.run.machine import Ground, Spec, prepare
from kubenb.run.process import Process
from kubenb.store.places import NOTEBOOK, adopt, digest, listed, place, success, usage

LOG = "log.txt"
LARGE = 800_000  # characters of a notebook as it travels; Linux takes 2 MiB of environment and arguments
CARRIED = re.compile(r"KUBENB_NOTEBOOK(_\d+)?")
TAIL = 20  # lines of a failed task's log that are shown


@dataclass(frozen=True)
class Unit:
    """A task, or one of its items."""

    plan: Plan
    item: int | None = None

    @property
    def name(self) -> str:
        """For people: 'score[3]'."""
        return self.plan.task.name if self.item is None else f"{self.plan.task.name}[{self.item}]"

    @property
    def file(self) -> str:
        """For files: 'score.3'. A task's name has no dot, so none is taken twice."""
        return self.plan.task.name if self.item is None else f"{self.plan.task.name}.{self.item}"


@dataclass
class Maker:
    """Makes units of one run and says how each ended.

    `values`: the run's parameters; `fields`: what stands for Airflow's fields; `env`: variables that the user hands to the tasks;
    `keep`: the tasks keep every variable, not their outputs alone. `written` is the pipeline with the notebook's own parameters.
    """

    pipeline: Pipeline
    desk: Desk
    dag: str
    values: Mapping[str, object]
    fields: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    _texts: dict[str, str] = field(default_factory=dict)
    _own: dict[str, str] = field(default_factory=dict)  # task notebooks with the notebook's own parameter values

    def __post_init__(self) -> None:
        """The run's own parameter values take the place of the defaults: a list given with -p is the list that is
        mapped.
        """
        parameters = tuple(
            replace(parameter, default=self.values[parameter.name], template=None)
            for parameter in self.pipeline.parameters
        )
        self.written, self.pipeline = self.pipeline, replace(self.pipeline, parameters=parameters)
        self._lists = runtime_lists(self.pipeline)

    def problems(self, plan: Plan) -> tuple[Problem, ...]:
        """What this machine lacks for a task."""
        return self._prepare(Unit(plan))[1]

    def units(self, plan: Plan) -> tuple[Unit, ...] | str:
        """One unit, or one an item; the reason in words where the number of items is not known."""
        if plan.task.options.map is None:
            return (Unit(plan),)
        found = items(self.pipeline, plan)
        count = found.count
        if found.producer:
            count = listed(self._place(found.producer))
        if count is None:
            return found.why or f"{found.producer} did not say how many items {found.name} has"
        return tuple(Unit(plan, index) for index in range(count))

    def spec(self, unit: Unit) -> Spec:
        """The process to start."""
        return self._prepare(unit)[0]

    def take_over(self, unit: Unit) -> bool:
        """Takes an earlier result where nothing that the unit depends on changed; False where there is none."""
        key = self.fingerprint(unit)
        entry = self.desk.ledger.get(key) if key else None
        old = self.desk.store / entry["place"] if entry else None
        if entry is None or old is None or success(old) is None:
            return False
        if old != self._place(unit.plan.task.name, unit.item):
            adopt(old, self._place(unit.plan.task.name, unit.item))
        # On disk at the end: until then the old place stands.
        self.desk.ledger[key] = {**entry, "place": self._relative(unit)}
        for name, shown in ((NOTEBOOK, self.desk.notebook(unit.file)), (LOG, self.desk.log(unit.file))):
            if (old / name).exists():
                shown.write_bytes((old / name).read_bytes())
        return True

    def fingerprint(self, unit: Unit) -> str:
        """Of all that a unit's result may depend on; '' where that can't be told: an image's own command says nothing of its
        inputs.
        """
        return "" if unit.plan.task.kind == "container" else depends.fingerprint(self._parts(unit))

    def why(self, unit: Unit, otherwise: str) -> str:
        """Why the results of earlier runs won't do, in words; '' where there are none."""
        earlier = [entry.get("parts", {}) for entry in self.desk.ledger.values() if entry["task"] == unit.name]
        return (depends.difference(self._parts(unit), earlier) or otherwise) if earlier else ""

    def _parts(self, unit: Unit) -> depends.Parts:
        spec, name = self.spec(unit), unit.plan.task.name
        if name not in self._own:
            self._own[name] = task_notebook(self.written, unit.plan, self.dag, self._lists)
        around = (str(self.desk.hidden), str(self.desk.short))
        steady = {name: value for name, value in spec.environment.items() if not value.startswith(around)}
        inputs = {
            f"what {step.producer} made": str(self._digests(step)) for step in unit.plan.steps if isinstance(step, Load)
        }
        return {**depends.parts(unit.plan, self._own[name], spec.command, steady, self.values), **inputs}

    def _digests(self, step: Load) -> list[str | None]:
        if step.items is None:
            return [digest(self._place(step.producer))]
        folder = self._place(step.producer)
        numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []
        return [digest(folder / str(number)) for number in numbers]

    def ended(self, unit: Unit, process: Process) -> Outcome:
        """The outcome of a process that has ended by itself, or was over its time."""
        code = process.popen.returncode
        if (
            code == 0
            and unit.plan.task.kind != "container"
            and success(self._place(unit.plan.task.name, unit.item)) is None
        ):
            return self.outcome(unit, "failed", "it ended before its outputs were saved", process)
        if code == 0:
            key = self.fingerprint(unit)
            shutil.rmtree(self.desk.scratch(unit.file), ignore_errors=True)
            if key:
                shutil.copyfile(process.log, self._place(unit.plan.task.name, unit.item) / LOG)
                entry = {"place": self._relative(unit), "task": unit.name, "run": self.desk.run}
                self.desk.enter(key, {**entry, "parts": self._parts(unit)})
            return self.outcome(unit, "done", "", process)
        return self.outcome(unit, "failed", "", process)

    def outcome(self, unit: Unit, state: State, why: str, process: Process | None = None) -> Outcome:
        """What is known of a unit at its end."""
        folder = self._place(unit.plan.task.name, unit.item)
        used = usage(folder)
        log, notebook = self.desk.log(unit.file), self.desk.notebook(unit.file)
        code = process.popen.returncode if process else None
        lines = _last_lines(log) if state == "failed" else ()
        return Outcome(
            unit.plan.task.name,
            state,
            why or (_reason(lines, code, process) if state == "failed" else ""),
            unit.item,
            seconds=process.seconds if process else used.get("seconds"),
            cpu=used.get("cpu"),
            peak=used.get("peak"),
            bytes_in=used.get("in"),
            bytes_out=used.get("out"),
            exit_code=code,
            log=log if log.exists() else None,
            notebook=notebook if notebook.exists() else None,
            tail=lines,
        )

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
        spec, problems = prepare(self._manifest(plan), own, ground, plan.task.where)
        values = {**spec.environment, **self.env}
        text = self._texts[plan.task.name]
        if sum(len(value) for name, value in values.items() if CARRIED.fullmatch(name)) > LARGE:
            # More than a process can be started with: it lies in the store, as it would for a pod.
            path = self.desk.store / "notebooks" / f"{sha256(text)}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            values = {name: value for name, value in values.items() if not CARRIED.fullmatch(name)}
            values["KUBENB_NOTEBOOK_URL"] = str(path)
        return replace(spec, environment=values), problems

    def _manifest(self, plan: Plan) -> dict[str, Any]:
        name = plan.task.name
        if name not in self._texts:
            self._texts[name] = (
                "" if plan.task.kind == "container" else task_notebook(self.pipeline, plan, self.dag, self._lists)
            )
        return manifest(self.pipeline, plan, self._texts[name])

    def _place(self, task: str, item: int | None = None) -> Path:
        return place(self.desk.store, self.dag, self.desk.run, task, item)

    def _relative(self, unit: Unit) -> str:
        return str(self._place(unit.plan.task.name, unit.item).relative_to(self.desk.store))


def _last_lines(log: Path) -> tuple[str, ...]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.strip())[-TAIL:]


def _reason(lines: tuple[str, ...], code: int | None, process: Process | None) -> str:
    """The runtime's own last line where it could still write one, else what the exit code tells."""
    if process is not None and process.overdue:
        return f"it ran longer than its deadline of {process.deadline:.0f} s"
    last = lines[-1] if lines else ""
    if last.startswith("kubenb: ") and " failed: " in last:
        return last.partition(" failed: ")[2]
    if code is not None and code < 0:
        names = {
            9: "killed (SIGKILL), most often for want of memory",
            15: "ended from outside (SIGTERM)",
            11: "crashed (SIGSEGV)",
        }
        return names.get(-code, f"ended by signal {-code}")
    return f"exit code {code}"

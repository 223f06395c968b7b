"""What one start is: a task, or one item of a mapped task; its manifest, its fingerprint, and how it ended.

In: the pipeline, the desk, the run's parameters. Out: `Unit`s and `Outcome`s for `runner`. Where a unit runs is said by
the two kinds of `Maker`: `local` and `pods`.
"""

from __future__ import annotations

import queue
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kubenb.export.fan_out import items, runtime_lists
from kubenb.export.manifest import manifest as pod_manifest
from kubenb.export.origin import as_written
from kubenb.export.task_notebook import task_notebook
from kubenb.export.volumes import by_xcom
from kubenb.inside.stores import xcom_name
from kubenb.model.pipeline import Load, Pipeline, Plan
from kubenb.model.problems import Problem
from kubenb.run import depends
from kubenb.run.desk import Desk
from kubenb.run.events import Outcome, State
from kubenb.run.measured import asked_by, cause_of
from kubenb.run.traces import Traces, may_hold
from kubenb.run.work import Work
from kubenb.store.places import NOTEBOOK, adopt, digest, listed, success, usage
from kubenb.store.places import place as place_of

LOG = "log.txt"
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
class Told:
    """What a maker is told of its run.

    `values`: the run's parameters; `fields`: what stands for Airflow's fields; `env`: variables that the user hands to the tasks;
    `keep`: the tasks keep every variable, not their outputs alone.
    """

    pipeline: Pipeline
    desk: Desk
    dag: str
    values: Mapping[str, object]
    fields: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False


class Maker(ABC):
    """Makes units of one run, starts them, and says how each ended. `written` is the pipeline with the notebook's own parameters."""

    kind: Literal["local", "pod"]
    where = ""  # the cluster that takes part; '' for none
    most = 1  # units at once, unless a run says otherwise

    def __init__(self, told: Told) -> None:
        """The run's own parameter values take the place of the defaults: a list given with -p is the list that is
        mapped.
        """
        self.desk, self.dag, self.keep = told.desk, told.dag, told.keep
        self.values, self.fields, self.env = told.values, told.fields, told.env
        parameters = tuple(
            replace(parameter, default=self.values[parameter.name], template=None)
            for parameter in told.pipeline.parameters
        )
        self.written, self.pipeline = told.pipeline, replace(told.pipeline, parameters=parameters)
        self._lists = runtime_lists(self.pipeline)
        self.texts: dict[str, str] = {}
        self._traces: dict[str, Traces] = {}
        self._own: dict[str, str] = {}  # task notebooks with the notebook's own parameter values

    @abstractmethod
    def problems(self, plans: Sequence[Plan]) -> tuple[Problem, ...]:
        """What is missing for these tasks where they are to run."""

    @abstractmethod
    def steady(self, unit: Unit) -> tuple[tuple[str, ...], dict[str, str]]:
        """Command and environment, as far as a result may depend on them and they are the same in the next run."""

    @abstractmethod
    def start(self, unit: Unit, ended: queue.SimpleQueue[Work]) -> Work:
        """Starts it; once it has ended it is put on `ended`. Raises OSError where it can't be started."""

    @abstractmethod
    def end(self, works: Sequence[Work]) -> None:
        """Ends what runs, within seconds."""

    @abstractmethod
    def sweep(self, work: Work) -> None:
        """Takes away what an ended one left behind."""

    @abstractmethod
    def cannot_start(self, unit: Unit, error: OSError) -> str:
        """Why it did not start, in words."""

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """The run is over."""

    def units(self, plan: Plan) -> tuple[Unit, ...] | str:
        """One unit, or one an item; the reason in words where the number of items is not known."""
        if plan.task.options.map is None:
            return (Unit(plan),)
        found = items(self.pipeline, plan)
        count = found.count
        if found.producer:
            count = listed(self.place(found.producer))
        if count is None:
            return found.why or f"{found.producer} did not say how many items {found.name} has"
        return tuple(Unit(plan, index) for index in range(count))

    def take_over(self, unit: Unit) -> bool:
        """Takes an earlier result where nothing that the unit depends on changed; False where there is none."""
        key = self.fingerprint(unit)
        entry = self.desk.ledger.get(key) if key else None
        old = self.desk.store / entry["place"] if entry else None
        if entry is None or old is None or success(old) is None:
            return False
        if old != self.place(unit.plan.task.name, unit.item):
            adopt(old, self.place(unit.plan.task.name, unit.item))
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
        (command, environment), name = self.steady(unit), unit.plan.task.name
        if name not in self._own:
            self._own[name] = task_notebook(self.written, unit.plan, self.dag, self._lists)
        inputs = {
            f"what {step.producer} made": str(self._digests(step)) for step in unit.plan.steps if isinstance(step, Load)
        }
        return {**depends.parts(unit.plan, self._own[name], command, environment, self.values), **inputs}

    def _digests(self, step: Load) -> list[str | None]:
        if step.items is None:
            return [digest(self.place(step.producer))]
        folder = self.place(step.producer)
        numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []
        return [digest(folder / str(number)) for number in numbers]

    def ended(self, unit: Unit, work: Work) -> Outcome:
        """The outcome of one that has ended by itself, or was over its time."""
        code = work.code
        if (
            code == 0
            and unit.plan.task.kind != "container"
            and success(self.place(unit.plan.task.name, unit.item)) is None
        ):
            return self.outcome(unit, "failed", "it ended before its outputs were saved", work)
        if code == 0:
            key = self.fingerprint(unit)
            if key:
                shutil.copyfile(work.log, self.place(unit.plan.task.name, unit.item) / LOG)
                entry = {"place": self._relative(unit), "task": unit.name, "run": self.desk.run}
                self.desk.enter(key, {**entry, "parts": self._parts(unit)})
            return self.outcome(unit, "done", "", work)
        return self.outcome(unit, "failed", "", work)

    def outcome(self, unit: Unit, state: State, why: str, work: Work | None = None) -> Outcome:
        """What is known of a unit at its end."""
        folder = self.place(unit.plan.task.name, unit.item)
        used = usage(folder)
        log, notebook = self.desk.log(unit.file), self.desk.notebook(unit.file)
        code = work.code if work else None
        lines = last_lines(log) if state == "failed" else ()
        no_memory, seen = work.lost if work else (False, None)
        return Outcome(
            unit.plan.task.name,
            state,
            why or (self.retold(unit, reason(lines, work)) if state == "failed" else ""),
            unit.item,
            seconds=work.seconds if work else used.get("seconds"),
            cpu=used.get("cpu"),
            peak=used.get("peak", seen),
            bytes_in=used.get("in"),
            bytes_out=used.get("out"),
            lost=used.get("killed"),
            exit_code=code,
            log=log if log.exists() else None,
            notebook=notebook if notebook.exists() else None,
            fix=work.fix if work else "",
            tail=tuple(self.retold(unit, line) for line in lines),
            cause=cause_of(used, no_memory) if state == "failed" else "",
            used=used,
            asked=asked_by(self.manifest(unit.plan)),
        )

    def retold(self, unit: Unit, text: str) -> str:
        """What it printed, with places of the user's notebook."""
        name = unit.plan.task.name
        if not may_hold(text):
            return text
        if name not in self._traces:
            written = partial(as_written, self.pipeline.notebook, unit.plan)
            self._traces[name] = Traces(self.texts.get(name, ""), written, name, bool(self.values))
        return self._traces[name].retold(text)

    def by_airflow(self, plan: Plan) -> dict[str, str]:
        """Variables through which Airflow alone hands values over (XComs), empty: here they come through the store."""
        if not by_xcom(plan.task.options.store):
            return {}
        return {xcom_name(step.producer): "" for step in plan.steps if isinstance(step, Load)}

    def manifest(self, plan: Plan) -> dict[str, Any]:
        """The pod of a task, as the DAG has it."""
        name = plan.task.name
        if name not in self.texts:
            self.texts[name] = (
                "" if plan.task.kind == "container" else task_notebook(self.pipeline, plan, self.dag, self._lists)
            )
        return pod_manifest(self.pipeline, plan, self.texts[name])

    def place(self, task: str, item: int | None = None) -> Path:
        """Where its results lie on this machine."""
        return place_of(self.desk.store, self.dag, self.desk.run, task, item)

    def _relative(self, unit: Unit) -> str:
        return str(self.place(unit.plan.task.name, unit.item).relative_to(self.desk.store))


def last_lines(log: Path) -> tuple[str, ...]:
    """The end of a log, without empty lines."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ()
    return tuple(line for line in lines if line.strip())[-TAIL:]


def reason(lines: tuple[str, ...], work: Work | None) -> str:
    """What is known beside the log, the runtime's own last line where it could still write one, else what the exit code tells."""
    if work is not None and work.why:
        return work.why
    code = work.code if work else None
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

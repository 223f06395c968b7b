"""The loop of a run: begin what may, start what fits, wait for the next to end; as many at once as the graph and the
limit allow.

In: a pipeline, a folder, and the maker of its units, which says where they run (`local`: processes; `pods`: a cluster).
Out: a `Run`, and events on the way. An unchanged task whose inputs did not change is not run again: its results are taken
over. Ctrl-C ends all that runs. `units` says what one start is, `desk` where things lie.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.problems import KubenbError, errors
from kubenb.run.desk import Desk, desk
from kubenb.run.events import Event, Outcome, Progress, Run, State, worst
from kubenb.run.fields import airflow_values
from kubenb.run.measured import of_outcome
from kubenb.run.measures import add
from kubenb.run.params import values_for
from kubenb.run.process import deaf
from kubenb.run.records import append, record
from kubenb.run.rules import decide
from kubenb.run.select import Selection, select
from kubenb.run.units import Maker, Told, Unit
from kubenb.run.work import Work
from kubenb.store.places import part

TICK = 0.1
Said = tuple[tuple[str, int | None, int | None], str]


@dataclass(frozen=True)
class Wish:
    """What a run is asked beyond the pipeline.

    `tasks`: only these, again, and what they need; `from_`: these and all that follows; `resume`: what did not change is taken
    over; `limit`: processes at once (0 = cores); `env`: variables for the tasks; `keep`: every variable of a task is kept;
    `supply` puts results of earlier tasks into the store, by DAG and run.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    resume: bool = True
    limit: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    keep: bool = False
    supply: Callable[[Path, str, str], None] | None = None


def run_units(
    pipeline: Pipeline, to: Path, wish: Wish, progress: Progress, make: Callable[[Told], Maker], kind: str = "local"
) -> Run:
    """Runs the pipeline into the folder `to`; `make` gives the maker, `kind` begins the run's id. Raises KubenbError
    before anything starts where it can't.
    """
    stopping = errors(pipeline.problems)
    if stopping:
        raise KubenbError(stopping)
    selection = select(pipeline, wish.tasks, wish.from_, fresh=not wish.resume)
    _values(pipeline, kind, wish)
    with desk(to, [plan.task.name for plan in pipeline.plans], kind) as place:
        values, fields = _values(pipeline, place.run, wish)
        maker = make(Told(pipeline, place, _dag(pipeline), values, fields, dict(wish.env), wish.keep))
        try:
            problems = maker.problems([plan for plan in pipeline.plans if plan.task.name in selection.wanted])
            if errors(problems):
                raise KubenbError(tuple(dict.fromkeys(errors(problems))))
            for problem in dict.fromkeys(problems):
                progress(Event("warning", text=str(problem)))
            if wish.supply:
                wish.supply(place.store, maker.dag, place.run)
            return Runner(pipeline, place, maker, selection, progress, wish.limit or maker.most).run()
        finally:
            maker.close()


def _dag(pipeline: Pipeline) -> str:
    from kubenb.export.ids import dag_id

    return dag_id(pipeline)


def _values(pipeline: Pipeline, run: str, wish: Wish) -> tuple[dict[str, object], dict[str, str]]:
    """The run's parameters, and what stands for Airflow's fields."""
    fields = airflow_values(_dag(pipeline), run, "", datetime.now(timezone.utc), wish.params)
    values, problems = values_for(pipeline, wish.params, fields)
    if problems:
        raise KubenbError(problems)
    return values, {**fields, **{f"params.{name}": str(value) for name, value in values.items()}}


@dataclass
class Runner:
    """The state of a run while it goes. All of it is touched by one thread only; waiting threads speak through `ended`."""

    pipeline: Pipeline
    desk: Desk
    maker: Maker
    selection: Selection
    progress: Progress
    limit: int
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)  # by task; a mapped task has one an item
    ready: list[Unit] = field(default_factory=list)
    running: dict[str, tuple[Unit, Work]] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)  # outcomes that a begun task will have
    reasons: dict[str, str] = field(default_factory=dict)  # why a unit runs though it ran before
    ended: queue.SimpleQueue[Work] = field(default_factory=queue.SimpleQueue)
    said: dict[str, Said] = field(default_factory=dict)  # the last state and bar of each unit that were shown
    before: dict[str, dict[str, bool]] = field(default_factory=dict)  # by task: its predecessors; True: by data alone

    def __post_init__(self) -> None:
        """Who comes before whom, once: a run asks for it at every step."""
        self.before = {plan.task.name: {} for plan in self.pipeline.plans}
        for edge in self.pipeline.edges:
            self.before[edge.downstream][edge.upstream] = all(reason.variable for reason in edge.reasons)

    def run(self) -> Run:
        """The loop: begin what may, start what fits, wait for the next to end."""
        began, interrupted = time.monotonic(), False
        try:
            while self._begin() or self.ready or self.running:
                self._start()
                self._wait()
        except KeyboardInterrupt:
            interrupted = True
            with deaf():  # a second Ctrl-C must not cut the cleaning up
                self.progress(Event("stop"))
                self._end_all()
        except BaseException:
            self._end_all()
            raise
        # items finish in any order; whoever makes a list of them wants theirs
        ordered = tuple(
            outcome
            for plan in self.pipeline.plans
            for outcome in sorted(self.outcomes.get(plan.task.name, ()), key=lambda outcome: outcome.item or 0)
        )
        self.desk.tidy(self.desk.store / part(self.maker.dag))
        self._keep(ordered)
        return Run(
            self.maker.dag,
            self.desk.run,
            self.desk.folder,
            ordered,
            time.monotonic() - began,
            interrupted,
            self.maker.where,
        )

    def _keep(self, outcomes: tuple[Outcome, ...]) -> None:
        """What the tasks used: beside the run, and among all records of this machine."""
        kind, dag, run = self.maker.kind, self.maker.dag, self.desk.run
        lines = (record(outcome, dag, run, kind) for outcome in outcomes if outcome.seconds is not None)
        append(self.desk.hidden / "runs.jsonl", lines)
        plans = {plan.task.name: plan for plan in self.pipeline.plans}
        path = self.pipeline.notebook.path
        found = (of_outcome(outcome, plans[outcome.task], kind, path, dag, run) for outcome in outcomes)
        add(each for each in found if each is not None)

    def state(self, task: str) -> State | None:
        """A task's state over all its items; None while it is under way or has not begun."""
        found = self.outcomes.get(task)
        if found is None or len(found) < self.expected.get(task, 1):
            return None
        return worst(outcome.state for outcome in found)

    def _begin(self) -> bool:
        """Decides on every task that has not begun; True while one of them still waits."""
        waits = changed = True
        while changed:
            waits = changed = False
            for plan in self.pipeline.plans:
                name = plan.task.name
                if name not in self.selection.wanted or name in self.expected:
                    continue
                before = {upstream: self.state(upstream) for upstream in self.before[name]}
                decision, why = decide(plan.task.options.trigger_rule or "all_success", before)
                if decision == "wait":
                    waits = True
                    continue
                changed = True
                if decision == "never":
                    self.expected[name] = 1
                    self._not_run(name, why)
                else:
                    self._open(plan)
        return waits

    def _open(self, plan: Plan) -> None:
        """Makes the units of a task whose turn it is; those with a usable earlier result are done at once."""
        name = plan.task.name
        units = self.maker.units(plan)
        if isinstance(units, str):
            self.expected[name] = 1
            self._finish(Outcome(name, "failed", units))
            return
        self.expected[name] = len(units) or 1
        self.outcomes[name] = []
        if not units:
            self._finish(Outcome(name, "done", "there are no items"))
        ran = any(self.state(upstream) == "done" for upstream, data in self.before[name].items() if not data)
        again = name in self.selection.again or ran
        for unit in units:
            if not again and self.maker.take_over(unit):
                self._finish(
                    replace(self.maker.outcome(unit, "reused", "its code and its inputs did not change"), seconds=None)
                )
            else:
                named = "it was asked for" if name in self.selection.again else "a task before it ran" if ran else ""
                self.reasons[unit.name] = self.maker.why(unit, named)
                self.ready.append(unit)

    def _start(self) -> None:
        for unit in list(self.ready):
            most = unit.plan.task.options.max_parallel
            same = sum(other.plan.task.name == unit.plan.task.name for other, _ in self.running.values())
            if len(self.running) >= self.limit or (most and same >= most):
                continue
            self.ready.remove(unit)
            self.progress(Event("start", unit.name, self.reasons.get(unit.name, "")))
            self.desk.notebook(unit.file).unlink(missing_ok=True)
            self.desk.log(unit.file).unlink(missing_ok=True)
            try:
                self.running[unit.name] = unit, self.maker.start(unit, self.ended)
            except OSError as error:
                self._finish(Outcome(unit.plan.task.name, "failed", self.maker.cannot_start(unit, error), unit.item))

    def _wait(self) -> None:
        """Until a process ends or a tick passes; shows what was printed meanwhile."""
        if not self.running:
            return
        told: list[Work] = []
        with contextlib.suppress(queue.Empty):
            told.append(self.ended.get(timeout=TICK))
            while True:
                told.append(self.ended.get_nowait())
        for unit, work in self.running.values():
            self._lines(unit, work)
            self._state(unit, work)
            if work.overdue and not work.why:
                work.why = f"it ran longer than its timeout of {work.deadline:g} s. Give it more with --timeout."
                self.maker.end([work])
        for work in told:
            if work.stopped is not None and work.name in self.running:  # else it has only printed something
                self._reap(work)

    def _reap(self, work: Work) -> None:
        unit, _ = self.running.pop(work.name)
        self.maker.sweep(work)
        self._lines(unit, work, final=True)
        if work.remark:
            self.progress(Event("warning", unit.name, work.remark))
        self._finish(replace(self.maker.ended(unit, work), again=self.reasons.get(unit.name, "")))

    def _lines(self, unit: Unit, work: Work, final: bool = False) -> None:
        lines = list(work.lines(final))
        if lines:
            self.progress(Event("lines", unit.name, self.maker.retold(unit, "\n".join(lines))))

    def _state(self, unit: Unit, work: Work) -> None:
        """What it does now, told when it changed."""
        now = work.state, work.bar
        before, self.said[unit.name] = self.said.get(unit.name, (("", None, None), "")), now
        (words, memory, limit), bar = now
        if words and now[0] != before[0]:
            self.progress(Event("state", unit.name, words, memory=memory, limit=limit))
        if bar and bar != before[1]:
            self.progress(Event("bar", unit.name, bar))

    def _finish(self, outcome: Outcome) -> None:
        self.outcomes.setdefault(outcome.task, []).append(outcome)
        self.progress(Event("end", outcome.name, outcome=outcome))

    def _end_all(self) -> None:
        """Ends every group; what ran is 'interrupted', what did not begin 'not run'."""
        self.maker.end([work for _, work in self.running.values()])
        for unit, work in list(self.running.values()):
            self._lines(unit, work, final=True)
            self._finish(self.maker.outcome(unit, "interrupted", work.why or "ended by the interrupt", work))
        self.running.clear()
        for unit in self.ready:
            self._finish(Outcome(unit.plan.task.name, "not run", "the run was interrupted", unit.item))
        for plan in self.pipeline.plans:
            if plan.task.name in self.selection.wanted and plan.task.name not in self.expected:
                self._not_run(plan.task.name, "the run was interrupted")

    def _not_run(self, name: str, why: str) -> None:
        """An older run's notebook and log must not pass for this one's; what they are made of stays in the store."""
        self.desk.notebook(name).unlink(missing_ok=True)
        self.desk.log(name).unlink(missing_ok=True)
        self._finish(Outcome(name, "not run", why))

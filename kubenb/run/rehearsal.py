"""`kubenb rehearse`: a DAG file, played once by a real Airflow whose pods are processes of this machine. No cluster takes part.

Airflow and its KubernetesPodOperator are as they are; what answers them is `kubenb.standin`. In: the DAG file, a Python that has
Airflow, a folder for what is left. Out: a `Run`, and events on the way. Ctrl-C ends Airflow and all that it started. `turns` is
one task's part, `supplies` what stands for secrets and config maps.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kubenb.airflow.check import problems_of_loading
from kubenb.airflow.homes import version_of
from kubenb.airflow.playing import ENDED, Playing, Told
from kubenb.airflow.process import python_of
from kubenb.model.names import near
from kubenb.model.pipeline import Parameter
from kubenb.model.problems import NOWHERE, KubenbError, Place, Problem, refuse
from kubenb.run.desk import Desk, desk
from kubenb.run.events import Event, Outcome, Progress, Run, State
from kubenb.run.machine import taken
from kubenb.run.measured import of_rehearsed
from kubenb.run.measures import add
from kubenb.run.params import read_value
from kubenb.run.process import deaf
from kubenb.run.records import append, record
from kubenb.run.supplies import Supplies, supplies
from kubenb.run.turns import Key, Turn, file_of, name_of
from kubenb.standin import Image, PodApi
from kubenb.standin.pod import Pod

TICK = 0.1
GRACE = 2.0
LOG = "airflow.txt"


@dataclass(frozen=True)
class Rehearsal:
    """What is asked: the DAG's params, variables for the tasks, the logical date (now unless set)."""

    params: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    date: datetime | None = None


@dataclass(frozen=True)
class Rehearsed:
    """The run, and which Airflow played it; `said` is the file with all that Airflow said."""

    run: Run
    airflow: str
    said: Path


def rehearse(dag_file: Path, airflow: Path, to: Path, asked: Rehearsal, progress: Progress) -> Rehearsed:
    """Plays it into the folder `to`. Raises KubenbError before any task starts where it can't."""
    if not dag_file.is_file():
        raise refuse(
            Place(file=str(dag_file)), "there is no such file.", "Name a DAG file or a notebook.", "rehearse.file"
        )
    python = python_of(airflow)
    version = version_of(python)
    name = f"Airflow {version}"

    def say(text: str) -> None:
        progress(Event("state", name, text))

    progress(Event("start", name))
    with Playing(dag_file, python, version, say) as playing:
        say(f"reading {dag_file.name}")
        dag = _loaded(playing, dag_file.name, python)
        around = {**os.environ, **asked.env}
        pods = {task["task"]: task["pod"] for task in dag["tasks"] if "pod" in task}
        have = supplies(pods, around, dag_file.name)
        conf, problems = _conf(asked.params, dag["params"])
        if have.problems or problems:
            raise KubenbError((*have.problems, *problems))
        progress(Event("end", name, outcome=Outcome(name, "done", f"it has read {dag_file.name}")))
        with desk(to, pods, "rehearsal") as here:
            date = (asked.date or datetime.now(timezone.utc)).isoformat()
            try:
                return Rehearsed(_play(playing, here, dag, have, asked, conf, date, progress), version, _log(here))
            finally:
                shutil.copyfile(playing.said, _log(here))


def _log(here: Desk) -> Path:
    return here.hidden / LOG


def _loaded(playing: Playing, file: str, python: Path) -> Told:
    """What the DAG file holds; refused where this Airflow can't use it."""
    told = playing.told.get()
    if told["event"] == ENDED:
        fix = "Is this a Python with Airflow 2.11 or 3.x and its cncf.kubernetes provider?"
        what = f"Airflow did not start: {' '.join(playing.last_lines(1))}."
        raise refuse(Place(file=str(python)), what, fix, "airflow.no-answer")
    problems = tuple(problems_of_loading(told, file))
    if problems:
        raise KubenbError(problems)
    return told


def _conf(given: Mapping[str, object], known: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    """The run's conf: what was given, read by the type of the DAG's own param."""
    conf: dict[str, object] = {}
    problems = []
    for name, value in given.items():
        if name not in known:
            likely = near(name, known, 1)
            fix = f"Did you mean {likely[0]}?" if likely else f"It has: {', '.join(known) or 'none'}."
            problems.append(Problem(NOWHERE, f"The DAG has no parameter {name}.", fix, "run.unknown-param"))
            continue
        try:
            conf[name] = read_value(value, Parameter(name, known[name]))
        except ValueError as error:
            what, _, fix = str(error).partition("\n")
            problems.append(Problem(NOWHERE, what, fix, "run.param"))
    return conf, problems


def _play(
    playing: Playing,
    here: Desk,
    dag: Told,
    have: Supplies,
    asked: Rehearsal,
    conf: Mapping[str, object],
    date: str,
    progress: Progress,
) -> Run:
    def own(metadata: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
        """The executed notebook is kept here, and no store is written that others may read."""
        labels = metadata.get("labels") or {}
        file = file_of((str(labels.get("task_id")), int(labels["map_index"]) if "map_index" in labels else None))
        more = dict(asked.env)
        if "KUBENB_TASK" in values:
            more["KUBENB_NOTEBOOK_OUT"] = str(here.notebook(file).absolute())
        if "://" in values.get("KUBENB_STORE", ""):
            more["KUBENB_STORE"] = str(here.store)
        return more

    image = Image(sys.executable, taken(os.environ), own)
    with PodApi(
        here.hidden, secrets=have.of("secret"), configmaps=have.of("configMap"), image=image, claims=here.claims
    ) as api:
        api.write_kubeconfig(playing.kubeconfig)
        playing.begin(conf, date)
        return Play(playing, api, here, dag, progress).run()


@dataclass
class Play:
    """The loop: what Airflow tells and what its pods print, until the last task has ended."""

    playing: Playing
    api: PodApi
    desk: Desk
    dag: Told
    progress: Progress
    turns: dict[Key, Turn] = field(default_factory=dict)
    outcomes: dict[Key, Outcome] = field(default_factory=dict)
    pods: int = 0
    over: bool = False

    def run(self) -> Run:
        """Until it is over, or interrupted."""
        began, interrupted = time.monotonic(), False
        try:
            while not self.over:
                self._step()
        except KeyboardInterrupt:
            interrupted = True
            with deaf():
                self._stop()
        order = [task["task"] for task in self.dag["tasks"]]
        outcomes = tuple(
            self.outcomes[key] for key in sorted(self.outcomes, key=lambda key: (order.index(key[0]), key[1] or 0))
        )
        name = self.dag["dags"][0]
        measured = [record(outcome, name, self.desk.run) for outcome in outcomes if outcome.seconds is not None]
        append(self.desk.hidden / "runs.jsonl", measured)
        found = (of_rehearsed(outcome, name, self.desk.run) for outcome in outcomes if outcome.used)
        add(each for each in found if each is not None)
        return Run(name, self.desk.run, self.desk.folder, outcomes, time.monotonic() - began, interrupted)

    def _step(self) -> None:
        try:
            told = self.playing.told.get(timeout=TICK)
        except queue.Empty:
            self._look()
            return
        if told["event"] == "ended":
            self._rest(told)
        elif told["event"] == ENDED:
            self._crashed()
        else:
            self._task(told)

    def _task(self, told: Told) -> None:
        key = (told["task"], told["item"])
        if told["event"] == "start":
            self._turn(key)
            return
        self._finish(key, "done" if told["event"] == "success" else "failed", told["text"])

    def _turn(self, key: Key) -> Turn:
        if key not in self.turns:
            self.turns[key] = Turn(key, self.desk)
            self.progress(Event("start", name_of(key)))
        return self.turns[key]

    def _look(self) -> None:
        """Pods that came, and what they printed."""
        for pod in self.api.known[self.pods :]:
            turn = self._turn_of(pod)
            if turn is None:
                break
            turn.take(pod)
            self.pods += 1
        for key, turn in self.turns.items():
            if key not in self.outcomes:
                lines = list(turn.lines())
                if lines:
                    self.progress(Event("lines", name_of(key), "\n".join(lines)))

    def _turn_of(self, pod: Pod) -> Turn | None:
        """By its labels, as Airflow finds it again; else the task whose turn it is."""
        labels = pod.metadata.get("labels") or {}
        item = labels.get("map_index")
        named = self.turns.get((str(labels.get("task_id")), int(item) if item is not None else None))
        running = [turn for key, turn in self.turns.items() if key not in self.outcomes]
        return named or (running[-1] if running else None)

    def _finish(self, key: Key, state: State, said: str = "") -> None:
        turn = self._turn(key)
        self._look()
        self.outcomes[key] = turn.outcome(state, said)
        self.progress(Event("end", name_of(key), outcome=self.outcomes[key]))

    def _rest(self, told: Told) -> None:
        """Tasks that never ran, as Airflow has them."""
        self.over = True
        for each in told["tasks"]:
            key, state = (each["task"], each["item"]), each["state"]
            if key in self.outcomes:
                continue
            if state == "success":
                self._say(key, "done", "it had nothing to run")
            elif state == "failed":
                self._say(key, "failed", "Airflow failed it; its log says why")
            else:
                self._say(key, "not run", self._why_not(each["task"], state))

    def _why_not(self, task: str, state: str) -> str:
        upstream = next(each["upstream"] for each in self.dag["tasks"] if each["task"] == task)
        bad = [name for name in upstream if any(key[0] == name and not o.ok for key, o in self.outcomes.items())]
        failed = ", ".join(f"{name} {'failed' if self._failed(name) else 'did not run'}" for name in bad)
        return failed or f"Airflow says: {state.replace('_', ' ')}"

    def _failed(self, task: str) -> bool:
        return any(key[0] == task and outcome.state == "failed" for key, outcome in self.outcomes.items())

    def _crashed(self) -> None:
        """Airflow is no more, before the end."""
        self.over = True
        said = "\n".join(self.playing.last_lines())
        for key in [key for key in self.turns if key not in self.outcomes]:
            self._finish(key, "failed", f"Airflow ended in the middle of it: {said}")
        self._never("Airflow ended before")

    def _stop(self) -> None:
        """Airflow first, so that it does not begin the next; then its pods, with the time that a pod has to end well."""
        self.progress(Event("stop"))
        self.playing.stop()
        for pod in list(self.api.pods.values()):
            pod.stop(GRACE)
        for key in [key for key in self.turns if key not in self.outcomes]:
            self._finish(key, "interrupted", "ended by the interrupt")
        self._never("the rehearsal was interrupted")

    def _never(self, why: str) -> None:
        for each in self.dag["tasks"]:
            if not any(key[0] == each["task"] for key in self.outcomes):
                self._say((each["task"], None), "not run", why)

    def _say(self, key: Key, state: State, why: str) -> None:
        if state == "not run":
            self.desk.notebook(file_of(key)).unlink(missing_ok=True)
            self.desk.log(file_of(key)).unlink(missing_ok=True)
        self.outcomes[key] = Outcome(key[0], state, why, key[1])
        self.progress(Event("end", name_of(key), outcome=self.outcomes[key]))

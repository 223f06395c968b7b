"""Pods that were started before, by this kernel or another: their logs from the beginning, their results once they are done.

In: `Started` pods of one task of ours, a folder. Out: a `Run` of that task; of a mapped one, with an outcome an item. Ctrl-C lets
the pods be. Next room: `pod_work`.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kubenb.cluster import marks
from kubenb.inside.stores import Folder
from kubenb.model.pipeline import Plan, Task
from kubenb.run.events import Event, Outcome, Progress, Run, State
from kubenb.run.hub import Hub
from kubenb.run.measured import asked_by, cause_of, of_outcome
from kubenb.run.measures import add
from kubenb.run.pod_work import Carry, PodWork
from kubenb.run.process import deaf
from kubenb.run.work import Work
from kubenb.store.places import NOTEBOOK, place, success, usage
from kubenb.store.reports import text_at

if TYPE_CHECKING:
    from kubenb.cluster.client import Client
    from kubenb.cluster.runs import Started

TICK = 0.1
LAST = 30.0  # seconds for a pod whose results are here to be over


def attach(client: Client, pods: Sequence[Started], folder: Path, progress: Progress) -> Run:
    """Until all have ended. Their results are in `folder`, laid out as those of any run."""
    about, began, namespace = pods[0].about, time.monotonic(), pods[0].namespace
    dag, run, task = str(about["dag"]), str(about["run"]), str(about["task"])
    store = folder / ".kubenb" / "store"
    store.mkdir(parents=True, exist_ok=True)
    ended: queue.SimpleQueue[Work] = queue.SimpleQueue()
    hub = Hub(client, namespace, f"{marks.RUN}={run}")
    places = {found.name: place(store, dag, run, task, found.about.get("item")) for found in pods}
    works: dict[str, PodWork] = {}
    left: set[str] = set()
    with (
        contextlib.ExitStack() as quiet
    ):  # what was fetched lies nowhere else: from its last moment on an interrupt waits
        try:
            for found in pods:
                works[found.name] = _work(found, client, hub, ended, folder, store, places[found.name])
            _watch(list(works.values()), ended, progress)
            quiet.enter_context(deaf())
        except KeyboardInterrupt:
            if not works:
                raise
            quiet.enter_context(deaf())
            left = {name for name, work in works.items() if work.stopped is None and work.leave()}
            for name in works.keys() - left:
                works[name].over.wait(LAST)
        finally:
            hub.close()
        ordered = sorted(
            (found for found in pods if found.name in works), key=lambda found: found.about.get("item") or 0
        )
        outcomes = tuple(_outcome(works[f.name], f, places[f.name], folder, f.name in left) for f in ordered)
        for outcome in outcomes:
            progress(Event("end", outcome.name, outcome=outcome))
        _keep(outcomes, (dag, run, str(about.get("notebook") or "")))
        where = f"context {client.context}, namespace {namespace}"
        return Run(dag, run, folder, outcomes, time.monotonic() - began, False, where)


def _keep(outcomes: Sequence[Outcome], named: tuple[str, str, str]) -> None:
    """What they used, among all records of this machine; a task's text is that of its executed notebook."""
    dag, run, notebook = named
    found = []
    for outcome in outcomes:
        path = outcome.notebook
        text = text_at(Folder(str(path.parent)), path.name) if path is not None else ""
        found.append(of_outcome(outcome, Plan(Task(outcome.task, body=text)), "pod", notebook, dag, run))
    add(each for each in found if each is not None)


def _work(
    found: Started,
    client: Client,
    hub: Hub,
    ended: queue.SimpleQueue[Work],
    folder: Path,
    store: Path,
    at: Path,
) -> PodWork:
    inside = found.about.get("store")
    carry = Carry(str(inside), store, (), str(at.relative_to(store))) if inside else None
    log = folder / f"{found.name}.log"
    return PodWork(
        found.task, log, client=client, hub=hub, manifest=found.pod, ended=ended, carry=carry, there=True
    ).start()


def _watch(works: Sequence[PodWork], ended: queue.SimpleQueue[Work], progress: Progress) -> None:
    said: dict[str, object] = {}
    going = list(works)
    while going:
        with contextlib.suppress(queue.Empty):
            ended.get(timeout=TICK)
        over = [work for work in going if work.stopped is not None]
        for work in going:
            lines = list(work.lines(final=work in over))
            if lines:
                progress(Event("lines", work.name, "\n".join(lines)))
            if work.state != said.get(work.name) and work not in over:
                said[work.name] = work.state
                words, memory, limit = work.state
                progress(Event("state", work.name, words, memory=memory, limit=limit))
        going = [work for work in going if work not in over]


def _outcome(work: PodWork, found: Started, at: Path, folder: Path, left: bool) -> Outcome:
    used = usage(at)
    done = work.code == 0 and (success(at) is not None or work.carry is None)
    state: State = "detached" if left else "done" if done else "failed"
    why = f"it runs on in pod {work.pod_name}" if left else work.why or "it left no results: they are gone with its pod"
    notebook = folder / f"{found.name}.ipynb"
    if (at / NOTEBOOK).exists():
        shutil.copyfile(at / NOTEBOOK, notebook)
    no_memory, seen = work.lost
    return Outcome(
        str(found.about["task"]),
        state,
        why if state != "done" else "",
        found.about.get("item"),
        used.get("seconds", work.seconds),
        used.get("cpu"),
        used.get("peak", seen),
        used.get("in"),
        used.get("out"),
        work.code,
        work.log,
        notebook if notebook.exists() else None,
        lost=used.get("killed"),
        fix=work.fix,
        cause=cause_of(used, no_memory) if state == "failed" else "",
        used=used,
        asked=asked_by(found.pod),
    )

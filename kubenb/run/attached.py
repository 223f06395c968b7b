"""A pod that was started before, by this kernel or another: its log from the beginning, its results once it is done.

In: a `Started` pod of ours, a folder. Out: a `Run` of that one task. Ctrl-C lets the pod be. Next room: `pod_work`.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kubenb.cluster import marks
from kubenb.run.events import Event, Outcome, Progress, Run, State
from kubenb.run.hub import Hub
from kubenb.run.pod_work import Carry, PodWork
from kubenb.run.work import Work
from kubenb.store.places import NOTEBOOK, place, success, usage

if TYPE_CHECKING:
    from kubenb.cluster.client import Client
    from kubenb.cluster.runs import Started

TICK = 0.1


def attach(client: Client, found: Started, folder: Path, progress: Progress) -> Run:
    """Until it has ended. Its results are in `folder`, laid out as those of any run."""
    about, began = found.about, time.monotonic()
    dag, run, task, item = str(about["dag"]), str(about["run"]), str(about["task"]), about.get("item")
    store = folder / ".kubenb" / "store"
    store.mkdir(parents=True, exist_ok=True)
    ended: queue.SimpleQueue[Work] = queue.SimpleQueue()
    hub = Hub(client, found.namespace, f"{marks.RUN}={run}")
    at = place(store, dag, run, task, item)
    carry = Carry(str(about.get("store", "")), store, (), str(at.relative_to(store))) if about.get("store") else None
    work = PodWork(
        found.task,
        folder / f"{task}.log",
        client=client,
        hub=hub,
        manifest=found.pod,
        ended=ended,
        carry=carry,
        there=True,
    ).start()
    interrupted = False
    try:
        _watch(work, ended, progress)
    except KeyboardInterrupt:
        interrupted = True
        work.leave()
    finally:
        hub.close()
    outcome = _outcome(work, task, item, at, folder, interrupted)
    progress(Event("end", found.task, outcome=outcome))
    return Run(
        dag,
        run,
        folder,
        (outcome,),
        time.monotonic() - began,
        False,
        f"context {client.context}, namespace {found.namespace}",
    )


def _watch(work: PodWork, ended: queue.SimpleQueue[Work], progress: Progress) -> None:
    said = None
    while True:
        with contextlib.suppress(queue.Empty):
            ended.get(timeout=TICK)
        over = work.stopped is not None
        lines = list(work.lines(final=over))
        if lines:
            progress(Event("lines", work.name, "\n".join(lines)))
        if work.state != said and not over:
            said = work.state
            words, memory, limit = said
            progress(Event("state", work.name, words, memory=memory, limit=limit))
        if over:
            return


def _outcome(work: PodWork, task: str, item: int | None, at: Path, folder: Path, interrupted: bool) -> Outcome:
    used = usage(at)
    done = work.code == 0 and (success(at) is not None or work.carry is None)
    state: State = "detached" if interrupted else "done" if done else "failed"
    why = f"it runs on in pod {work.pod_name}" if interrupted else work.why
    notebook = folder / f"{task}.ipynb"
    if (at / NOTEBOOK).exists():
        shutil.copyfile(at / NOTEBOOK, notebook)
    return Outcome(
        task,
        state,
        why if state != "done" else "",
        item,
        used.get("seconds", work.seconds),
        used.get("cpu"),
        used.get("peak"),
        used.get("in"),
        used.get("out"),
        work.code,
        work.log,
        notebook if notebook.exists() else None,
        fix=work.fix,
    )

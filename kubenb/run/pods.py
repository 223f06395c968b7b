"""`kubenb run --on CONTEXT` and `--run pod`: every task a pod of a cluster, by the manifest that the DAG has.

In: a pipeline, a folder, a client. Out: a `Run`, and events on the way. What tasks make goes through the run's folder on
this machine: sent into the pod that reads it and fetched from the pod that made it, over `exec`, so that no shared volume
is needed and no value lies in etcd or in a cluster's log collector. Next rooms: `pod_manifest`, `pod_work`, `hub`.
"""

from __future__ import annotations

import json
import queue
import secrets
import shutil
import string
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kubenb.cluster import marks
from kubenb.export.fields import for_kubelet
from kubenb.export.manifest import timeout
from kubenb.export.origin import as_written
from kubenb.model.pipeline import Load, Pipeline, Plan
from kubenb.model.problems import Problem
from kubenb.run.events import Outcome, Progress, Run, silent
from kubenb.run.hub import Hub
from kubenb.run.owner import owner, parent
from kubenb.run.pod_manifest import SUFFIX, Mark, pod_name, to_start
from kubenb.run.pod_work import Carry, PodWork, stamp
from kubenb.run.runner import Wish, run_units
from kubenb.run.units import Maker, Told, Unit
from kubenb.run.work import Work
from kubenb.store.places import NOTEBOOK

if TYPE_CHECKING:
    from kubenb.cluster.client import Client

Part = dict[str, Any]
STORE = "/tmp/kubenb-store"  # in the pod: an empty folder of its own, gone with it
AT_ONCE = 32
HELD = 1800  # seconds that an ended pod keeps its results for who waits for it
HELD_DETACHED = 3600
TIME_TO_LIVE = 300  # seconds without a heartbeat
BUDGET = 1.5  # seconds in which an interrupt deletes pods: a kernel that shuts down gives two


@dataclass(frozen=True)
class Where:
    """A cluster to run on. `detach`: pods are left to themselves once they have their inputs."""

    client: Client
    namespace: str = ""
    detach: bool = False
    check: bool = True  # ask before anything starts; one cell's pod says the same by itself
    parallel: int = 0  # so many pods at once; 0: as many as there may be


def run_pods(pipeline: Pipeline, to: Path, where: Where, wish: Wish | None = None, progress: Progress = silent) -> Run:
    """Runs the pipeline's tasks in pods. Raises KubenbError before anything starts where it can't."""
    return run_units(pipeline, to, wish or Wish(), progress, lambda told: PodMaker(told, where), "pod")


class PodMaker(Maker):
    """Units as pods."""

    kind: Literal["pod"] = "pod"
    most = AT_ONCE

    def __init__(self, told: Told, where: Where) -> None:
        super().__init__(told)
        self.on, self.client = where, where.client
        self.namespace = where.namespace or where.client.namespace
        spaces = dict.fromkeys(plan.task.options.namespace or self.namespace for plan in self.pipeline.plans)
        self.where = f"context {where.client.context}, namespace {' and '.join(spaces)}"
        self._hubs: dict[str, Hub] = {}
        self._parent = parent(self.client)

    def problems(self, plans: Sequence[Plan]) -> tuple[Problem, ...]:
        """Fields that only Airflow knows; and what the cluster would not take, or lacks."""
        made = [
            (plan, *self._made(Unit(plan, None if plan.task.options.map is None else 0), "0" * SUFFIX))
            for plan in plans
        ]
        unknown = tuple(
            Problem(
                plan.task.where,
                f"{name} is known to Airflow only.",
                "Use a parameter for it, and give -p NAME=VALUE.",
                "run.field",
            )
            for plan, _, names in made
            for name in names
        )
        if unknown or not self.on.check:
            return unknown
        from kubenb.cluster.preflight import Asked, preflight

        stages = self.pipeline.stages
        at_once = Counter(stages[plan.task.name] for plan in plans)
        few = {stage for stage, count in at_once.items() if not self.on.parallel or count <= self.on.parallel}
        asked = [
            Asked(plan.task.header, pod, stages[plan.task.name] if stages[plan.task.name] in few else None)
            for plan, pod, _ in made
        ]
        return preflight(self.client, asked)

    def steady(self, unit: Unit) -> tuple[tuple[str, ...], dict[str, str]]:
        """The image and the command, and the environment with names in place of secrets."""
        pod, _ = self._made(unit, "0" * SUFFIX)
        container = pod["spec"]["containers"][0]
        words = (container["image"], *container.get("command", ()), *container.get("args", ()))
        values = {
            entry["name"]: entry.get("value", json.dumps(entry.get("valueFrom"))) for entry in container.get("env", ())
        }
        return words, {name: value for name, value in values.items() if name != "KUBENB_HOLD"}

    def start(self, unit: Unit, ended: queue.SimpleQueue[Work]) -> PodWork:
        """Makes the pod, in a thread."""
        letters = string.ascii_lowercase + string.digits
        pod, _ = self._made(unit, "".join(secrets.choice(letters) for _ in range(SUFFIX)))
        return PodWork(
            unit.name,
            self.desk.log(unit.file),
            client=self.client,
            hub=self._hub(pod["metadata"]["namespace"]),
            manifest=pod,
            ended=ended,
            carry=self._carry(unit),
            detach=self.on.detach,
            deadline=None if self.on.detach else timeout(self.pipeline, unit.plan.task.options).total_seconds(),
            written=lambda cell, line: as_written(self.pipeline.notebook, unit.plan, cell, line),
        ).start()

    def end(self, works: Sequence[Work]) -> None:
        """One DELETE each, all at once, and no waiting for what comes of it."""
        running = [work for work in works if isinstance(work, PodWork)]
        threads = [threading.Thread(target=_end, args=(work,), daemon=True) for work in running]
        for thread in threads:
            thread.start()
        until = time.monotonic() + BUDGET
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        for work in running:
            if not work.gone:
                work.why = _still_there(work)
            elif not work.why:
                work.why = "ended by the interrupt; its pod is deleted"

    def ended(self, unit: Unit, work: Work) -> Outcome:
        """A pod's notebook came with its results; a pod that was left to itself has none yet."""
        if isinstance(work, PodWork) and work.left:
            return Outcome(
                unit.plan.task.name, "detached", f"it runs on in pod {work.pod_name}", unit.item, log=work.log
            )
        kept = self.place(unit.plan.task.name, unit.item) / NOTEBOOK
        if kept.exists():
            shutil.copyfile(kept, self.desk.notebook(unit.file))
        return super().ended(unit, work)

    def sweep(self, work: Work) -> None:
        """A pod deletes itself when it is over."""

    def cannot_start(self, unit: Unit, error: OSError) -> str:
        """The folder of the run can't be written."""
        return f"{unit.name} can't be started: {error.strerror}"

    def close(self) -> None:
        """The run is over."""
        for hub in self._hubs.values():
            hub.close()

    def _hub(self, namespace: str) -> Hub:
        if namespace not in self._hubs:
            self._hubs[namespace] = Hub(self.client, namespace, f"{marks.RUN}={self.desk.run}")
        return self._hubs[namespace]

    def _carry(self, unit: Unit) -> Carry | None:
        if unit.plan.task.kind == "container":
            return None
        producers = dict.fromkeys(step.producer for step in unit.plan.steps if isinstance(step, Load))
        inputs = tuple(self._relative_to_store(self.place(producer)) for producer in producers)
        return Carry(STORE, self.desk.store, inputs, self._relative(unit))

    def _relative_to_store(self, path: Path) -> str:
        return str(path.relative_to(self.desk.store))

    def _made(self, unit: Unit, suffix: str) -> tuple[Part, tuple[str, ...]]:
        """The manifest to start."""
        plan, manifest = unit.plan, self.manifest(unit.plan)
        token = secrets.token_hex(8)
        carry = self._carry(unit)
        own = {
            **self.by_airflow(plan),
            "KUBENB_RUN": self.desk.run,
            "KUBENB_TRY": "1",
            "KUBENB_PARAMS": json.dumps(self.values).replace("$", "\\u0024"),
            **({"KUBENB_ITEM": str(unit.item)} if unit.item is not None else {}),
            **({"KUBENB_KEEP": "1"} if self.keep else {}),
            **{name: for_kubelet(value) for name, value in self.env.items()},
        }
        if carry is not None:
            held = HELD_DETACHED if self.on.detach else HELD
            own |= {"KUBENB_STORE": carry.store, "KUBENB_HOLD": f"{token} {held} {int(bool(carry.inputs))}"}
        mark = Mark(
            pod_name(manifest, suffix),
            plan.task.options.namespace or self.namespace,
            self.desk.run,
            owner(),
            token,
            stamp(),
            TIME_TO_LIVE,
            self._about(unit),
            self.on.detach,
            self._parent,
        )
        return to_start(
            manifest, own, {**self.fields, "task.task_id": plan.task.name, "ti.task_id": plan.task.name}, mark
        )

    def _about(self, unit: Unit) -> dict[str, Any]:
        return {
            "dag": self.dag,
            "run": self.desk.run,
            "task": unit.plan.task.name,
            "item": unit.item,
            "notebook": self.pipeline.notebook.path,
            "store": STORE,
        }


def _end(work: PodWork) -> None:
    work.stopping.set()
    if work.made:
        work.gone = work.delete()
    else:  # it is being made: who makes it deletes it, too
        work.gone = work.over.wait(BUDGET) and (work.gone or not work.made)


def _still_there(work: PodWork) -> str:
    return (
        f"interrupted, and the API server did not answer: pod {work.pod_name} in namespace {work.namespace} may still run. "
        f"`kubenb gc` ends it, or `kubectl delete pod {work.pod_name} -n {work.namespace}`"
    )

"""From what the runtime left of a run, and what its pod asked for, to the record that is kept.

In: the usage report of a task's place, its manifest, how it ended. Out: `Measured`. Next room: `measures`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubenb.inside.stores import Folder
from kubenb.model.measured import OUT_OF_MEMORY, Asked, How, Measured, digest_of
from kubenb.model.pipeline import Plan, Task
from kubenb.model.quantities import parse_quantity
from kubenb.model.values import BadValue
from kubenb.run.events import Outcome
from kubenb.store.reports import text_at

NEAR = 0.9  # of its limit

if TYPE_CHECKING:
    from kubenb.notebook.header import Header
    from kubenb.run.here import Used


def of_outcome(outcome: Outcome, plan: Plan, how: How, notebook: str, dag: str, run: str) -> Measured | None:
    """The record of a unit that ended; None where it never began."""
    if outcome.seconds is None or outcome.state in ("reused", "not run", "detached"):
        return None
    end = "done" if outcome.state == "done" else outcome.cause or outcome.state
    measured = of_report(outcome.used, outcome.asked, outcome.task, how, outcome.seconds)
    known = measured if outcome.used else _seen(measured, outcome)
    return _named(known, plan, notebook, dag, run, outcome.item, end)


def of_rehearsed(outcome: Outcome, dag: str, run: str) -> Measured | None:
    """The record of a process that stood for a pod in a rehearsal: its notebook is not known, its text is the executed one's."""
    text = ""
    if outcome.notebook is not None:
        text = text_at(Folder(str(outcome.notebook.parent)), outcome.notebook.name)
    return of_outcome(outcome, Plan(Task(outcome.task, body=text)), "local", "", dag, run)


def of_cell(header: Header, used: Used, end: str, now: float, notebook: str) -> Measured:
    """The record of a cell that ran in the kernel."""
    values = header.values
    memory, limit = _amount(values.get("memory-request", values.get("memory"))), _amount(values.get("memory"))
    asked = Asked(_amount(values.get("cpu")), _whole(memory), _amount(values.get("cpu-limit")), _whole(limit))
    return Measured(
        header.name,
        "here",
        round(now - used.seconds, 3),
        used.seconds,
        end,
        notebook_key(notebook),
        digest_of(header.body),
        cpu=used.cpu,
        cores=used.cores,
        peak=used.peak,
        before=used.before,
        gpu=used.gpu,
        asked=asked,
        curve=tuple((at, memory, cpu) for at, memory, cpu in used.curve.rounded()),
    )


def of_report(used: Mapping[str, Any], asked: Asked, task: str, how: How, wall: float = 0.0) -> Measured:
    """What a usage report says, also one of an older runtime."""
    wall = float(used.get("seconds", wall))
    return Measured(
        task,
        how,
        float(used.get("began", time.time() - wall)),
        wall,
        cause_of(used) or "done",
        cpu=used.get("cpu"),
        cores=used.get("cores"),
        peak=used.get("needed", used.get("peak")),
        charged=used.get("peak"),
        gpu=used.get("gpu"),
        bytes_in=used.get("in"),
        bytes_out=used.get("out"),
        size=used.get("in") or None,
        asked=asked if asked.memory_limit or not used.get("limit") else _limited(asked, int(used["limit"])),
        curve=tuple((float(at), float(memory), float(cpu)) for at, memory, cpu in used.get("curve", ())),
    )


def cause_of(used: Mapping[str, Any], no_memory: bool = False) -> str:
    """The kind of end that a usage report names. A kill is for want of memory where the container counted one, or nothing there speaks
    against it: no limit is known, or it was near its limit.
    """
    kind, limit = str(used.get("state", "")), used.get("limit")
    near = not limit or used.get("peak", 0) >= NEAR * limit
    return OUT_OF_MEMORY if no_memory or (kind == "killed" and (used.get("killed") or near)) else kind


def asked_by(pod: Mapping[str, Any]) -> Asked:
    """Requests and limits of the task's container."""
    found = pod["spec"]["containers"][0].get("resources") or {}
    requests, limits = found.get("requests") or {}, found.get("limits") or {}
    cpu, memory = _amount(requests.get("cpu")), _amount(requests.get("memory"))
    cpu_limit, memory_limit = _amount(limits.get("cpu")), _amount(limits.get("memory"))
    return Asked(cpu, _whole(memory), cpu_limit, _whole(memory_limit))


def notebook_key(path: str) -> str:
    """A notebook by its place on this machine; '' for one that has none."""
    return os.path.realpath(path) if path else ""


def _seen(measured: Measured, outcome: Outcome) -> Measured:
    """Where the whole pod was ended the runtime left nothing; what it had said until then is known."""
    peak = outcome.peak or (outcome.asked.memory_limit if outcome.cause == OUT_OF_MEMORY else None)
    return replace(measured, peak=peak, charged=peak, cpu=outcome.cpu)


def _named(measured: Measured, plan: Plan, notebook: str, dag: str, run: str, item: int | None, end: str) -> Measured:
    key, text = notebook_key(notebook), digest_of(plan.task.body)
    return replace(measured, notebook=key, text=text, dag=dag, run=run, item=item, end=end)


def _limited(asked: Asked, limit: int) -> Asked:
    return replace(asked, memory_limit=limit)


def _amount(text: object) -> float | None:
    try:
        return None if text is None else float(parse_quantity(str(text)))
    except BadValue:
        return None


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)

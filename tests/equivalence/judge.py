"""Runs a draft twice, as a notebook from top to bottom and as a pipeline of packaged tasks: are they equal?

In: `Draft`. Out: `Verdict`. The pipeline is the real one: read, analysed, packaged as task notebooks, each run by the
runtime in a process of its own with the real hand-over through a store; only the pod around it is missing.
"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy
import pandas
import pyarrow.feather

import kubenb.inside.hand
from kubenb.export.task_notebook import task_notebook
from kubenb.inside.exits import Refused
from kubenb.model.pipeline import Load, Pipeline, Plan
from kubenb.model.problems import errors
from kubenb.notebook.cells import parse_notebook
from kubenb.notebook.pipeline import read_pipeline
from tests.equivalence.author import Draft, alarm, gather
from tests.equivalence.forks import SECONDS, DiedError, in_fork
from tests.equivalence.picture import is_data, picture, values_only

sys.modules.setdefault("kubenb_runtime", kubenb.inside)
WARM = (numpy, pandas, pyarrow.feather, kubenb.inside.hand)  # imported here, once for all the processes to come
DAG = "draft"


@dataclass(frozen=True)
class Verdict:
    """`code` says why it was refused (a problem's code, or the kind of a refusal at run time), or what differs."""

    kind: Literal["equal", "refused", "different", "invalid"]
    code: str = ""
    detail: str = ""


def judge(draft: Draft) -> Verdict:
    """The verdict on one draft."""
    try:
        with alarm(SECONDS):
            pipeline = read(draft)
    except Exception:  # noqa: BLE001
        return Verdict("different", "analysis raised", traceback.format_exc(limit=-4))
    if problems := errors(pipeline.problems):
        return Verdict("refused", problems[0].code, "\n".join(map(str, problems)))
    compared = {
        plan.task.name: tuple({*plan.binds, *plan.changes, *plan.outputs})
        for plan in pipeline.plans
        if not plan.task.options.map
    }
    try:
        expected = in_fork(partial(top_to_bottom, draft, compared))
    except DiedError as died:
        return Verdict("invalid", "raises", str(died))
    with store() as folder:
        return as_pipeline(pipeline, expected, folder)


def read(draft: Draft) -> Pipeline:
    """The draft as kubenb reads it."""
    return read_pipeline(parse_notebook(notebook_text(draft), f"{DAG}.ipynb"))


def notebook_text(draft: Draft) -> str:
    """The draft as an .ipynb file."""
    header = "\n".join([f"%k8s_dag {DAG}", *(f"#| pickle: {name}" for name in draft.pickle)])
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate([header, *(cell.source for cell in draft.cells)])
    ]
    return json.dumps(
        {
            "cells": cells,
            "metadata": {"kernelspec": {"name": "python3", "display_name": ""}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def top_to_bottom(draft: Draft, compared: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The oracle: all cells in one namespace; for each task what it leaves, and which of that it touched."""
    space = sys.modules["__main__"].__dict__
    pictures = {}
    for cell in draft.cells:
        before = seen(space, compared.get(cell.task or "", ()))
        if cell.map:
            gather(space, cell.body, cell.map)
        else:
            exec(compile(cell.body, "<notebook>", "exec"), space)
        if cell.task in compared:
            after = seen(space, compared[cell.task])
            touched = {name for name in after if alone(before, name) != alone(after, name)}
            pictures[cell.task] = (after, touched)
    return pictures


def alone(drawn: dict[str, Any], name: str) -> Any:
    """The value of one name, whatever it shares."""
    return values_only(drawn).get(name)


def seen(space: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The picture of those names that hold data."""
    return picture({name: space[name] for name in names if name in space and is_data(space[name])})


@contextmanager
def store() -> Iterator[Path]:
    """A folder for one run, in memory where the machine has that."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="kubenb-equivalence-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def as_pipeline(pipeline: Pipeline, expected: dict[str, Any], folder: Path) -> Verdict:
    """Each task in the notebook's order; the first that refuses or differs decides."""
    sharing = ""
    for plan in pipeline.plans:
        if missing := unconnected(pipeline, plan):
            return Verdict("different", "no edge", f"{plan.task.name} loads from {missing} without an edge to it")
        try:
            found = run_task(pipeline, plan, folder)
        except DiedError as died:
            return Verdict("different", "task raised", f"{plan.task.name}: {died}")
        if isinstance(found, Refusal):
            return Verdict("refused", f"run.{found.kind}", f"{plan.task.name}: {found.what}")
        if plan.task.name in expected:
            whole, touched = expected[plan.task.name]
            wanted = {name: value for name, value in values_only(whole).items() if name in found or name in touched}
            if values_only(found) != wanted:
                return Verdict("different", "values", difference(plan, wanted, values_only(found)))
            if found != whole:
                sharing = "equal values, of which some were one object"
    return Verdict("equal", sharing)


def unconnected(pipeline: Pipeline, plan: Plan) -> set[str]:
    """Producers that the task loads from though no edge says it runs after them."""
    upstream = {edge.upstream for edge in pipeline.edges if edge.downstream == plan.task.name}
    return {step.producer for step in plan.steps if isinstance(step, Load)} - upstream


@dataclass(frozen=True)
class Refusal:
    """The runtime's named refusal, as it comes back from the task's process."""

    kind: str
    what: str


def run_task(pipeline: Pipeline, plan: Plan, folder: Path) -> Any:
    """The picture that the packaged task leaves, or its refusal."""
    text = task_notebook(pipeline, plan)
    fan_out = plan.task.options.map
    found: Any = {}
    for item in range(len(eval(fan_out.source))) if fan_out else [None]:
        found = in_fork(partial(task_process, text, plan, folder, item))
        if isinstance(found, Refusal):
            return found
    return found


def task_process(text: str, plan: Plan, folder: Path, item: int | None) -> Any:
    """In the task's own process: what the pod's command does, in its environment."""
    os.environ.update(
        KUBENB_DAG=DAG,
        KUBENB_TASK=plan.task.name,
        KUBENB_RUN="run",
        KUBENB_TRY="1",
        KUBENB_STORE=str(folder),
        KUBENB_PARAMS="{}",
        KUBENB_ENGINE="kubenb",
    )
    if item is not None:
        os.environ["KUBENB_ITEM"] = str(item)
    space = sys.modules["__main__"].__dict__
    try:
        for cell in json.loads(text)["cells"]:
            exec(compile("".join(cell["source"]), f"<{plan.task.name}>", "exec"), space)
    except Refused as refused:
        return Refusal(refused.kind, str(refused))
    return seen(space, tuple({*plan.binds, *plan.changes, *plan.outputs}))


def difference(plan: Plan, expected: dict[str, Any], found: dict[str, Any]) -> str:
    """What differs, name by name."""
    lines = []
    for name in sorted({*expected, *found}):
        ours, theirs = (json.dumps(side.get(name, "missing"), indent=1).splitlines() for side in (expected, found))
        if ours != theirs:
            short = "\n".join(list(difflib.unified_diff(ours, theirs, "notebook", "pipeline", lineterm="", n=1))[:14])
            lines.append(f"{plan.task.name}: {name}\n{short}")
    return "\n".join(lines[:3])

"""Rules of what travels between tasks: stores, XCom, pickle, fan-out.

Tasks share no memory and no disk, so each value needs a way that both ends know. In: the pipeline. Out: problems. Next
room: `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenb.export.fan_out import Items, items, parameters_of, runtime_lists
from kubenb.export.volumes import by_xcom
from kubenb.model.kinds import read_item_resources
from kubenb.model.names import near
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Load, Pipeline, Plan, Task
from kubenb.model.problems import Problem, Severity
from kubenb.notebook.dataflow import body_names
from kubenb.notebook.dataflow.replay import BUILTIN

MOST_ITEMS = 1024  # Airflow's own limit, unless its max_map_length says more


def stores(pipeline: Pipeline) -> Iterator[Problem]:
    """Data that flows needs a store, the same at both ends, which every pod can reach."""
    tasks = {plan.task.name: plan.task for plan in pipeline.plans}
    missing: dict[str, tuple[Task, str, str]] = {}
    for plan in pipeline.plans:
        mine = plan.task.options.store
        for step in plan.steps:
            if not isinstance(step, Load) or step.producer not in tasks:
                continue
            theirs = tasks[step.producer].options.store
            names = ", ".join(name for name in step.names if not name.startswith("<")) or "the random generator's state"
            if not mine or not theirs:
                missing.setdefault("", (plan.task, step.producer, names))
            elif mine != theirs:
                what = f"{names} comes from {step.producer}, which stores in {theirs}, but this task reads {mine}."
                yield Problem(plan.task.header, what, "Set the same store for both.", "store.differs")
    for task, producer, names in missing.values():
        what = f"{names} travels from {producer} to {task.name}, but no store is set."
        fix = "Write --store pvc:NAME at %k8s_dag (or s3://…, gs://…, abs://…; xcom for small values)."
        yield Problem(task.header, what, fix, "store.missing")
    yield from _folders(pipeline)


def _folders(pipeline: Pipeline) -> Iterator[Problem]:
    """A store that is a folder must lie on a volume: a pod's own disk ends with it."""
    for plan in pipeline.plans:
        store, options = plan.task.options.store, plan.task.options
        if not store or by_xcom(store) or store.startswith("pvc:") or "://" in store:
            continue
        mounts = [volume.path for volume in options.volume if volume.kind == "pvc" and not volume.read_only]
        if not any(store == path or store.startswith(path.rstrip("/") + "/") for path in mounts):
            what = f"store {store} is a folder on no volume: what a task leaves there is gone with its pod."
            yield Problem(
                plan.task.header,
                what,
                "Write store: pvc:NAME, or mount a volume there (volume: pvc:NAME -> /path).",
                "store.folder",
            )


def xcoms(pipeline: Pipeline) -> Iterator[Problem]:
    """What is pushed as XCom must be there to push; a task pushes one thing."""
    lists = runtime_lists(pipeline)
    mapped = {plan.task.name for plan in pipeline.plans if plan.task.options.map}
    for plan in pipeline.plans:
        task, options = plan.task, plan.task.options
        has = {
            *plan.outputs,
            *plan.binds,
            *(name for step in plan.steps if isinstance(step, Load) for name in step.names),
        }
        for name in options.xcom:
            if task.kind == "container":
                yield Problem(
                    task.header, "xcom means nothing for an image's own command.", "Leave it out.", "xcom.container"
                )
                break
            if name not in has:
                yield Problem(
                    task.header,
                    f"xcom names {name}, which the task does not make.",
                    "Name a variable that the cell assigns.",
                    "xcom.unknown",
                )
        wanted = lists.get(task.name, [])
        if len(wanted) > 1:
            what = (
                f"later tasks are mapped over {' and over '.join(wanted)}, and Airflow can take one list from a task."
            )
            yield Problem(task.header, what, "Make the other list in a task of its own.", "map.two-lists")
        if wanted and (options.xcom or by_xcom(options.store)):
            what = f"a later task is mapped over {wanted[0]}, so this task's XCom is that list and can't hold more."
            yield Problem(task.header, what, "Leave xcom out here, or use another store.", "map.xcom")
        if by_xcom(options.store):
            for step in plan.steps:
                if isinstance(step, Load) and step.producer in mapped:
                    what = (
                        f"{', '.join(step.names)} comes from the mapped task {step.producer}, and XCom can't gather it."
                    )
                    yield Problem(
                        task.header, what, "Set another store: pvc:NAME, s3://…, gs://… or abs://….", "store.xcom-map"
                    )


def pickles(pipeline: Pipeline) -> Iterator[Problem]:
    """A name in `pickle` that no task leaves is likely a slip."""
    made = {name for plan in pipeline.plans for name in (*plan.outputs, *plan.binds)}
    said: set[str] = set()
    for plan in pipeline.plans:
        for name in plan.task.options.pickle:
            if name not in made and name not in said:
                said.add(name)
                yield Problem(
                    plan.task.header,
                    f"pickle names {name}, which no task makes.",
                    "Correct the name, or leave it out.",
                    "pickle.unknown",
                    Severity.WARNING,
                )


def declared(pipeline: Pipeline) -> Iterator[Problem]:
    """A name in `out` that the cell's text has nowhere is likely a slip."""
    for plan in pipeline.plans:
        task = plan.task
        for name in task.options.out if task.kind == "cell" else ():
            if not re.search(rf"\b{re.escape(name)}\b", task.body):
                likely = near(name, plan.binds, 1)
                yield Problem(
                    task.header,
                    f"out names {name}, which does not stand in the cell.",
                    f"Did you mean {likely[0]}?"
                    if likely and likely[0] != name
                    else "Correct the name, or leave it out.",
                    "out.unknown",
                    Severity.WARNING,
                )


def notebooks(pipeline: Pipeline) -> Iterator[Problem]:
    """A whole notebook reads what it makes itself, its parameters, and what `in` brings."""
    made = {name: plan.task.name for plan in pipeline.plans for name in (*plan.binds, *plan.outputs)}
    for plan in pipeline.plans:
        task = plan.task
        if task.kind != "notebook":
            continue
        known = {*task.options.in_, *(parameter.name for parameter in pipeline.parameters)}
        for name in sorted(body_names(task.body)[0] - known - BUILTIN):
            file = (task.notebook or "the notebook").rpartition("/")[2]
            what = f"{file} reads {name}, which it does not make."
            if name in made and made[name] != task.name:
                yield Problem(task.header, what, f"Write --in {name} to take it from {made[name]}.", "notebook.reads")
            else:
                yield Problem(
                    task.header, what, "Bind it there, or correct the name.", "notebook.reads", Severity.WARNING
                )


def fan_outs(pipeline: Pipeline) -> Iterator[Problem]:
    """The items of a mapped task must be known at export, or be one list of an earlier task."""
    for plan in pipeline.plans:
        if plan.task.options.map:
            found = items(pipeline, plan)
            if found.count is not None and (names := parameters_of(pipeline, plan)):
                how = f"{found.count} items, which Airflow maps over, come from the parameter {' and '.join(names)}"
                what = f"map: the {how}, and another value would leave items out."
                fix = "Make it a constant, or a list that an earlier task makes."
                yield Problem(plan.task.header, what, fix, "map.parameter")
            for what, fix, code in _fan_out(pipeline, plan, plan.task.options, found):
                yield Problem(plan.task.header, what, fix, code)


_MAP_FIX = "Write a list of constants, a range, or the name of a variable that an earlier task makes."


def _fan_out(pipeline: Pipeline, plan: Plan, options: TaskOptions, found: Items) -> Iterator[tuple[str, str, str]]:
    source = options.map.source if options.map else ""
    if plan.task.kind == "container" and found.producer is None and found.count is None:
        yield f"map: how many items {source} has is not known.", _MAP_FIX, "map.unknown"
    elif found.producer is None and found.count is None:
        yield f"map: how many items {source} has is not known at export: {found.why}", _MAP_FIX, "map.unknown"
    if found.count == 0:
        yield f"map: {source} has no items.", "Write at least one.", "map.empty"
    if found.count is not None and found.count > MOST_ITEMS:
        yield (
            f"map: {source} has {found.count} items; Airflow takes at most {MOST_ITEMS}.",
            "Let each item do more.",
            "map.many",
        )
    if found.mapped:
        what = f"map: {source} is itself what the mapped task {found.producer} left, a list over its items."
        yield what, f"Put a task between that makes a list of its own from {source}.", "map.nested"
    if options.item_resources:
        rows = len(read_item_resources(options.item_resources))
        if found.producer:
            yield (
                "item-resources needs items that are known at export; these are made by a task.",
                "Leave it out.",
                "map.resources",
            )
        elif found.count is not None and rows != found.count:
            yield (
                f"item-resources has {rows} items, map has {found.count}.",
                "Write one for each item, in the same order.",
                "options.item-resources",
            )

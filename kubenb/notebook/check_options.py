"""What must hold between the options of a task or a DAG, beyond each one's own form.

In: options with every default applied, and the places where they stand. Out: problems. Next room: `pipeline`.
What the pod or the DAG as a whole must fulfil is checked by `export.checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubenb.model.kinds import read_item_resources
from kubenb.model.names import shown
from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Task
from kubenb.model.problems import Place, Problem
from kubenb.model.quantities import parse_bytes, parse_cpu, parse_duration
from kubenb.model.schedules import read_date
from kubenb.model.values import AUTO
from kubenb.notebook.words import quote

Found = Iterator[tuple[str, str, str]]  # the option it stands at, what, fix
GOOGLE = "GOOGLE_APPLICATION_CREDENTIALS"


def task_problems(task: Task, places: dict[str, Place]) -> tuple[Problem, ...]:
    """All that contradicts itself in one task's options."""
    rules: tuple[Callable[[Task], Found], ...] = (_amounts, _variables, _folders, _fan_out, _kinds)
    return tuple(
        Problem(places.get(option, Place(task.where.cell, None, task.name)), what, fix, f"options.{option}")
        for rule in rules
        for option, what, fix in rule(task)
    )


def _amounts(task: Task) -> Found:
    options = task.options
    if options.memory_request and not options.memory:
        yield (
            "memory-request",
            "memory-request stands without memory, the limit.",
            f"Write memory: {options.memory_request}, or more.",
        )
    elif options.memory_request and options.memory == AUTO:
        what = f"memory-request {options.memory_request} stands beside memory auto, which sets request and limit."
        yield "memory-request", what, "Leave memory-request out, or write an amount for memory."
    elif (
        options.memory_request and options.memory and parse_bytes(options.memory_request) > parse_bytes(options.memory)
    ):
        what = f"memory-request {options.memory_request} is more than memory {options.memory}, the limit."
        yield "memory-request", what, f"Write at most {options.memory}, or leave it out."
    if (
        options.cpu
        and options.cpu != AUTO
        and options.cpu_limit
        and parse_cpu(options.cpu) > parse_cpu(options.cpu_limit)
    ):
        yield (
            "cpu",
            f"cpu {options.cpu} is more than cpu-limit {options.cpu_limit}.",
            f"Write at most {options.cpu_limit}.",
        )
    if options.timeout and not parse_duration(options.timeout):
        yield "timeout", "timeout 0 would end every run at once.", "Write a time, like 2h."


def _variables(task: Task) -> Found:
    """No environment variable has two sources."""
    options = task.options
    seen: dict[str, str] = {GOOGLE: "google-key"} if options.google_key else {}
    named = [("env", pair.key) for pair in options.env]
    named += [("secret", each.env) for each in options.secret if each.env]
    named += [("configmap", each.env) for each in options.configmap if each.env]
    for option, name in named:
        if name in seen:
            yield option, f"variable {name} is set by {seen[name]} and by {option}.", "Keep one."
        seen[name] = option


def _folders(task: Task) -> Found:
    """No folder is mounted twice."""
    options = task.options
    seen: dict[str, str] = {}
    mounted = [("volume", each.path) for each in options.volume]
    mounted += [("secret", each.path) for each in options.secret if each.path]
    mounted += [("configmap", each.path) for each in options.configmap if each.path]
    for option, path in mounted:
        if path in seen:
            yield (
                option,
                f"folder {path} is mounted by {seen[path]} and by {option}.",
                "Choose another folder for one of them.",
            )
        seen[path] = option


def _fan_out(task: Task) -> Found:
    options = task.options
    if options.map is None:
        for name, value in (("max-parallel", options.max_parallel), ("item-resources", options.item_resources)):
            if value is not None:
                yield name, f"{name} stands without map.", "Write map: NAME in ITEMS, or leave it out."
        return
    if options.item_resources is None:
        return
    rows = read_item_resources(options.item_resources)
    for number, row in enumerate(rows, 1):
        if (
            options.memory_request
            and "memory" in row
            and parse_bytes(row["memory"]) < parse_bytes(options.memory_request)
        ):
            yield (
                "item-resources",
                f"item {number} has memory {row['memory']}, less than memory-request {options.memory_request}.",
                "Write more, or leave memory-request out.",
            )
        if options.cpu_limit and "cpu" in row and parse_cpu(row["cpu"]) > parse_cpu(options.cpu_limit):
            yield (
                "item-resources",
                f"item {number} has cpu {row['cpu']}, more than cpu-limit {options.cpu_limit}.",
                f"Write at most {options.cpu_limit}.",
            )


def _kinds(task: Task) -> Found:
    """What only a task with code of its own can do, and what only another notebook."""
    if task.options.param and task.kind != "notebook":
        pair = task.options.param[0]
        fix = f"Write it on the DAG's line: %k8s_dag --param {quote(f'{pair.key}={pair.value}')}"
        yield "param", "param belongs to the DAG or to a %k8s_notebook.", fix
    if task.kind != "container":
        return
    for name, value in (("pickle", task.options.pickle), ("engine", task.options.engine)):
        if value and not task.origins.get(name, "cell").startswith(("%k8s_dag", "kubenb.toml", "pyproject.toml")):
            yield name, f"{name} means nothing for an image's own command.", "Leave it out."


def dag_problems(options: DagOptions, places: dict[str, Place], where: Place) -> tuple[Problem, ...]:
    """All that contradicts itself in the DAG's options."""
    found: list[tuple[str, str, str]] = []
    if options.start and options.end and read_date(options.end) < read_date(options.start):
        found.append(("end", f"end {options.end} is before start {options.start}.", "Write a later day."))
    if options.in_cluster and options.context:
        found.append(
            (
                "context",
                f"context {shown(options.context)} is set, and in-cluster too.",
                "Keep one: a context names a cluster of the kubeconfig.",
            )
        )
    for name, value in (("timeout", options.timeout), ("task-timeout", options.task_timeout)):
        if value and not parse_duration(value):
            found.append((name, f"{name} 0 would end every run at once.", "Write a time, like 6h."))
    return tuple(Problem(places.get(option, where), what, fix, f"options.{option}") for option, what, fix in found)

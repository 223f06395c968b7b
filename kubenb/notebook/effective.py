"""The options of a task with every default applied: cell, its profile, `[tasks.NAME]`, `%k8s_dag`, `[task]`, in that order.

A single option has the value of the first place that sets it; repeated ones add up, where the same variable, label
or folder goes to the first place.
A profile ranks right below the place that names it. What no place sets stays unset: the pod's own defaults are the manifest's.
In: layers of typed values. Out: `TaskOptions` or `DagOptions`, and where each value came from. Next room: `pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubenb.model import names
from kubenb.model.options import DAG, TASK, DagOptions, Option, TaskOptions
from kubenb.model.problems import Place, Problem
from kubenb.notebook.header import target
from kubenb.notebook.settings import Settings, Values

# A default of the DAG that reaches its tasks through Airflow's default_args, not through each task.
THROUGH_DAG = {"retries": "retries", "retry-delay": "retry-delay", "timeout": "task-timeout"}


@dataclass(frozen=True)
class Layer:
    """One place that sets options; `label` is how `origins` names it."""

    label: str
    values: Values


def combine(layers: Sequence[Layer], table: dict[str, Option]) -> tuple[Values, dict[str, str]]:
    """The values of all layers, the first the strongest; and where each came from."""
    values: Values = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for name, value in layer.values.items():
            if name not in values:
                values[name] = value
                origins[name] = layer.label
            elif table[name].repeats:
                there = set(map(target, values[name]))
                added = tuple(item for item in value if target(item) not in there)
                if added:
                    values[name] = added + values[name]
                    origins[name] += f", {layer.label}"
    return values, origins


def task_options(
    name: str, own: Layer, dag: Layer, settings: Settings, where: Place
) -> tuple[TaskOptions, dict[str, str], tuple[Problem, ...]]:
    """A task's options, their origins, and what is wrong with its profile. `dag`: the task options on the %k8s_dag line."""
    file = settings.path.replace("\\", "/").rpartition("/")[2]
    layers = [own, Layer(f"{file} [tasks.{name}]", settings.tasks.get(name, {})), _for_tasks(dag)]
    layers.append(Layer(f"{file} [task]", _below(dag, settings.task_defaults)))
    problems: list[Problem] = []
    for index, layer in enumerate(layers):
        profile = layer.values.get("profile")
        if profile is None:
            continue
        if profile in settings.profiles:
            found = settings.profiles[profile]
            named = Layer(
                f"{settings.source(profile)} [profiles.{profile}]", found if index < 2 else _below(dag, found)
            )
            layers.insert(index + 1, named)
        else:
            problems.append(_no_profile(profile, settings, where))
        break
    values, origins = combine(layers, TASK)
    return TaskOptions(**{TASK[key].field: value for key, value in values.items()}), origins, tuple(problems)


def _below(dag: Layer, values: Values) -> Values:
    """What of a weaker place remains where the DAG already says it through its default_args."""
    return {key: value for key, value in values.items() if THROUGH_DAG.get(key) not in dag.values}


def _for_tasks(dag: Layer) -> Layer:
    return Layer(dag.label, {key: value for key, value in dag.values.items() if key in TASK and key not in DAG})


def _no_profile(profile: str, settings: Settings, where: Place) -> Problem:
    near = names.did_you_mean(profile, settings.profiles)
    known = (
        f"There are: {', '.join(settings.profiles)}."
        if settings.profiles
        else "Write it as [profiles." + profile + "] in kubenb.toml."
    )
    return Problem(where, f"profile {names.shown(profile)} is not known.", near or known, "settings.profile")


def dag_options(name: str, own: Layer, settings: Settings) -> tuple[DagOptions, dict[str, str]]:
    """The DAG's options and their origins; `name` is the id in place on the %k8s_dag line."""
    file = settings.path.replace("\\", "/").rpartition("/")[2]
    values: dict[str, Any] = {key: value for key, value in own.values.items() if key in DAG}
    if name:
        values["id"] = name
    combined, origins = combine([Layer(own.label, values), Layer(f"{file} [dag]", settings.dag_defaults)], DAG)
    return DagOptions(**{DAG[key].field: value for key, value in combined.items()}), origins

"""Everything that is checked of a pipeline before it becomes a DAG: one list of checks, each a function from the
pipeline to problems.

In: the pipeline. Out: its own problems and all that the checks find, each with cell, line and fix; errors stop the
export. To add a check: a function in the room it belongs to (`check_data`, `check_pod`, with `check_patch` for the raw
patch, `check_dag`, `check_code`, `check_policy`), and its name here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from kubenb.export import check_code, check_dag, check_data, check_pod, check_policy
from kubenb.model.pipeline import Pipeline
from kubenb.model.problems import Problem, Severity

Check: TypeAlias = Callable[[Pipeline], Iterable[Problem]]

CHECKS: tuple[Check, ...] = (
    check_data.stores,
    check_data.xcoms,
    check_data.pickles,
    check_data.declared,
    check_data.notebooks,
    check_data.fan_outs,
    check_dag.schedules,
    check_dag.fields,
    check_dag.tasks,
    check_pod.images,
    check_pod.environments,
    check_pod.pods,
    check_pod.sizes,
    check_policy.policies,
    check_pod.amounts,
    check_code.secrets,
    check_code.prompts,
    check_code.files,
    check_code.modules,
    check_code.ipython,
)
# Of the DAG and the cluster only: a run on this machine has its own store, and nothing leaves it.
EXPORT_ONLY = ("store.", "secret.", "image.", "schedule.", "size.", "field.", "policy.", "auto.")
_WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def check(pipeline: Pipeline, *, run: bool = False) -> tuple[Problem, ...]:
    """All problems, in the notebook's order, errors first where they share a place. `run`: leaves out what only an export needs."""
    found = dict.fromkeys(pipeline.problems)
    for each in CHECKS:
        found |= dict.fromkeys(each(pipeline))
    return tuple(sorted(for_a_run(found) if run else found, key=_place))


def for_a_run(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Without those that only an export minds."""
    return tuple(problem for problem in problems if not problem.code.startswith(EXPORT_ONLY))


def _place(problem: Problem) -> tuple[int, int, int]:
    return (problem.where.cell or 0, problem.where.line or 0, _WEIGHT[problem.severity])

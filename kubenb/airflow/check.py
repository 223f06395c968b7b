"""Turns what a real Airflow said of a DAG file into problems.

In: the DAG file, the Airflow's Python, and the manifests of its tasks. Out: problems, all of them. Next room: `kubenb.actions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubenb.airflow.pods import differences, fields_in, filled
from kubenb.airflow.process import Answer, ask
from kubenb.model.problems import Place, Problem, Severity

_AGAIN = "Export the notebook again; if it stays, this is a bug of kubenb: please report it with this line."
_WARNED = re.compile(r"^(?P<file>.*?):(?P<line>\d+): (?P<kind>\w+): (?P<text>.*)$", re.DOTALL)


def check_with_airflow(
    dag_file: Path, python: Path, manifests: Mapping[str, dict[str, Any]], *, edited: bool = False
) -> tuple[Problem, ...]:
    """All that this Airflow has against the file: it must load, warn of nothing, be stored alike everywhere, and make our pods.

    `manifests` are the pods of ours by task id. `edited`: the file has edits by hand, so differences may be meant.
    """
    fields = {task: fields_in(manifest) for task, manifest in manifests.items()}
    found = problems_of(ask(dag_file, python, fields), dag_file, manifests)
    return tuple(map(_of_an_edit, found) if edited else found)


def _of_an_edit(problem: Problem) -> Problem:
    """A problem of a file with edits by hand: what only differs is a warning, and the edit is what to look at."""
    if problem.code in ("airflow.difference", "airflow.tasks"):
        fix = "If it is your edit and meant so, leave it; else carry it over to the notebook."
        return replace(problem, fix=fix, severity=Severity.WARNING)
    if problem.fix == _AGAIN:
        return replace(problem, fix="Look at your edits of the file first, or delete it to have it written anew.")
    return problem


def problems_of(answer: Answer, dag_file: Path, manifests: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    """The problems in an answer."""
    airflow, file = f"Airflow {answer['airflow']}", dag_file.name
    loading = tuple(problems_of_loading(answer, file))
    if answer["import_errors"]:
        yield from loading
        return
    for text in answer["warnings"]:
        yield _warning(text, dag_file, airflow)
    if answer["inflation"]:
        fix = "Take out what differs at each parse (now(), today(), random)."
        yield _problem(
            file,
            f"{airflow} would make a new version of the DAG at each parse: {_join(answer['inflation'])}.",
            fix,
            "airflow.version-inflation",
        )
    for name in answer["unstable"]:
        fix = "Take out what depends on the time, the machine or the order of a set."
        yield _problem(file, f"{airflow} stores DAG {name} differently in two processes.", fix, "airflow.unstable")
    yield from loading
    if loading:
        return
    for dag in answer["dags"].values():
        yield from _check_dag(dag, file, airflow, manifests)


def problems_of_loading(answer: Answer, file: str) -> Iterator[Problem]:
    """Whether this Airflow can load the file, and finds the one DAG in it."""
    airflow = f"Airflow {answer['airflow']}"
    for text in answer["import_errors"]:
        yield _problem(file, f"{airflow} can't load it: {_last_line(text)}.", _import_fix(text), "airflow.import")
    if not answer["import_errors"] and len(answer["dags"]) != 1:
        found = ", ".join(answer["dags"]) or "none"
        what = f"{airflow} finds {len(answer['dags'])} DAGs in it ({found}), not one."
        yield _problem(file, what, _AGAIN, "airflow.dags")


def _check_dag(dag: Answer, file: str, airflow: str, manifests: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    if isinstance(dag["serialised"], dict):
        yield _problem(
            file, f"{airflow} can't store the DAG: {dag['serialised']['error']}.", _AGAIN, "airflow.serialise"
        )
    for task in sorted(set(manifests) ^ set(dag["tasks"])):
        what = (
            f"task {task} is in the notebook, not in the file"
            if task in manifests
            else f"task {task} is in the file, not in the notebook"
        )
        yield _problem(
            file,
            f"{what}.",
            "Export the notebook again.",
            "airflow.tasks",
            task,
            Severity.ERROR if task in manifests else Severity.WARNING,
        )
    for task, manifest in manifests.items():
        if task in dag["tasks"]:
            yield from _check_task(task, manifest, dag["tasks"][task], dag["fields"].get(task, {}), file, airflow)


def _check_task(
    task: str, manifest: dict[str, Any], made: Answer, values: Mapping[str, Any], file: str, airflow: str
) -> Iterator[Problem]:
    for field, value in values.items():
        if isinstance(value, dict):
            fix = "Write a field that this Airflow has, such as {{ ds }}, {{ run_id }} or {{ params.name }}."
            yield _problem(file, f"{airflow} can't fill in {field}: {value['error']}.", fix, "airflow.field", task)
    if any(isinstance(value, dict) for value in values.values()):
        return
    if "error" in made:
        yield _problem(file, f"{airflow} can't build the pod: {made['error']}.", _AGAIN, "airflow.pod", task)
    elif "pod" not in made:
        yield _problem(
            file,
            f"it is a {made['operator']}, not a KubernetesPodOperator.",
            "Export the notebook again.",
            "airflow.pod",
            task,
        )
    else:
        for text in differences(filled(manifest, values), made["pod"], tuple(made["mapped"])):
            yield _problem(file, f"{text}.", _difference_fix(text), "airflow.difference", task)


def _problem(
    file: str, what: str, fix: str, code: str, task: str | None = None, severity: Severity = Severity.ERROR
) -> Problem:
    return Problem(Place(file=file, task=task), what, fix, code, severity)


def _warning(text: str, dag_file: Path, airflow: str) -> Problem:
    found = _WARNED.match(text)
    line = int(found["line"]) if found and Path(found["file"]).name == dag_file.name else None
    said = f"{found['kind']}: {found['text']}" if found else text
    return Problem(
        Place(file=dag_file.name, line=line),
        f"{airflow} warns: {_join(said)}.",
        _AGAIN,
        "airflow.warning",
        Severity.WARNING,
    )


def _import_fix(text: str) -> str:
    missing = re.search(r"No module named '([\w.]+)'", text)
    if not missing:
        return _AGAIN
    if missing[1].startswith("airflow.providers"):
        return "Install apache-airflow-providers-cncf-kubernetes in that Airflow."
    return f"Put the module {missing[1]} where Airflow finds it (its dags or plugins folder), or take out the option that names it."


def _difference_fix(text: str) -> str:
    if "but not set in Airflow's pod" in text:
        return "That Airflow's Kubernetes client drops what it does not know: take it out of `pod`, or update the provider."
    return "Somebody edited the DAG file or a file beside it: export again, or carry the edit over to the notebook."


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "no reason given"


def _join(text: str) -> str:
    return re.sub(r"\s*\n\s*", "; ", text.strip()).rstrip(".;")

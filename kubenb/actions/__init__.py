"""The verbs: one function each, for the command line, the magics and Python alike.

In: a notebook's path (or a `Notebook`, or a `Pipeline` read before). Out: values that show themselves as text, HTML and
Markdown. `read` leads to `notebook`, `check` to `export.checks`, `export` to `delivery`, `run` to `run.local`,
`rehearse` to `run.rehearsal`; nothing here decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from kubenb.actions.measured import advise as advise
from kubenb.actions.measured import resolved
from kubenb.actions.measured import usage as usage
from kubenb.actions.measured import write_advice as write_advice
from kubenb.actions.priced import choices as choices
from kubenb.actions.priced import cost as cost
from kubenb.actions.started import attach as attach
from kubenb.actions.started import cluster as cluster
from kubenb.actions.started import doctor as doctor
from kubenb.actions.started import gc as gc
from kubenb.actions.started import logs as logs
from kubenb.actions.started import rbac as rbac
from kubenb.actions.started import runs as runs
from kubenb.actions.started import start as start
from kubenb.actions.started import stop as stop
from kubenb.actions.started import within_policy
from kubenb.model.names import did_you_mean
from kubenb.model.pipeline import Notebook, Pipeline
from kubenb.model.problems import KubenbError, Place, Problem, errors, refuse

if TYPE_CHECKING:
    from kubenb.cluster.client import Client
    from kubenb.delivery import Preview
    from kubenb.run.events import Progress
    from kubenb.show.capacity import Room
    from kubenb.show.cluster import Text
    from kubenb.show.exported import Exported
    from kubenb.show.graph import Graph
    from kubenb.show.options import OptionTable
    from kubenb.show.plans import Plans
    from kubenb.show.problems import Report
    from kubenb.show.rehearsed import Rehearsed
    from kubenb.show.results import Results
    from kubenb.show.table import Table

Source: TypeAlias = "str | os.PathLike[str] | Notebook | Pipeline"


def read(source: Source, *, again: frozenset[int] | None = None) -> Pipeline:
    """The pipeline of a notebook: its tasks, edges and problems. Nothing of the notebook runs. `again`: as `read_pipeline` has it."""
    if isinstance(source, Pipeline):
        return source
    from kubenb.notebook.cells import read_notebook
    from kubenb.notebook.pipeline import read_pipeline
    from kubenb.notebook.settings import find_settings

    notebook = source if isinstance(source, Notebook) else read_notebook(Path(source))
    settings = find_settings(Path(notebook.path).absolute().parent if notebook.path else Path.cwd())
    return resolved(read_pipeline(notebook, settings, again=again))


def graph(source: Source) -> Graph:
    """The tasks and why each runs after which: `print(graph)`, `graph.svg()`, `graph.mermaid()`, `graph.json()`."""
    from kubenb.show.graph import Graph

    return Graph(read(source))


def check(
    source: Source,
    *,
    airflow: str | os.PathLike[str] | None = None,
    to: str | os.PathLike[str] | None = None,
    context: str | None = None,
    namespace: str | None = None,
    images: bool = False,
) -> Report:
    """Every rule over the notebook; with `airflow` (a Python that has Airflow) also what that Airflow says of the DAG
    file; with `to` (a folder of DAGs) of the file as an export would leave it there, hand edits and all; with `context`
    what that cluster says of every pod, without making one; with `images` too, whether each image has what its tasks
    import (a pod of a few seconds an image).
    """
    from kubenb.delivery import Preview, preview
    from kubenb.export.checks import check as check_pipeline
    from kubenb.export.checks import for_a_run
    from kubenb.export.files import export_files
    from kubenb.export.ids import dag_id
    from kubenb.show.problems import Report
    from kubenb.show.shown import count

    pipeline = read(source)
    problems = list(check_pipeline(pipeline))
    about = [count(len(pipeline.plans), "task")]
    if not errors(problems) and (airflow is not None or to is not None):
        files = export_files(pipeline)
        there = Preview(files) if to is None else preview(files, Path(to), dag_id(pipeline))
        problems += there.problems
        about += [f"with your edits in {to}"] if there.edited else []
        if airflow is not None and not errors(problems):
            problems += _ask_airflow(pipeline, there, Path(airflow))
            about.append(f"asked the Airflow of {airflow}")
    if not errors(for_a_run(problems)) and context is not None:
        with cluster(context) as client:
            problems += _ask_cluster(pipeline, client, namespace or client.namespace, images)
        about.append(f"asked the cluster of context {client.context}")
    return Report(_subject(pipeline), tuple(dict.fromkeys(problems)), ", ".join(about))


def export(source: Source, to: str | os.PathLike[str], *, diff: bool = False) -> Exported:
    """Writes the DAG file and what it needs into the folder `to`; with `diff` it writes nothing and shows what would
    change.
    """
    from kubenb.delivery import deliver
    from kubenb.export.checks import check as check_pipeline
    from kubenb.export.files import export_files
    from kubenb.export.ids import dag_id
    from kubenb.show.exported import Exported

    pipeline = read(source)
    problems = check_pipeline(pipeline)
    if errors(problems):
        raise KubenbError(problems)
    dag = dag_id(pipeline)
    delivery = deliver(export_files(pipeline), Path(to), dag, dry=diff)
    return Exported(dag, Path(to), delivery, (*problems, *delivery.warnings), diff)


def run(
    source: Source,
    to: str | os.PathLike[str],
    params: Mapping[str, object] | None = None,
    *,
    task: str | Iterable[str] = (),
    from_: str | Iterable[str] = (),
    fresh: bool = False,
    env: Mapping[str, str] | None = None,
    parallel: int = 0,
    keep: bool = False,
    on: str | None = None,
    namespace: str | None = None,
    progress: Progress | None = None,
) -> Results:
    """Runs the tasks as processes on this machine, or with `on` (a kubeconfig's context) as pods of that cluster; into
    the folder `to`. What did not change since the last run there is taken over.

    `task`: only these and what they need; `from_`: these and all that follows; `fresh`: take nothing over; `keep`: keep
    every variable.
    """
    from kubenb.export.checks import check as check_pipeline
    from kubenb.run.local import Wish, run_pipeline
    from kubenb.show.progress import watching
    from kubenb.show.results import Results

    pipeline = read(source)
    problems = check_pipeline(pipeline, run=True)
    if errors(problems):
        raise KubenbError(errors(problems))
    wish = Wish(dict(params or {}), _names(task), _names(from_), not fresh, parallel, dict(env or {}), keep)
    seen = progress or watching()
    if on is not None:
        from kubenb.run.events import Event

        for problem in problems:
            seen(Event("warning", text=str(problem)))
    if on is None:
        finished = run_pipeline(pipeline, Path(to), wish, seen)
    else:
        from kubenb.run.pods import Where, run_pods

        with cluster(on) as client:
            within_policy(pipeline, namespace or client.namespace)
            finished = run_pods(pipeline, Path(to), Where(client, namespace or "", parallel=parallel), wish, seen)
    return Results(finished, _again(pipeline, to, wish.params, on, namespace))


def capacity(
    source: Source | None = None, task: str | None = None, *, context: str | None = None, namespace: str | None = None
) -> Room:
    """What the cluster of a context has: nodes and what is free on them, quota, limits, names; with a notebook, where each of
    its tasks (or the one named) fits: now, when the nodes are empty, and what is in the way. Nothing is made there.
    """
    from kubenb.actions.fitting import room

    return room(None if source is None else read(source), task, context, namespace)


def image(source: Source, to: str | os.PathLike[str] = "image", *, base: str | None = None) -> Text:
    """Writes a Dockerfile and pinned requirements for the tasks into the folder `to`, from what their code imports."""
    from kubenb.export.image import DOCKERFILE, MADE_BY, image_files
    from kubenb.inside.stores import write_file
    from kubenb.run.installed import installed
    from kubenb.show.cluster import Text

    files, folder = image_files(read(source), installed(), base), Path(to)
    for name in files:
        if (folder / name).exists() and not (folder / name).read_text(encoding="utf-8").startswith(MADE_BY):
            where, fix = Place(), "Name another folder with --to."
            raise refuse(where, f"{folder / name} is not from kubenb; it stays as it is.", fix, "image.foreign")
    for name, text in files.items():
        write_file(str(folder / name), [text.encode()])
    return Text(f"{folder / DOCKERFILE}, {len(files)} files; build it: docker build -t NAME {folder}")


def rehearse(
    source: Source,
    airflow: str | os.PathLike[str],
    to: str | os.PathLike[str] | None = None,
    params: Mapping[str, object] | None = None,
    *,
    date: datetime | None = None,
    env: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Rehearsed:
    """Plays a DAG file, or the DAG that the notebook makes, once in a real Airflow (`airflow`: a Python that has it),
    whose pods are processes of this machine. No cluster takes part; images, scheduling, quota and roles are not tried.

    `to`: where executed notebooks and logs go (`rehearsal/<name>` unless set); `date`: the logical date (now).
    """
    import tempfile

    from kubenb.run.rehearsal import Rehearsal
    from kubenb.run.rehearsal import rehearse as play
    from kubenb.show.progress import watching
    from kubenb.show.rehearsed import Rehearsed

    asked, watch = Rehearsal(dict(params or {}), dict(env or {}), date), progress or watching()
    with tempfile.TemporaryDirectory(prefix="kubenb-dags-") as folder:
        dag_file = _dag_file(source) or export(source, folder).dag_file
        place = Path("rehearsal", dag_file.stem) if to is None else Path(to)
        done = play(dag_file, Path(airflow), place, asked, watch)
    return Rehearsed(done.run, airflow=done.airflow, said=done.said)


def options() -> OptionTable:
    """The table of all options: what each is for, an example, and where it ends."""
    from kubenb.show.options import OptionTable

    return OptionTable()


def config(source: Source) -> Table:
    """Every option in force, its value, and where the value comes from: a cell, a file, or a default."""
    from kubenb.show.config import config_table

    return config_table(read(source))


def plan(source: Source, task: str | None = None) -> Plans:
    """What each task takes along: code, inputs and outputs."""
    from kubenb.show.plans import Plans

    pipeline = read(source)
    names = [each.task.name for each in pipeline.plans]
    if task is not None and task not in names:
        fix = did_you_mean(task, names) or f"There are: {', '.join(names)}."
        raise refuse(Place(file=pipeline.notebook.path or None), f"there is no task {task}.", fix, "plan.unknown-task")
    return Plans(pipeline, task)


def _dag_file(source: Source) -> Path | None:
    """The path, where it is an Airflow file and not a notebook: a script of cells may be a notebook too."""
    import re

    if isinstance(source, (Notebook, Pipeline)) or not str(source).endswith(".py"):
        return None
    try:
        text = Path(source).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Path(source)
    imports = re.search(r"^\s*(from|import) airflow\b", text, re.MULTILINE)
    return Path(source) if imports and not re.search(r"^# ?%%", text, re.MULTILINE) else None


def _ask_airflow(pipeline: Pipeline, there: Preview, python: Path) -> tuple[Problem, ...]:
    import tempfile

    from kubenb.airflow import check_with_airflow
    from kubenb.export.ids import dag_id
    from kubenb.export.manifest import manifest
    from kubenb.export.task_notebook import task_notebook

    dag = dag_id(pipeline)
    with tempfile.TemporaryDirectory(prefix="kubenb-") as folder:
        for name, text in there.texts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        manifests = {
            plan.task.name: manifest(
                pipeline, plan, "" if plan.task.kind == "container" else task_notebook(pipeline, plan)
            )
            for plan in pipeline.plans
        }
        return check_with_airflow(Path(folder, f"{dag}.py"), python, manifests, edited=there.edited)


def _ask_cluster(pipeline: Pipeline, client: Client, namespace: str, images: bool) -> tuple[Problem, ...]:
    from kubenb.cluster.imports import Needs, lacking
    from kubenb.cluster.preflight import Asked, preflight
    from kubenb.export.image import needed_by
    from kubenb.export.manifest import manifest
    from kubenb.export.task_notebook import task_notebook

    stages = pipeline.stages
    asked, needs = [], []
    for plan in pipeline.plans:
        pod = manifest(pipeline, plan, "" if plan.task.kind == "container" else task_notebook(pipeline, plan))
        pod["metadata"].setdefault("namespace", namespace)
        asked.append(Asked(plan.task.header, pod, stages[plan.task.name]))
        if plan.task.kind != "container":
            needs.append(Needs(plan.task.header, pod, dict(needed_by(plan))))
    problems = preflight(client, asked)
    return problems if errors(problems) or not images else (*problems, *lacking(client, needs))


def _again(
    pipeline: Pipeline,
    to: str | os.PathLike[str],
    params: Mapping[str, object],
    on: str | None = None,
    namespace: str | None = None,
) -> str:
    """The command that goes on where a run stopped; '' for a notebook without a file."""
    import shlex

    if not pipeline.notebook.path:
        return ""
    given = [word for name, value in params.items() for word in ("-p", f"{name}={value}")]
    where = (["--on", on] if on else []) + (["--namespace", namespace] if namespace else [])
    return shlex.join(["kubenb", "run", pipeline.notebook.path, "--to", os.fspath(to), *where, *given])


def _subject(pipeline: Pipeline) -> str:
    return pipeline.notebook.path or pipeline.dag.id or "notebook"


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)

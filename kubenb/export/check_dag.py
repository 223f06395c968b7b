"""Rules of the DAG: schedule, Airflow fields, settings of tasks that Airflow refuses or reads otherwise.

What is wrong here would show only when Airflow reads the file, or on the day that never comes. In: the pipeline. Out:
problems. Next room: `checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenb.export.fields import pieces
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.problems import Place, Problem, Severity
from kubenb.model.schedules import Schedule, read_schedule
from kubenb.model.values import BadValue


def schedules(pipeline: Pipeline) -> Iterator[Problem]:
    """A schedule that Airflow takes and that ever comes."""
    dag, where = pipeline.dag, pipeline.dag_where
    try:
        found = read_schedule(dag.schedule or "none")
    except BadValue as bad:
        yield Problem(where, bad.what, bad.fix, "schedule.form")
        return
    if dag.catchup and not dag.start:
        yield Problem(
            where,
            "catchup runs the past since start, and there is no start.",
            "Write --start 2026-01-01, or leave catchup out.",
            "schedule.catchup",
        )
    if dag.catchup and found.kind in ("none", "assets"):
        yield Problem(
            where,
            f"catchup means nothing with schedule {dag.schedule or 'none'}.",
            "Leave it out.",
            "schedule.catchup",
            Severity.WARNING,
        )
    if found.text == "@continuous" and dag.max_active_runs != 1:
        yield Problem(
            where, "schedule @continuous allows one run at a time.", "Write max-active-runs: 1.", "schedule.continuous"
        )
    if found.kind == "cron":
        yield from _cron(found, where)


def _cron(found: Schedule, where: Place) -> Iterator[Problem]:
    """Whether the line ever matches: 31 February never comes."""
    from datetime import datetime

    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(found.text, datetime(2024, 1, 1)))
    except (CronSimError, StopIteration):
        yield Problem(where, f"schedule '{found.text}' never comes.", "Correct the day or the month.", "schedule.never")


_GONE = {
    "execution_date": "logical_date",
    "next_execution_date": "data_interval_end",
    "prev_execution_date": "prev_data_interval_start_success",
    "next_ds": "data_interval_end | ds",
    "next_ds_nodash": "data_interval_end | ds_nodash",
    "prev_ds": "prev_data_interval_start_success | ds",
    "prev_ds_nodash": "prev_data_interval_start_success | ds_nodash",
    "yesterday_ds": "macros.ds_add(ds, -1)",
    "yesterday_ds_nodash": "macros.ds_add(ds, -1) | replace('-', '')",
    "tomorrow_ds": "macros.ds_add(ds, 1)",
    "tomorrow_ds_nodash": "macros.ds_add(ds, 1) | replace('-', '')",
    "conf": "params",
}
_DATED = frozenset(
    [
        "ds",
        "ds_nodash",
        "ts",
        "ts_nodash",
        "ts_nodash_with_tz",
        "logical_date",
        "data_interval_start",
        "data_interval_end",
    ]
)
_NAMES = frozenset(
    [
        "conn",
        "dag",
        "dag_run",
        "expanded_ti_count",
        "inlet_events",
        "inlets",
        "macros",
        "map_index_template",
        "outlet_events",
        "outlets",
        "params",
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_start_date_success",
        "run_id",
        "start_date",
        "task",
        "task_instance",
        "task_instance_key_str",
        "task_reschedule_count",
        "templates_dict",
        "test_mode",
        "ti",
        "triggering_asset_events",
        "triggering_dataset_events",
        "var",
        "true",
        "false",
        "none",
        "True",
        "False",
        "None",
        "range",
        "dict",
        "lipsum",
        "cycler",
        "joiner",
        "namespace",
        "not",
        "if",
        "else",
        "and",
        "or",
        "in",
        "is",
    ]
)
_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_TEST = re.compile(r"\bis\s+(?:not\s+)?\w+")
_ROOT = re.compile(r"(?<![.\w|])(?<!\|\s)([A-Za-z_]\w*)(?!\w|\s*=[^=])")


def fields(pipeline: Pipeline) -> Iterator[Problem]:
    """Airflow fields that Airflow 3 no longer has, that no Airflow has, or that are empty in a run without a date."""
    undated = (pipeline.dag.schedule or "none") == "none" or read_kind(pipeline) == "assets"
    known = {parameter.name for parameter in pipeline.parameters}
    told: set[tuple[str, str]] = set()
    for where, text in _texts(pipeline):
        if "{{" not in text:
            continue
        for piece, field in pieces(text):
            if field:
                for what, fix, code, severity in _field(piece, undated, known):
                    if (what, str(where)) not in told:
                        told.add((what, str(where)))
                        yield Problem(where, what, fix, code, severity)


def read_kind(pipeline: Pipeline) -> str:
    """The kind of the schedule, '' if it can't be read."""
    try:
        return read_schedule(pipeline.dag.schedule or "none").kind
    except BadValue:
        return ""


def _texts(pipeline: Pipeline) -> Iterator[tuple[Place, str]]:
    for parameter in pipeline.parameters:
        if parameter.template:
            yield parameter.where, parameter.template
    for plan in pipeline.plans:
        where = plan.task.header
        yield from ((where, pair.value) for pair in plan.task.options.env)
        yield from ((where, word) for word in plan.task.command)
        yield from ((where, volume.sub_path) for volume in plan.task.options.volume if volume.sub_path)


def _field(piece: str, undated: bool, params: set[str]) -> Iterator[tuple[str, str, str, Severity]]:
    inside = _TEST.sub("", _STRINGS.sub("''", piece[2:-2]))
    for name in dict.fromkeys(_ROOT.findall(inside)):
        if name in _GONE:
            yield f"Airflow 3 has no {{{{ {name} }}}}.", f"Write {{{{ {_GONE[name]} }}}}.", "field.gone", Severity.ERROR
        elif name in _DATED:
            if undated:
                what = f"{piece} has no value in Airflow 3 when a run has no date, as by hand or by an asset."
                yield what, "Use {{ dag_run.run_after | ds }} there, or a schedule.", "field.undated", Severity.WARNING
        elif name not in _NAMES:
            fix = (
                f"Write {{{{ params.{name} }}}}."
                if name in params
                else "Write a field that Airflow has, like {{ ds }}, {{ run_id }} or {{ params.NAME }}."
            )
            yield f"Airflow has no field {name} (in {piece}).", fix, "field.unknown", Severity.ERROR


def tasks(pipeline: Pipeline) -> Iterator[Problem]:
    """Settings of a task that don't go together."""
    for plan in pipeline.plans:
        for what, fix, code, severity in _task(pipeline, plan):
            yield Problem(plan.task.header, what, fix, code, severity)
    if not pipeline.plans and not pipeline.problems:
        yield Problem(
            Place(file=pipeline.notebook.path or None),
            "the notebook has no task.",
            "Write %%k8s_task NAME on a cell's first line.",
            "task.none",
        )


def _task(pipeline: Pipeline, plan: Plan) -> Iterator[tuple[str, str, str, Severity]]:
    options, upstream = (
        plan.task.options,
        [edge for edge in pipeline.edges if edge.downstream == plan.task.name]
        if plan.task.options.trigger_rule
        else [],
    )
    if options.trigger_rule in ("all_failed", "one_failed", "all_skipped") and not upstream:
        yield (
            f"trigger-rule {options.trigger_rule} waits for other tasks, and this one has none before it.",
            "Name them in after, or leave it out.",
            "task.trigger",
            Severity.ERROR,
        )
    loads = [edge.upstream for edge in upstream if any(reason.variable for reason in edge.reasons)]
    if options.trigger_rule in ("all_failed", "one_failed", "all_skipped", "all_done", "one_done", "always") and loads:
        what = f"trigger-rule {options.trigger_rule} lets the task start when {', '.join(loads)} failed, and it takes data from there."
        yield (
            what,
            "It then fails with that reason; take the data elsewhere if it is to go on.",
            "task.trigger-data",
            Severity.WARNING,
        )
    if options.retry_delay and (options.retries == 0 or (options.retries is None and pipeline.dag.retries == 0)):
        yield (
            "retry-delay means nothing with retries 0.",
            "Set retries, or leave it out.",
            "task.retry-delay",
            Severity.WARNING,
        )
    if options.on_finish in ("keep_pod", "delete_active_pod"):
        yield (
            f"on-finish {options.on_finish} leaves finished pods in the cluster until somebody deletes them.",
            "Use it to look for a fault, then take it out.",
            "task.keep-pod",
            Severity.NOTE,
        )

"""What stands above the tasks of a DAG file: docstring, imports, callbacks, and the DAG's own arguments.

In: the pipeline, and the names that the rest of the file uses. Out: text, and `Call`s of `literal`. Next room: `dag`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from kubenb.export.literal import Call, Raw, quote
from kubenb.model.options import DAG
from kubenb.model.pipeline import Pipeline
from kubenb.model.quantities import parse_duration
from kubenb.model.schedules import read_date, read_schedule

MARK = "kubenb: "


def docstring(pipeline: Pipeline, dag: str, digest: str) -> str:
    """Says what the file is and how it may be changed; its last line tells kubenb that the file is its own."""
    file = pipeline.notebook.file_name
    source = f" from {file}" if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,50}", file) else ""
    return f'"""DAG {dag}, written by kubenb{source}: edits stay on the next export.\n\n{MARK}{dag} {digest}\n"""\n'


def schedule(pipeline: Pipeline) -> object:
    """The value of `schedule`: a preset, a cron line, a timedelta, assets or None."""
    found = read_schedule(pipeline.dag.schedule or DAG["schedule"].default)
    if found.kind == "every" and found.every is not None:
        return duration(found.every)
    if found.kind == "assets":
        return [Call("Asset", [("", name)]) for name in found.assets]
    return found.text if found.kind in ("cron", "preset") else None


def duration(value: timedelta) -> Call:
    """A timedelta in its largest whole units.

    >>> duration(timedelta(minutes=90)).inline(), duration(timedelta(days=2)).inline()
    ('timedelta(minutes=90)', 'timedelta(days=2)')
    """
    seconds = int(value.total_seconds())
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            return Call("timedelta", [(unit, seconds // size)])
    return Call("timedelta", [("seconds", seconds)])


def moment(pipeline: Pipeline, value: datetime) -> Call:
    """A datetime in the DAG's zone; Airflow takes the schedule's zone from the first of them."""
    zone = pipeline.dag.timezone
    numbers = [value.year, value.month, value.day, value.hour, value.minute, value.second]
    while len(numbers) > 3 and numbers[-1] == 0:
        numbers.pop()
    tzinfo: object = Call("ZoneInfo", [("", zone)]) if zone and zone != "UTC" else Raw("timezone.utc")
    return Call("datetime", [*(("", number) for number in numbers), ("tzinfo", tzinfo)])


def dag_call(pipeline: Pipeline, dag: str, defaults: dict[str, Any]) -> Call:
    """`DAG("flights", …)`. What Airflow 2 and 3 take for granted differently is said: schedule, start and catchup.

    Airflow wants a start; without catchup any past day does.
    """
    options = pipeline.dag
    given: list[tuple[str, object]] = [("", dag)]
    if options.description:
        given.append(("description", options.description))
    given += [
        ("schedule", schedule(pipeline)),
        ("start_date", moment(pipeline, read_date(options.start or DAG["start"].default))),
    ]
    if options.end:
        given.append(("end_date", moment(pipeline, read_date(options.end))))
    given.append(("catchup", bool(options.catchup)))
    for name in ("max_active_runs", "max_active_tasks"):
        if getattr(options, name) is not None:
            given.append((name, getattr(options, name)))
    if options.timeout:
        given.append(("dagrun_timeout", duration(parse_duration(options.timeout))))
    for name in ("on_failure", "on_success"):
        if getattr(options, name):
            given.append((f"{name}_callback", Raw(name)))
    params = {item.name: item.default for item in pipeline.parameters if item.template is None}
    if params:
        given.append(("params", params))
    given.append(("default_args", defaults))
    if options.tags:
        given.append(("tags", list(options.tags)))
    return Call("DAG", given)


def callbacks(pipeline: Pipeline) -> list[str]:
    """A function a callback: its module is imported when it is called, so that a missing one never breaks the DAG's parsing."""
    found = []
    for name, event in (("on_failure", "fails"), ("on_success", "succeeds")):
        dotted = getattr(pipeline.dag, name)
        if dotted:
            module, _, function = dotted.rpartition(".")
            call = f"    import_module({quote(module)}).{function}(context)"
            found.append(f'def {name}(context):\n    """Called when a run {event}."""\n{call}\n')
    return found


_STANDARD = {
    "b64encode": "from base64 import b64encode",
    "sha256": "from hashlib import sha256",
    "bz2": "import bz2",
    "json": "import json",
    "import_module": "from importlib import import_module",
    "Path": "from pathlib import Path",
    "ZoneInfo": "from zoneinfo import ZoneInfo",
}


def called(value: object) -> set[str]:
    """Names of all calls and code in a value that is to be written: what its text needs imported."""
    if isinstance(value, Call):
        return {value.name.partition(".")[0]}.union(*(called(item) for _, item in value.arguments))
    if isinstance(value, Raw):
        return {value.partition(".")[0]}
    if isinstance(value, (dict, list)):
        return set().union(*map(called, value.values() if isinstance(value, dict) else value))
    return set()


def imports(names: set[str]) -> str:
    """The import lines for these names, sorted as formatters do."""
    lines = [line for name, line in _STANDARD.items() if name in names]
    times = [name for name in ("datetime", "timedelta", "timezone") if name in names]
    if times:
        lines.append(f"from datetime import {', '.join(times)}")
    lines.sort(key=lambda line: (line.startswith("from"), line.split()[1]))
    sdk = "DAG, Asset" if "Asset" in names else "DAG"
    return (
        "\n".join(lines) + "\n\nfrom airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator\n"
        f"from airflow.providers.common.compat.sdk import {sdk}\n"
    )

"""The text of the DAG file, as a data engineer would have written it: short, tasks by name, no blobs, nothing but
Airflow and Python to import.

In: the pipeline. Out: the `.py` and the JSON files it reads beside it. Strings only, wrapped as `black` and `ruff
format` would, with every literal made by `literal`; of the notebook's text nothing but checked names and literals gets
in. Works unchanged on Airflow 2.11 and 3.x. What to know of the defaults: `retries` 2, a deadline a little after the
timeout, `log_pod_spec_on_failure=False` (the spec holds every variable's value), never `reattach_on_restart` or
`durable`. Next room: `files`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from kubenb.export import dag_head, dag_pod
from kubenb.export.dag_task import BOILERPLATE, add_times, defaults, expansion, operator, said_by_all, statement
from kubenb.export.edges import edge_lines
from kubenb.export.fan_out import Items, items
from kubenb.export.ids import dag_id, variables
from kubenb.export.literal import Call, exploded
from kubenb.export.payload import sha256
from kubenb.export.task_notebook import is_large
from kubenb.export.volumes import by_xcom
from kubenb.model.pipeline import Load, Pipeline

NO_DIGEST = "0" * 16
_TAKEN = frozenset(
    [
        "Asset",
        "b64encode",
        "bz2",
        "DAG",
        "datetime",
        "HERE",
        "import_module",
        "json",
        "KubernetesPodOperator",
        "notebook",
        "on_failure",
        "on_success",
        "over",
        "Path",
        "RUNTIME",
        "sha256",
        "task",
        "timedelta",
        "timezone",
        "ZoneInfo",
    ]
)


@dataclass(frozen=True)
class DagFile:
    """The `.py`, and the JSON beside it by file name."""

    text: str
    beside: dict[str, str]


def dag_file(pipeline: Pipeline) -> DagFile:
    """The whole DAG file."""
    dag = dag_id(pipeline)
    cuts, beside = dag_pod.cut_all(pipeline)
    start = dag_pod.plain(pipeline)
    for cut in (*cuts, start):
        add_times(pipeline, cut)
    shared = dag_pod.take_shared(cuts, start)
    calls = _operators(pipeline, cuts)
    pushes = any(key == "do_xcom_push" for call, _ in calls for key, _ in call.arguments)
    whole = dag_head.dag_call(pipeline, dag, defaults(pipeline, shared, pushes))
    variable = variables([cut.plan.task.name for cut in cuts], _TAKEN)
    large = any(is_large(pipeline, plan) for plan in pipeline.plans)
    functions, needs = dag_pod.functions(dag, cuts, large)
    callbacks = dag_head.callbacks(pipeline)
    names = needs | dag_head.called(whole).union(
        *(dag_head.called(call) for call, _ in calls), {"import_module"} if callbacks else set()
    )
    tasks = [statement(variable[cut.plan.task.name], call, more) for cut, (call, more) in zip(cuts, calls, strict=True)]
    edges = edge_lines(
        [(variable[edge.upstream], variable[edge.downstream]) for edge in pipeline.edges], list(variable.values())
    )
    body = "".join(tasks) + ("\n" + "\n".join(edges) + "\n" if edges else "")
    text = "\n".join([dag_head.docstring(pipeline, dag, NO_DIGEST), dag_head.imports(names), functions, ""])
    text += "".join(f"\n{callback}\n" for callback in callbacks)
    text += f"\nwith {exploded(whole, 0)}:\n{body}"
    return DagFile(
        text.replace(NO_DIGEST, digest(text), 1),
        {name: as_json({**BOILERPLATE, "pod_template_dict": pod}) for name, pod in beside.items()},
    )


def digest(text: str) -> str:
    """Of the text with no digest in it: what the file's own line says as long as nobody edits it."""
    return sha256(text)[:16]


def as_json(pod: object) -> str:
    """JSON for people: two spaces, letters as they are."""
    text = json.dumps(pod, indent=2, ensure_ascii=False)
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in text) + "\n"


def _operators(pipeline: Pipeline, cuts: list[dag_pod.Cut]) -> list[tuple[Call, Call | None]]:
    """Each task's call, and its expansion if it is mapped."""
    found = {cut.plan.task.name: items(pipeline, cut.plan) for cut in cuts if cut.plan.task.options.map}
    listed = {some.producer for some in found.values() if some.producer}
    variable = variables([cut.plan.task.name for cut in cuts], _TAKEN)
    above: dict[str, list[str]] = {}
    for edge in pipeline.edges:
        above.setdefault(edge.downstream, []).append(edge.upstream)
    handed = {
        step.producer
        for cut in cuts
        if by_xcom(cut.plan.task.options.store)
        for step in cut.plan.steps
        if isinstance(step, Load)
    }
    calls, said = [], said_by_all(pipeline)
    for cut in cuts:
        task = cut.plan.task
        pushes = bool(task.options.xcom) or task.name in listed or task.name in handed
        skipped = any(found.get(name, Items()).producer for name in above.get(task.name, []))
        mine = found.get(task.name)
        more = expansion(cut, mine, variable.get(mine.producer or "", "")) if mine else None
        calls.append((operator(cut, pushes, mine, skipped, said), more))
    return calls

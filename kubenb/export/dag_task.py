"""The operators of a DAG file: `extract = KubernetesPodOperator(…)`, mapped ones with `partial(…).expand(…)`.

In: the `Cut` of each task. Out: `Call`s of `literal`, and a statement's text. Next room: `dag`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubenb.export.dag_head import duration
from kubenb.export.dag_pod import NOTEBOOK, Cut, layers
from kubenb.export.fan_out import Items
from kubenb.export.literal import Call, Raw, exploded, wrapped
from kubenb.export.manifest import resources, timeout
from kubenb.export.split import Part
from kubenb.model.kinds import read_item_resources
from kubenb.model.options import DAG, TaskOptions
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.quantities import parse_duration

BOILERPLATE: Part = {
    "startup_timeout_seconds": 600,
    "log_events_on_failure": True,
    "log_pod_spec_on_failure": False,
    "termination_message_policy": "FallbackToLogsOnError",
}
SIDECAR = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def defaults(pipeline: Pipeline, shared: Part, pushes: bool) -> Part:
    """`default_args`: the owner, retries, and the operator's settings that avoid its known weak spots."""
    dag = pipeline.dag
    found: Part = {}
    if dag.owner:
        found["owner"] = dag.owner
    shown = said_by_all(pipeline)
    retries = shown.get("retries", dag.retries)
    found["retries"] = int(DAG["retries"].default) if retries is None else retries
    if delay := shown.get("retry_delay", dag.retry_delay):
        found["retry_delay"] = duration(parse_duration(str(delay)))
    found |= {name: shared[name] for name in ("execution_timeout", "active_deadline_seconds") if name in shared}
    if pushes:
        found["xcom_sidecar_container_security_context"] = SIDECAR
    for name, argument in (
        ("in_cluster", "in_cluster"),
        ("context", "cluster_context"),
        ("connection", "kubernetes_conn_id"),
    ):
        if getattr(dag, name) is not None:
            found[argument] = getattr(dag, name)
    return found | {name: value for name, value in shared.items() if name not in found}


def said_by_all(pipeline: Pipeline) -> Part:
    """How often and when tasks are retried, where every one of several says the same: written once."""
    found: Part = {}
    for name in ("retries", "retry_delay"):
        values = {getattr(plan.task.options, name) for plan in pipeline.plans}
        if len(pipeline.plans) > 1 and len(values) == 1 and None not in values:
            found[name] = values.pop()
    return found


def add_times(pipeline: Pipeline, cut: Cut) -> None:
    """The operator's own deadline, which the pod's follows."""
    cut.arguments["execution_timeout"] = duration(timeout(pipeline, cut.plan.task.options))


_ORDER = [
    "image",
    "cmds",
    "arguments",
    "env_vars",
    "container_resources",
    "namespace",
    "service_account_name",
    "node_selector",
    "tolerations",
    "affinity",
    "priority_class_name",
    "schedulername",
    "runtime_class_name",
    "labels",
    "execution_timeout",
    "active_deadline_seconds",
]


def operator(cut: Cut, pushes: bool, found: Items | None, skipped: bool, said: Part) -> Call:
    """The call. `pushes`: its XCom is wanted; `found`: its items if it is mapped; `skipped`: what it waits for may have no items at all;
    `said`: what `default_args` says already.
    """
    options = cut.plan.task.options
    if options.item_resources and found is not None:
        cut.arguments.pop("container_resources", None)  # expand_kwargs says them, item by item
    short = _short(cut.arguments.get("container_resources"))
    named = [
        (name, cut.arguments[name])
        for name in _ORDER
        if name in cut.arguments and not (short and name == "container_resources")
    ]
    airflow = [(name, value) for name, value in _of_airflow(options, pushes, skipped) if name not in said]
    given = [("**", _made(cut, short)), *named, *airflow]
    return Call("KubernetesPodOperator" if found is None else "KubernetesPodOperator.partial", given)


def _short(amounts: Part | None) -> list[tuple[str, object]]:
    """`cpu=…, memory=…` where that says it all: the memory as request and limit, the CPU as request."""
    requests = (amounts or {}).get("requests", {})
    memory = {key: value for key, value in requests.items() if key == "memory"}
    if not requests or set(requests) - {"cpu", "memory"} or (amounts or {}).get("limits", {}) != memory:
        return []
    return [(name, requests[name]) for name in ("cpu", "memory") if name in requests]


def _of_airflow(options: TaskOptions, pushes: bool, skipped: bool) -> Iterator[tuple[str, object]]:
    """What is Airflow's and not the pod's."""
    if options.retries is not None:
        yield "retries", options.retries
    if options.retry_delay:
        yield "retry_delay", duration(parse_duration(options.retry_delay))
    rule = options.trigger_rule or ("none_failed" if skipped else None)
    given = {
        "trigger_rule": rule,
        "pool": options.pool,
        "queue": options.queue,
        "priority_weight": options.priority,
        "deferrable": options.deferrable,
        "on_finish_action": options.on_finish,
        "do_xcom_push": pushes or None,
        "max_active_tis_per_dagrun": options.max_parallel,
        "doc_md": options.description,
    }
    yield from ((name, value) for name, value in given.items() if value is not None)


def _made(cut: Cut, short: list[tuple[str, object]]) -> Call:
    """`notebook("train", …)`, or `task("load", "container.json", {}, …)` of a container task."""
    metadata, container, spec = layers(cut.more)
    parts = {"metadata": metadata, "spec": spec, "container": container}
    more = [*short, *((name, part) for name, part in parts.items() if part)]
    name = cut.plan.task.name
    if cut.plan.task.kind == "container":
        return Call("task", [("", name), ("", cut.file), ("", {}), *more])
    return Call("notebook", [("", name), *([] if cut.file == NOTEBOOK else [("", cut.file)]), *more])


def expansion(cut: Cut, found: Items, producer: str) -> Call:
    """`expand(env_vars=…)`: the item's number is all that differs between the pods, and its resources where they are set."""
    rows = item_resources(cut.plan)
    if rows:
        kwargs = [
            {"env_vars": {"KUBENB_ITEM": str(number)}, "container_resources": row} for number, row in enumerate(rows)
        ]
        return Call(".expand_kwargs", [("", kwargs)])
    if found.producer:
        return Call(".expand", [("env_vars", Raw(f"{producer}.output"))])
    return Call(".expand", [("env_vars", Raw(f'[{{"KUBENB_ITEM": str(n)}} for n in range({found.count or 0})]'))])


def item_resources(plan: Plan) -> list[Part]:
    """Each item's resources: what it names over what the task has."""
    from dataclasses import replace

    options = plan.task.options
    if not options.item_resources:
        return []
    rows = read_item_resources(options.item_resources)
    return [resources(replace(options, **_named(row))) for row in rows]


def _named(row: dict[str, str]) -> dict[str, Any]:
    """An item's memory is its request too, unless the task set the request apart."""
    return {**row, **({"memory_request": None} if "memory" in row else {})}


def statement(variable: str, call: Call, expand: Call | None, indent: int = 4) -> str:
    """The assignment, wrapped."""
    head = f"{variable} = "
    if expand is None:
        return " " * indent + head + wrapped(call, indent, len(head), 0) + "\n"
    return " " * indent + head + exploded(call, indent) + wrapped(expand, indent, 1, 0) + "\n"

"""Executes a DAG file without an Airflow: stand-ins for the two classes it imports, and the operator's way of putting a pod together."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

Part = dict[str, Any]

RENDERED = (
    "image",
    "namespace",
    "container_resources",
    "node_selector",
    "labels",
    "annotations",
    "env_vars",
    "cmds",
    "arguments",
    "pod_template_dict",
)
SPEC = {
    "active_deadline_seconds": "activeDeadlineSeconds",
    "service_account_name": "serviceAccountName",
    "node_selector": "nodeSelector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priority_class_name": "priorityClassName",
    "schedulername": "schedulerName",
    "runtime_class_name": "runtimeClassName",
}
JINJA = SandboxedEnvironment(undefined=StrictUndefined, cache_size=0)
SAME = types.SimpleNamespace(
    try_number="{{ ti.try_number }}", xcom_pull=lambda task: {"kubenb": f'{{{{ ti.xcom_pull("{task}")["kubenb"] }}}}'}
)


class Dag:
    """The DAG's own arguments, and its tasks by id."""

    current: Dag | None = None

    def __init__(self, dag_id: str, **arguments: Any) -> None:
        self.dag_id, self.arguments = dag_id, arguments
        self.tasks: dict[str, Operator] = {}

    def __enter__(self) -> Dag:
        Dag.current = self
        return self

    def __exit__(self, *_: object) -> None:
        Dag.current = None


class Operator:
    """What an operator was given; `mapped` what it is expanded over."""

    def __init__(self, **arguments: Any) -> None:
        assert Dag.current is not None
        self.arguments = {**Dag.current.arguments["default_args"], **arguments}
        self.own = arguments
        self.downstream: list[str] = []
        self.mapped: Any = None
        self.output = ("output of", arguments["task_id"])
        assert arguments["task_id"] not in Dag.current.tasks
        Dag.current.tasks[arguments["task_id"]] = self

    @classmethod
    def partial(cls, **arguments: Any) -> Operator:
        return cls(**arguments)

    def expand(self, **over: Any) -> Operator:
        assert not set(over) & set(self.own), "mapped over what is set already"
        self.mapped = over
        return self

    def expand_kwargs(self, rows: Any) -> Operator:
        assert not {key for row in rows for key in row} & set(self.own), "mapped over what is set already"
        self.mapped = rows
        return self

    def __rshift__(self, other: Operator) -> Operator:
        self.downstream.append(other.own["task_id"])
        return other


class Asset:
    """A name."""

    def __init__(self, name: str) -> None:
        self.name = name


@contextmanager
def _airflow() -> Iterator[None]:
    names = [
        "airflow",
        "airflow.providers",
        "airflow.providers.common",
        "airflow.providers.common.compat",
        "airflow.providers.common.compat.sdk",
    ]
    names += [
        f"airflow.providers.cncf{tail}"
        for tail in ("", ".kubernetes", ".kubernetes.operators", ".kubernetes.operators.pod")
    ]
    before = {name: sys.modules.get(name) for name in names}
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    sys.modules["airflow.providers.common.compat.sdk"].__dict__.update(DAG=Dag, Asset=Asset)
    sys.modules["airflow.providers.cncf.kubernetes.operators.pod"].__dict__.update(KubernetesPodOperator=Operator)
    try:
        yield
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def parse(files: dict[str, str], folder: Path) -> Dag:
    """The DAG that the exported files make."""
    for name, text in files.items():
        if "/kubenb_runtime/" in name and not name.endswith("bundle.txt"):
            continue  # for people only
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    (name,) = [name for name in files if "/" not in name]
    found: list[Dag] = []

    class Watched(Dag):
        def __enter__(self) -> Dag:
            found.append(self)
            return super().__enter__()

    with _airflow():
        sys.modules["airflow.providers.common.compat.sdk"].__dict__["DAG"] = Watched
        code = compile((folder / name).read_text("utf-8"), str(folder / name), "exec", dont_inherit=True)
        exec(code, {"__file__": str(folder / name), "__name__": "dag"})
    return found[0]


def pod_of(operator: Operator) -> Part:
    """The pod as the operator builds it: its template, and its arguments over it. Fields of the run stand for themselves."""
    given = {name: _render(value) if name in RENDERED else value for name, value in operator.arguments.items()}
    pod: Part = json.loads(json.dumps(given["pod_template_dict"]))
    base = pod["spec"]["containers"][0]
    base["image"] = given["image"]
    for name, key in (("cmds", "command"), ("arguments", "args"), ("container_resources", "resources")):
        if given.get(name):
            base[key] = given[name]
    base["env"] = [*base["env"], *({"name": name, "value": value} for name, value in given.get("env_vars", {}).items())]
    for name, key in SPEC.items():
        if given.get(name):
            pod["spec"][key] = given[name]
    if given.get("namespace"):
        pod["metadata"]["namespace"] = given["namespace"]
    for name in ("labels", "annotations"):
        pod["metadata"].setdefault(name, {}).update(given.get(name, {}))
    base["terminationMessagePolicy"] = given["termination_message_policy"]
    return pod


def _render(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _render(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item) for item in value]
    if isinstance(value, str) and "{" in value and "| tojson" not in value:
        return JINJA.from_string(value).render(ds="{{ ds }}", run_id="{{ run_id }}", ti=SAME)
    return value


def ordered(value: Any) -> Any:
    """With lists of named things in one order; empty things and the pod's name do not count."""
    if isinstance(value, dict):
        return {key: ordered(item) for key, item in value.items() if item not in ({}, [])}
    if isinstance(value, list):
        items = [ordered(item) for item in value]
        return (
            sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
            if all(isinstance(item, dict) for item in items)
            else items
        )
    return value.replace("{{ds}}", "{{ ds }}") if isinstance(value, str) else value

"""Rules of the pod as a whole, the raw patch on top included: its image, names that are taken, mounts, sizes.

Kubernetes and Airflow would refuse these only when the task starts. In: the pipeline. Out: problems. Next room: `checks`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from kubenb.export import check_patch
from kubenb.export.environment import SEALED
from kubenb.export.manifest import IMAGE, patched, skeleton
from kubenb.export.patch import parse_patch
from kubenb.export.payload import carried, runtime_text
from kubenb.export.task_notebook import task_notebook
from kubenb.export.volumes import OWN_FOLDERS
from kubenb.model.pipeline import Code, Pipeline, Plan, auto_options
from kubenb.model.problems import Problem, Severity

Found = Iterator[tuple[str, str, str, Severity]]  # what, fix, code, and how much it weighs
MOST_NOTEBOOK = 900 * 1024  # as base64: etcd takes 1.5 MiB with all the rest
MOST_POD = 1_400 * 1024
MOST_STRING = 130_000
MOST_ANNOTATIONS = 256 * 1024
_AIRFLOW_LABELS = frozenset(
    [
        "dag_id",
        "task_id",
        "run_id",
        "try_number",
        "map_index",
        "airflow_version",
        "kubernetes_pod_operator",
        "airflow_kpo_in_cluster",
        "already_checked",
        "parent_dag_id",
        "execution_date",
        "kubernetes_executor",
        "airflow-worker",
    ]
)


def _each(pipeline: Pipeline, rule: Any) -> Iterator[Problem]:
    for plan in pipeline.plans:
        for what, fix, code, severity in rule(pipeline, plan):
            yield Problem(plan.task.header, what, fix, code, severity)


def images(pipeline: Pipeline) -> Iterator[Problem]:
    """An image that has what the code imports."""
    bare: dict[str, list[str]] = {}
    for plan in pipeline.plans:
        task = plan.task
        if task.kind == "container" and not task.options.image:
            yield Problem(task.header, "a container task needs an image.", "Write --image NAME.", "image.container")
        if task.kind != "container" and not task.options.image:
            for name in plan.modules:
                if name not in sys.stdlib_module_names and name != "kubenb":
                    bare.setdefault(name, []).append(task.name)
    if bare:
        what = f"no image is set, and {IMAGE} has no {', '.join(sorted(bare)[:5])}."
        first = next(
            plan.task
            for plan in pipeline.plans
            if plan.task.name in {name for names in bare.values() for name in names}
        )
        yield Problem(
            first.header,
            what,
            "Write --image NAME at %k8s_dag, of an image that has them.",
            "image.bare",
            Severity.WARNING,
        )


def environments(pipeline: Pipeline) -> Iterator[Problem]:
    """Names that kubenb or Airflow keep for themselves."""
    yield from _each(pipeline, _environment)


def _environment(pipeline: Pipeline, plan: Plan) -> Found:
    options = plan.task.options
    names = [pair.key for pair in options.env]
    names += [value.env for value in (*options.secret, *options.configmap) if value.env]
    for name in names:
        if name in SEALED or name.upper().startswith("KUBENB_"):
            yield (
                f"variable {name} is set by kubenb itself.",
                "Choose another name, or set it in the cell: os.environ[…] = ….",
                "env.sealed",
                Severity.ERROR,
            )
    for kind, pairs in (("label", options.label), ("annotation", options.annotation)):
        seen: set[str] = set()
        for pair in pairs:
            if (
                (kind == "label" and pair.key in _AIRFLOW_LABELS)
                or pair.key.startswith("kubenb/")
                or pair.key == "app.kubernetes.io/managed-by"
            ):
                owner = "kubenb" if "/" in pair.key else "Airflow"
                yield (
                    f"{kind} {pair.key} is set by {owner} itself.",
                    "Choose another key.",
                    f"{kind}.sealed",
                    Severity.ERROR,
                )
            if pair.key in seen:
                yield f"{kind} {pair.key} is set twice.", "Keep one.", f"{kind}.twice", Severity.ERROR
            seen.add(pair.key)
    if options.run_as_user == 0:
        yield (
            "run-as-user 0 is root, which restricted namespaces refuse.",
            "Write another number, like 1000.",
            "pod.root",
            Severity.ERROR,
        )


def pods(pipeline: Pipeline) -> Iterator[Problem]:
    """The finished pod: mounts, the patch, what Pod Security *restricted* would say."""
    yield from _each(pipeline, _pod)


def _pod(pipeline: Pipeline, plan: Plan) -> Found:
    options = plan.task.options
    for volume in options.volume:
        if any(
            volume.path == own or own.startswith(volume.path.rstrip("/") + "/") for own in OWN_FOLDERS if own != "/tmp"
        ):
            yield (
                f"volume {volume.path} would hide a folder of kubenb's.",
                "Choose another folder, like /data.",
                "pod.mount",
                Severity.ERROR,
            )
    if not options.pod:
        return
    before = skeleton(pipeline, plan)
    try:
        patch = parse_patch(options.pod)
        pod = patched(before, options)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        what = str(error) if isinstance(error, ValueError) else "it does not have a pod's form."
        said, _, fix = what.partition(". ")
        yield (
            f"the pod patch can't be used: {said.rstrip('.')}.",
            fix or "Write it like {spec: {hostNetwork: false}}.",
            "pod.patch",
            Severity.ERROR,
        )
        return
    broken = list(check_patch.form(patch, pod)) or list(check_patch.types(pod))
    yield from broken
    if not broken:
        yield from check_patch.texts(patch, pod)
        yield from check_patch.left_alone(patch, pod, plan)
        yield from check_patch.amounts(pod)
        yield from check_patch.restricted(pod)


def sizes(pipeline: Pipeline) -> Iterator[Problem]:
    """What the kernel, Kubernetes and etcd take."""
    params = _length(json.dumps({item.name: item.default for item in pipeline.parameters}))
    if params > MOST_STRING:
        what = (
            f"the parameters are {params // 1000} kB; they travel in one variable, of at most {MOST_STRING // 1000} kB."
        )
        yield Problem(
            pipeline.parameters[0].where,
            what,
            "Keep long lists in a file, and its name as the parameter.",
            "size.params",
        )
    yield from _each(pipeline, _size)


def _size(pipeline: Pipeline, plan: Plan) -> Found:
    options = plan.task.options
    notebook = _carried(pipeline, plan)
    if notebook > MOST_NOTEBOOK:
        what = (
            f"the task's notebook is {notebook // 1024} KiB as a pod carries it, compressed and in base64; "
            f"at most {MOST_NOTEBOOK // 1024} KiB fit."
        )
        fix = "Move long constants into a file of the store, a config map or the image."
        yield what, fix, "size.notebook", Severity.ERROR
    values = {f"the value of {pair.key}": len(pair.key) + _length(pair.value) for pair in options.env}
    values |= {f"the argument {word[:20]}…": _length(word) for word in plan.task.command}
    for what, size in values.items():
        if size > MOST_STRING:
            fix = "Put it into a configmap or a volume."
            yield (
                f"{what} is longer than the {MOST_STRING // 1000} kB the kernel takes.",
                fix,
                "size.value",
                Severity.ERROR,
            )
    annotations = sum(len(pair.key) + _length(pair.value) for pair in options.annotation)
    if annotations > MOST_ANNOTATIONS - 1000:
        what = f"the annotations are {annotations // 1024} KiB; Kubernetes takes 256."
        yield what, "Put long texts into a configmap.", "size.annotation", Severity.ERROR
    whole = sum(values.values()) + annotations + (notebook + len(runtime_text()) * 4 // 3 if notebook else 0)
    if whole > MOST_POD:
        what = f"the pod is {whole // 1024} KiB; etcd takes {MOST_POD // 1024}."
        yield what, "Put long values into a configmap or a volume.", "size.pod", Severity.ERROR


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _carried(pipeline: Pipeline, plan: Plan) -> int:
    """The size of the task's notebook as it travels; of small ones a guess that is large enough."""
    if plan.task.kind == "container":
        return 0
    rough = len(plan.task.body) + sum(len(step.source) for step in plan.steps if isinstance(step, Code))
    return rough * 8 if rough < MOST_NOTEBOOK // 8 else len(carried(task_notebook(pipeline, plan))) * 4 // 3


def amounts(pipeline: Pipeline) -> Iterator[Problem]:
    """A DAG says an amount: what was measured differs from machine to machine, and from run to run."""
    for plan in pipeline.plans:
        for name in auto_options(plan):
            value = getattr(plan.task.options, name)
            what = f"{name} is auto, " + (
                f"{value} by the runs on this machine." if value else "and no run of it is on record."
            )
            fix = (
                "Write it into the notebook: kubenb advise --write."
                if value
                else f"Run it once, or write {name} as an amount."
            )
            yield Problem(plan.task.header, what, fix, f"auto.{name}")

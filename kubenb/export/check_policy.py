"""The platform team's policy over a pipeline: every option in force, defaults included, and what a raw patch touches.

In: the pipeline, with the policies that hold for it. Out: a problem for all that one of them bars, with the team's
reason and whom to ask. The rules themselves are judged by `model.policy`. Next room: `checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kubenb.export.patch import BASE, parse_patch
from kubenb.model.kinds import parse_option, read_item_resources
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.policy import PAIRS, Policy, Rule, ask, barred, because, keyless, without
from kubenb.model.problems import Problem, errors

# A task option that is the DAG's where the task does not say, and one that Kubernetes takes from another.
_THROUGH_DAG = {"retries": "retries", "retry-delay": "retry_delay", "timeout": "task_timeout"}
_STANDS_FOR = {"cpu": "cpu_limit", "memory-request": "memory"}
_RESOURCES = ("cpu", "cpu-limit", "memory", "memory-request", "storage", "gpu")
_NODES = ("node-selector", "toleration", "affinity")
_OF_METADATA = {"namespace": ("namespace",), "labels": ("label",), "annotations": ("annotation",)}
_OF_SPEC = {
    "resources": _RESOURCES,
    "resourceClaims": ("gpu",),
    "volumes": ("volume", "secret", "configmap", "google-key", "store"),
    "nodeSelector": ("node-selector",),
    "nodeName": _NODES,
    "tolerations": ("toleration",),
    "affinity": ("affinity",),
    "topologySpreadConstraints": ("affinity",),
    "priorityClassName": ("priority-class",),
    "priority": ("priority-class",),
    "schedulerName": ("scheduler",),
    "runtimeClassName": ("runtime-class",),
    "serviceAccountName": ("service-account",),
    "serviceAccount": ("service-account",),
    "automountServiceAccountToken": ("service-account",),
    "imagePullSecrets": ("image-pull-secret",),
    "activeDeadlineSeconds": ("timeout",),
    "securityContext": ("run-as-user",),
}
_OF_CONTAINER = {
    "image": ("image",),
    "imagePullPolicy": ("image-pull-policy",),
    "resources": _RESOURCES,
    "env": ("env", "secret", "configmap"),
    "envFrom": ("env", "secret", "configmap"),
    "volumeMounts": ("volume",),
    "securityContext": ("run-as-user",),
}


def policies(pipeline: Pipeline) -> Iterator[Problem]:
    """All that the policies bar, of the DAG and of every task."""
    for policy in pipeline.policies:
        yield from _dag(pipeline, policy)
        for plan in pipeline.plans:
            yield from _task(pipeline, plan, policy)


def of_pods(pipeline: Pipeline, namespace: str) -> tuple[Problem, ...]:
    """What the policies bar of tasks that are to be pods now; `namespace`: where they go unless they say so themselves.
    A policy that can't be read bars them all.
    """
    unread = (problem for policy in pipeline.policies for problem in policy.problems)
    found = (
        problem
        for policy in pipeline.policies
        for plan in pipeline.plans
        for problem in _task(pipeline, plan, policy, namespace)
    )
    return errors((*unread, *found))


def _dag(pipeline: Pipeline, policy: Policy) -> Iterator[Problem]:
    for rule in policy.dag_rules:
        option = DAG[rule.option]
        value = getattr(pipeline.dag, option.field)
        values = value if option.repeats else () if value is None else (value,)
        if not values and option.default and not rule.forbidden:
            values = _default(option)
        for what, fix in _judged(rule, option, values):
            said = because(what, rule, policy)
            yield Problem(pipeline.dag_where, said, ask(fix, policy), f"policy.dag.{rule.option}")


def _task(pipeline: Pipeline, plan: Plan, policy: Policy, namespace: str = "") -> Iterator[Problem]:
    rules = policy.rules_for(plan.task.options.profile)
    touched = tuple(_touched(plan))
    for rule in rules:
        option = TASK[rule.option]
        values = _values(pipeline, plan, option, rule)
        if option.name == "namespace" and not values and namespace:
            values = (namespace,)
        whence = _whence(plan, option, values)
        found = [(what + whence, fix) for what, fix in _judged(rule, option, values)]
        if rule.option in touched and rule.option != "pod":
            found.append(
                (f"the pod patch touches what the policy says of {rule.option}", f"Write {rule.option} itself")
            )
        for what, fix in found:
            said = because(what, rule, policy)
            yield Problem(plan.task.header, said, ask(fix, policy), f"policy.{rule.option}")


def _whence(plan: Plan, option: Option, values: tuple[Any, ...]) -> str:
    """Where a value comes from that does not stand in the cell."""
    origin = plan.task.origins.get(option.name, "")
    if option.default and values == _default(option) and not origin:
        return " (the default)"
    return f" (from {origin})" if origin and not origin.startswith("cell ") and values else ""


def _judged(rule: Rule, option: Option, values: Iterable[Any]) -> Iterator[tuple[str, str]]:
    values = tuple(values)
    for value in values:
        wrong = barred(rule, option, value)
        if wrong is not None:
            yield wrong
    if not values:
        missing = without(rule, option)
        if missing is not None:
            yield missing
    if option.kind in PAIRS:
        yield from keyless(rule, option, values)


def _values(pipeline: Pipeline, plan: Plan, option: Option, rule: Rule) -> tuple[Any, ...]:
    """What holds of an option: the task's own values, those of its items, the DAG's, the default."""
    options = plan.task.options
    value = getattr(options, option.field)
    if option.repeats:
        return tuple(value)
    if value is None and option.name in _STANDS_FOR:
        value = getattr(options, _STANDS_FOR[option.name])
    if value is None and option.name in _THROUGH_DAG:
        value = getattr(pipeline.dag, _THROUGH_DAG[option.name])
    rows = read_item_resources(options.item_resources) if options.item_resources and options.map else ()
    key = "memory" if option.name == "memory-request" else option.name  # an item's memory is its request too
    of_items = dict.fromkeys(row[key] for row in rows if key in row)
    if of_items:
        whole = all(key in row for row in rows)
        return (*of_items, *(() if whole or value is None else (value,)))
    if value is not None:
        return (value,)
    return () if rule.forbidden or rule.required else _default(option)


def _default(option: Option) -> tuple[Any, ...]:
    return parse_option(option, option.default) if option.default else ()


def _touched(plan: Plan) -> Iterator[str]:
    """The options whose place in the pod the raw patch reaches."""
    text = plan.task.options.pod
    if not text:
        return
    try:
        patch = parse_patch(text)
    except ValueError:
        return  # `check_pod` says what is wrong with it
    for part, known in (("metadata", _OF_METADATA), ("spec", _OF_SPEC)):
        if isinstance(patch.get(part), dict):
            for key in patch[part]:
                yield from known.get(key, ())
    spec = patch.get("spec")
    for key in ("containers", "initContainers", "ephemeralContainers"):
        for each in spec.get(key) or () if isinstance(spec, dict) else ():
            if isinstance(each, dict):
                yield from _of_container(each, key)


def _of_container(each: dict[str, Any], key: str) -> Iterator[str]:
    if key != "containers" or each.get("name", BASE) != BASE:  # a container beside the task's own has all of its own
        yield from ("image", *_RESOURCES)
    for name in each:
        yield from _OF_CONTAINER.get(name, ())

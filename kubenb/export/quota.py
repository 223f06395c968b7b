"""What the quotas of a namespace leave for a pod.

In: a pod as the API server would take it, quotas. Out: for each that is about it, what is left of what it asks for, and why it would
be refused. https://kubernetes.io/docs/concepts/policy/resource-quotas/ Pure. Next room: `fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from kubenb.export.requests import Amounts, Part, of_container, pod_amounts
from kubenb.model.capacity import Quota, Scope, shown

BOTH = ("cpu", "memory", "ephemeral-storage")  # named with and without 'requests.'
MUST = ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
COUNTS = ("pods", "count/pods")
MANY = 10  # pods: so many are no news


@dataclass(frozen=True)
class Left:
    """Of one resource, by one quota."""

    quota: str
    name: str
    asked: Decimal
    left: Decimal

    @property
    def enough(self) -> bool:
        """The pod has room."""
        return self.asked <= self.left


def asked_of_quota(spec: Part) -> Amounts:
    """By a quota's own names.

    >>> asked_of_quota({"containers": [{"resources": {"requests": {"cpu": "1"}}}]})
    {'requests.cpu': Decimal('1.000'), 'cpu': Decimal('1.000'), 'pods': Decimal('1'), 'count/pods': Decimal('1')}
    """
    found: Amounts = {}
    for name, amount in pod_amounts(spec).items():
        found[f"requests.{name}"] = amount
        if name in BOTH or name.startswith("hugepages-"):
            found[name] = amount
    found |= {f"limits.{name}": amount for name, amount in pod_amounts(spec, "limits").items()}
    return {**found, **{name: Decimal(1) for name in COUNTS}}


def left(pod: Part, quotas: Iterable[Quota]) -> Iterator[Left]:
    """Only of what it asks for."""
    asked = asked_of_quota(pod["spec"])
    for quota in quotas:
        if all(_about(pod["spec"], scope) for scope in quota.scopes):
            for name, hard in quota.hard.items():
                if asked.get(name):
                    free = hard - quota.used.get(name, Decimal(0))
                    yield Left(quota.name, name, asked[name], max(free, Decimal(0)))


def unsaid(pod: Part, quotas: Iterable[Quota]) -> Iterator[tuple[str, str]]:
    """(quota, resource): what a quota counts must be said, by each container."""
    spec = pod["spec"]
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    whole = pod_amounts({"resources": spec.get("resources") or {}})
    for quota in quotas:
        if all(_about(spec, scope) for scope in quota.scopes):
            for name in quota.hard:
                kind, _, resource = name.rpartition(".")
                amounts = (of_container(each, kind or "requests") for each in containers)
                if name in MUST and resource not in whole and any(resource not in each for each in amounts):
                    yield quota.name, name


def _about(spec: Part, scope: Scope) -> bool:
    asked = {**pod_amounts(spec), **pod_amounts(spec, "limits")}
    terminating = spec.get("activeDeadlineSeconds") is not None
    best_effort = not any(asked.get(name) for name in ("cpu", "memory"))
    answers = {
        "Terminating": terminating,
        "NotTerminating": not terminating,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "CrossNamespacePodAffinity": False,
    }
    if scope.name != "PriorityClass":
        return answers.get(scope.name, True)
    named = spec.get("priorityClassName") or ""
    if scope.operator in ("In", "NotIn"):
        return (named in scope.values) == (scope.operator == "In")
    return bool(named) == (scope.operator == "Exists")


def words(found: Iterable[Left]) -> str:
    """'quota leaves 3 cpu and 6Gi': the least of each that is counted, however it is named; '' where there is nothing to say."""
    least: dict[str, Left] = {}
    for each in found:
        kind = "pods" if each.name in COUNTS else each.name.removeprefix("requests.")
        if kind not in least or each.left < least[kind].left:
            least[kind] = each
    if "pods" in least and least["pods"].left >= MANY:
        del least["pods"]
    order = sorted(least, key=lambda kind: (kind == "pods", BOTH.index(kind) if kind in BOTH else len(BOTH), kind))
    parts = [_amount(kind, least[kind].left) for kind in order]
    return f"quota leaves {' and '.join([', '.join(parts[:-1]), parts[-1]] if parts[1:] else parts)}" if parts else ""


def _amount(kind: str, amount: Decimal) -> str:
    text = shown(kind, amount)
    if kind == "memory":
        return text
    if kind == "pods":
        return f"{text} {'pod' if amount == 1 else 'pods'}"
    if kind.startswith("limits."):
        return f"{text} of {kind.removeprefix('limits.')} limits"
    return f"{text} of storage" if kind == "ephemeral-storage" else f"{text} {kind}"

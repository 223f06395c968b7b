"""What a pod takes: the sum of what its containers ask for, as the scheduler and a quota count it.

In: a pod's spec. Out: amounts by resource. Init containers run one after another, so the largest counts; one that goes on running
beside the others (restartPolicy Always) is added to all that come after it; overhead comes on top. Pure.
https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers Next room: `admission`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from kubenb.model.quantities import parse_quantity
from kubenb.model.values import BadValue

Part = dict[str, Any]
Amounts = dict[str, Decimal]
MOST = Decimal(2**63 - 1)
OF_POD = ("cpu", "memory")  # and huge pages: what a pod may ask for as a whole


def pod_amounts(spec: Part, kind: str = "requests") -> Amounts:
    """`kind`: requests or limits.

    >>> pod_amounts({"containers": [{"resources": {"requests": {"cpu": "250m"}}}, {"resources": {"requests": {"cpu": "1"}}}]})
    {'cpu': Decimal('1.250')}
    """
    running = added(*(of_container(each, kind) for each in spec.get("containers") or ()))
    aside: Amounts = {}
    largest: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = of_container(container, kind)
        if container.get("restartPolicy") == "Always":
            running, aside = added(running, own), added(aside, own)
            largest = at_least(largest, aside)
        else:
            largest = at_least(largest, added(own, aside))
    total = at_least(running, largest)
    whole = read_amounts((spec.get("resources") or {}).get(kind) or {})
    total |= {name: amount for name, amount in whole.items() if name in OF_POD or name.startswith("hugepages-")}
    overhead = read_amounts(spec.get("overhead") or {})
    if kind == "limits":  # on what has a limit at all
        overhead = {name: amount for name, amount in overhead.items() if total.get(name)}
    found = rounded(added(total, overhead))
    return dict(
        sorted(found.items(), key=lambda item: ("/" in item[0], item[0]))
    )  # cpu, memory, then what devices there are


def of_container(container: Part, kind: str = "requests") -> Amounts:
    """A limit without a request is a request too."""
    resources = container.get("resources") or {}
    limits = resources.get("limits") or {}
    return read_amounts(limits if kind == "limits" else {**limits, **(resources.get("requests") or {})})


def read_amounts(texts: Mapping[str, Any]) -> Amounts:
    """A server's own quantities; one that is past counting is without bounds."""
    found = {}
    for name, text in texts.items():
        try:
            found[name] = parse_quantity(str(text))
        except BadValue:
            found[name] = Decimal(0) if str(text).startswith("-") else MOST
    return found


def rounded(amounts: Amounts) -> Amounts:
    """Up to a thousandth of a core, or a whole one of anything else: the finest that is counted."""
    return {
        name: amount.quantize(Decimal("0.001") if name == "cpu" else Decimal(1), ROUND_CEILING)
        for name, amount in amounts.items()
    }


def added(*parts: Mapping[str, Decimal]) -> Amounts:
    """Name by name."""
    total: Amounts = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, Decimal(0)) + amount
    return total


def at_least(first: Amounts, second: Amounts) -> Amounts:
    """The larger, name by name."""
    return {name: max(first.get(name, Decimal(0)), second.get(name, Decimal(0))) for name in {**first, **second}}


def ports(spec: Part) -> Iterable[Part]:
    """The ports of its node that a pod takes; all that its containers name, where it shares the node's network."""
    own = bool(spec.get("hostNetwork"))
    beside = [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *beside):
        for port in container.get("ports") or ():
            number = port.get("hostPort") or (port.get("containerPort") if own else 0)
            if number:
                yield {**port, "hostPort": number}

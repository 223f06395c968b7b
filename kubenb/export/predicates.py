"""Whether a pod may run on a node: the scheduler's filters, in its order, each with the words for why not.

In: a pod as the API server would take it, a `Node`, a `Load` on it. Out: the obstacles of the first filter that says no; none where
it fits. What needs the other pods is in `neighbours`; topology spread and dynamic resources are nowhere, and `fit` says so.
https://kubernetes.io/docs/reference/scheduling/config/#scheduling-plugins Pure. Next room: `fit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubenb.export.admission import claim_names
from kubenb.export.requests import Part, pod_amounts, ports
from kubenb.model.capacity import Claim, Load, Node, Port, Taint

CLOSED = Taint("node.kubernetes.io/unschedulable")
ANY = "0.0.0.0"
HARD = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class Obstacle:
    """`about`: the taint, port, claim or resource, of which there is none, or which is short.

    `kind`: closed, taint, selector, port, pods, none, short, volume; and near, away, kept-off of other pods.
    """

    kind: str
    about: str = ""


class Wanted:
    """What a pod asks of a node, read once for all of them."""

    def __init__(self, pod: Part, claims: Iterable[Claim] = ()) -> None:
        spec = pod["spec"]
        self.amounts = {name: amount for name, amount in pod_amounts(spec).items() if amount}
        self.tolerations: Sequence[Part] = spec.get("tolerations") or ()
        self.selector: Mapping[str, str] = spec.get("nodeSelector") or {}
        affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        self.terms: Sequence[Part] | None = None if required is None else required.get("nodeSelectorTerms") or ()
        self.ports = frozenset(map(read_port, ports(spec)))
        known = {each.name: each for each in claims}
        self.claims = [known[name] for name in claim_names(spec) if name in known]


def read_port(port: Part) -> Port:
    """As a manifest has it."""
    return Port(int(port["hostPort"]), port.get("protocol") or "TCP", port.get("hostIP") or ANY)


def obstacles(wanted: Wanted, node: Node, load: Load) -> tuple[Obstacle, ...]:
    """Those of the first filter that says no."""
    if node.closed and not tolerated(CLOSED, wanted.tolerations):
        return (Obstacle("closed"),)
    for taint in node.taints:
        if taint.effect in HARD and not tolerated(taint, wanted.tolerations):
            return (Obstacle("taint", str(taint)),)
    if not _chosen(wanted, node):
        return (Obstacle("selector"),)
    for port in sorted(wanted.ports, key=str):
        if any(_same(port, held) for held in load.ports):
            return (Obstacle("port", str(port.number)),)
    short = tuple(_short(wanted, node, load))
    if short:
        return short
    for claim in wanted.claims:
        if claim.reach is not None and not matches(claim.reach, node):
            return (Obstacle("volume", claim.name),)
    return ()


def tolerated(taint: Taint, tolerations: Iterable[Part]) -> bool:
    """By any of them: an empty key is every key, an empty effect every effect."""
    return any(
        (each.get("effect") or taint.effect) == taint.effect
        and (each.get("key") or taint.key) == taint.key
        and (each.get("operator") == "Exists" or (each.get("key") and (each.get("value") or "") == taint.value))
        for each in tolerations
    )


def _chosen(wanted: Wanted, node: Node) -> bool:
    if any(node.labels.get(key) != value for key, value in wanted.selector.items()):
        return False
    return wanted.terms is None or matches(wanted.terms, node)


def matches(terms: Iterable[Mapping[str, Any]], node: Node) -> bool:
    """Any of the terms; all of the expressions in it. A term without any matches no node."""
    for term in terms:
        labels, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
        if (labels or fields) and all(
            holds(each, values)
            for group, values in ((labels, node.labels), (fields, {"metadata.name": node.name}))
            for each in group
        ):
            return True
    return False


def holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """One match expression. What is not there is in no list, and neither above nor below a number."""
    value, operator = labels.get(str(expression["key"])), str(expression["operator"])
    values = [str(each) for each in expression.get("values") or ()]
    if operator in ("In", "NotIn"):
        return (value in values) == (operator == "In")
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    own, bound = _whole(value), _whole(values[0] if len(values) == 1 else None)
    if own is None or bound is None:
        return False
    return own > bound if operator == "Gt" else own < bound


def _whole(text: str | None) -> int | None:
    digits = (text or "").removeprefix("-").removeprefix("+")
    return int(str(text)) if digits.isdecimal() and digits.isascii() else None


def _same(port: Port, held: Port) -> bool:
    """Any address is all of them."""
    if (port.number, port.protocol) != (held.number, held.protocol):
        return False
    return port.address == held.address or ANY in (port.address, held.address)


def _short(wanted: Wanted, node: Node, load: Load) -> Iterable[Obstacle]:
    """What a pod does not ask for is not looked at, however little of it there is."""
    if load.amounts.get("pods", Decimal(0)) + 1 > node.allocatable.get("pods", Decimal(0)):
        yield Obstacle("pods")
    for name, amount in wanted.amounts.items():
        there = node.allocatable.get(name, Decimal(0))
        if amount > there - load.amounts.get(name, Decimal(0)):
            yield Obstacle("short" if there else "none", name)

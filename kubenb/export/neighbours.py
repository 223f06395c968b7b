"""Which nodes the pods that are there leave to a pod: required affinity and anti-affinity between pods, its own and theirs.

In: a pod as the API server would take it, a `Capacity`. Out: for a node, the obstacle. It is the scheduler's reckoning by domains: a
pod counts for every node that has the same value of the topology's label as its own. Pure. Next room: `fit`.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubenb.export.predicates import Obstacle, holds
from kubenb.export.requests import Part
from kubenb.model.capacity import Capacity, Neighbour, Node

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
Term = Mapping[str, Any]
Domain = tuple[str, str]


class Around:
    """The domains that the pod must be in, and must not."""

    def __init__(self, pod: Part, capacity: Capacity) -> None:
        own = Neighbour("", pod["metadata"].get("namespace") or capacity.namespace, pod["metadata"].get("labels") or {})
        labels = {node.name: node.labels for node in capacity.nodes}
        there = [each for each in capacity.pods if each.node in labels]
        self.near, away = (
            [term for term in terms(pod["spec"], kind) if not untold(term)]
            for kind in ("podAffinity", "podAntiAffinity")
        )
        self.near_to: set[Domain] = set()
        self.away_from: set[Domain] = set()
        self.kept_off: set[Domain] = set()
        for each in there:
            where = labels[each.node]
            if self.near and all(_about(term, own, each) for term in self.near):
                self.near_to |= _domains(self.near, where)
            self.away_from |= _domains((term for term in away if _about(term, own, each)), where)
            self.kept_off |= _domains((term for term in each.keeps_away if _about(term, each, own)), where)
        self.first = not self.near_to and all(_about(term, own, own) for term in self.near)

    def against(self, node: Node) -> tuple[Obstacle, ...]:
        """The first of them, or none. Where no pod is that it must be near, one that is near itself may be the first."""
        if any(term.get("topologyKey") not in node.labels for term in self.near):
            return (Obstacle("near"),)
        if not self.first and not _domains(self.near, node.labels) <= self.near_to:
            return (Obstacle("near"),)
        own = set(node.labels.items())
        if own & self.away_from:
            return (Obstacle("away"),)
        return (Obstacle("kept-off"),) if own & self.kept_off else ()


def terms(spec: Part, kind: str) -> tuple[Term, ...]:
    """The required ones."""
    return tuple(((spec.get("affinity") or {}).get(kind) or {}).get(REQUIRED) or ())


def untold(term: Term) -> bool:
    """It asks for labels of namespaces, which nobody has read."""
    return bool(term.get("namespaceSelector"))


def _about(term: Term, whose: Neighbour, other: Neighbour) -> bool:
    """Whether the term of one pod is about another."""
    selector = term.get("labelSelector")
    named, chosen = term.get("namespaces") or (), term.get("namespaceSelector")
    everywhere = chosen == {}
    spaces = named if named or chosen is not None else (whose.namespace,)
    if selector is None or not (everywhere or other.namespace in spaces):
        return False
    if any(other.labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(holds(each, other.labels) for each in selector.get("matchExpressions") or ())


def _domains(found: Iterable[Term], labels: Mapping[str, str]) -> set[Domain]:
    keys = (str(term.get("topologyKey")) for term in found)
    return {(key, labels[key]) for key in keys if key in labels}

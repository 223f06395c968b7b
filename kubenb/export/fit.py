"""Where a pod fits: on how many nodes now, on how many when they are empty, what keeps it off the others, what quota leaves.

In: a pod's manifest, a `Capacity`. Out: a `Fit`, complete in words. The arithmetic is the scheduler's (`predicates`), after what the
API server adds (`admission`); a test puts hundreds of random pods to both. Never a guess: what could not be read, or needs more than
one pod and one node to tell, is named. Pure. Next room: `fit_words`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kubenb.export import fit_words
from kubenb.export.admission import admitted, claim_names, refused
from kubenb.export.neighbours import Around, terms, untold
from kubenb.export.predicates import Obstacle, Wanted, obstacles
from kubenb.export.quota import Left, left, unsaid
from kubenb.export.requests import Part
from kubenb.model.capacity import Capacity, shown


@dataclass(frozen=True)
class Reason:
    """Why so many nodes are out: `lasting`, when empty too. `fix`: what to do, '' where there is nothing."""

    obstacle: Obstacle
    nodes: int
    lasting: bool
    words: str
    fix: str = ""


@dataclass(frozen=True)
class Fit:
    """`now`, `empty`: the names of the nodes that take the pod now, and without the pods that can go away; None where it can't be told.

    `refused`: why the API server would not make it. `untold`: what was not counted. `of`: how many nodes there are.
    """

    now: tuple[str, ...] | None
    empty: tuple[str, ...] | None
    of: int
    words: str
    reasons: tuple[Reason, ...] = ()
    quota: tuple[Left, ...] = ()
    refused: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def ok(self) -> bool | None:
        """It would run now; None where that can't be told."""
        if self.never or self.now == ():
            return False
        return None if self.now is None or self.untold else True

    @property
    def never(self) -> bool:
        """It would not run on this cluster as it is, however long it waits."""
        return bool(self.refused) or self.empty == ()


def fit(manifest: Part, capacity: Capacity) -> Fit:
    """Of one pod, for itself."""
    pod = admitted(manifest, capacity)
    wanted, nodes = Wanted(pod, capacity.claims), capacity.nodes
    around = Around(pod, capacity)
    now = {node.name: obstacles(wanted, node, node.now) or around.against(node) for node in nodes}
    empty = {node.name: obstacles(wanted, node, node.always) for node in nodes}
    blind, half = bool(capacity.lacks("nodes")), bool(capacity.lacks("pods"))
    reasons = [*_grouped(empty, lasting=True, of=len(nodes))]
    if not half:
        full = {name: found for name, found in now.items() if not empty[name]}
        reasons += _grouped(full, lasting=False, of=len(nodes))
    counted = tuple(left(pod, capacity.quotas))
    no = tuple(dict.fromkeys((*refused(pod, capacity), *_over(pod, capacity, counted))))
    untold = tuple(_untold(pod, capacity))
    fits_now = None if blind or half else tuple(name for name, found in now.items() if not found)
    fits_empty = None if blind else tuple(name for name, found in empty.items() if not found)
    counts = [None if each is None else len(each) for each in (fits_now, fits_empty)]
    text = fit_words.sentence(
        counts[0],
        counts[1],
        len(nodes),
        [(each.words, each.fix, each.lasting) for each in reasons],
        [each for each in counted if each.enough],
        no,
        untold,
    )
    return Fit(fits_now, fits_empty, len(nodes), text, tuple(reasons), counted, no, untold)


def _grouped(found: dict[str, tuple[Obstacle, ...]], *, lasting: bool, of: int) -> Iterator[Reason]:
    """The same obstacles together, the most nodes first. A node with several is counted with all of them."""
    groups = Counter(kept for kept in found.values() if kept)
    for kept, count in sorted(groups.items(), key=lambda item: (-item[1], str(item[0]))):
        words, fix = fit_words.reason(kept, count, lasting, of)
        yield Reason(kept[0], count, lasting, words, fix)


def _over(pod: Part, capacity: Capacity, counted: tuple[Left, ...]) -> Iterator[str]:
    for each in counted:
        if not each.enough:
            asked, free = (shown(each.name, amount) for amount in (each.asked, each.left))
            yield f"quota {each.quota} leaves {free} of {each.name}, {asked} is asked"
    for quota, name in unsaid(pod, capacity.quotas):
        yield f"quota {quota} wants every container to say its {name}"


def _untold(pod: Part, capacity: Capacity) -> Iterator[str]:
    """What was not counted, as it could not be read or needs the other pods."""
    spec = pod["spec"]
    for what in ("nodes", "pods"):
        if capacity.lacks(what):
            yield {"nodes": "which nodes fit", "pods": "what is free now"}[what] + f" ({capacity.lacks(what)})"
            break
    for what, words in (("quotas", "what quota leaves"), ("limit ranges", "what limits the namespace sets")):
        if capacity.lacks(what):
            yield f"{words} ({capacity.lacks(what)})"
    if any(untold(term) for kind in ("podAffinity", "podAntiAffinity") for term in terms(spec, kind)):
        yield "affinity to pods of namespaces by their labels"
    if any(untold(term) for each in capacity.pods for term in each.keeps_away):
        yield "anti-affinity of other pods to namespaces by their labels"
    if any(each.get("whenUnsatisfiable") == "DoNotSchedule" for each in spec.get("topologySpreadConstraints") or ()):
        yield "topology spread"
    if spec.get("resourceClaims"):
        yield "resource claims"
    if spec.get("schedulerName") not in (None, "", "default-scheduler"):
        yield f"what the scheduler {spec['schedulerName']} thinks"
    reach = {each.name for each in capacity.claims if each.volume}
    if capacity.lacks("volumes") and not capacity.lacks("nodes") and reach & set(claim_names(spec)):
        yield f"which nodes reach its volumes ({capacity.lacks('volumes')})"
    values = {each.name: each.value for each in capacity.priority_classes}
    if values.get(spec.get("priorityClassName") or "", 0) > 0:
        yield "pods of a lower priority, which may have to go for it"

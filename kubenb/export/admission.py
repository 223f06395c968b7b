"""A pod as the API server would take it: with the defaults of its namespace and classes; and what it would refuse.

In: a manifest, a `Capacity`. Out: the manifest with what LimitRanges, a runtime class and a priority class add; refusals in words.
The server's own dry run knows more (Pod Security, webhooks), and `cluster.preflight` asks it; this needs no request, so it can be done
at each keystroke. Where two LimitRanges give the same default, the server takes either. Pure. Next rooms: `quota`, `predicates`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from kubenb.export.requests import Part, pod_amounts, read_amounts
from kubenb.model.capacity import Amounts, Capacity, Limit

AWAY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
DEFAULT = "default"


def admitted(manifest: Part, capacity: Capacity) -> Part:
    """A copy; idempotent, as is the server."""
    pod = copy.deepcopy(manifest)
    spec = pod["spec"]
    containers = _containers(spec)
    for container in containers:
        _give(container, {}, _resources(container).get("limits") or {})
    for limit in capacity.limits:
        if limit.kind == "Container":
            for container in containers:
                _give(container, limit.default, limit.default_request)
    _class_of_runtime(spec, capacity)
    if not spec.get("priorityClassName"):
        named = next((each.name for each in capacity.priority_classes if each.default), "")
        spec.update({"priorityClassName": named} if named else {})
    tolerations = list(spec.get("tolerations") or ())
    for key in AWAY:
        if not any(
            (each.get("key") or key) == key and each.get("effect") in (None, "", "NoExecute") for each in tolerations
        ):
            tolerations.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    spec["tolerations"] = tolerations
    return pod


def _containers(spec: Part) -> list[Part]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _resources(container: Part) -> Part:
    found: Part = container.get("resources") or {}
    return found


def _give(container: Part, limits: Mapping[str, str], requests: Mapping[str, str]) -> None:
    """What it does not say itself."""
    resources = _resources(container)
    for kind, given in (("limits", limits), ("requests", requests)):
        both = {**given, **(resources.get(kind) or {})}
        if both:
            resources[kind] = both
    if resources:
        container["resources"] = resources


def _class_of_runtime(spec: Part, capacity: Capacity) -> None:
    found = next((each for each in capacity.runtime_classes if each.name == spec.get("runtimeClassName")), None)
    if found is None:
        return
    if found.overhead:
        spec["overhead"] = dict(found.overhead)
    if found.node_selector:
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **found.node_selector}
    spec["tolerations"] = [*(spec.get("tolerations") or ()), *map(dict, found.tolerations)]


def refused(pod: Part, capacity: Capacity) -> Iterator[str]:
    """Of a pod that is `admitted`: what LimitRanges and names are against."""
    spec = pod["spec"]
    for limit in capacity.limits:
        if limit.kind == "Container":
            for container in _containers(spec):
                resources = _resources(container)
                requests, limits = (read_amounts(resources.get(kind) or {}) for kind in ("requests", "limits"))
                yield from _bounds(limit, requests, limits, "a container")
        elif limit.kind == "Pod":
            yield from _bounds(limit, pod_amounts(spec), pod_amounts(spec, "limits"), "a pod")
    for container in _containers(spec):
        asked, most = (_resources(container).get(kind) or {} for kind in ("requests", "limits"))
        limits = read_amounts(most)
        for name, amount in read_amounts(asked).items():
            if amount > limits.get(name, amount):
                yield f"the limit of {most[name]} {name} is below the {asked[name]} that it asks for"
    yield from _unknown(spec, capacity)


def _bounds(limit: Limit, requests: Amounts, limits: Amounts, what: str) -> Iterator[str]:
    for name, least in read_amounts(limit.least).items():
        low = [amount for amount in (requests.get(name), limits.get(name)) if amount is not None]
        if name not in requests or min(low) < least:
            yield f"limit range {limit.name} asks at least {limit.least[name]} {name} of {what}"
    for name, most in read_amounts(limit.most).items():
        high = [amount for amount in (requests.get(name), limits.get(name)) if amount is not None]
        if name not in limits or max(high) > most:
            yield f"limit range {limit.name} allows {what} at most {limit.most[name]} {name}"
    for name, ratio in read_amounts(limit.ratio).items():
        request, most = requests.get(name, Decimal(0)), limits.get(name, Decimal(0))
        if not request or not most or most / request > ratio:
            yield f"limit range {limit.name} allows a limit of {name} at most {limit.ratio[name]} times the request"


def _unknown(spec: Part, capacity: Capacity) -> Iterator[str]:
    """Classes, accounts and claims that are not there."""
    named: Iterable[tuple[str, str, str, Iterable[str]]] = (
        ("priority class", "priority classes", spec.get("priorityClassName") or "",
         (each.name for each in capacity.priority_classes)),
        ("runtime class", "runtime classes", spec.get("runtimeClassName") or "",
         (each.name for each in capacity.runtime_classes)),
        ("service account", "service accounts", spec.get("serviceAccountName") or "", capacity.service_accounts),
    )  # fmt: skip
    for what, kind, name, there in named:
        if name and not capacity.lacks(kind) and name not in set(there):
            yield f"there is no {what} {name}"
    if capacity.lacks("volume claims"):
        return
    claims = {each.name: each for each in capacity.claims}
    waits = {each.name for each in capacity.storage_classes if each.waits}
    for name in claim_names(spec):
        claim = claims.get(name)
        if claim is None:
            yield f"there is no volume claim {name}"
        elif claim.phase == "Lost":
            yield f"the volume claim {name} has lost its volume"
        elif claim.phase != "Bound" and not capacity.lacks("storage classes") and claim.storage_class not in waits:
            yield f"the volume claim {name} has no volume yet"


def claim_names(spec: Part) -> list[str]:
    """Of the claims that its volumes name."""
    found = (each.get("persistentVolumeClaim") or {} for each in spec.get("volumes") or ())
    return [str(each["claimName"]) for each in found if each.get("claimName")]

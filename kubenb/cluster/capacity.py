"""The cluster as one user sees it from a namespace: nodes and what is free on them, quota, limits, classes, names.

In: a client, a namespace. Out: `Capacity`. One LIST a kind, side by side; of secrets, config maps and service accounts only metadata
comes over the wire. What this user may not list is in `missing`, with the verb that was denied. Kept for a few seconds, so that a
picker may ask at each keystroke. Next rooms: `nodes` (what is on each), `export.fit`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kubenb.cluster.client import NAMES, Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.nodes import neighbours, nodes
from kubenb.export.requests import read_amounts
from kubenb.model.capacity import (
    Capacity,
    Claim,
    Limit,
    Missing,
    PriorityClass,
    Quota,
    RuntimeClass,
    Scope,
    StorageClass,
)

Part = dict[str, Any]
KEPT = 5.0  # seconds
MOST = 8  # namespaces whose values are kept
RUNNING = {"fieldSelector": "status.phase!=Succeeded,status.phase!=Failed"}


@dataclass(frozen=True)
class Kind:
    """A kind of object: what it is called, where it is listed, and how."""

    words: str
    path: str
    names_only: bool = False
    query: tuple[tuple[str, str], ...] = ()


OF_CLUSTER = (
    Kind("nodes", "/api/v1/nodes"),
    Kind("pods", "/api/v1/pods", query=tuple(RUNNING.items())),
    Kind("volumes", "/api/v1/persistentvolumes"),
    Kind("priority classes", "/apis/scheduling.k8s.io/v1/priorityclasses"),
    Kind("runtime classes", "/apis/node.k8s.io/v1/runtimeclasses"),
    Kind("storage classes", "/apis/storage.k8s.io/v1/storageclasses"),
)
OF_NAMESPACE = (
    Kind("quotas", "resourcequotas"),
    Kind("limit ranges", "limitranges"),
    Kind("volume claims", "persistentvolumeclaims"),
    Kind("service accounts", "serviceaccounts", names_only=True),
    Kind("secrets", "secrets", names_only=True),
    Kind("config maps", "configmaps", names_only=True),
)
Listed = list[Part] | Missing
_kept: dict[tuple[object, ...], tuple[float, Listed]] = {}
_made: dict[
    tuple[object, ...], tuple[list[Listed], Capacity]
] = {}  # from which lists: ten thousand pods take a while to read
_lock = threading.Lock()


def look(client: Client, namespace: str, *, kept: float = KEPT) -> Capacity:
    """Nothing older than `kept` seconds. Raises Unreachable, and ApiError of another kind than 403 and 404."""
    own = tuple(
        Kind(each.words, f"/api/v1/namespaces/{namespace}/{each.path}", each.names_only) for each in OF_NAMESPACE
    )
    kinds = (*OF_CLUSTER, *own)
    with ThreadPoolExecutor(len(kinds), "kubenb-look") as pool:
        lists = list(pool.map(lambda kind: _listed(client, kind, kept), kinds))
    key = (*_whose(client), namespace)
    with _lock:
        before, made = _made.get(key, ([], None))
    if made is not None and all(one is other for one, other in zip(before, lists, strict=True)):
        return made
    made = read({kind.words: found for kind, found in zip(kinds, lists, strict=True)}, client.context, namespace)
    with _lock:
        if len(_made) >= MOST:
            _made.clear()
        _made[key] = lists, made
    return made


def forget() -> None:
    """What is kept: the next look asks anew."""
    with _lock:
        _kept.clear()
        _made.clear()


def _whose(client: Client) -> tuple[object, ...]:
    """What one user saw is not for another."""
    access = client.access
    return access.server, access.context, repr(access.user), access.certificate


def _listed(client: Client, kind: Kind, kept: float) -> Listed:
    key = (*_whose(client), kind.path)
    with _lock:
        at, found = _kept.get(key, (0.0, []))
        if key in _kept and time.monotonic() - at < kept:
            return found
    began = time.monotonic()
    found = _ask(client, kind)
    with _lock:
        for old in [each for each, (at, _) in _kept.items() if began - at > 10 * KEPT]:
            del _kept[old]
        _kept[key] = began, found
    return found


def _ask(client: Client, kind: Kind) -> Listed:
    try:
        query: Part = dict(kind.query)
        return client.list(kind.path, accept=NAMES if kind.names_only else "", **query)
    except ApiError as error:
        if error.status == 403:
            everywhere = "" if "/namespaces/" in kind.path or kind.words != "pods" else " of all namespaces"
            return Missing(kind.words, f"this user may not list {kind.words}{everywhere}")
        if error.status == 404:
            return Missing(kind.words, f"this cluster has no {kind.words}")
        raise


def read(found: Mapping[str, Listed], context: str, namespace: str) -> Capacity:
    """Objects as the API has them, to values."""

    def of(words: str, make: Callable[[Part], Any]) -> tuple[Any, ...]:
        listed = found.get(words, [])
        return () if isinstance(listed, Missing) else tuple(make(each) for each in listed)

    volumes = {each["metadata"]["name"]: each for each in of("volumes", dict)}
    return Capacity(
        context,
        namespace,
        nodes=tuple(nodes(of("nodes", dict), of("pods", dict))),
        quotas=of("quotas", _quota),
        limits=tuple(limit for limits in of("limit ranges", _limits) for limit in limits),
        priority_classes=of("priority classes", _priority_class),
        runtime_classes=of("runtime classes", _runtime_class),
        service_accounts=of("service accounts", _name),
        secrets=of("secrets", _name),
        config_maps=of("config maps", _name),
        claims=of("volume claims", lambda each: _claim(each, volumes)),
        storage_classes=of("storage classes", _storage_class),
        missing=tuple(each for each in found.values() if isinstance(each, Missing)),
        pods=tuple(neighbours(of("pods", dict))),
    )


def _name(item: Part) -> str:
    return str(item["metadata"]["name"])


def _quota(item: Part) -> Quota:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    chosen = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    scopes = [Scope(name) for name in spec.get("scopes") or ()]
    scopes += [Scope(each["scopeName"], each["operator"], tuple(each.get("values") or ())) for each in chosen]
    hard = status.get("hard") or spec.get("hard") or {}
    return Quota(_name(item), read_amounts(hard), read_amounts(status.get("used") or {}), tuple(scopes))


def _limits(item: Part) -> list[Limit]:
    fields = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
    return [
        Limit(_name(item), str(each.get("type")), *(each.get(field) or {} for field in fields))
        for each in (item.get("spec") or {}).get("limits") or ()
    ]


def _priority_class(item: Part) -> PriorityClass:
    return PriorityClass(_name(item), item["value"], bool(item.get("globalDefault")))


def _runtime_class(item: Part) -> RuntimeClass:
    overhead, scheduling = (item.get("overhead") or {}).get("podFixed") or {}, item.get("scheduling") or {}
    tolerations = tuple(scheduling.get("tolerations") or ())
    return RuntimeClass(_name(item), item["handler"], overhead, scheduling.get("nodeSelector") or {}, tolerations)


def _claim(item: Part, volumes: Mapping[str, Part]) -> Claim:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    volume = spec.get("volumeName") or ""
    bound = volumes.get(volume, {}).get("spec") or {}
    required = (bound.get("nodeAffinity") or {}).get("required")
    return Claim(
        _name(item),
        tuple(status.get("accessModes") or spec.get("accessModes") or ()),
        str(status.get("phase") or "Pending"),
        str((status.get("capacity") or {}).get("storage") or ""),
        spec.get("storageClassName") or "",
        volume,
        None if required is None else tuple(required.get("nodeSelectorTerms") or ()),
    )


def _storage_class(item: Part) -> StorageClass:
    default = (item["metadata"].get("annotations") or {}).get("storageclass.kubernetes.io/is-default-class") == "true"
    waits = item.get("volumeBindingMode") == "WaitForFirstConsumer"
    return StorageClass(_name(item), str(item.get("provisioner", "")), default, waits)

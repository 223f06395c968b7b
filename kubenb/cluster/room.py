"""Whether the tasks that can run at the same time fit into what a namespace's quota has left.

In: pods as the API server would take them, in groups; quotas. Out: what would not fit, in words. The server's own dry run
looks at one pod at a time, so it can't know. Pure. Next rooms: `export.quota` counts, `preflight` says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from kubenb.export.quota import asked_of_quota
from kubenb.model.quantities import parse_quantity, plain, show_bytes

Part = dict[str, Any]
BYTES = ("memory", "ephemeral-storage")


def asks(pod: Part) -> dict[str, Decimal]:
    """What a pod takes of a quota, by the quota's names.

    >>> asks({"spec": {"containers": [{"resources": {"requests": {"memory": "1Gi"}}}]}})["requests.memory"]
    Decimal('1073741824')
    """
    return asked_of_quota(pod["spec"])


def short(pods: Sequence[Part], quotas: Iterable[Part]) -> list[tuple[str, str, str, str]]:
    """(quota, resource, asked for together, what is free) for each resource of which there is too little for all of them."""
    totals: dict[str, Decimal] = {}
    for pod in pods:
        for name, amount in asks(pod).items():
            totals[name] = totals.get(name, Decimal(0)) + amount
    found = []
    for quota in quotas:
        if (quota.get("spec") or {}).get("scopes") or (quota.get("spec") or {}).get("scopeSelector"):
            continue  # it may be about other pods
        status = quota.get("status") or {}
        for name, hard in (status.get("hard") or {}).items():
            free = parse_quantity(str(hard)) - parse_quantity(str((status.get("used") or {}).get(name, "0")))
            if name in totals and totals[name] > free:
                found.append(
                    (
                        str(quota["metadata"]["name"]),
                        name,
                        shown(name, totals[name]),
                        shown(name, max(free, Decimal(0))),
                    )
                )
    return found


def shown(name: str, value: Decimal) -> str:
    """'4 GiB', '1.5'."""
    return show_bytes(value) if name.rpartition(".")[2] in BYTES else plain(value)

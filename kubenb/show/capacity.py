"""What a cluster has, and where tasks fit, drawn.

In: a `Capacity`, and a `Fit` for each task that was asked about. Out: `Room`, text, tables and JSON. Next room: the verb that returns it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kubenb.export.fit import Fit
from kubenb.model.capacity import Amounts, Capacity, Claim, Limit, Node, Quota, shown
from kubenb.show.shown import Shown, count
from kubenb.show.table import Table

ROWS = 30  # of nodes: those with the most room


@dataclass(frozen=True)
class Sized:
    """A task, what it asks for, and where that fits."""

    task: str
    namespace: str
    asks: Amounts
    fit: Fit


class Room(Shown):
    """`tasks`: those that were asked about; without any, what the cluster has."""

    def __init__(self, capacity: Capacity, tasks: tuple[Sized, ...] = (), *, of_cluster: bool = True) -> None:
        self.capacity, self.tasks, self.of_cluster = capacity, tasks, of_cluster

    @property
    def ok(self) -> bool:
        """No task asks for what the cluster will never give."""
        return not any(each.fit.never for each in self.tasks)

    def tables(self) -> Iterator[Table]:
        """In the order in which one would look."""
        where = f"context {self.capacity.context}, namespace {self.capacity.namespace}"
        if not self.of_cluster:
            rows = tuple((each.task, _asks(each.asks), each.fit.words) for each in self.tasks)
            yield Table(f"Tasks in {where}", ("task", "asks", "fits"), rows, "" if rows else "There are none.")
            return
        if not self.capacity.lacks("nodes"):
            yield _nodes(self.capacity)
        found = tuple(_of_namespace(self.capacity))
        yield Table(f"Namespace {self.capacity.namespace}", ("what", "name", "has"), found, "" if found else "Nothing.")
        unknown = tuple((each.what, each.why) for each in self.capacity.missing)
        if unknown:
            yield Table("Not known", ("what", "why"), unknown)

    def __str__(self) -> str:
        if not self.of_cluster:
            return "\n".join(f"{each.task} ({_asks(each.asks)}): {each.fit.words}" for each in self.tasks)
        return "\n\n".join(map(str, self.tables()))

    def html(self) -> str:
        """Tables, one below the other."""
        return "".join(table.html() for table in self.tables())

    def markdown(self) -> str:
        """Pipe tables."""
        return "\n\n".join(table.markdown() for table in self.tables())

    def json(self) -> Any:
        """All that is known: cores, bytes and counts as numbers."""
        tasks = [{**_plain(each), "fit": {**_plain(each.fit), "ok": each.fit.ok}} for each in self.tasks]
        return {"capacity": _plain(self.capacity), "tasks": tasks} if self.of_cluster else {"tasks": tasks}


def _asks(amounts: Amounts) -> str:
    return ", ".join(f"{shown(name, amount)} {name}" for name, amount in amounts.items() if amount) or "nothing"


def _nodes(capacity: Capacity) -> Table:
    """Free now, of what there is."""
    told = not capacity.lacks("pods")
    kept = sorted(capacity.nodes, key=lambda node: (-node.free("cpu"), -node.free("memory"), node.name))[:ROWS]
    rows = tuple(
        (node.name, *(_free(node, name, told) for name in ("cpu", "memory", "pods")), _gpus(node, told), _taints(node))
        for node in kept
    )
    more = len(capacity.nodes) - len(rows)
    note = f"And {count(more, 'node')} with less free; --json has all." if more else "" if rows else "There are none."
    columns = ("node", "cpu", "memory", "pods", "gpu", "taints")
    return Table(f"Nodes of context {capacity.context}{', free now' if told else ''}", columns, rows, note)


def _free(node: Node, name: str, told: bool) -> str:
    all_of_it = shown(name, node.allocatable.get(name, Decimal(0)))
    return f"{shown(name, node.free(name))} of {all_of_it}" if told else all_of_it


def _gpus(node: Node, told: bool) -> str:
    return ", ".join(f"{_free(node, name, told)} {name}" for name in node.gpus)


def _taints(node: Node) -> str:
    words = ["closed for maintenance"] if node.closed else []
    keys = [str(each) for each in node.taints if each.key != "node.kubernetes.io/unschedulable"]
    return ", ".join([*words, *keys])


def _of_namespace(capacity: Capacity) -> Iterator[tuple[str, str, str]]:
    for quota in capacity.quotas:
        yield "quota", quota.name, _quota(quota)
    for limit in capacity.limits:
        yield "limits", limit.name, _limit(limit)
    for claim in capacity.claims:
        yield "volume claim", claim.name, _claim(claim)
    for what, names in (
        ("priority classes", (each.name for each in capacity.priority_classes)),
        ("runtime classes", (each.name for each in capacity.runtime_classes)),
        ("storage classes", (each.name + (" (default)" if each.default else "") for each in capacity.storage_classes)),
        ("service accounts", capacity.service_accounts),
        ("secrets", capacity.secrets),
        ("config maps", capacity.config_maps),
    ):
        words = _names(names)
        if words:
            yield what, "", words


def _names(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - 12} more" if len(found) > 12 else ""
    return ", ".join(found[:12]) + more


def _quota(quota: Quota) -> str:
    parts = [
        f"{shown(name, max(hard - quota.used.get(name, Decimal(0)), Decimal(0)))} of {shown(name, hard)} {name} left"
        for name, hard in quota.hard.items()
    ]
    scopes = f" (for {', '.join(scope.name for scope in quota.scopes)})" if quota.scopes else ""
    return ", ".join(parts) + scopes


def _limit(limit: Limit) -> str:
    bounds = (
        ("min", limit.least),
        ("max", limit.most),
        ("default", limit.default),
        ("default request", limit.default_request),
        ("limit at most times the request", limit.ratio),
    )
    parts = [f"{word} {amount} {name}" for word, amounts in bounds for name, amount in amounts.items()]
    return f"a {limit.kind.lower()}: {', '.join(parts)}"


def _claim(claim: Claim) -> str:
    return ", ".join(part for part in (claim.size, *claim.modes, claim.phase, claim.storage_class) if part)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value) if each.repr}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (tuple, list, frozenset)):
        return [_plain(each) for each in (sorted(value, key=str) if isinstance(value, frozenset) else value)]
    return value

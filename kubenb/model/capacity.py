"""What a cluster has for a pod of one namespace: nodes, quota, limits, classes, and the names that a pod may give.

Amounts are exact: cores, bytes, counts, by the names that Kubernetes has for them; "pods" is one of them. Of secrets and config maps
only the names are here. What could not be looked at stands in `missing`. `cluster.capacity` makes these values, `export.fit`
reckons with them. Next room: `quantities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from kubenb.model.quantities import plain

Amounts = Mapping[str, Decimal]
NOTHING = Decimal(0)
IN_BYTES = ("memory", "ephemeral-storage", "storage")
UNITS = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


@dataclass(frozen=True)
class Taint:
    """What keeps pods off a node that do not tolerate it."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"

    def __str__(self) -> str:
        """'dedicated=ml', as `#| toleration:` takes it."""
        return f"{self.key}={self.value}" if self.value else self.key


@dataclass(frozen=True)
class Port:
    """A port of the node that a pod holds."""

    number: int
    protocol: str = "TCP"
    address: str = "0.0.0.0"


@dataclass(frozen=True)
class Load:
    """What pods take of a node."""

    amounts: Amounts = field(default_factory=dict)
    ports: frozenset[Port] = frozenset()


@dataclass(frozen=True)
class Node:
    """A node. `now`: what its pods take; `always`: what those take that every node has (of daemon sets, and static ones)."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    closed: bool = False
    allocatable: Amounts = field(default_factory=dict)
    now: Load = Load()
    always: Load = Load()

    def free(self, name: str) -> Decimal:
        """What is left now; never below nothing."""
        return max(self.allocatable.get(name, NOTHING) - self.now.amounts.get(name, NOTHING), NOTHING)

    @property
    def gpus(self) -> dict[str, int]:
        """Kinds of GPU and how many of each, free or not."""
        return {name: int(amount) for name, amount in self.allocatable.items() if is_gpu(name) and amount}


@dataclass(frozen=True)
class Neighbour:
    """A pod that has a node, as far as others must be near it or away from it. `keeps_away`: its required anti-affinity terms."""

    node: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    keeps_away: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class Scope:
    """Which pods a quota is about."""

    name: str
    operator: str = "Exists"
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quota:
    """A ResourceQuota."""

    name: str
    hard: Amounts
    used: Amounts
    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True)
class Limit:
    """One item of a LimitRange: for each container, or for the pod. Amounts are as the LimitRange writes them."""

    name: str
    kind: str
    least: Mapping[str, str] = field(default_factory=dict)
    most: Mapping[str, str] = field(default_factory=dict)
    default: Mapping[str, str] = field(default_factory=dict)
    default_request: Mapping[str, str] = field(default_factory=dict)
    ratio: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PriorityClass:
    """`default`: for pods that name none."""

    name: str
    value: int = 0
    default: bool = False


@dataclass(frozen=True)
class RuntimeClass:
    """What runs the containers, what it takes itself, and the nodes that have it."""

    name: str
    handler: str = ""
    overhead: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Claim:
    """A volume claim. `reach`: the node selector terms of its volume, None where any node reaches it or nobody could look."""

    name: str
    modes: tuple[str, ...] = ()
    phase: str = "Bound"
    size: str = ""
    storage_class: str = ""
    volume: str = ""
    reach: tuple[Mapping[str, object], ...] | None = None


@dataclass(frozen=True)
class StorageClass:
    """Where new volumes come from. `waits`: a volume is made once a pod that needs it has a node."""

    name: str
    provisioner: str = ""
    default: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Missing:
    """What could not be read ('nodes'), and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Capacity:
    """The cluster as one user sees it from one namespace. A kind that `missing` names is empty here, and is not known to be."""

    context: str
    namespace: str
    nodes: tuple[Node, ...] = ()
    quotas: tuple[Quota, ...] = ()
    limits: tuple[Limit, ...] = ()
    priority_classes: tuple[PriorityClass, ...] = ()
    runtime_classes: tuple[RuntimeClass, ...] = ()
    service_accounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    config_maps: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    storage_classes: tuple[StorageClass, ...] = ()
    missing: tuple[Missing, ...] = ()
    pods: tuple[Neighbour, ...] = field(default=(), repr=False)

    def lacks(self, what: str) -> str:
        """Why that kind could not be read; '' where it was."""
        return next((each.why for each in self.missing if each.what == what), "")


def is_gpu(name: str) -> bool:
    """An extended resource that is a GPU by its name, or a slice of one.

    >>> is_gpu("nvidia.com/gpu"), is_gpu("nvidia.com/mig-1g.5gb"), is_gpu("hugepages-2Mi"), is_gpu("gpu.intel.com/i915")
    (True, True, False, True)
    """
    domain, slash, kind = name.partition("/")
    return bool(slash) and ("gpu" in kind or kind.startswith("mig-") or domain.startswith("gpu."))


def shown(name: str, amount: Decimal) -> str:
    """An amount of that resource as a manifest says it, rounded down to two digits behind the point.

    >>> shown("requests.memory", Decimal(6 * 2**30)), shown("cpu", Decimal("1.5")), shown("memory", Decimal(1900 * 2**20))
    ('6Gi', '1.5', '1.85Gi')
    """
    kind = name.partition(".")[2] if name.startswith(("requests.", "limits.")) else name
    unit, size = "", 1
    if kind in IN_BYTES or kind.startswith("hugepages-"):
        unit, size = next(((unit, size) for unit, size in UNITS if amount >= size), ("", 1))
    return plain((amount / size).quantize(Decimal("0.01" if size > 1 else "0.001"), ROUND_DOWN)) + unit

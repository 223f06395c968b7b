"""A pod's status, read once: the fields that a diagnosis asks for, with nothing missing; and its amounts and texts as people read them.

In: the pod, its events, what the runtime said. Out: `Reading`. Next rooms: `diagnosis`, `endings`, `waiting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kubenb.cluster.shortening import cut
from kubenb.model.quantities import parse_quantity
from kubenb.model.values import BadValue

Part = dict[str, Any]
Said = tuple[str, str, str]  # what, fix, code
BASE = "base"


class Reading:
    """The task's own container is the one called base, else the first."""

    def __init__(self, pod: Part, events: Sequence[Part], now: datetime, told: Mapping[str, Any]) -> None:
        self.pod, self.events, self.now, self.told = pod, events, now, told
        self.metadata: Part = pod.get("metadata") or {}
        self.spec: Part = pod.get("spec") or {}
        self.status: Part = pod.get("status") or {}
        self.name = str(self.metadata.get("name", ""))
        self.namespace = str(self.metadata.get("namespace", "default"))
        self.phase = str(self.status.get("phase", "Pending"))
        self.reason = str(self.status.get("reason", ""))
        self.message = str(self.status.get("message", ""))
        self.deleting = bool(self.metadata.get("deletionTimestamp"))
        self.finalizers: list[str] = self.metadata.get("finalizers") or []
        self.statuses: list[Part] = self.status.get("containerStatuses") or []
        self.init_statuses: list[Part] = self.status.get("initContainerStatuses") or []

    @property
    def container(self) -> Part:
        """Of the spec."""
        found: list[Part] = self.spec.get("containers") or [{}]
        return next((each for each in found if each.get("name") == BASE), found[0])

    @property
    def base(self) -> Part:
        """Its state: {'running': …}, {'waiting': …} or {'terminated': …}."""
        state: Part = self.status_of_base.get("state") or {}
        return state

    @property
    def status_of_base(self) -> Part:
        """The container's status."""
        name = self.container.get("name")
        return next((each for each in self.statuses if each.get("name") == name), {})

    @property
    def conditions(self) -> dict[str, Part]:
        """By their types."""
        return {str(each.get("type")): each for each in self.status.get("conditions") or ()}

    @property
    def terminated(self) -> Part | None:
        """How the container ended."""
        return self.base.get("terminated")

    @property
    def started(self) -> bool:
        """The container runs, or has run."""
        return "running" in self.base or "terminated" in self.base

    @property
    def exit_code(self) -> int | None:
        """The runtime's word for it counts before the container has ended."""
        if "ended" in self.told:
            return int(self.told["ended"])
        return int(self.terminated["exitCode"]) if self.terminated else None

    @property
    def succeeded(self) -> bool:
        """It ended well, whatever became of the pod afterwards."""
        if self.phase == "Succeeded" or ("ended" in self.told and not self.told["ended"]):
            return True
        return self.phase != "Failed" and self.exit_code == 0 and self.condition("DisruptionTarget") is None

    @property
    def memory_limit(self) -> int | None:
        """Bytes."""
        return self.memory_limit_of(str(self.container.get("name")))

    def memory_limit_of(self, name: str) -> int | None:
        """Bytes, of a container."""
        text = ((self.container_named(name).get("resources") or {}).get("limits") or {}).get("memory")
        return int(parse_quantity(str(text))) if text else None

    def container_named(self, name: str) -> Part:
        """Of the spec, init containers too."""
        found: list[Part] = [*(self.spec.get("initContainers") or ()), *(self.spec.get("containers") or ())]
        return next((each for each in found if each.get("name") == name), self.container)

    def restarts(self, status: Part) -> bool:
        """An init container that is a sidecar."""
        return self.container_named(str(status.get("name"))).get("restartPolicy") == "Always"

    def condition(self, kind: str) -> Part | None:
        """A condition of that kind that holds."""
        found = self.conditions.get(kind)
        return found if found and found.get("status") == "True" else None

    def waits(self) -> tuple[str, str, str]:
        """(container, reason, message) of the first one that waits; init containers come first."""
        for status in (*self.init_statuses, *self.statuses):
            held = (status.get("state") or {}).get("waiting")
            if held:
                return str(status.get("name", "")), str(held.get("reason", "")), str(held.get("message", ""))
        return "", "", ""

    def event(self, *reasons: str) -> Part | None:
        """The last event with one of these reasons."""
        return max((each for each in self.events if each.get("reason") in reasons), key=happened, default=None)


def happened(event: Part) -> str:
    """When it last did, as text that sorts."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")


def one_line(text: str, most: int = 240) -> str:
    """What Kubernetes said, without its last stop."""
    return cut(" ".join(text.split()).rstrip("."), most)


def last_line(text: str) -> str:
    """Of a log's end."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return cut(lines[-1], 300) if lines else ""


def show(size: int) -> str:
    """Memory as a manifest says it.

    >>> show(2**30), show(1610612736), show(850 * 2**20)
    ('1.0Gi', '1.5Gi', '850Mi')
    """
    return f"{size / 2**30:.1f}Gi" if size >= 1000 * 2**20 else f"{size / 2**20:.0f}Mi"


def more(size: int) -> str:
    """Half as much again, in steps that people use.

    >>> more(2**30), more(300 * 2**20), more(6 * 2**30)
    ('1536Mi', '512Mi', '9Gi')
    """
    step = 64 if size < 256 * 2**20 else 256 if size < 4 * 2**30 else 1024
    mebi = -(-int(size * 1.5) // (step * 2**20)) * step
    return f"{mebi // 1024}Gi" if mebi % 1024 == 0 else f"{mebi}Mi"


def times(amount: str) -> str:
    """`more` of an amount as Kubernetes wrote it; of one that it did not, a word to fill in.

    >>> times("20Mi"), times("lots")
    ('64Mi', 'AMOUNT')
    """
    try:
        return more(int(parse_quantity(amount)))
    except BadValue:
        return "AMOUNT"

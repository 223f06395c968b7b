"""A pod's status, read once: the fields that a diagnosis asks for, with nothing missing.

In: the pod, its events, what the runtime said. Out: `Reading`. Next rooms: `diagnosis`, `waiting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kubenb.model.quantities import parse_quantity

Part = dict[str, Any]
BASE = "base"


class Reading:
    """The task's own container is the one called base, else the first."""

    def __init__(self, pod: Part, events: Sequence[Part], now: datetime, told: Mapping[str, Any]) -> None:
        self.pod, self.events, self.now, self.told = pod, events, now, told
        self.metadata: Part = pod.get("metadata") or {}
        self.spec: Part = pod.get("spec") or {}
        self.status: Part = pod.get("status") or {}
        self.name = str(self.metadata.get("name", ""))
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
        name = self.container.get("name")
        status = next((each for each in self.statuses if each.get("name") == name), {})
        state: Part = status.get("state") or {}
        return state

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
    def memory_limit(self) -> int | None:
        """Bytes."""
        text = ((self.container.get("resources") or {}).get("limits") or {}).get("memory")
        return int(parse_quantity(str(text))) if text else None

    def condition(self, kind: str) -> Part | None:
        """A condition of that kind that holds."""
        found: list[Part] = self.status.get("conditions") or []
        return next((each for each in found if each.get("type") == kind and each.get("status") == "True"), None)

    def waits(self) -> tuple[str, str, str]:
        """(container, reason, message) of the first one that waits; init containers come first."""
        for status in (*self.init_statuses, *self.statuses):
            held = (status.get("state") or {}).get("waiting")
            if held:
                return str(status.get("name", "")), str(held.get("reason", "")), str(held.get("message", ""))
        return "", "", ""

    def event(self, *reasons: str) -> Part | None:
        """The last event with one of these reasons."""
        found = [each for each in self.events if each.get("reason") in reasons]
        return max(found, key=_at, default=None)


def _at(event: Part) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp") or "")

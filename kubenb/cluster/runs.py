"""The pods that were started from notebooks and shells: who started them, what they do, and which nobody waits for any more.

In: a client, a namespace. Out: `Started` values; and the ends of those that were left behind. All of it stands on the pods
themselves (`marks`), so any kernel, shell or machine finds them. Next rooms: `diagnosis` for their state; `%k8s_runs`,
`kubenb runs` and `kubenb gc` show and end them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from kubenb.cluster import marks, paths
from kubenb.cluster.client import Client
from kubenb.cluster.diagnosis import State, state
from kubenb.cluster.errors import ApiError

Part = dict[str, Any]
KEPT_DETACHED = 24 * 3600.0  # seconds for which an ended pod that was left to itself stays to be looked at


@dataclass(frozen=True)
class Started:
    """One pod of a run. `about`: what its starter wrote down of it."""

    pod: Part
    about: Part
    state: State
    age: float

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])

    @property
    def task(self) -> str:
        """'train', 'score[3]'."""
        item = self.about.get("item")
        return str(self.about.get("task", self.name)) + (f"[{item}]" if item is not None else "")

    @property
    def detached(self) -> bool:
        """It was left to itself."""
        return marks.DETACHED in _notes(self.pod)

    @property
    def owner(self) -> str:
        """Who started it."""
        return str(self.pod["metadata"].get("labels", {}).get(marks.OWNER, ""))


def started(
    client: Client, namespace: str | None = None, owner: str | None = None, now: datetime | None = None
) -> list[Started]:
    """All pods of runs, oldest first; of one `owner` where that is given. `namespace` '': of all namespaces."""
    now = now or datetime.now(timezone.utc)
    where = client.namespace if namespace is None else namespace
    selector = f"{marks.MANAGED}=kubenb,{marks.RUN}" + (f",{marks.OWNER}={owner}" if owner else "")
    found = client.list(paths.pods(where), labelSelector=selector)
    made = [
        Started(
            pod, _about(pod), state(pod, (), now), (now - _time(pod["metadata"]["creationTimestamp"])).total_seconds()
        )
        for pod in found
    ]
    return sorted(made, key=lambda each: -each.age)


def named(found: Iterable[Started], name: str) -> list[Started]:
    """Those of that task or pod or run, the newest last."""
    return [each for each in found if name in (each.name, each.task, each.about.get("task"), each.about.get("run"))]


def stale(each: Started, now: datetime) -> str:
    """Why nobody waits for it any more; '' where somebody may."""
    notes = _notes(each.pod)
    if each.detached:
        if each.state.final and each.age > KEPT_DETACHED:
            return "it ended, and was left for a day"
        return ""
    seen = notes.get(marks.HEARTBEAT)
    try:
        quiet = (now - _time(str(seen))).total_seconds()
        most = float(notes.get(marks.TIME_TO_LIVE, "300"))
    except ValueError:
        return "it has no heartbeat"
    return f"who started it was last seen {quiet:.0f} s ago" if quiet > most else ""


def sweep(client: Client, found: Iterable[Started], now: datetime | None = None) -> list[tuple[Started, str]]:
    """Deletes those that nobody waits for; they and why. Pods of others stay where this user may not delete them."""
    now = now or datetime.now(timezone.utc)
    ended = []
    for each in found:
        why = stale(each, now)
        if why and end(client, each):
            ended.append((each, why))
    return ended


def end(client: Client, each: Started, grace: int = 1) -> bool:
    """Deletes one. The UID goes along, so that another pod that took the name is not touched."""
    try:
        client.delete(paths.pods(each.namespace, each.name), grace, uid=str(each.pod["metadata"].get("uid", "")))
    except ApiError as error:
        if error.status in (403, 409):
            return False
        raise
    return True


def _notes(pod: Part) -> dict[str, str]:
    return pod["metadata"].get("annotations") or {}


def _about(pod: Part) -> Part:
    try:
        found = json.loads(_notes(pod).get(marks.ABOUT, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))

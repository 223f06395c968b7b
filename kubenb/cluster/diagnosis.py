"""What a pod does now, and why it failed: one ordered table from its status and events to a cause, a number and a next step.

In: the pod as the API server has it (None: it is gone), its events, what the runtime in it said last. Out: `State`: words
while it lives; at its end, or where it can't go on, one `Problem`. Pure. The first row of `ROWS` that knows the pod
answers. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ Next rooms: `waiting` for what has not begun,
`endings` for how a container ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubenb.cluster.endings import child_killed, deleted, ended_badly, init_failed, killed, out_of_memory
from kubenb.cluster.readings import Reading, Said, one_line, times
from kubenb.cluster.waiting import waiting
from kubenb.model.problems import NOWHERE, Problem, Severity

Part = dict[str, Any]


@dataclass(frozen=True)
class State:
    """`words`: for a line that is redrawn. `final`: it will never (or no longer) run. `problem`: why, unless all went well;
    a warning where it went well all the same.

    `cluster`: the cluster ended it, not its own code: trying again may help.
    """

    words: str
    final: bool = False
    problem: Problem | None = None
    cluster: bool = False


def state(pod: Part | None, events: Sequence[Part], now: datetime, told: Mapping[str, Any] | None = None) -> State:
    """The state of a pod. `told`: the runtime's last words: memory, peak, limit (bytes), line, cell; ended and kind at its end."""
    reading = Reading(pod or {}, events, now, dict(told or {}))
    if pod is None:
        return State("gone", True, _problem(_gone(reading)), True)
    if reading.succeeded:
        warned = child_killed(reading)
        return State("done", True, _problem(warned, Severity.WARNING) if warned else None)
    for row, cluster in ROWS:
        said = row(reading)
        if said is not None:
            return State("failed", True, _problem(said), cluster)
    if reading.deleting:
        return State(_going(reading))
    if reading.started:
        return State("running, but its node no longer answers" if _lost(reading) else "running")
    words, said = waiting(reading)
    return State(words, said is not None, _problem(said) if said else None)


def _problem(said: Said, severity: Severity = Severity.ERROR) -> Problem:
    what, fix, code = said
    return Problem(NOWHERE, what, fix, f"pod.{code}", severity)


def _going(reading: Reading) -> str:
    if reading.finalizers:
        return f"is being ended; the cluster keeps it until {', '.join(reading.finalizers)} lets it go"
    grace = reading.metadata.get("deletionGracePeriodSeconds")
    return f"is being ended (it has {grace} s for that)" if grace else "is being ended"


def _lost(reading: Reading) -> bool:
    """The node controller takes back that the pod is ready, and gives no reason; a node's own kubelet always gives one."""
    ready = reading.conditions.get("Ready", {})
    return ready.get("status") == "False" and not ready.get("reason") and bool(reading.status_of_base.get("ready"))


def _gone(reading: Reading) -> Said:
    """Its events outlive it, and may know why."""
    for reasons, words in (
        (("Preempted",), TAKEN),
        (("TaintManagerEviction", "NodeControllerEviction"), UNFIT),
        (("Evicted",), "its node put it out"),
    ):
        event = reading.event(*reasons)
        if event is not None:
            return _disrupted_by(words)
    return "the pod was deleted by someone while it ran.", "Run it again.", "deleted"


# --- the rows that are about the whole pod


def _wrote_too_much(reading: Reading) -> Said | None:
    """Its own limit, not the node's need."""
    if reading.reason != "Evicted":
        return None
    text = reading.message
    folder = re.search(r'EmptyDir volume "([^"]+)" exceeds the limit "([^"]+)"', text)
    if folder:
        fix = f"Write less there, or give it more: `#| volume: emptydir:{times(folder[2])} -> FOLDER`."
        return f"the pod was evicted: it wrote more than {folder[2]} into the volume {folder[1]}.", fix, "evicted"
    disk = re.search(r"(?:local storage|ephemeral).* limit .*?([0-9.]+[A-Za-z]*)\.?\s*$", text)
    if disk and "exceed" in text:
        fix = f"Write less, or give it more: --storage {times(disk[1])}."
        return f"the pod was evicted: it wrote more than its limit of {disk[1]} to disk.", fix, "evicted"
    return None


def _evicted(reading: Reading) -> Said | None:
    if reading.reason != "Evicted":
        return None
    low = re.search(r"low on resource: ([a-z-]+)", reading.message)
    used = re.search(r"was using ([0-9.]+[A-Za-z]*), request is ([0-9.]+[A-Za-z]*)", reading.message)
    what = f"the node ran out of {low[1]}" if low else one_line(reading.message) or "the node put the pod out"
    took = f"; the task used {used[1]} and had asked for {used[2]}" if used else ""
    option = {"memory": "--memory", "ephemeral-storage": "--storage"}.get(low[1] if low else "")
    fix = f"Run it again; ask for what it needs: {option} {times(used[1]) if used else 'AMOUNT'}." if option else AGAIN
    return f"the pod was evicted: {what}{took}.", fix, "evicted"


AGAIN = "Run it again; a retry is safe, as results count only when all are saved."
TAKEN = "a pod of higher priority took its place"
UNFIT = "its node became unfit (a taint was set, or the node no longer answers)"
DISRUPTIONS = {
    "PreemptionByScheduler": TAKEN,
    "Preempting": TAKEN,
    "EvictionByEvictionAPI": "it was evicted (a node is being emptied, or someone asked for it)",
    "DeletionByTaintManager": UNFIT,
    "DeletionByPodGC": "its node is gone",
    "TerminationByKubelet": "its node shut down or ran out of something",
    "Terminated": "its node shut down",
    "NodeShutdown": "its node is shutting down",
    "Shutdown": "its node shut down",
    "NodeLost": "its node no longer answers",
}


def _disrupted(reading: Reading) -> Said | None:
    if reading.reason in ("Terminated", "NodeShutdown", "Shutdown", "NodeLost", "Preempting"):
        return _disrupted_by(DISRUPTIONS[reading.reason])
    condition = reading.condition("DisruptionTarget")
    if condition is None:
        return None
    why = str(condition.get("reason", ""))
    return _disrupted_by(DISRUPTIONS.get(why, one_line(str(condition.get("message", ""))) or why))


def _disrupted_by(words: str) -> Said:
    return f"the cluster ended the pod: {words}.", AGAIN, "disrupted"


def _deadline(reading: Reading) -> Said | None:
    if reading.reason != "DeadlineExceeded":
        return None
    seconds = reading.spec.get("activeDeadlineSeconds", 0)
    return (
        f"time-out: the pod ran longer than its deadline of {seconds} s, and was ended.",
        "Give the task more --timeout (the deadline is five minutes after it).",
        "deadline",
    )


def _failed(reading: Reading) -> Said | None:
    if reading.phase != "Failed":
        return None
    if reading.reason.startswith("OutOf") or reading.reason in REFUSED:
        return f"the node did not take the pod after all ({reading.reason}).", "Run it again.", "node-refused"
    why = one_line(reading.message) or reading.reason or "no reason given"
    return f"the pod failed: {why}.", "Run it again.", "failed"


REFUSED = ("NodeAffinity", "NodePorts", "UnexpectedAdmissionError", "TopologyAffinityError", "InvalidNodeInfo")


def _unknown(reading: Reading) -> Said | None:
    if reading.phase != "Unknown":
        return None
    return "the node of the pod no longer answers, so its state is not known.", "Wait, or run it again.", "node-lost"


Row = Callable[[Reading], "Said | None"]
# In the order in which they are asked; with each, whether the cluster ended the pod, so that another try may help.
ROWS: tuple[tuple[Row, bool], ...] = (
    (_wrote_too_much, False),
    (_evicted, True),
    (_disrupted, True),
    (_deadline, False),
    (init_failed, False),
    (out_of_memory, False),
    (deleted, True),
    (killed, False),
    (ended_badly, False),
    (_failed, True),
    (_unknown, True),
)

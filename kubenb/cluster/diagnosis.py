"""What a pod does now, and why it failed: one ordered table from its status and events to a cause, a number and a next step.

In: the pod as the API server has it (None: it is gone), its events, what the runtime in it said last. Out: `State`: words
while it lives; at its end, or where it can't go on, one `Problem`. Pure. The first row of `ROWS` that knows the pod
answers. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ Next room: `waiting` for what has not begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubenb.cluster.readings import Reading
from kubenb.cluster.waiting import waiting
from kubenb.model.problems import NOWHERE, Problem

Part = dict[str, Any]
Said = tuple[str, str, str]  # what, fix, code
KILLED = 137


@dataclass(frozen=True)
class State:
    """`words`: for a line that is redrawn. `final`: it will never (or no longer) run. `problem`: why, unless all went well.

    `cluster`: the cluster ended it, not its own code: trying again may help.
    """

    words: str
    final: bool = False
    problem: Problem | None = None
    cluster: bool = False


def state(pod: Part | None, events: Sequence[Part], now: datetime, told: Mapping[str, Any] | None = None) -> State:
    """The state of a pod. `told`: the runtime's last words: memory, peak, limit (bytes), line, cell; ended and kind at its end."""
    if pod is None:
        return State(
            "gone", True, _problem(("the pod was deleted by someone while it ran.", "Run it again.", "deleted")), True
        )
    reading = Reading(pod, events, now, dict(told or {}))
    for row, cluster in ROWS:
        said = row(reading)
        if said is not None:
            return State("failed", True, _problem(said), cluster)
    if reading.phase == "Succeeded" or reading.exit_code == 0:
        return State("done", True)
    if reading.deleting:
        return State(_going(reading))
    if reading.started:
        return State("running")
    words, said = waiting(reading)
    return State(words, said is not None, _problem(said) if said else None)


def _problem(said: Said) -> Problem:
    what, fix, code = said
    return Problem(NOWHERE, what, fix, f"pod.{code}")


def _going(reading: Reading) -> str:
    if reading.finalizers:
        return f"waits to be taken away: {', '.join(reading.finalizers)} holds it"
    return "is being ended"


# --- the rows, in the order in which they are asked


def _evicted(reading: Reading) -> Said | None:
    if reading.reason != "Evicted":
        return None
    text = reading.message
    if "ephemeral" in text or "usage of EmptyDir" in text:
        return (
            f"the pod was evicted: it wrote more than it may ({_first(text)}).",
            "Give it more --storage, or write less.",
            "evicted",
        )
    return (
        f"the node put the pod out: {_first(text)}.",
        "Run it again; ask for the memory that it needs with --memory.",
        "evicted",
    )


def _preempted(reading: Reading) -> Said | None:
    condition = reading.condition("DisruptionTarget")
    if condition is None and reading.reason not in ("Preempting", "NodeShutdown", "Shutdown", "Terminated", "NodeLost"):
        return None
    why = str((condition or {}).get("reason", reading.reason))
    words = {
        "PreemptionByScheduler": "a pod of higher priority took its place",
        "Preempting": "a pod of higher priority took its place",
        "EvictionByEvictionAPI": "it was evicted (a node is being emptied, or someone asked for it)",
        "DeletionByTaintManager": "its node became unfit (a taint was set, or the node was lost)",
        "DeletionByPodGC": "its node is gone",
        "TerminationByKubelet": "its node shut down or ran out of something",
    }.get(why, "its node shut down or was lost")
    return (
        f"the cluster ended the pod: {words}.",
        "Run it again; a retry is safe, as results count only when all are saved.",
        "disrupted",
    )


def _deadline(reading: Reading) -> Said | None:
    if reading.reason != "DeadlineExceeded":
        return None
    seconds = reading.spec.get("activeDeadlineSeconds", 0)
    return (f"the pod ran longer than its deadline of {seconds} s.", "Give the task more --timeout.", "deadline")


def _init(reading: Reading) -> Said | None:
    for status in reading.init_statuses:
        ended = (status.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            name = status["name"]
            if ended.get("reason") == "OOMKilled":
                return (
                    f"the init container {name} was killed for want of memory.",
                    "Give it more memory in `#| pod:`.",
                    "init-oom",
                )
            text = _first(str(ended.get("message") or f"exit code {ended['exitCode']}"))
            return (
                f"the init container {name} failed: {text}.",
                f"Look at its log: kubectl logs {reading.name} -c {name}.",
                "init-failed",
            )
    return None


def _out_of_memory(reading: Reading) -> Said | None:
    ended = reading.terminated
    by_runtime = reading.told.get("kind") == "killed"
    if not by_runtime and not (ended and ended.get("reason") == "OOMKilled"):
        return None
    peak, limit = reading.told.get("peak"), reading.memory_limit or reading.told.get("limit")
    if peak and limit:
        peak = min(peak, limit)  # processes share pages, and their sum counts those twice
    at = reading.told.get("line")
    where = f" in line {at} of the cell" if at else ""
    parts = [f"limit {show(limit)}" if limit else "", f"peak {show(peak)}{where}" if peak else where.strip()]
    numbers = ", ".join(part for part in parts if part)
    fix = f"Try --memory {more(max(limit or 0, peak or 0))}." if limit or peak else "Give the task more --memory."
    return (f"OOMKilled{': ' + numbers if numbers else ''}.", fix, "oom")


def _ended_badly(reading: Reading) -> Said | None:
    code = reading.exit_code
    if not code:
        return None
    if reading.told.get("what"):
        return (str(reading.told["what"]), "", "failed")
    said = _last_line(str((reading.terminated or {}).get("message") or ""))
    words = {
        KILLED: (
            "the container was killed (SIGKILL), and not for want of memory",
            "Someone or something ended it: run it again.",
        ),
        143: ("the container was ended from outside (SIGTERM)", "Someone or something ended it: run it again."),
        139: ("the process crashed (SIGSEGV)", "A compiled library most likely did it."),
        127: ("the command is not in the image", "Check the image and the command."),
        126: ("the command can't be executed", "Check the image and the command."),
    }
    if reading.terminated and reading.terminated.get("reason") in ("StartError", "ContainerCannotRun"):
        text = _first(str(reading.terminated.get("message", "")))
        return (f"the container can't be started: {text}.", "Check the image and the command.", "cannot-start")
    if said.startswith("kubenb: "):
        return (said.partition(" failed: ")[2] or said, "", "failed")
    what, fix = words.get(code, (f"it ended with exit code {code}", "Its log says why."))
    return (f"{what}{': ' + said if said and code not in words else ''}.", fix, "failed")


def _failed(reading: Reading) -> Said | None:
    if reading.phase != "Failed":
        return None
    if reading.reason in ("OutOfcpu", "OutOfmemory", "OutOfpods", "NodeAffinity", "UnexpectedAdmissionError"):
        return (f"the node did not take the pod after all ({reading.reason}).", "Run it again.", "node-refused")
    return (
        f"the pod failed: {_first(reading.message) or reading.reason or 'no reason given'}.",
        "Run it again.",
        "failed",
    )


def _unknown(reading: Reading) -> Said | None:
    if reading.phase != "Unknown":
        return None
    return ("the node of the pod no longer answers, so its state is not known.", "Wait, or run it again.", "node-lost")


Row = Callable[[Reading], "Said | None"]
ROWS: tuple[tuple[Row, bool], ...] = (
    (_evicted, True),
    (_preempted, True),
    (_deadline, False),
    (_init, False),
    (_out_of_memory, False),
    (_ended_badly, False),
    (_failed, True),
    (_unknown, True),
)


def _first(text: str) -> str:
    """One sentence of what Kubernetes said."""
    return " ".join(text.split()).rstrip(".")[:240]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


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

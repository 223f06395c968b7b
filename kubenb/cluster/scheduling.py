"""Why no node takes a pod: the scheduler's reason with what was asked, and what helps.

In: a `Reading`. Out: words; and (what, fix, code) where a volume claim is not there, as no waiting makes one. All else may
yet come and is waited for; where no node is large enough, waiting is not advised. Next room: `waiting`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from kubenb.cluster.readings import Reading, Said
from kubenb.cluster.refusals import option
from kubenb.cluster.shortening import cut

Part = dict[str, Any]
SURE = 5.0  # seconds for which the scheduler has not seen a claim: it may hear of a new one later than of the pod


def scheduling(reading: Reading) -> tuple[str, Said | None]:
    """The words, '' where it has a node or was not looked at; and the problem if there is one."""
    found = [each for each in reading.status.get("conditions") or () if each.get("type") == "PodScheduled"]
    condition = found[0] if found else {}
    if condition.get("status") != "False":
        return "", None
    text = " ".join(str(condition.get("message", "")).split()).rstrip(".")
    if condition.get("reason") == "SchedulingGated":
        return "waiting for a node: the cluster holds it back (scheduling gates)", None
    if condition.get("reason") != "Unschedulable":
        return "", None
    claim = re.search(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)', text)
    if claim:
        gone = "there is no" if claim[2] == "not found" else "somebody deletes the"
        what = f"{gone} volume claim {claim[1]} in the namespace."
        fix = "Make it, or mend the name in `#| volume:` or --store."
        if claim[2] == "not found" and _age(reading, condition) >= SURE:
            return "can't start", (what, fix, "missing")
        return f"waiting for a node: {what} {fix.rstrip('.')}", None
    return ". ".join([f"waiting for a node: {_asked(reading, _short(text))}", *_hints(reading, text)]), None


def _age(reading: Reading, condition: Part) -> float:
    """Seconds since it holds."""
    try:
        since = datetime.fromisoformat(str(condition.get("lastTransitionTime", "")).replace("Z", "+00:00"))
        return (reading.now - since).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _short(text: str) -> str:
    """'0/1 nodes are available: 1 Insufficient cpu', without what preemption could not do either."""
    head, colon, rest = text.partition("nodes are available: ")
    return head + colon + rest.partition(". ")[0].rstrip(".") if colon else cut(text, 300)


def _asked(reading: Reading, text: str) -> str:
    """With the amount that was asked for, after each resource that is short."""
    resources = reading.container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    for name, amount in asked.items():
        text = re.sub(rf"Insufficient {re.escape(name)}(?![\w./-])", f"Insufficient {name} (asked {amount})", text)
    return text


_HINTS = (
    (r"didn't match Pod's node affinity|didn't match node selector", "Check `#| node-selector:` and `#| affinity:`"),
    (r"unbound immediate PersistentVolumeClaims", "Its volume claim waits for a volume: kubectl get pvc says why"),
    (r"Too many pods", "The nodes are full: wait until others have ended"),
    (r"unschedulable", "Nodes are closed for maintenance: wait"),
)


def _hints(reading: Reading, text: str) -> list[str]:
    """What to do; nothing of a taint where amounts are in the way, as the nodes that run clusters always have one."""
    less = _less(reading, text)
    found = [less] if less else []
    found = [*found, *(hint for mark, hint in _HINTS if re.search(mark, text))][:2]
    if "untolerated taint" in text and "Insufficient" not in text:
        named = re.search(r"untolerated taint \{([^:}]+): ?([^}]*)\}", text)
        taint = f"{named[1]}={named[2]}" if named and named[2] else named[1] if named else "KEY=VALUE"
        seen = "" if named else " (kubectl describe node shows it)"
        found.append(f"A taint keeps it off a node{seen}; `#| toleration: {taint}` lets it run there")
    return found


def _less(reading: Reading, text: str) -> str:
    """What to ask less of, by the option of each resource that is short; '' where none is."""
    short = dict.fromkeys(re.findall(r"Insufficient ([\w./-]*[\w-])", _short(text)))
    if not short:
        return ""
    options = dict.fromkeys(option(name) or f"`#| pod:` ({name})" for name in short)
    ask = f"sk for {'fewer' if list(options) == ['--gpu'] else 'less'} with {' and '.join(options)}"
    if reading.event("TriggeredScaleUp") is not None:
        return f"The cluster makes a node for it: wait, or a{ask}"
    if _never(text):
        much = "many" if list(options) == ["--gpu"] else "much"
        return f"No node that it may run on has that {much}, however long it waits: a{ask}"
    return f"A{ask}, or wait until others have ended"


def _never(text: str) -> bool:
    """Whether even the end of all other pods would not make room: then preemption, says the scheduler, helps on no node.

    >>> _never("… 1 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling")
    True
    >>> _never("… 1 Insufficient cpu. preemption: 0/2 nodes are available: 1 No preemption victims found …, 1 Preemption is not helpful …")
    False
    """
    found = re.search(r"preemption: 0/(\d+) nodes are available: (\d+) Preemption is not helpful", text)
    return found is not None and found[1] == found[2] and "were unschedulable" not in text  # those will be open again

"""Why a pod has not begun: in words while it may still come, as a problem where it can't.

In: a `Reading`. Out: words, and (what, fix, code) where waiting is of no use: an image that is not there (after its second
failure), a secret that is missing, a command that can't run. What the scheduler or a slow registry may still solve waits
on, in words; the user can stop it. Next room: `pulling`, for images.
"""

from __future__ import annotations

import re
from typing import Any

from kubenb.cluster.endings import not_started
from kubenb.cluster.pulling import PULLING, never, pulling, tries
from kubenb.cluster.readings import Reading, Said, one_line

Part = dict[str, Any]
CANNOT = "can't start"
PASSING = re.compile(r"context deadline exceeded|timed out|failed to reserve|failed to sync|connection refused", re.I)


def waiting(reading: Reading) -> tuple[str, Said | None]:
    """The words, and the problem if there is one."""
    container, reason, message = reading.waits()
    if reason in PULLING:
        return pulling(reading, container, reason, message)
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return "can't get its image", never(reading, container, reason)
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"):
        return _can_not(reason, message)
    unscheduled = _unscheduled(reading)
    if unscheduled:
        return unscheduled, None
    if reason in ("ContainerCreating", "PodInitializing", ""):
        mount = reading.event("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
        if mount is not None:
            return _mounting(reading, str(mount.get("message", "")))
    found = tries(reading, container)
    if found:
        return found, None
    if reading.init_statuses and any("running" in (each.get("state") or {}) for each in reading.init_statuses):
        return "its init containers run", None
    return ("starting" if reading.spec.get("nodeName") else "waiting for a node"), None


def _can_not(reason: str, message: str) -> tuple[str, Said | None]:
    """The container's settings or command; what passes by itself is waited for."""
    missing = _missing(message)
    if missing:
        return CANNOT, missing
    if PASSING.search(message):
        return f"starting; the node is slow ({one_line(message, 100)})", None
    if reason != "CreateContainerConfigError":
        return CANNOT, not_started(message)
    if "will run as root" in message:
        return CANNOT, (
            "the image would run as root, and the pod forbids that (runAsNonRoot).",
            "Name another user: `#| run-as-user: 1000`.",
            "config",
        )
    what = one_line(message.partition(" (pod: ")[0])
    return CANNOT, (f"the container's settings can't be used: {what}.", "Change what it names.", "config")


def _missing(message: str) -> Said | None:
    """A secret or config map, or a key of one, that is not there."""
    found = re.search(r'(secret|configmap) "([^"]+)" not found', message)
    if found:
        kind = "config map" if found[1] == "configmap" else "secret"
        fix = f"Make it, or mend the name in `#| {found[1]}:`."
        return f"there is no {kind} {found[2]} in the namespace.", fix, "missing"
    found = re.search(r"couldn't find key (\S+) in (Secret|ConfigMap) \S+/(\S+)", message)
    if found:
        kind = "config map" if found[2] == "ConfigMap" else "secret"
        fix = f"Mend the key in `#| {found[2].lower()}:`."
        return f"the {kind} {found[3]} has no key {found[1]}.", fix, "missing-key"
    return None


def _mounting(reading: Reading, message: str) -> tuple[str, Said | None]:
    """A volume that does not come."""
    found = re.search(r'volume "([^"]+)" : (.*)', message, re.DOTALL)
    volumes: list[Part] = reading.spec.get("volumes") or []
    volume = next((each for each in volumes if found and each.get("name") == found[1]), {})
    key = re.search(r"references non-existent (secret|config) key: (\S+)", message)
    if key:
        secret = (volume.get("secret") or {}).get("secretName")
        named = (
            f"secret {secret}" if secret else f"config map {(volume.get('configMap') or {}).get('name', '')}".strip()
        )
        fix = f"Mend the key in `#| {'secret' if secret else 'configmap'}:`."
        return CANNOT, (f"the {named} has no key {key[2]}.", fix, "missing-key")
    missing = _missing(message)
    if missing:
        return CANNOT, missing
    if found is None:
        return f"starting; the node has trouble, and tries again ({one_line(message, 160)})", None
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    return f"waiting for its volume {claim or found[1]}: {one_line(found[2], 160)}", None


def _unscheduled(reading: Reading) -> str:
    """The scheduler's reason, with what was asked."""
    found = [each for each in reading.status.get("conditions") or () if each.get("type") == "PodScheduled"]
    condition = found[0] if found else {}
    if condition.get("status") != "False":
        return ""
    text = one_line(str(condition.get("message", "")), 2000)
    if condition.get("reason") == "SchedulingGated":
        return "waiting for a node: the cluster holds it back (scheduling gates)"
    if condition.get("reason") != "Unschedulable":
        return ""
    claim = re.search(r'persistentvolumeclaim "([^"]+)" (not found|is being deleted)', text)
    if claim:
        gone = "there is no" if claim[2] == "not found" else "somebody deletes the"
        hint = "Make it, or mend the name in `#| volume:` or --store."
        return f"waiting for a node: {gone} volume claim {claim[1]} in the namespace. {hint}"
    return ". ".join([f"waiting for a node: {_asked(reading, _short(text))}", *_hints(text)])


def _short(text: str) -> str:
    """'0/1 nodes are available: 1 Insufficient cpu', without what preemption could not do either."""
    head, colon, rest = text.partition("nodes are available: ")
    return head + colon + rest.partition(". ")[0].rstrip(".") if colon else text[:300]


def _asked(reading: Reading, text: str) -> str:
    """With the amount that was asked for, after each resource that is short."""
    resources = reading.container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    for name, amount in asked.items():
        text = re.sub(rf"Insufficient {re.escape(name)}(?![\w./-])", f"Insufficient {name} (asked {amount})", text)
    return text


_HINTS = (
    (r"Insufficient cpu", "Ask for less with --cpu, or wait until others have ended"),
    (r"Insufficient memory", "Ask for less with --memory, or wait until others have ended"),
    (r"Insufficient ephemeral-storage", "Ask for less with --storage, or wait until others have ended"),
    (r"Insufficient \S+[./]", "Ask for fewer with --gpu, or wait until others have ended"),
    (r"didn't match Pod's node affinity|didn't match node selector", "Check `#| node-selector:` and `#| affinity:`"),
    (r"unbound immediate PersistentVolumeClaims", "Its volume claim waits for a volume: kubectl get pvc says why"),
    (r"Too many pods", "The nodes are full: wait until others have ended"),
    (r"unschedulable", "Nodes are closed for maintenance: wait"),
)


def _hints(text: str) -> list[str]:
    """What to do; nothing of a taint where amounts are in the way, as the nodes that run clusters always have one."""
    found = [hint for mark, hint in _HINTS if re.search(mark, text)][:2]
    if "untolerated taint" in text and "Insufficient" not in text:
        named = re.search(r"untolerated taint \{([^:}]+): ?([^}]*)\}", text)
        taint = f"{named[1]}={named[2]}" if named and named[2] else named[1] if named else "KEY=VALUE"
        seen = "" if named else " (kubectl describe node shows it)"
        found.append(f"A taint keeps it off a node{seen}; `#| toleration: {taint}` lets it run there")
    return found

"""Why a pod has not begun: in words while it may still come, as a problem where it can't.

In: a `Reading`. Out: words, and (what, fix, code) where waiting is of no use: an image that is not there (after its second
failure), a secret that is missing, a command that can't run, too little memory to start at all. What the scheduler or a slow registry
may still solve waits on, in words; the user can stop it. Next rooms: `pulling` for images, `scheduling` for nodes.
"""

from __future__ import annotations

import re
from typing import Any

from kubenb.cluster.endings import TOO_LITTLE, not_started, too_little
from kubenb.cluster.pulling import PULLING, never, pulling, tries
from kubenb.cluster.readings import Reading, Said, one_line
from kubenb.cluster.scheduling import scheduling

Part = dict[str, Any]
CANNOT = "can't start"
LEAST = 16 << 20  # bytes: with less, a container is not worth a second try
PASSING = re.compile(r"context deadline exceeded|timed out|failed to reserve|failed to sync|connection refused", re.I)


def waiting(reading: Reading) -> tuple[str, Said | None]:
    """The words, and the problem if there is one."""
    container, reason, message = reading.waits()
    if reason in PULLING:
        return pulling(reading, container, reason, message)
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return "can't get its image", never(reading, container, reason)
    if reason in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"):
        return _can_not(reading, reason, message)
    unscheduled, absent = scheduling(reading)
    if unscheduled:
        return unscheduled, absent
    if reason in ("ContainerCreating", "PodInitializing", ""):
        mount = reading.event("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
        if mount is not None:
            number = sum(int(e.get("count") or 1) for e in reading.events if e.get("reason") == mount.get("reason"))
            return _mounting(reading, str(mount.get("message", "")), number)
    found = tries(reading, container)
    if found:
        return found, None
    if reading.init_statuses and any("running" in (each.get("state") or {}) for each in reading.init_statuses):
        return "its init containers run", None
    return ("starting" if reading.spec.get("nodeName") else "waiting for a node"), None


def _can_not(reading: Reading, reason: str, message: str) -> tuple[str, Said | None]:
    """The container's settings or command; what passes by itself is waited for."""
    missing = _missing(message)
    if missing:
        return CANNOT, missing
    if PASSING.search(message):
        return f"starting; the node is slow ({one_line(message, 100)})", None
    if reason != "CreateContainerConfigError":
        return CANNOT, not_started(message, limit=reading.memory_limit)
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


def _mounting(reading: Reading, message: str, number: int) -> tuple[str, Said | None]:
    """A volume that does not come, or a sandbox that can't be made; said `number` times."""
    limit = reading.memory_limit
    tiny = limit is not None and limit < LEAST
    if TOO_LITTLE.search(message) or (tiny and number > 1 and "sandbox" in message):
        if number > 1 or tiny:
            return CANNOT, too_little(message, limit)
        return "starting; it had too little memory for that, and is tried once more", None
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

"""Why a pod has not begun: in words while it may still come, as a problem where it can't.

In: a `Reading`. Out: words, and (what, fix, code) where waiting is of no use: an image that is not there (after its second
failure), a secret that is missing, a command that can't run. What the scheduler or a slow registry may still solve waits
on, in words; the user can stop it. Next room: `diagnosis`.
"""

from __future__ import annotations

import re
from typing import Any

from kubenb.cluster.readings import Reading

Part = dict[str, Any]
Said = tuple[str, str, str]
TRANSIENT = (
    "429",
    "toomanyrequests",
    "too many requests",
    "bad gateway",
    "502",
    "503",
    "timeout",
    "timed out",
    "connection reset",
    "i/o",
)
TRIES = 2  # failed pulls after which an image is taken as not to be had


def waiting(reading: Reading) -> tuple[str, Said | None]:
    """The words, and the problem if there is one."""
    container, reason, message = reading.waits()
    if reason in ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"):
        return _pulling(reading, container, reason, message)
    if reason in ("InvalidImageName", "ErrImageNeverPull"):
        return "can't get its image", _never(reading, container, reason)
    if reason == "CreateContainerConfigError":
        return _configured(message)
    if reason in ("CreateContainerError", "RunContainerError", "CrashLoopBackOff", "StartError"):
        return "can't start", (
            f"the container can't be started: {_short(message)}.",
            "Check the image and the command.",
            "cannot-start",
        )
    unscheduled = _unscheduled(reading)
    if unscheduled:
        return unscheduled, None
    mount = reading.event("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox")
    if mount is not None and reason in ("ContainerCreating", "PodInitializing", ""):
        return f"waiting for its volumes: {_short(_mounted(str(mount.get('message', ''))))}", _missing(
            str(mount.get("message", ""))
        )
    pulling, pulled = reading.event("Pulling"), reading.event("Pulled", "Failed")
    if pulling is not None and pulled is None:
        return f"pulling image {_image(reading, container)}", None
    if reading.init_statuses and any("running" in (each.get("state") or {}) for each in reading.init_statuses):
        return "its init containers run", None
    if reading.spec.get("nodeName"):
        return "starting", None
    return "waiting for a node", None


def _image(reading: Reading, name: str) -> str:
    containers = [*(reading.spec.get("initContainers") or ()), *(reading.spec.get("containers") or ())]
    found = next((each for each in containers if each.get("name") == name), reading.container)
    return str(found.get("image", ""))


def _pulling(reading: Reading, container: str, reason: str, message: str) -> tuple[str, Said | None]:
    image = _image(reading, container)
    failed = reading.event("Failed")
    said = str((failed or {}).get("message", "")) or message
    tries = max(
        (int(event.get("count") or 1) for event in reading.events if event.get("reason") == "Failed"), default=0
    )
    pulls = max(
        (int(event.get("count") or 1) for event in reading.events if event.get("reason") == "Pulling"), default=0
    )
    if any(mark in said.lower() for mark in TRANSIENT):
        return f"waiting for image {image}: the registry has trouble, and is asked again ({_short(said, 100)})", None
    if reason == "ImagePullBackOff" or max(tries, pulls) >= TRIES:
        return "can't get its image", (f"image {image} can't be pulled: {_registry(said)}.", _pull_fix(said), "image")
    return f"image {image} could not be pulled, and is tried again", None


def _registry(text: str) -> str:
    """The last part of a chain of 'failed to …: failed to …: not found' is what the registry said."""
    parts = [part.strip() for part in re.split(r": (?=[a-zA-Z0-9])", " ".join(text.split())) if part.strip()]
    tail = parts[-1] if parts else ""
    if "not found" in text.lower() or "manifest unknown" in text.lower():
        return "the registry has no such image or tag"
    if re.search(r"unauthorized|denied|authentication|no basic auth", text, re.IGNORECASE):
        return "the registry wants a login, or has no such image"
    if "no such host" in text:
        return "the registry's name is not known on the node"
    return tail[:200] or "no reason given"


def _pull_fix(text: str) -> str:
    if re.search(r"unauthorized|denied|authentication|no basic auth", text, re.IGNORECASE):
        return "Name the secret with its login: `#| image-pull-secret: NAME`; check the image's name."
    return "Check --image: its registry, name and tag."


def _never(reading: Reading, container: str, reason: str) -> Said:
    image = _image(reading, container)
    if reason == "InvalidImageName":
        return f"{image} is not an image's name.", "Write it as registry/name:tag, in lower case.", "image-name"
    return (
        f"image {image} is not on the node, and image-pull-policy Never forbids to pull it.",
        "Take `#| image-pull-policy: IfNotPresent`, or put the image on the node.",
        "image-never",
    )


def _configured(message: str) -> tuple[str, Said | None]:
    missing = _missing(message)
    if missing:
        return "can't start", missing
    return "can't start", (
        f"the container's settings can't be used: {_short(message)}.",
        "Change what it names.",
        "config",
    )


def _missing(message: str) -> Said | None:
    """A secret or config map, or a key of one, that is not there."""
    found = re.search(r'(secret|configmap) "([^"]+)" not found', message)
    if found:
        kind = "config map" if found[1] == "configmap" else "secret"
        return (
            f"there is no {kind} {found[2]} in the namespace.",
            f"Make it, or mend the name in `#| {found[1]}:`.",
            "missing",
        )
    found = re.search(r"couldn't find key (\S+) in (Secret|ConfigMap) \S+/(\S+)", message)
    if found:
        kind = "config map" if found[2] == "ConfigMap" else "secret"
        return (
            f"the {kind} {found[3]} has no key {found[1]}.",
            f"Mend the key in `#| {found[2].lower()}:`.",
            "missing-key",
        )
    found = re.search(r"references non-existent (secret|config) key: (\S+)", message)
    if found:
        return (f"a mounted {found[1]} has no key {found[2]}.", "Mend the key.", "missing-key")
    return None


def _mounted(message: str) -> str:
    return message.rpartition("MountVolume.SetUp failed for volume ")[2] or message


def _unscheduled(reading: Reading) -> str:
    """The scheduler's reason, with what was asked."""
    found = [each for each in reading.status.get("conditions") or () if each.get("type") == "PodScheduled"]
    condition = found[0] if found else {}
    if condition.get("status") != "False" or condition.get("reason") != "Unschedulable":
        return ""
    text = str(condition.get("message", ""))
    asked = (reading.container.get("resources") or {}).get("requests") or {}
    named = [f"{name} {amount}" for name, amount in asked.items() if f"Insufficient {name}" in text]
    short = text.partition(" preemption:")[0].rstrip(". ")
    hints = [hint for mark, hint in _HINTS if mark in text]
    words = f"waiting for a node: {short}" + (f" (asked: {', '.join(named)})" if named else "")
    return words + (f". {' '.join(hints)}" if hints else "")


_HINTS = (
    ("Insufficient", "Ask for less, or wait until others have ended."),
    ("untolerated taint", "A `#| toleration:` lets it run there."),
    ("didn't match Pod's node affinity/selector", "Check `#| node-selector:` and `#| affinity:`."),
    ("persistentvolumeclaim", "Check the name in `#| volume:`."),
    ("unbound immediate PersistentVolumeClaims", "The claim waits for a volume."),
)


def _short(text: str, most: int = 200) -> str:
    return " ".join(text.split()).rstrip(".")[:most]

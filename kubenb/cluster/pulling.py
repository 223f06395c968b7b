"""Images that come, come late, or never will.

In: a `Reading`. Out: words, and (what, fix, code) where the image is not to be had: at once for a name that is none, after
the second failure for one that the registry refuses. A registry that has trouble is waited for. Next room: `waiting`.
"""

from __future__ import annotations

import re
from typing import Any

from kubenb.cluster.readings import Reading, Said, happened, one_line
from kubenb.cluster.shortening import cut

Part = dict[str, Any]
PULLING = ("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
TRANSIENT = re.compile(
    r"\b429\b|toomanyrequests|too many requests|bad gateway|\b50[0234]\b|service unavailable|timeout|timed out"
    r"|connection reset|unexpected EOF|deadline exceeded|temporary failure",
    re.IGNORECASE,
)
LOGIN = re.compile(r"unauthorized|denied|authentication|authorization failed|no basic auth|forbidden", re.IGNORECASE)
ABSENT = re.compile(r"not found|manifest unknown|name unknown|does not exist", re.IGNORECASE)
TRIES = 2  # failed pulls after which an image is taken as not to be had


def pulling(reading: Reading, container: str, reason: str, message: str) -> tuple[str, Said | None]:
    """Where a pull has failed."""
    image = str(reading.container_named(container).get("image", ""))
    failures = _events(reading, "Failed", f'Failed to pull image "{image}"')
    last = str(max(failures, key=happened)["message"]) if failures else message
    said = last.replace(image, "").partition('"": ')[2] or message.replace(image, "")
    number = sum(int(each.get("count") or 1) for each in failures)
    if TRANSIENT.search(said):
        return f"waiting for image {image}: the registry has trouble, and is asked again ({_tail(said)})", None
    if number >= TRIES or (reason == "ImagePullBackOff" and not failures):  # without events nobody can count
        what, fix = _why(said)
        return "can't get its image", (f"image {image} can't be pulled: {what}.", fix, "image")
    return f"image {image} could not be pulled ({_why(said)[0]}), and is tried once more", None


def tries(reading: Reading, container: str) -> str:
    """'pulling image …' while that is the last that was said of it; '' where it is there, or was never asked for."""
    image = str(reading.container_named(container).get("image", ""))
    begun = [happened(each) for each in _events(reading, "Pulling", f'Pulling image "{image}"')]
    pulled = [happened(each) for each in _events(reading, "Pulled", image)]
    failed = [happened(each) for each in _events(reading, "Failed", image)]
    if not begun or pulled:
        return ""
    return f"image {image} is asked for again" if failed and max(failed) >= max(begun) else f"pulling image {image}"


def never(reading: Reading, container: str, reason: str) -> Said:
    """Where nothing was asked for, and never will be."""
    image = str(reading.container_named(container).get("image", ""))
    if reason == "InvalidImageName":
        return f"{image} is not an image's name.", "Write it as registry/name:tag, in lower case.", "image-name"
    return (
        f"image {image} is not on the node, and image-pull-policy Never forbids to pull it.",
        "Take `#| image-pull-policy: IfNotPresent`, or put the image on the node.",
        "image-never",
    )


def _events(reading: Reading, reason: str, text: str) -> list[Part]:
    return [each for each in reading.events if each.get("reason") == reason and text in str(each.get("message", ""))]


def _why(said: str) -> tuple[str, str]:
    """What the registry said, and what to do."""
    if LOGIN.search(said):
        fix = "Name the secret with its login: `#| image-pull-secret: NAME`; check the image's name."
        return "the registry wants a login, or has no such image", fix
    check = "Check --image: its registry, name and tag."
    if "no such host" in said:
        return "the node does not know the registry's name", check
    if ABSENT.search(said):
        return "the registry has no such image or tag", check
    if "connection refused" in said:
        return "the registry refuses the connection", check
    return _tail(said), check


def _tail(text: str) -> str:
    """The end of a chain of 'failed to …: failed to …: the reason'."""
    parts = [part for part in re.split(r": (?=\S)", one_line(text, 2000)) if part.strip(' "')]
    return cut(parts[-1], 200) if parts else "no reason given"

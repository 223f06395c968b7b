"""A `Fit` in one sentence, as a person would say it.

In: counts, obstacles. Out: words: "Fits on 3 of 10 nodes now, 7 when empty; 2 have the taint dedicated=ml: add a toleration; quota
leaves 6Gi." Pure. Next room: `fit`.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubenb.export import quota
from kubenb.export.predicates import Obstacle

WORKING = "node.kubernetes.io/"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
PODS = {
    "near": "no pod near that its affinity asks for",
    "away": "a pod near that its anti-affinity is against",
    "kept-off": "a pod near whose anti-affinity is against it",
}
MOST = 3  # groups of nodes in one sentence


def sentence(
    now: int | None,
    empty: int | None,
    of: int,
    reasons: Sequence[tuple[str, str, bool]],
    enough: Sequence[quota.Left],
    refused: Sequence[str],
    untold: Sequence[str],
) -> str:
    """`reasons`: words, fix, whether it lasts. What would be refused comes first, what could not be told last."""
    said = [f"{text[:1].upper()}{text[1:]}, so no pod would be made" for text in refused]
    if empty is not None:
        said.append(_counts(now, empty, of))
        kept = [(words, fix) for words, fix, lasting in reasons if lasting or not now]
        said += [f"{words}: {fix}" if fix else words for words, fix in kept[:MOST]]
        said += [f"{len(kept) - MOST} more reasons"] if kept[MOST + 1 :] else [kept[MOST][0]] if kept[MOST:] else []
    left = quota.words(enough)
    said += [left] if left else []
    said += [f"not counted: {', '.join(untold)}"] if untold else []
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def _counts(now: int | None, empty: int, of: int) -> str:
    if not of:
        return "there are no nodes"
    nodes = f"of {of} nodes" if of > 1 else "of 1 node"
    if now is None:
        return f"fits on {empty or 'none'} {nodes} when empty"
    if now == empty:
        return f"fits on {empty or 'none'} {nodes}{' now' if empty else ', empty or not'}"
    return f"fits on {now or 'none'} {nodes} now, {empty} when empty"


def reason(obstacles: Sequence[Obstacle], count: int, lasting: bool, of: int) -> tuple[str, str]:
    """(words, what to do) for `count` nodes."""
    kind, about = obstacles[0].kind, obstacles[0].about
    many = count > 1
    if kind == "closed":
        return f"{count} {'are' if many else 'is'} closed for maintenance", ""
    if kind == "taint":
        return _taint(about, count)
    if kind == "selector":
        return f"{count} {'do' if many else 'does'} not match its node selector or affinity", ""
    if kind == "volume":
        return f"{count} can't reach the volume claim {about}", ""
    if kind in PODS:
        return f"{count} {'have' if many else 'has'} {PODS[kind]} just now", "wait"
    if kind == "port":
        return f"{count} {'have' if many else 'has'} port {about} in use", ""
    parts = [_lacking(obstacles, "none", "no "), _lacking(obstacles, "short", "too little ")]
    parts += ["no room for one pod more"] if any(each.kind == "pods" for each in obstacles) else []
    words = f"{count} {'have' if many else 'has'} {' and '.join(part for part in parts if part)}"
    if not lasting:
        return f"{words} just now", "wait, or ask for less"
    return words, "ask for less" if count == of and all(each.kind == "short" for each in obstacles) else ""


def _lacking(obstacles: Sequence[Obstacle], kind: str, words: str) -> str:
    names = [each.about for each in obstacles if each.kind == kind]
    return words + " and ".join(", ".join(names).rsplit(", ", 1)) if names else ""


def _taint(about: str, count: int) -> tuple[str, str]:
    key = about.partition("=")[0]
    if key in (f"{WORKING}not-ready", f"{WORKING}unreachable"):
        return f"{count} {'are' if count > 1 else 'is'} not ready", ""
    if key in CONTROL_PLANE:
        return f"{count} {'run' if count > 1 else 'runs'} the cluster itself", ""
    if key == f"{WORKING}unschedulable":
        return f"{count} {'are' if count > 1 else 'is'} closed for maintenance", ""
    words = f"{count} {'have' if count > 1 else 'has'} the taint {about}"
    return words, "" if key.startswith(WORKING) else "add a toleration"

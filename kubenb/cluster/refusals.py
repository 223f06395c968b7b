"""Why an API server does not take a pod: quota, limits, Pod Security, classes and accounts that are not there, webhooks.

In: the status code and message of its answer. Out: (what, fix) with the numbers and the option to change; None where it is
none of these. Pure. https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ Next room: `errors`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kubenb.cluster.shortening import cut
from kubenb.model.quantities import parse_quantity

Words = tuple[str, str]  # what, fix
ASK = "Ask who runs the cluster"
OPTIONS = {
    "cpu": "--cpu",
    "requests.cpu": "--cpu",
    "limits.cpu": "`#| cpu-limit:`",
    "memory": "--memory",
    "requests.memory": "--memory",
    "limits.memory": "--memory",
    "ephemeral-storage": "--storage",
    "requests.ephemeral-storage": "--storage",
    "limits.ephemeral-storage": "--storage",
}


_EXCEEDED = re.compile(r"exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$")


def refusal(status: int, message: str) -> Words | None:
    """What the message means; None where it is about something else."""
    text = " ".join(message.split()).rstrip(".")
    for row in ROWS:
        said = row(text)
        if said is not None:
            return said
    if status == 422:
        return _invalid(text)
    return None


def option(resource: str) -> str:
    """The option that sets a resource.

    >>> option("requests.memory"), option("requests.nvidia.com/gpu"), option("pods")
    ('--memory', '--gpu', '')
    """
    if resource in OPTIONS:
        return OPTIONS[resource]
    return "--gpu" if "/" in resource else ""


def fits_later(message: str) -> bool:
    """Whether only what others take of a quota is in the way, so that waiting helps.

    >>> fits_later("exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2")
    True
    >>> fits_later("exceeded quota: team, requested: requests.memory=2Gi, used: requests.memory=0, limited: requests.memory=1Gi")
    False
    """
    found = _EXCEEDED.search(" ".join(message.split()).rstrip("."))
    if found is None:
        return False
    return not _never(_amounts(found[2]), _amounts(found[4]))


def _never(asked: dict[str, str], hard: dict[str, str]) -> dict[str, str]:
    """What a quota could not hold if it were empty, with what it holds at most."""
    return {
        name: hard.get(name, "0")
        for name, amount in asked.items()
        if parse_quantity(amount) > parse_quantity(hard.get(name, "0"))
    }


def _quota(text: str) -> Words | None:
    found = _EXCEEDED.search(text)
    if found is None:
        return None
    asked, used, hard = (_amounts(found[number]) for number in (2, 3, 4))
    parts = [
        f"the task asked for {amount} of {name}, and {used.get(name, '?')} of {hard.get(name, '?')} are taken"
        for name, amount in asked.items()
    ]
    what = f"the quota {found[1]} of the namespace does not leave room: {'; '.join(parts)}."
    never = _never(asked, hard)
    if never:
        return what, _at_most(never)
    less = dict.fromkeys(option(name) for name in asked if option(name))
    fix = f"Ask for less with {' and '.join(less)}, or wait until others have ended." if less else ""
    return what, fix or "Wait until others have ended, or end your own (`kubenb runs`, `kubenb stop`)."


def _at_most(never: dict[str, str]) -> str:
    """What to do where a quota could never hold the task: waiting is of no use."""
    bounds: dict[str, str] = {}
    for name, amount in never.items():
        by = option(name)
        if by and (by not in bounds or parse_quantity(amount) < parse_quantity(bounds[by])):
            bounds[by] = amount
    if not bounds or not all(parse_quantity(amount) for amount in bounds.values()):
        return f"It never will: take another namespace with --namespace. {ASK} for more."
    return f"It never will: ask for at most {' and '.join(f'{amount} with {by}' for by, amount in bounds.items())}."


def _amounts(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def _unspecified(text: str) -> Words | None:
    found = re.search(r"failed quota: ([^:]+): must specify (.+)$", text)
    if found is None:
        return None
    names = list(dict.fromkeys(re.findall(r"((?:requests|limits)\.[\w./-]+|cpu|memory)(?= for:|,|$)", found[2])))
    options = list(dict.fromkeys(option(name) for name in names if option(name)))
    return (
        f"the quota {found[1]} of the namespace wants every task to say {', '.join(names) or found[2]}.",
        f"Set {' and '.join(options) or 'it'}.",
    )


def _limits(text: str) -> Words | None:
    found = re.findall(
        r"(maximum|minimum) (\S+) usage per (\w+) is ([^,\s]+)(?:, but (\w+) is ([^,\s\]]+)|\. No (\w+) is specified)?",
        text,
    )
    if not found:
        return None
    parts = [
        f"at {'most' if kind == 'maximum' else 'least'} {bound} of {name} for a {unit.lower()}, but "
        + (f"the {which} is {amount}" if amount else f"no {absent or 'amount'} is given")
        for kind, name, unit, bound, which, amount, absent in found
    ]
    fixes = [f"{option(name) or name} {bound}" for _, name, _, bound, *_ in found]
    return f"the limits of the namespace allow {'; '.join(parts)}.", f"Try {' and '.join(dict.fromkeys(fixes))}."


def _pod_security(text: str) -> Words | None:
    found = re.search(r'violates PodSecurity "([^":]+)(?::[^"]*)?": (.+)$', text)
    if found is None:
        return None
    return (
        f"the namespace's Pod Security level {found[1]} forbids this pod: {cut(found[2], 600)}.",
        "Take out what it names from `#| pod:` and `#| volume:`; kubenb's own pods fit the level restricted.",
    )


def _named(text: str) -> Words | None:
    for pattern, words, name in (
        (r'serviceaccount "([^"]+)" not found', "service account", "service-account"),
        (r"no PriorityClass with name (\S+) was found", "priority class", "priority-class"),
        (r'RuntimeClass "([^"]+)" not found', "runtime class", "runtime-class"),
        (r'namespaces? "([^"]+)" not found', "namespace", "namespace"),
    ):
        found = re.search(pattern, text)
        if found:
            where = " in the namespace" if name == "service-account" else " in the cluster"
            return f"there is no {words} {found[1]}{where}.", f"Make it, or mend the name in `#| {name}:`."
    return None


def _webhook(text: str) -> Words | None:
    denied = re.search(r'admission webhook "([^"]+)" denied the request:? ?(.*)$', text)
    if denied:
        why = cut(denied[2], 600) or "it gives no reason"
        return (
            f"a policy of the cluster ({denied[1]}) forbids this pod: {why}.",
            "Change what it names, or ask who runs the cluster.",
        )
    failed = re.search(r'failed calling webhook "([^"]+)": (.*)$', text)
    if failed:
        slow = "deadline exceeded" in failed[2] or "timeout" in failed[2].lower()
        why = "it did not answer in time" if slow else cut(failed[2].rpartition(": ")[2], 200)
        return (
            f"a policy check of the cluster ({failed[1]}) does not work: {why}.",
            f"Try again in a while; {ASK.lower()} if it stays so.",
        )
    policy = re.search(r"ValidatingAdmissionPolicy '([^']+)'.* denied request: (.*)$", text)
    if policy:
        return (
            f"a policy of the cluster ({policy[1]}) forbids this pod: {cut(policy[2], 600)}.",
            "Change what it names.",
        )
    return None


def _ending(text: str) -> Words | None:
    found = re.search(r"in namespace (\S+) because it is being terminated", text)
    return (f"the namespace {found[1]} is being deleted.", "Take another with --namespace.") if found else None


def _invalid(text: str) -> Words:
    said = text.partition(" is invalid: ")[2] or text
    return (
        f"the cluster does not take this pod: {cut(said, 600)}.",
        "Change what it names; what kubenb has no option for stands in `#| pod:`.",
    )


Row = Callable[[str], "Words | None"]
ROWS: tuple[Row, ...] = (_quota, _unspecified, _pod_security, _limits, _named, _webhook, _ending)

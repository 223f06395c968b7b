"""Before a pod is made: would the cluster take it, and is there what it names? Nothing is left behind, as nothing is made.

In: pods as they would be started, each with its place in the notebook. Out: problems, all of them. Rights are asked verb
by verb; admission (Pod Security, quota, limits, webhooks) by the server's own dry run; names of secrets, config maps, claims
and accounts one by one. What this user may not look at is said so, never guessed. Next rooms: `rights`, `named`, `room`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.named import Name, names
from kubenb.cluster.refusals import fits_later
from kubenb.cluster.rights import ALWAYS, EXEC, HELPFUL, missing
from kubenb.cluster.room import short
from kubenb.export.manifest import DIGEST
from kubenb.model.problems import NOWHERE, Place, Problem, Severity

Part = dict[str, Any]
LONGEST = 54  # of a pod's name, before the suffix that keeps the dry run apart from pods that are there


@dataclass(frozen=True)
class Asked:
    """A pod to be started, and where it stands in the notebook. `stage`: pods of one stage may run at the same time."""

    where: Place
    manifest: Part
    stage: int | None = None

    @property
    def namespace(self) -> str:
        """Where it would be made."""
        return str(self.manifest["metadata"]["namespace"])


def preflight(client: Client, asked: Sequence[Asked]) -> tuple[Problem, ...]:
    """Every problem of every pod. Raises ApiError, Unreachable where nothing can be asked at all."""
    problems: list[Problem] = []
    for namespace in dict.fromkeys(each.namespace for each in asked):
        problems += _of_namespace(client, namespace, [each for each in asked if each.namespace == namespace])
    return tuple(dict.fromkeys(problems))


def _of_namespace(client: Client, namespace: str, asked: list[Asked]) -> Iterator[Problem]:
    lacking = missing(client, namespace, (*ALWAYS, *(EXEC if any(_by_exec(each) for each in asked) else ())))
    if lacking:
        verbs = "; ".join(f"{right} ({right.why})" for right in lacking)
        what = f"this user may not do all that a run needs in namespace {namespace}: {verbs}."
        fix = f"Ask who runs the cluster for the Role that `kubenb rbac --namespace {namespace}` prints."
        yield Problem(NOWHERE, what, fix, "cluster.rights")
    for right in missing(client, namespace, HELPFUL):
        what = f"this user may not {right} in namespace {namespace}, {right.why}."
        yield Problem(NOWHERE, what, "`kubenb rbac` has it.", "cluster.rights", Severity.WARNING)
    if any(str(right) == "create pods" for right in lacking):
        what = f"whether the cluster would take the tasks' pods can't be asked: this user may not create pods in namespace {namespace}."
        yield Problem(NOWHERE, what, "It is asked once the rights are there.", "cluster.unknown", Severity.WARNING)
        taken: list[tuple[Asked, Part]] = []
    else:
        taken, problems, there = _admitted(client, asked)
        yield from problems
        if not there:
            return
    yield from _names(client, asked)
    yield from _together(client, namespace, taken)


def _by_exec(each: Asked) -> bool:
    """A task of a notebook: its values go in and out through the pod."""
    return DIGEST in (each.manifest["metadata"].get("annotations") or {})


def _admitted(client: Client, asked: list[Asked]) -> tuple[list[tuple[Asked, Part]], list[Problem], bool]:
    """The server's dry run: the pods as it would make them, what it says against the others; whether there is the namespace."""
    taken: list[tuple[Asked, Part]] = []
    problems: list[Problem] = []
    for each in asked:
        metadata = each.manifest["metadata"]
        name = f"{metadata['name'][:LONGEST].rstrip('-.')}-{secrets.token_hex(4)}"
        pod = {**each.manifest, "metadata": {**metadata, "name": name}}
        try:
            made = client.create(paths.pods(each.namespace), pod, dryRun="All")
        except ApiError as error:
            if error.status == 404 and error.details.get("kind") == "namespaces":
                return [], [error.problem()], False
            problem = error.problem(each.where)
            later = error.status == 403 and fits_later(error.message)
            problems.append(replace(problem, severity=Severity.WARNING) if later else problem)
        else:
            taken.append((each, made))
            problems += _added(each, made)
    return taken, problems, True


def _added(each: Asked, made: Part) -> Iterator[Problem]:
    """A memory limit that the namespace gives to a task that asked for none: to be known before it is reached."""
    asked, given = (
        {
            box["name"]: ((box.get("resources") or {}).get("limits") or {}).get("memory")
            for box in pod["spec"]["containers"]
        }
        for pod in (each.manifest, made)
    )
    for name, limit in asked.items():
        if limit is None and given.get(name):
            what = f"the namespace gives this task a memory limit of {given[name]}, as it says none itself."
            yield Problem(each.where, what, "Say what it needs with --memory.", "cluster.default-limit", Severity.NOTE)


def _names(client: Client, asked: list[Asked]) -> Iterator[Problem]:
    known: dict[Name, tuple[str, str] | None] = {}
    for each in asked:
        for name in dict.fromkeys(names(each.manifest)):
            if name not in known:
                known[name] = _look(client, name)
            said = known[name]
            if said is None:
                continue
            what, code = said
            if code == "unknown":
                fix, severity = "Make sure of it, or ask for the right to look.", Severity.WARNING
            else:
                fix, severity = name.fix, Severity.ERROR
            yield Problem(each.where, what, fix, f"cluster.{code}", severity)


def _look(client: Client, name: Name) -> tuple[str, str] | None:
    """(what is wrong, kind of problem); None where all is there. Of a secret only the keys are looked at."""
    try:
        found = client.get(name.path)
    except ApiError as error:
        if error.status == 404:
            return f"there is no {name.words} in the namespace.", "missing"
        if error.status == 403:
            return f"whether there is a {name.words} can't be told: this user may not look.", "unknown"
        raise
    held = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
    lacking = [key for key in name.keys if key not in held]
    if lacking:
        there = f"; it has {', '.join(sorted(held))}" if held else ""
        return f"the {name.words} has no key {', '.join(lacking)}{there}.", "missing-key"
    if (found.get("status") or {}).get("phase") == "Lost":
        return f"the {name.words} has lost its volume.", "lost"
    return None


def _together(client: Client, namespace: str, taken: list[tuple[Asked, Part]]) -> Iterator[Problem]:
    """Tasks that fit each for itself, but not all at once."""
    stages: dict[int, list[tuple[Asked, Part]]] = {}
    for each, pod in taken:
        if each.stage is not None:
            stages.setdefault(each.stage, []).append((each, pod))
    groups = [group for group in stages.values() if len(group) > 1]
    if not groups:
        return
    try:
        quotas = client.list(paths.core(namespace, "resourcequotas"))
    except ApiError as error:
        if error.status != 403:
            raise
        what = f"whether all tasks fit into the quota of namespace {namespace} at once can't be told: this user may not look."
        yield Problem(NOWHERE, what, "Run with --parallel 1 if it is small.", "cluster.unknown", Severity.WARNING)
        return
    for group in groups:
        tasks = [str(each.where.task or each.manifest["metadata"]["name"]) for each, _ in group]
        for quota, name, wanted, free in short([pod for _, pod in group], quotas):
            what = (
                f"{', '.join(tasks[:-1])} and {tasks[-1]} can run at once and ask for {wanted} of {name} together, "
                f"but the quota {quota} of the namespace has {free} left."
            )
            fix = f"Run with a --parallel below {len(group)}, or ask for less."
            yield Problem(NOWHERE, what, fix, "cluster.quota-together", Severity.WARNING)

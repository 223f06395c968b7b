"""Before a pod is made: would the cluster take it, and is there what it names? Nothing is left behind, as nothing is made.

In: pods as they would be started, each with its place in the notebook. Out: problems, all of them. Rights are asked verb
by verb; admission (Pod Security, quota, limits, webhooks) by the server's own dry run; names of secrets, config maps, claims
and accounts one by one. What this user may not look at is said so, never guessed. Next rooms: `rights`, `client`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.rights import HELPFUL, missing
from kubenb.model.problems import NOWHERE, Place, Problem, Severity

Part = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A pod to be started, and where it stands in the notebook."""

    where: Place
    manifest: Part


@dataclass(frozen=True)
class _Name:
    """Something that must be there: `keys` of it where they are named."""

    kind: str
    path: str
    words: str
    option: str
    keys: tuple[str, ...] = ()


def preflight(client: Client, asked: Sequence[Asked]) -> tuple[Problem, ...]:
    """Every problem of every pod. Raises ApiError, Unreachable where nothing can be asked at all."""
    problems: list[Problem] = []
    for namespace in dict.fromkeys(str(each.manifest["metadata"]["namespace"]) for each in asked):
        problems += _rights(client, namespace)
    known: dict[_Name, tuple[str, str] | None] = {}
    for each in asked:
        problems += _admitted(client, each)
        for name in names(each.manifest):
            if name not in known:
                known[name] = _look(client, name)
            said = known[name]
            if said is not None:
                severity = Severity.WARNING if said[1] == "unknown" else Severity.ERROR
                fix = (
                    "Ask for the right to look, or try it."
                    if said[1] == "unknown"
                    else f"Make it, or mend the name in `#| {name.option}:`."
                )
                problems.append(Problem(each.where, said[0], fix, f"cluster.{said[1]}", severity))
    return tuple(dict.fromkeys(problems))


def _rights(client: Client, namespace: str) -> Iterator[Problem]:
    lacking = missing(client, namespace)
    if lacking:
        verbs = "; ".join(f"{right} ({right.why})" for right in lacking)
        what = f"this user may not do all that a run needs in namespace {namespace}: {verbs}."
        yield Problem(
            NOWHERE, what, "Ask who runs the cluster for the Role that `kubenb rbac` prints.", "cluster.rights"
        )
    for right in missing(client, namespace, HELPFUL):
        what = f"this user may not {right} in namespace {namespace}, {right.why}."
        yield Problem(NOWHERE, what, "`kubenb rbac` has it.", "cluster.rights", Severity.WARNING)


def _admitted(client: Client, each: Asked) -> Iterator[Problem]:
    """The server's dry run: all that admission would say."""
    namespace = str(each.manifest["metadata"]["namespace"])
    try:
        client.create(paths.pods(namespace), each.manifest, dryRun="All")
    except ApiError as error:
        if not (error.status == 403 and "cannot create" in error.message):  # the rights have said so
            yield error.problem(each.where)


def names(pod: Part) -> Iterator[_Name]:
    """What a pod names and the cluster must have."""
    namespace, spec = str(pod["metadata"]["namespace"]), pod["spec"]

    def of(kind: str, name: str, option: str, *keys: str) -> _Name:
        words = {"secrets": "secret", "configmaps": "config map", "persistentvolumeclaims": "volume claim"}
        return _Name(
            kind, paths.core(namespace, kind, name), f"{words.get(kind, 'service account')} {name}", option, keys
        )

    if spec.get("serviceAccountName"):
        yield of("serviceaccounts", spec["serviceAccountName"], "service-account")
    for secret in spec.get("imagePullSecrets", ()):
        yield of("secrets", secret["name"], "image-pull-secret")
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        for entry in container.get("env", ()):
            source = entry.get("valueFrom") or {}
            for field, kind, option in (
                ("secretKeyRef", "secrets", "secret"),
                ("configMapKeyRef", "configmaps", "configmap"),
            ):
                found = source.get(field)
                if found and not found.get("optional"):
                    yield of(kind, found["name"], option, found["key"])
    for volume in spec.get("volumes", ()):
        if "persistentVolumeClaim" in volume:
            yield of("persistentvolumeclaims", volume["persistentVolumeClaim"]["claimName"], "volume")
        if "secret" in volume and not volume["secret"].get("optional"):
            keys = [item["key"] for item in volume["secret"].get("items", ())]
            yield of("secrets", volume["secret"]["secretName"], "secret", *keys)
        if "configMap" in volume and not volume["configMap"].get("optional"):
            keys = [item["key"] for item in volume["configMap"].get("items", ())]
            yield of("configmaps", volume["configMap"]["name"], "configmap", *keys)


def _look(client: Client, name: _Name) -> tuple[str, str] | None:
    """(what is wrong, kind of problem); None where all is there. Of a secret only the keys are looked at."""
    try:
        found = client.get(name.path)
    except ApiError as error:
        if error.status == 404:
            return f"there is no {name.words} in the namespace.", "missing"
        if error.status == 403:
            return f"whether there is a {name.words} can't be told: this user may not look.", "unknown"
        raise
    held = {**(found.get("data") or {}), **(found.get("stringData") or {}), **(found.get("binaryData") or {})}
    lacking = [key for key in name.keys if key not in held]
    if lacking and name.kind in ("secrets", "configmaps"):
        return f"the {name.words} has no key {', '.join(lacking)}.", "missing-key"
    if found.get("status", {}).get("phase") == "Lost":
        return f"the {name.words} has lost its volume.", "lost"
    return None

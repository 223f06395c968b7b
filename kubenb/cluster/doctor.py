"""What stands between this user and a pod: the server, who asks, what they may do, what room there is.

In: a client, a namespace. Out: `Finding`s in the order in which one would look. What may not be looked at is said so. Next
rooms: `rights`; `kubenb doctor` shows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kubenb.cluster import paths
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.rights import HELPFUL, NEEDED, missing

Part = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """`what` was looked at, what was `found`, and where it is not `good`, the `fix`."""

    what: str
    state: Literal["good", "bad", "unknown"]
    found: str
    fix: str = ""


def examine(client: Client, namespace: str) -> Iterator[Finding]:
    """Raises Unreachable where no server answers."""
    began = time.monotonic()
    version = client.get(paths.VERSION).get("gitVersion", "")
    took = (time.monotonic() - began) * 1000
    yield Finding("server", "good", f"{client.access.server} answers in {took:.0f} ms: Kubernetes {version}")
    if client.access.insecure:
        yield Finding(
            "certificate",
            "bad",
            "it is not checked (insecure-skip-tls-verify)",
            "Put the cluster's authority into the kubeconfig.",
        )
    yield Finding("context", "good", f"{client.context}, of {client.access.source or 'the pod that this runs in'}")
    yield _who(client)
    there = _allowed(_namespace, client, namespace)
    yield there
    if there.state == "bad":
        return
    yield from _rights(client, namespace)
    for look in (_quota, _limits):
        yield _allowed(look, client, namespace)
    yield _trial(client, namespace)
    yield _metrics(client)


def _who(client: Client) -> Finding:
    """As the API server knows this user: Kubernetes 1.28 and later."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        found = client.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return Finding("user", "unknown", "the API server does not say as whom it knows this user")
    user = (found.get("status") or {}).get("userInfo") or {}
    groups = [group for group in user.get("groups") or () if not group.startswith("system:")]
    return Finding("user", "good", str(user.get("username", "")) + (f", of {', '.join(groups)}" if groups else ""))


def _trial(client: Client, namespace: str) -> Finding:
    """The pod that kubenb makes where no option says otherwise, by the server's dry run."""
    container = {
        "name": "base",
        "image": "python:3.11-slim",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "securityContext": security}
    body = {"metadata": {"generateName": "kubenb-trial-"}, "spec": {**spec, "containers": [container]}}
    try:
        client.create(paths.pods(namespace), body, dryRun="All")
    except ApiError as error:
        problem = error.problem()
        return Finding("a pod", "bad", problem.what.rstrip("."), problem.fix)
    return Finding("a pod", "good", "the cluster would take one of 100m CPU and 128Mi memory")


def _rights(client: Client, namespace: str) -> Iterator[Finding]:
    lacking = missing(client, namespace, (*NEEDED, *HELPFUL))
    if not lacking:
        yield Finding("rights", "good", f"all that a run needs in namespace {namespace}")
    for right in lacking:
        yield Finding(
            "rights", "bad", f"may not {right}, needed {right.why}", "`kubenb rbac` prints the Role to ask for."
        )


def _allowed(look: Callable[[Client, str], Finding], client: Client, namespace: str) -> Finding:
    what = look.__name__.strip("_")
    try:
        return look(client, namespace)
    except ApiError as error:
        if error.status == 403:
            return Finding(what, "unknown", "this user may not look at it")
        if error.status == 404:
            return Finding(what, "bad", f"there is no namespace {namespace}", "Name another with --namespace.")
        raise


def _namespace(client: Client, namespace: str) -> Finding:
    labels = client.get(f"/api/v1/namespaces/{namespace}")["metadata"].get("labels") or {}
    level = labels.get("pod-security.kubernetes.io/enforce") or "not enforced by a label"
    return Finding("namespace", "good", f"{namespace}, Pod Security {level} (kubenb's pods fit restricted)")


def _quota(client: Client, namespace: str) -> Finding:
    found = client.list(paths.core(namespace, "resourcequotas"))
    parts = [
        f"{name} {(quota.get('status') or {}).get('used', {}).get(name, '0')} of {hard}"
        for quota in found
        for name, hard in ((quota.get("status") or {}).get("hard") or {}).items()
    ]
    return Finding("quota", "good", ", ".join(parts) if parts else "none")


def _limits(client: Client, namespace: str) -> Finding:
    found = client.list(paths.core(namespace, "limitranges"))
    parts = []
    for each in found:
        for limit in (each.get("spec") or {}).get("limits", ()):
            if limit.get("type") in ("Container", "Pod"):
                for bound in ("min", "max", "default"):
                    parts += [f"{bound} {name} {amount}" for name, amount in (limit.get(bound) or {}).items()]
    return Finding("limits", "good", ", ".join(parts) if parts else "none")


def _metrics(client: Client) -> Finding:
    try:
        client.get("/apis/metrics.k8s.io/v1beta1", patience=0.0)
    except ApiError:
        return Finding("metrics", "unknown", "no metrics-server; kubenb measures inside the pod, so nothing is missing")
    return Finding("metrics", "good", "metrics-server is there")

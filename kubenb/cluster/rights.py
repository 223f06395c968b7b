"""What this user may do: each verb asked of the API server itself, nothing tried out.

In: a client, a namespace. Out: what is missing, verb by verb. `NEEDED` is what a run needs, and what `kubenb rbac` grants; of it
`EXEC` only where values are handed over.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access Next rooms: `preflight`, `roles`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubenb.cluster.client import Client
from kubenb.cluster.paths import ACCESS_REVIEWS


@dataclass(frozen=True)
class Right:
    """A verb on a resource, and what a run needs it for."""

    verb: str
    resource: str
    why: str

    def __str__(self) -> str:
        """'create pods/exec'."""
        return f"{self.verb} {self.resource}"


ALWAYS = (
    Right("create", "pods", "to start tasks"),
    Right("get", "pods", "to see how they do"),
    Right("list", "pods", "to find them again"),
    Right("watch", "pods", "to see changes at once"),
    Right("patch", "pods", "to show that somebody waits for them"),
    Right("delete", "pods", "to leave nothing behind"),
    Right("get", "pods/log", "to show what they print"),
)
EXEC = tuple(Right(verb, "pods/exec", "to hand values over to them and back") for verb in ("create", "get"))
NEEDED = (*ALWAYS, *EXEC)
HELPFUL = (Right("list", "events", "to say why a pod waits"),)


def missing(client: Client, namespace: str, rights: Iterable[Right] = NEEDED) -> list[Right]:
    """Those that this user does not have there."""
    return [right for right in rights if not allowed(client, namespace, right)]


def allowed(client: Client, namespace: str, right: Right) -> bool:
    """Whether the API server says yes."""
    resource, _, sub = right.resource.partition("/")
    attributes = {"namespace": namespace, "verb": right.verb, "resource": resource} | (
        {"subresource": sub} if sub else {}
    )
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool((client.create(ACCESS_REVIEWS, review).get("status") or {}).get("allowed"))

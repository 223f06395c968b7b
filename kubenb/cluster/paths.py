"""Where things are in the Kubernetes API.

In: names. Out: paths. https://kubernetes.io/docs/reference/generated/kubernetes-api/
"""

from __future__ import annotations


def core(namespace: str, kind: str, name: str = "", sub: str = "") -> str:
    """A namespaced kind of the core group.

    >>> core("data", "pods", "train-x1", "log"), core("data", "secrets")
    ('/api/v1/namespaces/data/pods/train-x1/log', '/api/v1/namespaces/data/secrets')
    """
    return "/".join(part for part in (f"/api/v1/namespaces/{namespace}/{kind}", name, sub) if part)


def pods(namespace: str, name: str = "", sub: str = "") -> str:
    """Pods of a namespace, one of them, or a part of one; of all namespaces where none is given."""
    return core(namespace, "pods", name, sub) if namespace else "/api/v1/pods"


def events(namespace: str) -> str:
    """What the cluster said of its objects."""
    return core(namespace, "events")


ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
VERSION = "/version"

"""A pod made once, whatever happens to the reply.

In: a manifest with a name chosen before and a token of this start alone. Out: the pod. A reply that was lost, a
retry that finds its own pod, a stranger's pod of that name: each has its answer. Next room: `watching`.
"""

from __future__ import annotations

from typing import Any

from kubenb.cluster import marks, paths
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError

Part = dict[str, Any]


class Taken(Exception):
    """Another's pod has that name: choose another suffix; it is not ours to touch."""


def create(client: Client, manifest: Part, patience: float = 60.0) -> Part:
    """The pod as the API server has it. Raises Taken, ApiError, Unreachable."""
    metadata = manifest["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    for last in (False, False, True):
        try:
            return client.create(paths.pods(namespace), manifest, patience=patience)
        except ApiError as error:
            if error.status != 409 or error.reason != "AlreadyExists":
                raise
        try:
            there = client.get(paths.pods(namespace, name), patience=patience)
        except ApiError as error:
            if error.status == 404 and not last:
                continue  # whatever had the name is gone
            raise
        token = (there["metadata"].get("annotations") or {}).get(marks.TOKEN)
        if token == metadata["annotations"][marks.TOKEN]:
            return there
        break
    raise Taken(name)

"""Who starts pods: the user and machine as a label may say it, and the pod that the notebook itself runs in.

In: the surroundings of this process. Out: a label's value, an owner reference. Next room: `pods`.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import socket
from typing import TYPE_CHECKING, Any

from kubenb.cluster import paths
from kubenb.cluster.errors import ApiError, Unreachable

if TYPE_CHECKING:
    from kubenb.cluster.client import Client


def owner() -> str:
    """'ana.laptop': so that `%k8s_runs` shows one's own, and two users of one namespace don't meet."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    text = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{user}.{socket.gethostname()}")[:63]
    return text.strip("-_.") or "somebody"


def parent(client: Client) -> dict[str, Any] | None:
    """An owner reference to the notebook's own pod: the cluster ends what it started when it goes. None outside a cluster, and
    where this may not be asked.
    """
    if not os.environ.get("KUBERNETES_SERVICE_HOST") or client.context != "in-cluster":
        return None
    with contextlib.suppress(ApiError, Unreachable):
        pod = client.get(paths.pods(client.namespace, socket.gethostname()))
        return {"apiVersion": "v1", "kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    return None

"""Which API server, and as whom: a kubeconfig's context, or the pod that this process runs in.

In: a context's name (the current one unless given), KUBECONFIG. Out: `Access`. The common kinds are read here, as
importing the `kubernetes` package costs half a second; only the old `auth-provider` goes through it. Nothing is sent.
Next rooms: `credentials`, `transport`.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubenb.cluster.shortening import cut
from kubenb.model.problems import NOWHERE, KubenbError, refuse

Part = dict[str, Any]
IN_CLUSTER = "in-cluster"  # the context's name where this process runs in a pod
POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Access:
    """One API server. `user`: the kubeconfig's own words for who asks, files resolved; `ca`, `certificate` and `key` are PEM."""

    context: str
    server: str
    namespace: str = "default"
    ca: bytes | None = None
    certificate: bytes | None = None
    key: bytes | None = None
    insecure: bool = False
    server_name: str | None = None
    proxy: str | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    source: str = ""
    files: tuple[Path, ...] = ()


def find_access(context: str | None = None, kubeconfig: Path | None = None) -> Access:
    """The named context, the current one, or the pod's own account. Raises KubenbError that says what there is."""
    files = [kubeconfig] if kubeconfig else _files()
    loaded = [(path, _load(path)) for path in files if path.is_file()]
    if not loaded:
        if context in (None, IN_CLUSTER) and _inside():
            return _in_cluster()
        named = ", ".join(str(path) for path in files)
        raise _no(
            "no kubeconfig",
            f"there is no kubeconfig at {named}.",
            "Set KUBECONFIG, or log in to a cluster as for kubectl.",
        )
    names = [str(entry.get("name")) for _, config in loaded for entry in _entries(config, "contexts")]
    wanted = context or next((str(c["current-context"]) for _, c in loaded if c.get("current-context")), "")
    if not wanted:
        raise _no(
            "no context",
            f"no context is current; there are {_list(names)}.",
            "Name one, or `kubectl config use-context NAME`.",
        )
    if wanted == IN_CLUSTER and wanted not in names and _inside():
        return _in_cluster()
    if wanted not in names:
        from kubenb.model.names import did_you_mean

        fix = did_you_mean(wanted, names) or f"There are: {_list(names)}."
        raise _no("no such context", f"the kubeconfig has no context {wanted}.", fix)
    return _access(wanted, loaded)


def read_again(access: Access) -> Access | None:
    """As the kubeconfig has it now, after a new login; None where it can't be told, or there is none."""
    if not access.files:
        return None
    try:
        return _access(access.context, [(path, _load(path)) for path in access.files if path.is_file()])
    except KubenbError:
        return None


def _files() -> list[Path]:
    named = os.environ.get("KUBECONFIG")
    paths = [part for part in (named or "").split(os.pathsep) if part] or ["~/.kube/config"]
    return [Path(part).expanduser() for part in paths]


def _load(path: Path) -> Part:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        text = cut(" ".join(str(error).split()), 200)
        raise _no(
            "unreadable", f"the kubeconfig {path} can't be read: {text}.", "Mend it, or set KUBECONFIG."
        ) from None
    if not isinstance(found, dict):
        raise _no("unreadable", f"{path} is no kubeconfig.", "Set KUBECONFIG to the right file.")
    return found


def _entries(config: Part, kind: str) -> list[Part]:
    found = config.get(kind)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _access(wanted: str, loaded: list[tuple[Path, Part]]) -> Access:
    """Of equal names the first file's holds, as in kubectl."""

    def find(kind: str, one: str, name: str) -> tuple[Path, Part]:
        for path, config in loaded:
            for entry in _entries(config, kind):
                if entry.get("name") == name:
                    held = entry.get(one) or {}
                    if isinstance(held, dict):
                        return path, held
        raise _no("broken", f"context {wanted} names the {one} {name!r}, which is not there.", "Mend the kubeconfig.")

    source, context = find("contexts", "context", wanted)
    folder, cluster = find("clusters", "cluster", str(context.get("cluster")))
    user_file, user = find("users", "user", str(context["user"])) if context.get("user") else (folder, {})
    if not str(cluster.get("server", "")).startswith(("http://", "https://")):
        raise _no("broken", f"the cluster of context {wanted} has no server.", "Mend the kubeconfig.")
    return Access(
        wanted,
        str(cluster["server"]).rstrip("/"),
        str(context.get("namespace") or "default"),
        _data(cluster, "certificate-authority", folder.parent),
        _data(user, "client-certificate", user_file.parent),
        _data(user, "client-key", user_file.parent),
        bool(cluster.get("insecure-skip-tls-verify")),
        cluster.get("tls-server-name"),
        cluster.get("proxy-url"),
        user,
        user_file.parent,
        str(source),
        tuple(path for path, _ in loaded),
    )


def _data(part: Part, name: str, folder: Path) -> bytes | None:
    """PEM that stands in the kubeconfig, or in a file beside it."""
    held, path = part.get(f"{name}-data"), part.get(name)
    try:
        if held:
            return base64.b64decode(str(held))
        return (folder / Path(str(path)).expanduser()).read_bytes() if path else None
    except (OSError, ValueError) as error:
        what = f"the kubeconfig's {name} can't be read ({getattr(error, 'strerror', None) or error})."
        raise _no("broken", what, "Mend the kubeconfig, or log in again.") from None


def _inside() -> bool:
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (POD / "token").is_file()


def _in_cluster() -> Access:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    namespace = (POD / "namespace").read_text().strip() if (POD / "namespace").is_file() else "default"
    user = {"tokenFile": str(POD / "token")}
    authority = (POD / "ca.crt").read_bytes() if (POD / "ca.crt").is_file() else None
    return Access(IN_CLUSTER, f"https://{host}:{port}", namespace, authority, user=user, folder=POD)


def _list(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names)) or "none"


def _no(code: str, what: str, fix: str) -> KubenbError:
    return refuse(NOWHERE, what, fix, f"cluster.{code.replace(' ', '-')}")

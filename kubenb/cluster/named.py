"""What a pod names and the cluster must have: secrets, config maps and their keys, volume claims, service accounts.

In: a manifest. Out: `Name`s, each with where it is in the API and which option names it. Classes, limits and policies are
the server's dry run's to say. Next room: `preflight` looks at each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubenb.cluster import paths

Part = dict[str, Any]


@dataclass(frozen=True)
class Name:
    """Something that must be there: `keys` of it where they are named."""

    kind: str
    path: str
    words: str
    option: str
    keys: tuple[str, ...] = ()

    @property
    def fix(self) -> str:
        """What to do where it is not there."""
        also = " or `#| store:`" if self.kind == "persistentvolumeclaims" else ""
        return f"Make it, or mend the name in `#| {self.option}:`{also}."


WORDS = {
    "secrets": "secret",
    "configmaps": "config map",
    "persistentvolumeclaims": "volume claim",
    "serviceaccounts": "service account",
}


def names(pod: Part) -> Iterator[Name]:
    """All of them, optional ones left out."""
    namespace, spec = str(pod["metadata"]["namespace"]), pod["spec"]

    def of(kind: str, name: str, option: str, *keys: str) -> Name:
        return Name(kind, paths.core(namespace, kind, name), f"{WORDS[kind]} {name}", option, keys)

    if spec.get("serviceAccountName"):
        yield of("serviceaccounts", spec["serviceAccountName"], "service-account")
    for secret in spec.get("imagePullSecrets") or ():
        yield of("secrets", secret["name"], "image-pull-secret")
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        for entry in container.get("env") or ():
            source = entry.get("valueFrom") or {}
            for found, kind, option in (
                (source.get("secretKeyRef"), "secrets", "secret"),
                (source.get("configMapKeyRef"), "configmaps", "configmap"),
            ):
                if found and not found.get("optional"):
                    yield of(kind, found["name"], option, found["key"])
        for entry in container.get("envFrom") or ():
            for found, kind, option in (
                (entry.get("secretRef"), "secrets", "secret"),
                (entry.get("configMapRef"), "configmaps", "configmap"),
            ):
                if found and not found.get("optional"):
                    yield of(kind, found["name"], option)
    for volume in spec.get("volumes") or ():
        for kind, name, option, keys in _of_volume(volume):
            yield of(kind, name, option, *keys)


def _of_volume(volume: Part) -> Iterator[tuple[str, str, str, list[str]]]:
    """(kind, name, option, keys)"""
    if "persistentVolumeClaim" in volume:
        yield "persistentvolumeclaims", volume["persistentVolumeClaim"]["claimName"], "volume", []
    for source in (volume, *((volume.get("projected") or {}).get("sources") or ())):
        secret, config = source.get("secret"), source.get("configMap")
        if secret and not secret.get("optional"):
            yield "secrets", secret.get("secretName") or secret["name"], "secret", _keys(secret)
        if config and not config.get("optional"):
            yield "configmaps", config["name"], "configmap", _keys(config)


def _keys(source: Part) -> list[str]:
    return [item["key"] for item in source.get("items") or ()]

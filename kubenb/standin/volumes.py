"""Folders that stand for a pod's volumes, and the environment that its spec asks for.

In: a pod, and what the stand-in has of secrets and config maps. Out: mount path -> folder, and names -> values for each container.
What a kubelet would refuse (a secret that isn't there) raises `CannotStart` with its reason. Next room: `pod`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubenb.standin.container import CannotStart, expand

Objects = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Surroundings:
    """What the stand-in has: a folder of claims and one for each pod's own volumes, secrets and config maps by name."""

    claims: Path
    pods: Path
    secrets: Objects = field(default_factory=dict)
    configmaps: Objects = field(default_factory=dict)

    def find(self, kind: str, name: str, optional: bool = False) -> Mapping[str, str]:
        """The data of a secret or config map."""
        found = (self.secrets if kind == "secret" else self.configmaps).get(name)
        if found is None and not optional:
            raise CannotStart("CreateContainerConfigError", f'{kind} "{name}" not found')
        return found or {}

    def key(self, kind: str, reference: Mapping[str, Any]) -> str | None:
        """One value of a secret or config map, as `secretKeyRef` and `configMapKeyRef` ask for it."""
        name, key, optional = reference["name"], reference["key"], bool(reference.get("optional"))
        data = self.find(kind, name, optional)
        if key not in data and not optional:
            raise CannotStart("CreateContainerConfigError", f"couldn't find key {key} in {kind} default/{name}")
        return data.get(key)


def volume_folder(volume: Mapping[str, Any], place: Path, around: Surroundings) -> Path:
    """The folder that stands for a volume; `place` is the pod's own."""
    own = place / str(volume["name"])
    if "persistentVolumeClaim" in volume:
        own = around.claims / volume["persistentVolumeClaim"]["claimName"]
    elif "secret" in volume:
        _write(
            own,
            around.find("secret", volume["secret"]["secretName"], bool(volume["secret"].get("optional"))),
            volume["secret"],
        )
    elif "configMap" in volume:
        _write(
            own,
            around.find("configmap", volume["configMap"]["name"], bool(volume["configMap"].get("optional"))),
            volume["configMap"],
        )
    elif not {"emptyDir", "ephemeral"} & set(volume):
        kinds = ", ".join(sorted(set(volume) - {"name"}))
        raise CannotStart("CreateContainerConfigError", f"the stand-in has no volumes of kind {kinds}")
    own.mkdir(parents=True, exist_ok=True)
    return own


def _write(folder: Path, data: Mapping[str, str], source: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {item["key"]: item["path"] for item in source.get("items", ())} or {key: key for key in data}
    for key, path in chosen.items():
        if key not in data:
            raise CannotStart("CreateContainerConfigError", f"references non-existent secret key: {key}")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(data[key], encoding="utf-8", errors="surrogateescape")


def mounts(container: Mapping[str, Any], folders: Mapping[str, Path]) -> dict[str, Path]:
    """Mount path -> folder."""
    found = {}
    for mount in container.get("volumeMounts", ()):
        folder = folders[mount["name"]]
        if mount.get("subPath"):
            folder = folder / mount["subPath"]
            if not folder.exists():
                folder.mkdir(parents=True)
        found[mount["mountPath"]] = folder
    return found


def environment(container: Mapping[str, Any], metadata: Mapping[str, Any], around: Surroundings) -> dict[str, str]:
    """The container's variables, as the kubelet resolves them: `envFrom`, then `env` in order, `$(NAME)` of earlier ones filled in."""
    values: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        prefix = source.get("prefix", "")
        for kind, key in (("secret", "secretRef"), ("configmap", "configMapRef")):
            if key in source:
                data = around.find(kind, source[key]["name"], bool(source[key].get("optional")))
                values.update({prefix + name: value for name, value in data.items()})
    for variable in container.get("env") or ():
        value = _value(variable, metadata, around)
        if value is not None:
            values[variable["name"]] = expand(value, values)
    return values


def _value(variable: Mapping[str, Any], metadata: Mapping[str, Any], around: Surroundings) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return str(variable.get("value") or "")
    if "secretKeyRef" in source:
        return around.key("secret", source["secretKeyRef"])
    if "configMapKeyRef" in source:
        return around.key("configmap", source["configMapKeyRef"])
    if "fieldRef" in source:
        path = source["fieldRef"]["fieldPath"]
        known = {f"metadata.{name}": str(metadata.get(name, "")) for name in ("name", "namespace", "uid")}
        return known.get(path, "")
    return ""

"""Folders of a pod: scratch space, the store's claim, secrets, config maps and what `volume` names.

In: a task's options. Out: `Mounted` folders, each with its side of the pod and of the container. Next room: `manifest`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubenb.model.names import slug
from kubenb.model.options import TaskOptions
from kubenb.model.values import Projection, Volume

Part = dict[str, Any]
HOME = "/kubenb/home"
STORE = "/kubenb/store"
GOOGLE = "/kubenb/google"
GOOGLE_FILE = f"{GOOGLE}/key.json"
OWN_FOLDERS = (HOME, "/tmp", STORE, GOOGLE)


@dataclass(frozen=True)
class Mounted:
    """A volume's source and the `path` where it is shown; equal sources have one `name`, and share one volume."""

    name: str
    source: Part
    path: str
    sub_path: str | None = None
    read_only: bool = False

    def mount(self) -> Part:
        """The container's side."""
        part: Part = {"name": self.name, "mountPath": self.path}
        if self.sub_path:
            part["subPath"] = self.sub_path
        if self.read_only:
            part["readOnly"] = True
        return part


def store_claim(store: str | None) -> tuple[str, str | None] | None:
    """(claim, sub path) of a store that is a volume claim: `pvc:NAME[/sub]`."""
    if not store or not store.startswith("pvc:"):
        return None
    name, _, sub = store[4:].strip("/").partition("/")
    return name, sub or None


def by_xcom(store: str | None) -> bool:
    """Whether data travels in Airflow's own XComs, not in a place of its own."""
    return store == "xcom"


def mounted(options: TaskOptions) -> tuple[Mounted, ...]:
    """All folders of a task, kubenb's own first."""
    own = [Mounted("kubenb-home", {"emptyDir": {}}, HOME), Mounted("kubenb-tmp", {"emptyDir": {}}, "/tmp")]
    others = tuple(_of_options(options))
    taken = {folder.path for folder in others}
    return (*(folder for folder in own if folder.path not in taken), *others)


def _of_options(options: TaskOptions) -> Iterator[Mounted]:
    claim = store_claim(options.store)
    if claim:
        yield Mounted(slug(f"pvc-{claim[0]}"), {"persistentVolumeClaim": {"claimName": claim[0]}}, STORE, claim[1])
    if options.google_key:
        items = [{"key": options.google_key.key, "path": "key.json"}]
        yield Mounted(
            "kubenb-google-key",
            {"secret": {"secretName": options.google_key.name, "items": items}},
            GOOGLE,
            read_only=True,
        )
    for value in options.secret:
        if value.path:
            yield _projected("secret", {"secretName": value.name}, value)
    for value in options.configmap:
        if value.path:
            yield _projected("configMap", {"name": value.name}, value)
    for number, volume in enumerate(options.volume, 1):
        yield _named(volume, number)


def _projected(kind: str, source: Part, value: Projection) -> Mounted:
    """A whole secret or config map as a folder, or only its one key."""
    name = f"{kind.lower()}-{value.name}"
    if value.key:
        name, source = f"{name}-{value.key}", {**source, "items": [{"key": value.key, "path": value.key}]}
    return Mounted(slug(name), {kind: source}, value.path or "", read_only=True)


def _named(volume: Volume, number: int) -> Mounted:
    if volume.kind == "emptydir":
        source: Part = {"emptyDir": {"sizeLimit": volume.source} if volume.source else {}}
        return Mounted(f"emptydir-{number}", source, volume.path, volume.sub_path, volume.read_only)
    if volume.kind == "pvc":
        source = {"persistentVolumeClaim": {"claimName": volume.source}}
        return Mounted(slug(f"pvc-{volume.source}"), source, volume.path, volume.sub_path, volume.read_only)
    kind = "secret" if volume.kind == "secret" else "configMap"
    source = {kind: {"secretName" if kind == "secret" else "name": volume.source}}
    return Mounted(slug(f"{kind.lower()}-{volume.source}"), source, volume.path, volume.sub_path, read_only=True)


def volumes(folders: tuple[Mounted, ...]) -> list[Part]:
    """The pod's side: each source once."""
    return list({folder.name: {"name": folder.name, **folder.source} for folder in folders}.values())


def needs_group(folders: tuple[Mounted, ...]) -> bool:
    """Whether a claim is mounted: the user of the container then needs its group to write there."""
    return any("persistentVolumeClaim" in folder.source for folder in folders)

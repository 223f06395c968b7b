"""What stands for a cluster's secrets and config maps when its pods run here: variables and folders of this machine.

In: the pods, and the variables that are set here (the same that `kubenb run` takes, see `machine`). Out: secrets and config maps by
name, or problems: what nothing here stands for. Next room: `rehearsal`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from kubenb.model.problems import Place, Problem
from kubenb.run.machine import variable_of

Part = Mapping[str, Any]
_KINDS = {"secretKeyRef": "secret", "configMapKeyRef": "configMap", "secretRef": "secret", "configMapRef": "configMap"}
_HAD = ("persistentVolumeClaim", "emptyDir", "ephemeral", "secret", "configMap")


@dataclass
class Supplies:
    """Keys and values by kind ('secret' or 'configMap') and name; and what is missing."""

    around: Mapping[str, str]
    found: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def of(self, kind: str) -> dict[str, dict[str, str]]:
        """All of one kind, by name."""
        return {name: data for (sort, name), data in self.found.items() if sort == kind}

    def take(self, kind: str, name: str, data: Mapping[str, str]) -> None:
        """Some keys of one."""
        self.found.setdefault((kind, name), {}).update(data)


def supplies(pods: Mapping[str, Part], around: Mapping[str, str], file: str) -> Supplies:
    """Everything that the pods (by task) refer to."""
    made = Supplies(around)
    missing: list[tuple[tuple[str, str, str], Problem]] = []
    for task, pod in pods.items():
        where = Place(file=file, task=task)
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        made.problems += [_no_volume(volume, where) for volume in volumes.values() if not set(_HAD) & set(volume)]
        for container in pod["spec"]["containers"]:
            missing += _variables(made, container, where)
            made.problems += _sources(made, container, where)
            made.problems += _mounts(made, container, volumes, where)
    made.problems += [problem for (kind, name, key), problem in missing if key not in made.found.get((kind, name), {})]
    return made


def _variables(made: Supplies, container: Part, where: Place) -> Iterator[tuple[tuple[str, str, str], Problem]]:
    """Single values; whether one is really missing is known when all pods have been seen."""
    for entry in container.get("env") or ():
        for source, reference in (entry.get("valueFrom") or {}).items():
            kind, variable = _KINDS.get(source), entry["name"]
            if kind is None:
                continue
            name, key = reference["name"], reference["key"]
            if variable in made.around:
                made.take(kind, name, {key: made.around[variable]})
            elif not reference.get("optional"):
                what = f"{variable} comes from the {kind.lower()} {name}, and no cluster takes part here."
                fix = f"Set it for this rehearsal: {variable}=VALUE kubenb rehearse …"
                yield (kind, name, key), Problem(where, what, fix, "rehearse.no-secret")


def _sources(made: Supplies, container: Part, where: Place) -> Iterator[Problem]:
    """All keys of one as variables."""
    for entry in container.get("envFrom") or ():
        for source, reference in entry.items():
            kind = _KINDS.get(source)
            if kind is None:
                continue
            variable = variable_of({"name": "", kind: {"secretName": reference["name"]}})
            folder = made.around.get(variable)
            if folder and Path(folder).is_dir():
                made.take(kind, reference["name"], _files(Path(folder)))
            elif not reference.get("optional"):
                what = (
                    f"its variables come from the {kind.lower()} {reference['name']}, and no cluster takes part here."
                )
                fix = f"Set {variable} to a folder with a file for each of its keys."
                yield Problem(where, what, fix, "rehearse.no-secret")


def _mounts(made: Supplies, container: Part, volumes: Mapping[str, Part], where: Place) -> Iterator[Problem]:
    """Files."""
    for mount in container.get("volumeMounts") or ():
        volume = volumes[mount["name"]]
        kind = next((kind for kind in ("secret", "configMap") if kind in volume), None)
        if kind is None:
            continue
        source, variable = volume[kind], variable_of(volume)
        name = source.get("secretName") or source.get("name")
        keys = {item["path"]: item["key"] for item in source.get("items") or ()}
        files = _standing(mount["mountPath"], made.around.get(variable), container, made.around)
        if files is not None:
            made.take(kind, name, {keys.get(path, path): text for path, text in files.items()})
        elif not source.get("optional"):
            what = f"{mount['mountPath']} is the {kind.lower()} {name}, and no cluster takes part here."
            pointing = list(_pointing(mount["mountPath"], container))
            fix = f"Set {pointing[0][0]} to a file here" if pointing else f"Set {variable} to a folder with its files"
            yield Problem(where, what, f"{fix}, for this rehearsal.", "rehearse.no-secret")


def _standing(path: str, folder: str | None, container: Part, around: Mapping[str, str]) -> dict[str, str] | None:
    """The files that stand for a mount: a named folder's, the same folder's here, or those that variables point at."""
    here = Path(folder or path)
    if here.is_dir():
        return _files(here)
    named = {str(inside): around[name] for name, inside in _pointing(path, container) if name in around}
    if not named:
        return None
    return {inside: _text(Path(file)) for inside, file in named.items() if Path(file).is_file()}


def _pointing(path: str, container: Part) -> Iterator[tuple[str, PurePosixPath]]:
    """Variables that name a file below a mount, as GOOGLE_APPLICATION_CREDENTIALS does, and that file's path there."""
    for entry in container.get("env") or ():
        value = entry.get("value") or ""
        if value.startswith(path.rstrip("/") + "/"):
            yield entry["name"], PurePosixPath(value).relative_to(path)


def _files(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): _text(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not any(part.startswith("..") for part in file.relative_to(folder).parts)
    }


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="surrogateescape")


def _no_volume(volume: Part, where: Place) -> Problem:
    kind = next((name for name in volume if name != "name"), "unknown")
    what = f"its volume {volume['name']} is of the kind {kind}, which only a cluster has."
    return Problem(where, what, "Try this task on a cluster, or rehearse without the volume.", "rehearse.volume")

"""This machine in place of a pod: the manifest's command, environment and folders as a process here gets them.

In: the manifest that the DAG carries too. Out: the `Spec` of a process, or problems by name (a secret that this machine
does not have). A pod's own folders lie under the run's folder; a claim's folder stays from run to run. Next room:
`process`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubenb.model.problems import Place, Problem
from kubenb.run.fields import fill

# What stands for the image here: where programs and libraries lie, how they speak, which road leads out.
# Nothing else of the user's environment.
TAKEN = re.compile(
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|LD_LIBRARY_PATH|PYTHONPATH|PYTHONHASHSEED|PYTHONWARNINGS|VIRTUAL_ENV|CONDA_\w+|JAVA_HOME|NLTK_DATA"
    r"|\w+_NUM_THREADS|OPENBLAS_\w+|MKL_\w+|CUDA_\w+|LD_PRELOAD|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(?i:https?_proxy|no_proxy|all_proxy)"
)


@dataclass(frozen=True)
class Spec:
    """A process to start, in `folder`. `mounts`: path in the pod -> folder here; `deadline`: seconds, as the pod has."""

    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    mounts: dict[str, Path] = field(default_factory=dict)
    deadline: float | None = None


@dataclass(frozen=True)
class Ground:
    """Where folders are made: `scratch` for this task alone, `claims` for volume claims; and what this machine knows.

    `python`: what stands for the image's; `around`: the user's environment; `fields`: values of Airflow's fields.
    """

    scratch: Path
    claims: Path
    python: str = sys.executable
    around: Mapping[str, str] = field(default_factory=lambda: os.environ)
    fields: Mapping[str, str] = field(default_factory=dict)


def prepare(
    pod: Mapping[str, Any], own: Mapping[str, str], ground: Ground, where: Place
) -> tuple[Spec, tuple[Problem, ...]]:
    """The process for a manifest. `own`: variables whose Airflow value is replaced by a local one (KUBENB_RUN …)."""
    container = pod["spec"]["containers"][0]
    problems: list[Problem] = []
    sources = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    mounts: dict[str, Path] = {}
    for mount in container.get("volumeMounts", ()):
        folder = _folder(sources[mount["name"]], mount, ground)
        if folder is not None:
            mounts[mount["mountPath"]] = folder
    values = taken(ground.around)
    for name, value in _environment(container, own, ground, mounts, where, problems):
        values[name] = value
    absent = [mount["mountPath"] for mount in container.get("volumeMounts", ()) if mount["mountPath"] not in mounts]
    problems += [
        _no_mount(path, sources, container, where) for path in absent if not _answered(path, container, ground)
    ]
    command = [
        _text(word, values, ground, where, problems)
        for word in (*container.get("command", ()), *container.get("args", ()))
    ]
    if command[:1] == ["python"]:
        command[0] = ground.python
    folder = mounts.get(container.get("workingDir", ""), ground.scratch)
    return Spec(tuple(command), values, folder, mounts, pod["spec"].get("activeDeadlineSeconds")), tuple(problems)


def taken(around: Mapping[str, str]) -> dict[str, str]:
    """What stands for an image's own variables."""
    cache = around.get("XDG_CACHE_HOME") or os.path.join(around.get("HOME", "/tmp"), ".cache")
    return {name: value for name, value in around.items() if TAKEN.fullmatch(name)} | {"XDG_CACHE_HOME": cache}


def _folder(volume: Mapping[str, Any], mount: Mapping[str, Any], ground: Ground) -> Path | None:
    """The folder that stands for a mount; None for a secret or config map that this machine does not have."""
    if "persistentVolumeClaim" in volume:
        folder: Path = ground.claims / volume["persistentVolumeClaim"]["claimName"]
    elif "emptyDir" in volume:
        folder = ground.scratch / volume["name"]
    else:
        given = ground.around.get(variable_of(volume))
        here = Path(given) if given else Path(mount["mountPath"])
        return here if here.exists() else None
    sub, _ = fill(mount.get("subPath", ""), ground.fields)
    return folder / sub if sub else folder


def variable_of(volume: Mapping[str, Any]) -> str:
    """The local variable that names the folder of a mounted secret or config map.

    >>> variable_of({"name": "x", "secret": {"secretName": "gcp-sa"}})
    'KUBENB_SECRET_GCP_SA'
    """
    kind = "secret" if "secret" in volume else "configMap" if "configMap" in volume else "projected"
    source = volume.get(kind, {})
    name = source.get("secretName") or source.get("name") or volume["name"]
    return f"KUBENB_{kind.upper()}_" + re.sub(r"\W", "_", name).upper()


def _environment(
    container: Mapping[str, Any],
    own: Mapping[str, str],
    ground: Ground,
    mounts: Mapping[str, Path],
    where: Place,
    problems: list[Problem],
) -> Iterator[tuple[str, str]]:
    values: dict[str, str] = {}
    for entry in container.get("env", ()):
        name = entry["name"]
        if name in own:
            continue
        if "valueFrom" in entry:
            value = _from_here(entry, ground, where, problems)
        elif _in_absent_mount(entry["value"], container, mounts) and name in ground.around:
            value = ground.around[name]
        else:
            value = _text(entry.get("value", ""), values, ground, where, problems)
        values[name] = _moved(value, mounts)
    yield from values.items()
    yield from own.items()


def _from_here(entry: Mapping[str, Any], ground: Ground, where: Place, problems: list[Problem]) -> str:
    name, source = entry["name"], entry["valueFrom"]
    if name in ground.around:
        return ground.around[name]
    kinds = {"secretKeyRef": "secret", "configMapKeyRef": "configmap"}
    kind = next((word for key, word in kinds.items() if key in source), None)
    if kind is None or next(iter(source.values())).get("optional"):
        return ""
    what = f"{name} comes from the {kind} {next(iter(source.values()))['name']}, and no cluster takes part here."
    problems.append(Problem(where, what, f"Set it for this run: {name}=VALUE kubenb run …", "run.no-secret"))
    return ""


def _text(text: str, values: Mapping[str, str], ground: Ground, where: Place, problems: list[Problem]) -> str:
    """A value as Airflow and the kubelet would hand it over."""
    filled, unknown = fill(text, ground.fields)
    problems += [
        Problem(
            where, f"{name} is known to Airflow only.", "Use a parameter for it, and give -p NAME=VALUE.", "run.field"
        )
        for name in unknown
    ]
    return re.sub(
        r"\$\$|\$\((\w+)\)", lambda match: "$" if match[0] == "$$" else values.get(match[1], match[0]), filled
    )


def _moved(value: str, mounts: Mapping[str, Path]) -> str:
    """A path under a mount, as the folder that stands for it."""
    for path, folder in sorted(mounts.items(), key=lambda item: -len(item[0])):
        if value == path or value.startswith(path.rstrip("/") + "/"):
            return str(folder) + value[len(path.rstrip("/")) :]
    return value


def _in_absent_mount(value: str, container: Mapping[str, Any], mounts: Mapping[str, Path]) -> bool:
    paths = [mount["mountPath"] for mount in container.get("volumeMounts", ()) if mount["mountPath"] not in mounts]
    return any(value == path or value.startswith(path.rstrip("/") + "/") for path in paths)


def _answered(path: str, container: Mapping[str, Any], ground: Ground) -> bool:
    """A variable that points into the missing folder is set here, as GOOGLE_APPLICATION_CREDENTIALS often is."""
    pointing = [entry["name"] for entry in container.get("env", ()) if entry.get("value", "").startswith(path)]
    return any(name in ground.around for name in pointing)


def _no_mount(path: str, sources: Mapping[str, Any], container: Mapping[str, Any], where: Place) -> Problem:
    name = next(mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == path)
    pointing = [entry["name"] for entry in container.get("env", ()) if entry.get("value", "").startswith(path)]
    fix = (
        f"Set {pointing[0]} to a file here"
        if pointing
        else f"Set {variable_of(sources[name])} to a folder that holds the same files"
    )
    what = f"{path} is a secret or config map of the cluster, and no cluster takes part here."
    return Problem(where, what, f"{fix}, for this run.", "run.no-secret")

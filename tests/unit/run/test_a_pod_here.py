"""A manifest on this machine: which command, which environment, which folders, and what is refused by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from kubenb.model.problems import Place
from kubenb.run.machine import Ground, Spec, prepare

WHERE = Place(2, 1, "train")
AROUND = {
    "PATH": "/bin",
    "LANG": "C.UTF-8",
    "HOME": "/home/ana",
    "AWS_SECRET_ACCESS_KEY": "hidden",
    "DB_PASSWORD": "s3cret",
}


def pod(
    env: list[dict[str, Any]] | None = None,
    mounts: list[tuple[dict[str, Any], dict[str, Any]]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    volumes = [{"name": f"v{index}", **source} for index, (source, _) in enumerate(mounts or [])]
    shown = [{"name": f"v{index}", **mount} for index, (_, mount) in enumerate(mounts or [])]
    container = {"command": ["python", "-c", "pass"], "env": env or [], "volumeMounts": shown, **more}
    return {"spec": {"containers": [container], "volumes": volumes, "activeDeadlineSeconds": 60}}


def ready(manifest: dict[str, Any], tmp_path: Path, own: dict[str, str] | None = None, **around: str) -> Spec:
    spec, problems = prepare(manifest, own or {}, ground(tmp_path, **around), WHERE)
    assert problems == ()
    return spec


def ground(tmp_path: Path, **around: str) -> Ground:
    return Ground(tmp_path / "scratch", tmp_path / "claims", around={**AROUND, **around}, fields={"ds": "2026-01-02"})


def test_python_is_this_python_and_the_deadline_is_the_pods(tmp_path: Path) -> None:
    spec = ready(pod(), tmp_path)
    assert spec.command == (sys.executable, "-c", "pass")
    assert spec.deadline == 60


def test_only_what_stands_for_the_image_is_taken_from_the_users_environment(tmp_path: Path) -> None:
    assert ready(pod(), tmp_path).environment == {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "XDG_CACHE_HOME": "/home/ana/.cache",
    }


def test_variables_are_resolved_as_the_kubelet_does(tmp_path: Path) -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$$(A)-$(NOPE)-{{ ds }}"}]
    assert ready(pod(env), tmp_path).environment["B"] == "1-$(A)-$(NOPE)-2026-01-02"


def test_local_values_replace_those_that_airflow_would_fill_in(tmp_path: Path) -> None:
    env = [{"name": "KUBENB_RUN", "value": "{{ run_id }}"}]
    assert ready(pod(env), tmp_path, {"KUBENB_RUN": "local-1"}).environment["KUBENB_RUN"] == "local-1"


@pytest.mark.parametrize(
    ("source", "mount", "folder"),
    [
        ({"emptyDir": {}}, {"mountPath": "/tmp"}, "scratch/v0"),
        ({"persistentVolumeClaim": {"claimName": "data"}}, {"mountPath": "/data"}, "claims/data"),
        (
            {"persistentVolumeClaim": {"claimName": "data"}},
            {"mountPath": "/data", "subPath": "day/{{ ds }}"},
            "claims/data/day/2026-01-02",
        ),
    ],
)
def test_mounts_are_folders_of_the_run_and_paths_in_variables_follow(
    tmp_path: Path, source: dict[str, Any], mount: dict[str, Any], folder: str
) -> None:
    path = mount["mountPath"]
    env = [
        {"name": "DATA", "value": f"{path}/x"},
        {"name": "BASE", "value": path},
        {"name": "OTHER", "value": f"{path}base"},
    ]
    spec = ready(pod(env, [(source, mount)], workingDir=path), tmp_path)
    assert spec.mounts == {path: tmp_path / folder}
    assert spec.environment["DATA"] == f"{tmp_path / folder}/x"
    assert spec.environment["BASE"] == str(tmp_path / folder)
    assert spec.environment["OTHER"] == f"{path}base"
    assert spec.folder == tmp_path / folder


SECRET = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}


def test_a_secret_comes_from_the_local_variable_of_the_same_name(tmp_path: Path) -> None:
    assert ready(pod([SECRET]), tmp_path).environment["DB_PASSWORD"] == "s3cret"


def test_a_secret_that_is_not_here_is_named(tmp_path: Path) -> None:
    env = [
        {**SECRET, "name": "TOKEN"},
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "levels", "key": "LEVEL"}}},
    ]
    _, problems = prepare(pod(env), {}, ground(tmp_path), WHERE)
    assert [str(problem) for problem in problems] == [
        f"cell 2, line 1 (train): {name} comes from the {source}, and no cluster takes part here."
        f" Set it for this run: {name}=VALUE kubenb run …"
        for name, source in (("TOKEN", "secret db"), ("LEVEL", "configmap levels"))
    ]


MOUNTED = ({"secret": {"secretName": "gcp-sa"}}, {"mountPath": "/kubenb/google", "readOnly": True})
KEY = {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/kubenb/google/key.json"}


def test_a_mounted_secret_needs_a_folder_or_the_variable_that_points_into_it(tmp_path: Path) -> None:
    _, problems = prepare(pod([KEY], [MOUNTED]), {}, ground(tmp_path), WHERE)
    assert [problem.fix for problem in problems] == ["Set GOOGLE_APPLICATION_CREDENTIALS to a file here, for this run."]
    _, problems = prepare(pod([], [MOUNTED]), {}, ground(tmp_path), WHERE)
    assert [problem.fix for problem in problems] == [
        "Set KUBENB_SECRET_GCP_SA to a folder that holds the same files, for this run."
    ]


def test_a_mounted_secret_may_be_here(tmp_path: Path) -> None:
    assert (
        ready(pod([KEY], [MOUNTED]), tmp_path, GOOGLE_APPLICATION_CREDENTIALS="/k.json").environment[KEY["name"]]
        == "/k.json"
    )
    spec = ready(pod([KEY], [MOUNTED]), tmp_path, KUBENB_SECRET_GCP_SA=str(tmp_path))
    assert spec.environment[KEY["name"]] == f"{tmp_path}/key.json"


def test_a_field_that_only_airflow_knows_is_named(tmp_path: Path) -> None:
    _, problems = prepare(pod([{"name": "A", "value": "{{ var.value.x }}"}]), {}, ground(tmp_path), WHERE)
    assert [problem.what for problem in problems] == ["{{ var.value.x }} is known to Airflow only."]

"""The pod that is started now is the DAG's own: what differs is this run's values and our marks, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from kubenb.cluster import marks
from kubenb.export.manifest import manifest
from kubenb.export.task_notebook import task_notebook
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Load, Task
from kubenb.model.values import KeyValue, Projection, Volume
from kubenb.run.pod_manifest import Mark, pod_name, to_start
from tests.unit.run.made import pipeline, plan

MARK = Mark(
    "made-train-x7k2m9qa",
    "data",
    "pod-1",
    "ana.laptop",
    "t0ken",
    "2026-01-01T00:00:00Z",
    300,
    {"task": "train", "item": None},
)
OPTIONS: dict[str, Any] = {
    "cpu": "500m",
    "memory": "1Gi",
    "image": "registry/image:1",
    "env": (KeyValue("DAY", "{{ ds }}"), KeyValue("PRICE", "$5")),
    "secret": (Projection("db", "password", "PASSWORD"),),
    "volume": (Volume("pvc", "data", "/data", "raw"),),
    "label": (KeyValue("team", "pricing"),),
    "annotation": (KeyValue("contact", "ana"),),
    "service_account": "runner",
}


def dags_pod(**options: Any) -> dict[str, Any]:
    extract = plan("extract", "rows = [1]", out=("rows",))
    train = plan("train", "model = sum(rows)", Load("extract", ("rows",)), out=("model",), **{**OPTIONS, **options})
    whole = pipeline(extract, train, n=1)
    return manifest(whole, train, task_notebook(whole, train, "made"))


def without(pod: dict[str, Any], own: dict[str, str]) -> dict[str, Any]:
    """The pod less all that a run may say."""
    pod = copy.deepcopy(pod)
    ours = {
        marks.RUN,
        marks.OWNER,
        marks.TASK,
        marks.TOKEN,
        marks.HEARTBEAT,
        marks.TIME_TO_LIVE,
        marks.ABOUT,
        marks.DETACHED,
    }
    for name in ("name", "namespace", "ownerReferences"):
        pod["metadata"].pop(name, None)
    for part in ("labels", "annotations"):
        pod["metadata"][part] = {key: value for key, value in pod["metadata"][part].items() if key not in ours}
    container = pod["spec"]["containers"][0]
    container["env"] = [entry for entry in container["env"] if entry["name"] not in own]
    return pod


def test_it_differs_from_the_dags_pod_in_what_a_run_says_and_in_nothing_else() -> None:
    pod = dags_pod()
    own = {
        "KUBENB_RUN": "pod-1",
        "KUBENB_PARAMS": "{}",
        "KUBENB_TRY": "1",
        "KUBENB_STORE": "/x",
        "KUBENB_HOLD": "t0ken 600 1",
    }
    made, unknown = to_start(pod, own, {"ds": "2026-01-31"}, MARK)
    expected = without(pod, own)
    day = next(entry for entry in expected["spec"]["containers"][0]["env"] if entry["name"] == "DAY")
    assert day["value"] == "{{ ds }}"
    day["value"] = "2026-01-31"
    assert without(made, own) == expected
    assert unknown == ()


def test_its_marks_say_whose_it_is() -> None:
    made, _ = to_start(dags_pod(), {}, {"ds": ""}, MARK)
    metadata = made["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("made-train-x7k2m9qa", "data")
    assert {
        marks.MANAGED: "kubenb",
        marks.RUN: "pod-1",
        marks.OWNER: "ana.laptop",
        marks.TASK: "train",
    }.items() <= metadata["labels"].items()
    assert metadata["labels"]["team"] == "pricing"
    assert json.loads(metadata["annotations"][marks.ABOUT]) == {"task": "train", "item": None}
    assert made["spec"]["activeDeadlineSeconds"] > 0


def test_a_field_that_only_airflow_knows_is_named() -> None:
    _, unknown = to_start(
        dags_pod(env=(KeyValue("X", "{{ var.value.x }}"),)),
        {"KUBENB_RUN": "", "KUBENB_TRY": "", "KUBENB_PARAMS": ""},
        {},
        MARK,
    )
    assert unknown == ("{{ var.value.x }}",)


def test_the_manifest_that_was_given_stays_as_it_is() -> None:
    pod = dags_pod()
    before = copy.deepcopy(pod)
    to_start(pod, {"KUBENB_RUN": "x"}, {"ds": "y"}, MARK)
    assert pod == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("flights-train", "flights-train-x7k2m9qa"),
        ("a" * 63, "a" * 54 + "-x7k2m9qa"),
        ("a" * 53 + "-b", "a" * 53 + "-x7k2m9qa"),
    ],
)
def test_a_pods_name_fits_a_host_name(name: str, expected: str) -> None:
    assert pod_name({"metadata": {"name": name}}, "x7k2m9qa") == expected
    assert len(expected) <= 63


def test_a_container_task_gets_its_marks_too() -> None:
    task = Task("load", TaskOptions(image="i"), kind="container", command=("run", "{{ ds }}"))
    whole = pipeline(plan("x", "a = 1"))
    from kubenb.model.pipeline import Plan

    made, _ = to_start(manifest(whole, Plan(task, (), (), ()), ""), {}, {"ds": "2026-01-31"}, MARK)
    assert made["spec"]["containers"][0]["args"] == ["2026-01-31"]
    assert made["metadata"]["labels"][marks.RUN] == "pod-1"

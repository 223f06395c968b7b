"""The pod that asks an image what it has: the task's own place and rights, nothing of its secrets and volumes, and gone by itself."""

from __future__ import annotations

from typing import Any

from kubenb.cluster import marks
from kubenb.cluster.imports import Needs, _looking, _told
from kubenb.export.manifest import manifest
from kubenb.export.task_notebook import task_notebook
from kubenb.model.problems import Place
from kubenb.model.values import Projection, Toleration, Volume
from tests.unit.run.made import pipeline, plan


def made(**options: Any) -> dict[str, Any]:
    one = plan("one", "import pandas", image="registry/image:1", cpu="8", memory="64Gi", **options)
    whole = pipeline(one)
    pod = manifest(whole, one, task_notebook(whole, one, "made"))
    pod["metadata"]["namespace"] = "data"
    return pod


def test_it_asks_for_little_and_names_no_secret_and_no_volume() -> None:
    pod = _looking(
        made(
            secret=(Projection("db", "password", "PASSWORD"),),
            volume=(Volume("pvc", "data", "/data", None),),
            toleration=(Toleration("dedicated", "ml", "NoSchedule"),),
        ),
        ["pandas"],
    )
    container = pod["spec"]["containers"][0]
    assert container["image"] == "registry/image:1"
    assert container["command"][-1] == "pandas"
    assert "env" not in container
    assert "volumeMounts" not in container
    assert pod["spec"]["volumes"] == []
    assert container["resources"]["limits"] == {"memory": "128Mi"}
    assert pod["spec"]["tolerations"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["activeDeadlineSeconds"] < 300
    assert {marks.MANAGED, marks.RUN} <= set(pod["metadata"]["labels"])


def test_each_task_is_told_what_its_own_code_lacks() -> None:
    pod = made()
    group = [
        Needs(Place(2, 1, "one"), pod, {"pandas": "task one imports it"}),
        Needs(Place(3, 1, "two"), pod, {"numpy": "task two imports it", "pandas": "task two imports it"}),
    ]
    told = [str(problem) for problem in _told(group, "registry/image:1", ["numpy"])]
    assert told == [
        "cell 3, line 1 (two): image registry/image:1 has no module numpy (task two imports it). "
        "Name an image that has it with --image, or write one: `kubenb image`."
    ]

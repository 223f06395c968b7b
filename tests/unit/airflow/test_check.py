"""What an Airflow said becomes problems: each with its reason and its fix. No Airflow is needed here."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from kubenb.airflow.check import check_with_airflow, problems_of
from kubenb.airflow.pods import differences, fields_in, filled
from kubenb.model.problems import Severity

MANIFEST: dict[str, Any] = {
    "metadata": {"name": "d-a", "labels": {"team": "x"}},
    "spec": {
        "restartPolicy": "Never",
        "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b"}],
        "containers": [
            {
                "name": "base",
                "command": ["python", "-c", "print('{{ not_ds }}')"],
                "env": [{"name": "RUN", "value": "{{ run_id }}"}, {"name": "B", "value": "1"}],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    },
}


def made() -> dict[str, Any]:
    """The pod as a real provider sends it."""
    pod = copy.deepcopy(MANIFEST)
    pod["metadata"] |= {"name": "a-x1y2", "namespace": "default", "annotations": {}}
    pod["metadata"]["labels"] |= {
        "dag_id": "d",
        "task_id": "a",
        "run_id": "r",
        "try_number": "1",
        "airflow_version": "3.3.2",
    }
    base = pod["spec"]["containers"][0]
    base |= {"args": [], "envFrom": [], "ports": []}
    base["env"] = [{"name": "B", "value": "1"}, {"name": "RUN", "value": "r1"}]
    pod["spec"] |= {
        "affinity": {},
        "hostNetwork": False,
        "imagePullSecrets": [],
        "initContainers": [],
        "nodeSelector": {},
    }
    pod["spec"]["tolerations"].reverse()
    return pod


VALUES = {"{{ run_id }}": "r1", "{{ not_ds }}": "{{ not_ds }}"}


def answer(**changes: Any) -> dict[str, Any]:
    """What the probe says of a DAG file that is right."""
    dag = {
        "serialised": "0",
        "edges": [],
        "tasks": {"a": {"pod": made(), "mapped": [], "xcom": False}},
        "fields": {"a": VALUES},
    }
    whole: dict[str, Any] = {
        "airflow": "3.3.2",
        "import_errors": [],
        "warnings": [],
        "inflation": None,
        "unstable": [],
        "dags": {"d": dag},
    }
    return {**whole, **changes}


def said(found: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in problems_of(found, Path("dags/d.py"), {"a": MANIFEST})]


def test_a_file_that_is_right_has_no_problem() -> None:
    assert said(answer()) == []


@pytest.mark.parametrize(
    ("changes", "start", "end"),
    [
        (
            {"import_errors": ["Traceback\nModuleNotFoundError: No module named 'alerts'"]},
            "d.py: Airflow 3.3.2 can't load it: ModuleNotFoundError: No module named 'alerts'. ",
            "or take out the option that names it.",
        ),
        (
            {"import_errors": ["No module named 'airflow.providers.cncf'"]},
            "d.py: Airflow 3.3.2 can't load it",
            "Install apache-airflow-providers-cncf-kubernetes in that Airflow.",
        ),
        (
            {"warnings": ["/x/d.py:7: OldWarning: so\nold"]},
            "d.py: line 7: Airflow 3.3.2 warns: OldWarning: so; old. ",
            "with this line.",
        ),
        (
            {"inflation": "Line 3\nnow()"},
            "d.py: Airflow 3.3.2 would make a new version of the DAG at each parse: Line 3; now(). ",
            "random).",
        ),
        ({"unstable": ["d"]}, "d.py: Airflow 3.3.2 stores DAG d differently in two processes. ", "set."),
        ({"dags": {}}, "d.py: Airflow 3.3.2 finds 0 DAGs in it (none), not one. ", "with this line."),
    ],
)
def test_what_an_airflow_says_is_passed_on_with_a_fix(changes: dict[str, Any], start: str, end: str) -> None:
    [problem] = said(answer(**changes))
    assert problem.startswith(start)
    assert problem.endswith(end)


def test_what_an_edit_made_different_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answer()
    found["dags"]["d"]["tasks"]["a"]["pod"]["spec"]["restartPolicy"] = "Always"
    monkeypatch.setattr("kubenb.airflow.check.ask", lambda *_: found)
    for edited, severity in ((False, Severity.ERROR), (True, Severity.WARNING)):
        [problem] = check_with_airflow(Path("d.py"), Path("python"), {"a": MANIFEST}, edited=edited)
        assert problem.severity is severity
    assert "carry it over to the notebook" in problem.fix
    found["import_errors"] = ["NameError: name 'x' is not defined"]
    [problem] = check_with_airflow(Path("d.py"), Path("python"), {"a": MANIFEST}, edited=True)
    assert (problem.severity, problem.fix[:23]) == (Severity.ERROR, "Look at your edits of t")


def test_a_warning_weighs_less_than_an_error() -> None:
    [problem] = problems_of(answer(warnings=["d.py:1: W: x"]), Path("d.py"), {"a": MANIFEST})
    assert problem.severity is Severity.WARNING


def test_a_task_that_only_one_side_has_is_named() -> None:
    found = answer()
    found["dags"]["d"]["tasks"]["b"] = found["dags"]["d"]["tasks"].pop("a")
    texts = said(found)
    assert any("task a is in the notebook, not in the file" in text for text in texts)
    assert any("task b is in the file, not in the notebook" in text for text in texts)


def test_a_field_that_airflow_can_not_fill_in_is_named() -> None:
    found = answer()
    found["dags"]["d"]["fields"]["a"] = {"{{ dss }}": {"error": "UndefinedError: 'dss' is undefined"}}
    [problem] = said(found)
    assert problem.startswith(
        "d.py: (a): Airflow 3.3.2 can't fill in {{ dss }}: UndefinedError: 'dss' is undefined. Write a field"
    )


def test_only_what_stands_in_a_field_place_is_a_field() -> None:
    manifest = {
        "metadata": {"labels": {"a": "{{ ds }}"}},
        "spec": {"containers": [{"image": "{{ x }}", "args": ["{{ ts }}"]}]},
    }
    assert fields_in(manifest) == ["{{ ts }}"]
    assert filled(manifest, {"{{ ts }}": "now"})["spec"]["containers"][0] == {"image": "{{ x }}", "args": ["now"]}


CHANGES: list[tuple[list[Any], Any, str]] = [
    (
        ["spec", "restartPolicy"],
        "Always",
        "spec.restartPolicy is 'Never' in kubenb's manifest, but 'Always' in Airflow's pod",
    ),
    (["spec", "hostPID"], True, "spec.hostPID is not set in kubenb's manifest, but True in Airflow's pod"),
    (
        ["spec", "volumes"],
        [],
        "spec.volumes is {'tmp': {'emptyDir': {}}} in kubenb's manifest, but not set in Airflow's pod",
    ),
    (["spec", "hostNetwork"], True, "spec.hostNetwork is not set in kubenb's manifest, but True in Airflow's pod"),
    (
        ["spec", "containers", 0, "env", 0, "value"],
        "2",
        "spec.containers.base.env.B.value is '1' in kubenb's manifest, but '2' in Airflow's pod",
    ),
    (["metadata", "labels", "team"], "y", "metadata.labels.team is 'x' in kubenb's manifest, but 'y' in Airflow's pod"),
]


@pytest.mark.parametrize(("path", "value", "said"), CHANGES, ids=[str(case[0][-1]) for case in CHANGES])
def test_every_difference_between_the_pods_is_seen(path: list[Any], value: Any, said: str) -> None:
    pod = made()
    inner: Any = pod
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert list(differences(filled(MANIFEST, VALUES), pod)) == [said]


def test_a_label_of_the_users_that_airflow_takes_over_is_a_difference() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["metadata"]["labels"]["dag_id"] = "mine"
    assert list(differences(filled(manifest, VALUES), made())) == [
        "metadata.labels.dag_id is 'mine' in kubenb's manifest, but 'd' in Airflow's pod"
    ]


def test_what_items_have_of_their_own_and_airflows_sidecar_are_no_difference() -> None:
    pod = made()
    mount = {"name": "xcom", "mountPath": "/airflow/xcom"}
    base = pod["spec"]["containers"][0]
    base["env"].append({"name": "KUBENB_ITEM", "value": "0"})
    base["resources"] = {"limits": {"memory": "1Gi"}}
    base["volumeMounts"] = [mount]
    pod["spec"]["containers"].append({"name": "airflow-xcom-sidecar", "image": "alpine", "volumeMounts": [mount]})
    pod["spec"]["volumes"].append({"name": "xcom", "emptyDir": {}})
    assert list(differences(filled(MANIFEST, VALUES), pod, ("container_resources", "env_vars"))) == []

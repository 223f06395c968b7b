"""What a real Airflow has against a DAG file is said as problems, with the reason and the fix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubenb.airflow import check_with_airflow
from kubenb.testing import code, notebook
from tests.integration.airflow.exported import export, pipeline_of

SMALL = notebook(
    "%k8s_dag small --schedule @daily --start 2026-01-01 --image python:3.11 --store pvc:data",
    code("year = 2013", "parameters"),
    "%%k8s_task only --memory 1Gi\n#| env: DAY={{ ds }}\nvalue = year",
)
WARN = "import warnings\nwarnings.warn('old way', DeprecationWarning)\n"
UNSTABLE = "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator\n"


def edit(dag_file: Path, old: str, new: str) -> None:
    text = dag_file.read_text()
    assert text.count(old) >= 1, f"{old!r} is not in\n{text}"
    dag_file.write_text(text.replace(old, new, 1))


CASES = [
    ("import json\n", "import json\nimport gone_module\n", "airflow.import", "No module named 'gone_module'"),
    ("import json\n", "import json\n" + WARN, "airflow.warning", "DeprecationWarning: old way"),
    ('"DAY": "{{ ds }}"', '"DAY": "{{ dss }}"', "airflow.pod", "'dss' is undefined"),
    (
        'memory="1Gi"',
        'memory="2Gi"',
        "airflow.difference",
        "resources.limits.memory is '1Gi' in kubenb's manifest, but '2Gi'",
    ),
    ("catchup=False", 'catchup=False, tags=[str(hash("x"))]', "airflow.unstable", "differently in two processes"),
    ('"small",', '"small", description=str(datetime.now()),', "airflow.unstable", "differently in two processes"),
]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"), CASES, ids=[f"{case[2]}-{number}" for number, case in enumerate(CASES)]
)
def test_what_is_wrong_in_a_file_is_named(
    airflow_python: Path, tmp_path: Path, old: str, new: str, code: str, said: str
) -> None:
    dag_file, manifests = export(pipeline_of(SMALL), tmp_path)
    edit(dag_file, old, new)
    problems = {problem.code: problem for problem in check_with_airflow(dag_file, airflow_python, manifests)}
    assert code in problems, problems
    assert said in problems[code].what
    assert problems[code].fix


def test_nothing_is_left_behind(airflow_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    home.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "mine"))
    monkeypatch.setattr("tempfile.tempdir", None)
    dag_file, manifests = export(pipeline_of(SMALL), tmp_path / "dags")
    before = sorted(os.walk(tmp_path / "dags"))
    assert check_with_airflow(dag_file, airflow_python, manifests) == ()
    assert sorted(os.walk(tmp_path / "dags")) == before
    assert [list(temporary.iterdir()), list(home.iterdir())] == [[], []]

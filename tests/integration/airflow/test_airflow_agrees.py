"""Each Airflow loads every example without an error or a warning, and makes the pods that our manifests say."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from kubenb import actions
from kubenb.airflow import ask, check_with_airflow
from kubenb.model.options import DAG, TASK
from tests.integration.airflow.exported import EXAMPLES, export, pipeline_of


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.stem))
def test_an_example_loads_without_a_word_and_makes_our_pods(
    airflow_python: Path, example: Path, tmp_path: Path
) -> None:
    dag_file, manifests = export(pipeline_of(example), tmp_path)
    assert [str(problem) for problem in check_with_airflow(dag_file, airflow_python, manifests)] == []


def test_a_file_with_edits_is_judged_with_them(airflow_python: Path, tmp_path: Path) -> None:
    pipeline = pipeline_of(EXAMPLES[0])
    done = actions.export(pipeline, tmp_path)
    text = done.dag_file.read_text()
    name = pipeline.plans[-1].task.name
    added = '    mine = KubernetesPodOperator(**{**notebook("%s"), "task_id": "mine"}, image="a/b")\n' % name
    done.dag_file.write_text(
        text.replace("    catchup=False,\n", "    catchup=False,\n    max_active_runs=1,\n") + added
    )
    report = actions.check(pipeline, airflow=airflow_python, to=tmp_path)
    assert report.ok, str(report)
    assert "task mine is in the file, not in the notebook. If it is your edit and meant so" in str(report)
    done.dag_file.write_text(text.replace("    catchup=False,\n", "    catch_up=False,\n"))
    broken = actions.check(pipeline, airflow=airflow_python, to=tmp_path)
    assert not broken.ok
    assert "catch_up" in str(broken)
    assert "Look at your edits of the file first" in str(broken)


DEFAULTS = """
import json
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.common.compat.sdk import DAG
with DAG("d", schedule=None) as dag:
    task = KubernetesPodOperator(task_id="a", image="x")
found = {name.lstrip("_"): value for name, value in {**vars(dag), **vars(task)}.items()}
print(json.dumps(found, default=lambda value: getattr(value, "value", str(value))))
"""


NAMES = {"priority": "priority_weight", "on-finish": "on_finish_action", "connection": "kubernetes_conn_id"}


def test_the_defaults_that_we_call_airflows_are(airflow_python: Path, tmp_path: Path) -> None:
    environment = {"AIRFLOW_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    said = subprocess.run([airflow_python, "-c", DEFAULTS], env=environment, capture_output=True, check=True).stdout
    found = json.loads(said.splitlines()[-1])
    for option in (*TASK.values(), *DAG.values()):
        if option.whose == "Airflow" and option.default:
            value = found[NAMES.get(option.name, option.name.replace("-", "_"))]
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert shown == {"5m": "0:05:00"}.get(option.default, option.default), option.name


def test_a_dag_is_stored_alike_wherever_it_lies(airflow_python: Path, tmp_path: Path) -> None:
    pipeline = pipeline_of(EXAMPLES[-1])
    answers = [ask(export(pipeline, tmp_path / folder)[0], airflow_python) for folder in ("here", "some/where else")]
    assert [answer["unstable"] for answer in answers] == [[], []]
    here, there = ({name: dag["serialised"] for name, dag in answer["dags"].items()} for answer in answers)
    assert here == there

"""Each Airflow loads every example without an error or a warning, and makes the pods that our manifests say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenb.airflow import ask, check_with_airflow
from tests.integration.airflow.exported import EXAMPLES, export, pipeline_of


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.stem))
def test_an_example_loads_without_a_word_and_makes_our_pods(
    airflow_python: Path, example: Path, tmp_path: Path
) -> None:
    dag_file, manifests = export(pipeline_of(example), tmp_path)
    assert [str(problem) for problem in check_with_airflow(dag_file, airflow_python, manifests)] == []


def test_a_dag_is_stored_alike_wherever_it_lies(airflow_python: Path, tmp_path: Path) -> None:
    pipeline = pipeline_of(EXAMPLES[-1])
    answers = [ask(export(pipeline, tmp_path / folder)[0], airflow_python) for folder in ("here", "some/where else")]
    assert [answer["unstable"] for answer in answers] == [[], []]
    here, there = ({name: dag["serialised"] for name, dag in answer["dags"].items()} for answer in answers)
    assert here == there

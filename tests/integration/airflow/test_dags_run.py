"""Each Airflow runs our DAGs to success: its own provider code against the stand-in, each pod's command as a process."""

from __future__ import annotations

import json
from pathlib import Path

from kubenb.testing import PodApi, code, notebook
from tests.integration.airflow.exported import EXAMPLES, export, pipeline_of
from tests.integration.airflow.rig import Airflow

# The list that `square` maps over is known only when `count` has run, so it travels as XCom.
SQUARES = notebook(
    "%k8s_dag squares --schedule @daily --start 2026-01-01 --image python:3.11 --store pvc:data",
    code("top = 3", "parameters"),
    "%%k8s_task count\nnumbers = list(range(1, top + 1))",
    "%%k8s_task square\n#| map: number in numbers\n#| max-parallel: 2\nsquared = number**2",
    '%%k8s_task spell\n#| map: word in ["a", "b"]\n#| item-resources: [{"memory": "1Gi"}, {"memory": "2Gi"}]\nspelled = word * top',
    "%%k8s_task add\n#| xcom: total\ntotal = {'sum': sum(squared), 'words': spelled}",
)

# Small values need no store: they travel through Airflow's own database.
SMALL = notebook(
    "%k8s_dag small --schedule @daily --start 2026-01-01 --image python:3.11 --store xcom",
    "%%k8s_task make\npair = (1, 'two')",
    "%%k8s_task take\nprint('the pair is', pair)",
)


def outcomes(api: PodApi) -> list[tuple[str, str]]:
    """(task, phase) of each pod there was."""
    return sorted((pod.metadata["labels"]["task_id"], pod.phase) for pod in api.gone)


def test_the_flights_run_to_success(airflow: Airflow, tmp_path: Path) -> None:
    flights = next(path for path in EXAMPLES if path.stem == "flights")
    dag_file, manifests = export(pipeline_of(flights), tmp_path / "dags")
    with PodApi(tmp_path / "pods") as api:
        airflow.run(dag_file.parent, "flights", api, tmp_path, {"history": 1})
    assert outcomes(api) == sorted((task, "Succeeded") for task in manifests)
    assert api.pods == {}, "no pod is left"
    [report] = (tmp_path / "pods" / "pvc").glob("**/report/notebook.ipynb")
    images = [
        output
        for cell in json.loads(report.read_text())["cells"]
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert images, "the executed notebook has its plot"


def test_items_known_at_export_or_made_at_run_time_come_back_in_order(airflow: Airflow, tmp_path: Path) -> None:
    dag_file, _ = export(pipeline_of(SQUARES), tmp_path / "dags")
    with PodApi(tmp_path / "pods") as api:
        airflow.run(dag_file.parent, "squares", api, tmp_path, {"top": 3})
    made = [("add", "Succeeded"), ("count", "Succeeded"), *[("spell", "Succeeded")] * 2, *[("square", "Succeeded")] * 3]
    assert outcomes(api) == made
    limits = [
        pod.spec["containers"][0]["resources"]["limits"]["memory"]
        for pod in api.gone
        if "spell" in pod.metadata["name"]
    ]
    assert sorted(limits) == ["1Gi", "2Gi"]
    [pushed] = (tmp_path / "pods" / "pvc").glob("**/add/xcom.json")
    assert json.loads(pushed.read_text()) == {"total": {"sum": 14, "words": ["aaa", "bbb"]}}


def test_small_values_travel_by_xcom(airflow: Airflow, tmp_path: Path) -> None:
    dag_file, _ = export(pipeline_of(SMALL), tmp_path / "dags")
    with PodApi(tmp_path / "pods") as api:
        said = airflow.run(dag_file.parent, "small", api, tmp_path)
    assert "the pair is (1, 'two')" in said

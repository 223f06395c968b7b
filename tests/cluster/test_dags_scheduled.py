"""Our DAGs under a real scheduler on a real Kubernetes: what fails says why, what is killed is tried again, mapped tasks run at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubenb.testing import notebook
from tests.cluster.pods import claims, own_namespace
from tests.cluster.rig import Airflow
from tests.cluster.standing import Standing, standing
from tests.integration.airflow.exported import export, pipeline_of
from tests.stores.servers import ObjectStore

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.xdist_group("airflow-3.3"),
    pytest.mark.parametrize("airflow_version", ["3.3"], scope="session"),
]

HEAD = "%k8s_dag {name} --schedule @once --start 2026-01-01 --image kubenb.test/analysis:1 --retries 1 --retry-delay 1s --store {store}"
TABLE = "%%k8s_task make\nimport pandas as pd\nnumbers = [1, 2, 3]\ntable = pd.DataFrame({'n': numbers, 'word': list('abc')})"
TOTAL = "%%k8s_task add\ntotal = sum(numbers) + int(table['n'].sum())\nprint('total', total, table['word'].tolist())"
# Each waits for the others: one after another they would never meet.
MEET = """place, end = Path("/kubenb/store/meeting"), time.monotonic() + 240
place.mkdir(exist_ok=True)
(place / part).touch()
while len(os.listdir(place)) < 3 and time.monotonic() < end:
    time.sleep(0.2)
met = "".join(sorted(os.listdir(place)))"""
DAGS = {
    "faulty": ["%%k8s_task divide --retries 0\nhalf = 1 / 2\nwhole = half / 0"],
    "hungry": [
        "import os",
        "%%k8s_task eat --memory 400Mi\nhoard = b'x' * (600_000_000 if os.environ['KUBENB_TRY'] == '1' else 6)\nsize = len(hoard)",
        "%%k8s_task tell\nprint('the size is', size)",
    ],
    "chased": [
        "import os, time",
        "%%k8s_task stay\ntime.sleep(600 if os.environ['KUBENB_TRY'] == '1' else 0)\nstayed = 'to the end'",
        "%%k8s_task tell\nprint('it stayed', stayed)",
    ],
    "wide": [
        "#| on-finish: keep_pod\n#| priority: 9",
        "import os, time\nfrom pathlib import Path",
        "%%k8s_task meet --memory 200Mi\n#| map: part in ['a', 'b', 'c']\n#| max-parallel: 3\n" + MEET,
        "%%k8s_task join\nprint('met', met)",
    ],
    "through_xcom": ["%%k8s_task make\npair = (1, 'two')", "%%k8s_task take\nprint('the pair is', pair)"],
    "through_s3": [TABLE, TOTAL],
    "through_gs": [TABLE, TOTAL],
    "through_abs": [TABLE, TOTAL],
}


@dataclass(frozen=True)
class Stage:
    """All DAGs, started together; `volume` is the folder behind the claim `data`."""

    airflow: Standing
    oracle: Any
    namespace: str
    volume: Path

    def ended(self, dag: str, state: str) -> None:
        """Waits for the DAG's run, and holds its state against the one meant."""
        assert self.airflow.ended(dag) == state, "\n\n".join(f"{each}\n{each.log}" for each in self.airflow.tries(dag))

    def tries(self, dag: str) -> list[tuple[str, int, str]]:
        """(task, try, state)."""
        return [(each.task, each.number, each.state) for each in self.airflow.tries(dag)]

    def log(self, dag: str, task: str, number: int = 1) -> str:
        """The log of a task's try, as Airflow has it."""
        [found] = [each.log for each in self.airflow.tries(dag) if (each.task, each.number) == (task, number)]
        return found


def written(name: str, cells: list[str], stores: dict[str, ObjectStore]) -> str:
    """The notebook of one of the DAGs."""
    scheme = name.partition("through_")[2]
    lines = [HEAD.format(name=name, store={"": "pvc:data", "xcom": "xcom"}.get(scheme) or f"{stores[scheme].url}/runs")]
    lines += [f"#| env: {key}={value}" for key, value in (stores[scheme].env.items() if scheme in stores else ())]
    options = [cell for cell in cells if cell.startswith("#|")]
    return notebook("\n".join([*lines, *options]), *(cell for cell in cells if not cell.startswith("#|")))


@pytest.fixture(scope="module")
def stage(
    airflow: Airflow,
    kubeconfig: Path,
    oracle: Any,
    s3_store: ObjectStore,
    gs_store: ObjectStore,
    abs_store: ObjectStore,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    place = tmp_path_factory.mktemp("stage")
    stores = {"s3": s3_store, "gs": gs_store, "abs": abs_store}
    for name, cells in DAGS.items():
        export(pipeline_of(written(name, cells, stores)), place / "dags")
    with own_namespace(oracle) as namespace, claims(oracle, namespace, place, ["data"]):
        connection: dict[str, object] = {
            "kube_config_path": str(kubeconfig),
            "namespace": namespace,
            "xcom_sidecar_container_image": "kubenb.test/python:3.11",
        }
        with standing(airflow, place / "dags", connection, place) as running:
            chase = threading.Thread(target=evict_the_first, args=(oracle, namespace), daemon=True)
            chase.start()
            yield Stage(running, oracle, namespace, place / "data")


def evict_the_first(oracle: Any, namespace: str) -> None:
    """Evicts the pod of `chased` once it runs, as a drained node would."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        for pod in oracle.list_namespaced_pod(namespace, label_selector="dag_id=chased,task_id=stay").items:
            if pod.status.phase == "Running":
                time.sleep(2)
                name = pod.metadata.name
                oracle.create_namespaced_pod_eviction(
                    name, namespace, {"metadata": {"name": name}, "deleteOptions": {"gracePeriodSeconds": 1}}
                )
                return
        time.sleep(0.5)


def test_a_failing_task_shows_its_traceback_in_airflows_log_and_keeps_its_notebook(stage: Stage) -> None:
    stage.ended("faulty", "failed")
    log = stage.log("faulty", "divide")
    assert "whole = half / 0" in log
    assert "ZeroDivisionError: float division by zero" in log or "ZeroDivisionError: division by zero" in log
    [kept] = stage.volume.glob("faulty/*/divide/notebook.ipynb")
    outputs = [output for cell in json.loads(kept.read_text())["cells"] for output in cell.get("outputs", ())]
    assert "ZeroDivisionError" in [output.get("ename") for output in outputs]
    assert stage.tries("faulty") == [("divide", 1, "failed")]


def test_a_task_killed_for_its_memory_is_tried_again_and_the_result_is_right(stage: Stage) -> None:
    stage.ended("hungry", "success")
    assert stage.tries("hungry") == [("eat", 1, "failed"), ("eat", 2, "success"), ("tell", 1, "success")]
    assert "OOMKilled" in stage.log("hungry", "eat", 1)
    assert "the size is 6" in stage.log("hungry", "tell")


def test_an_evicted_task_is_tried_again_and_the_result_is_right(stage: Stage) -> None:
    stage.ended("chased", "success")
    assert stage.tries("chased") == [("stay", 1, "failed"), ("stay", 2, "success"), ("tell", 1, "success")]
    assert "it stayed to the end" in stage.log("chased", "tell")


def test_mapped_tasks_run_at_once(stage: Stage) -> None:
    stage.ended("wide", "success")
    assert "met ['abc', 'abc', 'abc']" in stage.log("wide", "join")
    pods = stage.oracle.list_namespaced_pod(stage.namespace, label_selector="dag_id=wide,task_id=meet").items
    spans = [pod.status.container_statuses[0].state.terminated for pod in pods]
    assert len(spans) == 3
    assert max(span.started_at for span in spans) < min(span.finished_at for span in spans)


@pytest.mark.parametrize("scheme", ["s3", "gs", "abs"])
def test_values_travel_through_an_object_store(stage: Stage, scheme: str, request: pytest.FixtureRequest) -> None:
    stage.ended(f"through_{scheme}", "success")
    assert "total 12 ['a', 'b', 'c']" in stage.log(f"through_{scheme}", "add")
    names = request.getfixturevalue(f"{scheme}_store").names()
    left = {name.split("/", 3)[-1] for name in names if name.startswith(f"runs/through_{scheme}/")}
    assert {f"{task}/{name}" for task in ("make", "add") for name in ("_SUCCESS", "notebook.ipynb")} <= left


def test_small_values_travel_by_xcom(stage: Stage) -> None:
    stage.ended("through_xcom", "success")
    assert "the pair is (1, 'two')" in stage.log("through_xcom", "take")

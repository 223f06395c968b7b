"""The example notebooks as DAGs, run by real Airflows on a real Kubernetes: what they leave is what the notebook leaves."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubenb import actions
from kubenb.model.pipeline import Notebook
from kubenb.notebook.cells import parse_notebook
from kubenb.notebook.pipeline import read_pipeline
from kubenb.testing import notebook
from tests.cluster.pods import claims
from tests.cluster.rig import Airflow, Ran
from tests.integration.airflow.exported import export
from tests.integration.examples.watched import ROOT, from_top_to_bottom, watched


def with_airflow(*versions: str) -> pytest.MarkDecorator:
    """Each of these Airflows keeps to one worker, where its home is made once."""
    marks = {name: [pytest.mark.airflow, pytest.mark.xdist_group(f"airflow-{name}")] for name in versions}
    cases = [pytest.param(name, marks=marks[name]) for name in versions]
    return pytest.mark.parametrize("airflow_version", cases, scope="session")


with_each_airflow = with_airflow("3.3", "2.11")
with_airflow_2 = with_airflow("2.11")

PICTURE = ROOT / "tests" / "equivalence" / "picture.py"
# The task that looks: the picture's module comes as a config map, and what it sees lies in the volume, where this side reads it.
LOOK = """#| configmap: picture -> /etc/picture/tests/equivalence
#| env: LOOK=/kubenb/store/look.json
import sys
sys.path.append("/etc/picture")
"""
# What the examples name that is not here, or is more than a shared machine has.
ELSEWHERE = {
    "registry.example.com/analytics/notebook:2026.1": "kubenb.test/analysis:1\n#| env: OMP_NUM_THREADS=1",
    "registry.example.com/tools/archive:1.2": "kubenb.test/python:3.11",
    "-- archive --day 2026-01-01 --to /archive": "-- touch /archive/2026-01-01",
    "--cpu 500m": "--cpu 100m",
    "--cpu 2 ": "--cpu 200m ",
    "history = 3": "history = 1",
}


def moved(notebook: Notebook, **also: str) -> Notebook:
    """The notebook with those words replaced."""

    def text(old: str) -> str:
        for word, new in {**ELSEWHERE, **also}.items():
            old = old.replace(word, new)
        return old

    return replace(notebook, cells=tuple(replace(cell, source=text(cell.source)) for cell in notebook.cells))


Run = Callable[[Notebook | str], Ran]


@pytest.fixture
def run(airflow: Airflow, oracle: Any, kubeconfig: Path, namespace: str, tmp_path: Path) -> Run:
    """Runs a notebook's DAG on the cluster, its pods in the test's namespace, and sees that none of them stays."""

    def run(notebook: Notebook | str) -> Ran:
        read = notebook if isinstance(notebook, Notebook) else parse_notebook(notebook, "small.ipynb")
        dag_file, _ = export(read_pipeline(read), tmp_path / "dags")
        sidecar = {"xcom_sidecar_container_image": "kubenb.test/python:3.11"}  # Airflow's own comes from a registry
        connection = {"kube_config_path": str(kubeconfig), "namespace": namespace, **sidecar}
        ran = airflow.test(dag_file.parent, dag_file.stem, connection, tmp_path)
        left = [
            pod.metadata.name
            for pod in oracle.list_namespaced_pod(namespace).items
            if not pod.metadata.deletion_timestamp
        ]
        assert left == [], ran.said[-8000:]
        return ran

    return run


def plain(notebook: Notebook, folder: Path, **env: str) -> Any:
    own = {"LOOK": str(folder / "look.json"), "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    return from_top_to_bottom(notebook, {**own, **env})


def seen(volumes: Path) -> Any:
    """The picture that the DAG's last task left in its volume."""
    [path] = volumes.glob("**/look.json")
    return json.loads(path.read_text())


@pytest.fixture
def picture(oracle: Any, namespace: str) -> None:
    oracle.create_namespaced_config_map(
        namespace, {"metadata": {"name": "picture"}, "data": {"picture.py": PICTURE.read_text()}}
    )


@with_each_airflow
@pytest.mark.usefixtures("picture")
@pytest.mark.parametrize("name", ["flights", "airports"])
def test_an_example_leaves_as_a_dag_what_it_leaves_as_a_notebook(
    name: str, run: Run, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    notebook = moved(watched(name, LOOK))
    with claims(oracle, namespace, tmp_path / "volumes", ["kubenb"]) as volumes:
        ran = run(notebook)
        assert ran.ok, ran.said[-8000:]
        assert seen(volumes) == plain(notebook, tmp_path)


def demands(oracle: Any, namespace: str) -> None:
    """All that the example of the options names in its namespace."""
    oracle.create_namespaced_service_account(namespace, {"metadata": {"name": "warehouse-reader"}})
    login = {".dockerconfigjson": json.dumps({"auths": {}})}
    for name, kind, data in (
        ("registry-login", "kubernetes.io/dockerconfigjson", login),
        ("warehouse", "Opaque", {"password": "s3cret"}),
        ("warehouse-tls", "Opaque", {"ca.crt": "none"}),
    ):
        oracle.create_namespaced_secret(namespace, {"metadata": {"name": name}, "type": kind, "stringData": data})
    for name, data in (("warehouse", {"host": "localhost"}), ("limits", {"rows": "1000"})):
        oracle.create_namespaced_config_map(namespace, {"metadata": {"name": name}, "data": data})


@pytest.fixture
def placed(oracle: Any, kubeconfig: Path) -> Iterator[dict[str, str]]:
    """What the example of the options names of the cluster itself, by names of this test: node labels, a priority and a runtime class."""
    from kubernetes import client, config

    api = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
    own = secrets.token_hex(4)
    priorities: Any = client.SchedulingV1Api(api)
    runtimes: Any = client.NodeV1Api(api)
    priority, runtime = f"batch-low-{own}", f"gvisor-{own}"
    priorities.create_priority_class({"metadata": {"name": priority}, "value": -10})
    runtimes.create_runtime_class({"metadata": {"name": runtime}, "handler": "runc"})
    node = oracle.list_node().items[0].metadata.name
    labels = {f"pool-{own}": "batch", f"zone-{own}": "europe-west1-b"}
    oracle.patch_node(node, {"metadata": {"labels": labels}})
    try:
        yield {
            "batch-low": priority,
            "gvisor": runtime,
            "pool=batch": f"pool-{own}=batch",
            "topology.kubernetes.io/zone": f"zone-{own}",
        }
    finally:
        oracle.patch_node(node, {"metadata": {"labels": dict.fromkeys(labels)}})
        priorities.delete_priority_class(priority)
        runtimes.delete_runtime_class(runtime)


@with_each_airflow
@pytest.mark.usefixtures("picture")
def test_the_example_of_the_options_finds_what_it_asks_for(
    run: Run, airflow_version: str, oracle: Any, namespace: str, placed: dict[str, str], tmp_path: Path
) -> None:
    also = {"namespace: analytics": f"namespace: {namespace}", **placed}
    if (
        airflow_version == "2.11"
    ):  # its `dags test` knows no start of a task, which the operator counts its deadline from
        also["deferrable: true"] = "deferrable: false"
    notebook = moved(watched("options", LOOK), **also)
    demands(oracle, namespace)
    with claims(oracle, namespace, tmp_path / "volumes", ["kubenb", "prices", "archive"]) as volumes:
        (volumes / "prices" / "raw").mkdir()
        (volumes / "prices" / "raw" / "one.csv").touch()
        ran = run(notebook)
        assert ran.ok, ran.said[-8000:]
        assert "reader, 2026-01-01: 1000 prices, 1 files, with a password" in ran.said
        assert [path.name for path in (volumes / "archive").iterdir()] == ["2026-01-01"]
        assert seen(volumes) == plain(notebook, tmp_path, WAREHOUSE_USER="reader", WAREHOUSE_PASSWORD="s3cret")


HEAD = "%k8s_dag small --schedule @daily --start 2026-01-01 --image kubenb.test/python:3.11 --store {}"
PAIR = notebook(
    HEAD.format("xcom"),
    "%%k8s_task make\npair = (1, 'two')",
    "%%k8s_task take\nprint('the pair is', pair)",
)
FAULTY = notebook(
    HEAD.format("pvc:data"),
    "def share(whole, parts):\n    return whole / parts",
    "%%k8s_task divide\nhalf = share(1, 2)\nnone = share(half, 0)",
    "%%k8s_task after\nprint('never', none)",
)


# What a scheduler shows of 3.3 (test_dags_scheduled) is shown of 2.11 here.
@with_airflow_2
def test_small_values_travel_by_xcom(run: Run) -> None:
    ran = run(PAIR)
    assert ran.ok, ran.said[-8000:]
    assert "the pair is (1, 'two')" in ran.said


@with_airflow_2
def test_a_failing_task_shows_its_traceback_in_airflows_log_and_keeps_its_notebook(
    run: Run, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    with claims(oracle, namespace, tmp_path / "volumes", ["data"]) as volumes:
        ran = run(FAULTY)
        assert not ran.ok
        assert "none = share(half, 0)" in ran.said
        assert "return whole / parts" in ran.said
        assert "ZeroDivisionError: float division by zero" in ran.said
        assert "never" not in ran.said
        [kept] = volumes.glob("data/small/*/divide/notebook.ipynb")
        outputs = [output for cell in json.loads(kept.read_text())["cells"] for output in cell.get("outputs", ())]
        assert [output["ename"] for output in outputs if output["output_type"] == "error"] == ["ZeroDivisionError"]


@with_airflow_2
def test_what_the_pods_of_an_airflow_run_used_is_read_back_from_their_store(
    run: Run, oracle: Any, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    path = tmp_path / "small.ipynb"
    path.write_text(
        notebook(
            "%k8s_dag small --store pvc:kubenb --image kubenb.test/python:3.11",
            "%%k8s_task make --memory 256Mi\ndata = b'x' * (40 << 20)",
            "%%k8s_task use --memory 512Mi\nsize = len(bytearray(data) * 2)",
        )
    )
    with claims(oracle, namespace, tmp_path / "volumes", ["kubenb"]) as volumes:
        ran = run(path.read_text())
        assert ran.ok, ran.said[-8000:]
        (store,) = {each.parents[3] for each in volumes.glob("**/usage.json")}
        found = dict(actions.usage(path, store=str(store)).runs)
    assert {name: [each.how for each in runs] for name, runs in found.items()} == {
        "make": ["airflow"],
        "use": ["airflow"],
    }
    (use,) = found["use"]
    assert use.asked.memory_limit == 512 << 20
    assert use.size is not None
    assert use.size >= 40 << 20
    assert 80 << 20 < (use.peak or 0) < 512 << 20
    assert use.run.startswith("manual__2026-01-01")

"""A real cluster for the tests of this folder: the one of `make test-cluster`, or the context that KUBENB_TEST_CONTEXT names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.pods import own_namespace
from tests.cluster.rig import Airflow
from tests.stores.servers import ObjectStore, object_store

HERE = Path(__file__).parent
# Read once, here: a test sees no variable that steers kubenb.
NAMED = os.environ.get("KUBENB_TEST_CONTEXT")
GIVEN = os.environ.get("KUBENB_TEST_KUBECONFIG")
OWN = os.environ["KUBENB_TEST_OWN_KUBECONFIG"]
HOST = os.environ.get("KUBENB_TEST_HOST", "10.243.0.1")  # this machine, as the cluster's pods see it
NONE = "No cluster: `make test-cluster` starts one, KUBENB_TEST_CONTEXT names another, `-m 'not cluster'` leaves these tests out."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder ask a cluster."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def airflow_python(airflow_version: str) -> Path:
    python = HERE.parents[1] / ".airflow" / airflow_version / "bin" / "python"
    if not python.exists():
        pytest.fail(f"Airflow {airflow_version} is not set up: run `make airflows`.", pytrace=False)
    return python


@pytest.fixture(scope="session")
def airflow(airflow_python: Path, airflow_version: str, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """Its home made, and its database migrated."""
    made = Airflow(airflow_python, tmp_path_factory.mktemp("airflow") / airflow_version)
    made.migrate()
    return made


def pointed_at(context: str) -> dict[str, Any]:
    """The user's kubeconfig that has the context, with that as its current one, and the files it names found from anywhere."""
    for file in (Path(name).expanduser().absolute() for name in OWN.split(os.pathsep) if name):
        config: dict[str, Any] = yaml.safe_load(file.read_text()) if file.exists() else {}
        if context in [entry["name"] for entry in config.get("contexts", ())]:
            for entry in (*config["clusters"], *config["users"]):
                said = entry.get("cluster") or entry.get("user") or {}
                for key in {"certificate-authority", "client-certificate", "client-key", "tokenFile"} & set(said):
                    said[key] = str(file.parent / said[key])
            return {**config, "current-context": context}
    return pytest.fail(f"KUBENB_TEST_CONTEXT: there is no context {context} in {OWN}.", pytrace=False)


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig whose current context is the cluster under test. A test without a cluster fails: it is never left out in silence."""
    if NAMED:
        path = tmp_path_factory.mktemp("kubeconfig") / "config"
        path.write_text(json.dumps(pointed_at(NAMED)))
        return path
    if not GIVEN:
        pytest.fail(NONE, pytrace=False)
    return Path(GIVEN)


@pytest.fixture(scope="session")
def context(kubeconfig: Path) -> str:
    """The context's name."""
    return str(yaml.safe_load(kubeconfig.read_text())["current-context"])


@pytest.fixture(scope="session")
def oracle(kubeconfig: Path) -> Any:
    """The official client, to look at the cluster by another way than ours."""
    from kubernetes import client, config

    return client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]


@pytest.fixture
def namespace(oracle: Any) -> Iterator[str]:
    """A namespace of the test's own, ready for pods."""
    with own_namespace(oracle) as name:
        yield name


@pytest.fixture
def here(kubeconfig: Path, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig whose current context is the cluster, and the test's own namespace."""
    config = yaml.safe_load(kubeconfig.read_text())
    for entry in config["contexts"]:
        entry["context"]["namespace"] = namespace
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


@pytest.fixture(scope="session")
def s3_store() -> Iterator[ObjectStore]:
    """An S3 that this machine and the pods reach."""
    with object_store("s3", HOST) as store:
        yield store


@pytest.fixture(scope="session")
def gs_store() -> Iterator[ObjectStore]:
    """A Google Cloud Storage that this machine and the pods reach."""
    with object_store("gs", HOST) as store:
        yield store


@pytest.fixture(scope="session")
def abs_store() -> Iterator[ObjectStore]:
    """An Azure Blob Storage that this machine and the pods reach."""
    with object_store("abs", HOST) as store:
        yield store

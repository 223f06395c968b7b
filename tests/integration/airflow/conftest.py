"""Both Airflows, each prepared once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.airflow.rig import Airflow

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.3", "2.11")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes an Airflow runs with each; one worker keeps one version, so that its home is made once."""
    if {"airflow_python", "airflow"} & set(metafunc.fixturenames):
        marks = [[pytest.mark.airflow, pytest.mark.xdist_group(f"airflow-{version}")] for version in VERSIONS]
        cases = [pytest.param(version, marks=mark) for version, mark in zip(VERSIONS, marks, strict=True)]
        metafunc.parametrize("airflow_version", cases, scope="session")


@pytest.fixture(scope="session")
def airflow_python(airflow_version: str) -> Path:
    python = ROOT / ".airflow" / airflow_version / "bin" / "python"
    if not python.exists():
        pytest.fail(f"Airflow {airflow_version} is not set up: run `make airflows`.", pytrace=False)
    return python


@pytest.fixture(scope="session")
def airflow(airflow_python: Path, airflow_version: str, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    made = Airflow(airflow_python, tmp_path_factory.mktemp("airflow") / airflow_version)
    made.migrate()
    return made

"""Both Airflows; the databases that rehearsals keep are made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.3", "2.11")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes an Airflow runs with each; one worker keeps one version, so that its database is made once."""
    if {"airflow_python", "rehearsing"} & set(metafunc.fixturenames):
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
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def rehearsing(airflow_python: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Python that has Airflow; the user's own folders are not touched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return airflow_python

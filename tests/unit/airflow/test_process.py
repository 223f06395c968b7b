"""An Airflow is found where the user says, or where ours are; a Python that has none says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubenb.airflow import check_with_airflow, find_airflow
from kubenb.model.problems import KubenbError


def environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return python


def test_the_newest_of_the_folder_is_taken(tmp_path: Path) -> None:
    for version in ("2.11", "3.3", "3.10"):
        environment(tmp_path / ".airflow" / version)
    found = find_airflow(folder=tmp_path)
    assert found == tmp_path / ".airflow" / "3.10" / "bin" / "python"


def test_none_is_no_problem(tmp_path: Path) -> None:
    assert find_airflow(folder=tmp_path) is None


def test_the_variable_wins_over_the_folder_and_the_name_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(tmp_path / ".airflow" / "3.3")
    variable, named = environment(tmp_path / "variable"), environment(tmp_path / "named")
    monkeypatch.setenv("KUBENB_AIRFLOW", str(variable))
    assert find_airflow(folder=tmp_path) == variable
    assert find_airflow(named.parents[1], tmp_path) == named, "an environment's folder will do"


def test_a_name_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubenbError, match=r"there is no Python at .*gone\. Name a Python that has Airflow"):
        find_airflow(tmp_path / "gone")


def test_a_python_without_airflow_says_so(tmp_path: Path) -> None:
    dag_file = tmp_path / "d.py"
    dag_file.write_text("")
    with pytest.raises(KubenbError, match=r"Airflow did not answer: .*Is this a Python with Airflow"):
        check_with_airflow(dag_file, Path(sys.executable), {})

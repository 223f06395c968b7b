"""An Airflow is asked where the user says there is one; a Python that has none says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubenb.airflow import check_with_airflow
from kubenb.model.problems import KubenbError


def test_a_name_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubenbError, match=r"there is no Python at .*gone\. Name a Python that has Airflow"):
        check_with_airflow(tmp_path / "d.py", tmp_path / "gone", {})


def test_the_folder_of_an_environment_will_do(tmp_path: Path) -> None:
    python = tmp_path / "named" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    with pytest.raises(KubenbError, match="Airflow did not answer") as refused:
        check_with_airflow(tmp_path / "d.py", tmp_path / "named", {})
    assert refused.value.problems[0].where.file == str(python)


def test_a_python_without_airflow_says_so(tmp_path: Path) -> None:
    dag_file = tmp_path / "d.py"
    dag_file.write_text("")
    with pytest.raises(KubenbError, match=r"Airflow did not answer: .*Is this a Python with Airflow"):
        check_with_airflow(dag_file, Path(sys.executable), {})

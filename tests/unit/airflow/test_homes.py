"""The database of a rehearsal is made once a version, whole or not at all, also when two begin at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kubenb.airflow.homes import DATABASE, cache_folder, put_database, version_of
from kubenb.model.problems import KubenbError

# In place of a Python that has Airflow: makes a database slowly, and counts how often it was asked to.
PYTHON = """#!/bin/sh
echo made >> "{count}"
printf half > "$AIRFLOW_HOME/airflow.db"
sleep 0.3
echo " whole" >> "$AIRFLOW_HOME/airflow.db"
exit {code}
"""


def python(folder: Path, code: int = 0) -> Path:
    path = folder / "python"
    path.write_text(PYTHON.format(count=folder / "count", code=code))
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_it_is_made_once_a_version_even_when_two_begin_at_once(tmp_path: Path) -> None:
    said: list[str] = []

    def begin(name: str, version: str = "3.3.2") -> None:
        (tmp_path / name).mkdir()
        put_database(python(tmp_path), version, tmp_path / name, said.append)

    both = [threading.Thread(target=begin, args=(name,)) for name in ("one", "two")]
    python(tmp_path)
    for each in both:
        each.start()
    for each in both:
        each.join()
    begin("three")
    assert [(tmp_path / name / DATABASE).read_text() for name in ("one", "two", "three")] == ["half whole\n"] * 3
    assert (tmp_path / "count").read_text() == "made\n"
    assert len(said) == 1
    begin("four", "2.11.2")
    assert (tmp_path / "count").read_text() == "made\nmade\n"


def test_a_half_made_one_is_never_kept(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with pytest.raises(KubenbError, match="Airflow can't make its database"):
        put_database(python(tmp_path, code=1), "3.3.2", tmp_path / "home", print)
    assert list(cache_folder().glob("*.db")) == []
    put_database(python(tmp_path), "3.3.2", tmp_path / "home", print)
    assert (tmp_path / "home" / DATABASE).read_text() == "half whole\n"


def test_without_a_folder_for_caches_it_is_made_in_the_home(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    (tmp_path / "home").mkdir()
    put_database(python(tmp_path), "3.3.2", tmp_path / "home", print)
    assert (tmp_path / "home" / DATABASE).read_text() == "half whole\n"


def test_a_python_without_airflow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubenbError, match="this Python has no Airflow"):
        version_of(Path("/bin/false"))

"""Records of runs: read back as they were, bounded, written by many at once, and never in a run's way."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from kubenb.model.measured import Asked, Measured
from kubenb.run import measures

ONE = Measured(
    "train", "local", 1000.0, 12.5, "done", "/n.ipynb", "abc", "flights", "r1", None, 3.2, 1.5, 400, 500, None, 7, 10, 20, 10,
    Asked(1.5, 600, None, 700), ((0.0, 1.0, 0.0), (1.0, 400.0, 1.5)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_was_kept_is_read_back_newest_first() -> None:
    later = replace(ONE, start=2000.0, run="r2", item=3)
    assert measures.add([ONE, later])
    assert measures.of_task("train", "/n.ipynb") == (later, ONE)
    assert measures.of_task("train", "", "abc") == (later, ONE)
    assert measures.of_notebook("/n.ipynb") == (later, ONE)
    assert measures.of_task("train", "/other.ipynb", "xyz") == ()
    assert measures.of_task("train", "", "") == ()


def test_a_run_is_kept_once() -> None:
    measures.add([ONE])
    measures.add([ONE, ONE])
    assert measures.of_task("train", "/n.ipynb") == (ONE,)


def test_of_each_task_and_of_all_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "A_TASK", 5)
    monkeypatch.setattr(measures, "ALL", 8)
    measures.add([replace(ONE, start=float(number)) for number in range(20)])
    assert [each.start for each in measures.of_task("train", "/n.ipynb")] == [19.0, 18.0, 17.0, 16.0, 15.0]
    for number in range(6):
        measures.add([replace(ONE, task=f"t{number}")])
    assert len(measures.of_notebook("/n.ipynb")) == 8


def test_the_file_stays_within_its_bound(place: Path) -> None:
    curve = tuple((float(at), float(at * 7919 % 10_007), at * 0.7) for at in range(240))
    for batch in range(30):
        rows = [replace(ONE, task=f"t{batch}", start=float(number), curve=curve) for number in range(120)]
        assert measures.add(rows)
    size = (place / "runs.sqlite").stat().st_size
    assert len(measures.of_notebook("/n.ipynb")) == 30 * measures.A_TASK
    assert size * measures.ALL / 3000 < measures.PAGES * 4096  # as many as there may ever be fit


def test_many_processes_write_at_once(place: Path) -> None:
    script = """
        import sys
        from dataclasses import replace
        from tests.unit.run.test_measures import ONE
        from kubenb.run import measures
        for number in range(10):
            assert measures.add([replace(ONE, run=sys.argv[1], start=float(number))])
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    running = [subprocess.Popen([*command, str(number)]) for number in range(6)]
    assert [process.wait(120) for process in running] == [0] * 6
    assert len(measures.of_task("train", "/n.ipynb")) == 60


def test_a_damaged_file_is_put_aside(place: Path) -> None:
    measures.add([ONE])
    (place / "runs.sqlite").write_bytes(b"no database" * 1000)
    assert measures.add([ONE])
    assert measures.of_task("train", "/n.ipynb") == (ONE,)
    assert len(list(place.glob("runs.damaged-*"))) == 1


def test_where_nothing_can_be_written_nothing_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "file" / "data"))
    assert not measures.add([ONE])
    assert measures.of_task("train", "/n.ipynb") == ()

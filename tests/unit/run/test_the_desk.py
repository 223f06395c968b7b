"""The run's folder: one run at a time, nothing half-written, old runs let go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubenb.model.problems import KubenbError
from kubenb.run.desk import KEPT_RUNS, desk, write_whole


def test_a_second_run_in_the_same_folder_is_refused_and_the_next_is_not(tmp_path: Path) -> None:
    with desk(tmp_path), pytest.raises(KubenbError, match=f"Another run is at work in {tmp_path}"), desk(tmp_path):
        pass
    with desk(tmp_path):
        pass


def test_every_run_has_its_own_name(tmp_path: Path) -> None:
    names = set()
    for _ in range(5):
        with desk(tmp_path) as place:
            names.add(place.run)
    assert len(names) == 5


def test_a_folder_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(KubenbError, match=r"can't be written: .* give another folder with --to\."),
        desk(tmp_path / "file"),
    ):
        pass


def test_the_ledger_lasts_and_a_damaged_one_is_forgotten(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        (place.store / "x").mkdir(parents=True)
        place.enter("key", {"place": "x"})
    with desk(tmp_path) as place:
        assert place.ledger == {"key": {"place": "x"}}
    (tmp_path / ".kubenb" / "ledger.json").write_text('{"key": ')
    with desk(tmp_path) as place:
        assert place.ledger == {}


def test_only_the_last_runs_keep_their_data(tmp_path: Path) -> None:
    with desk(tmp_path) as place:
        for number in range(KEPT_RUNS + 2):
            folder = place.store / "dag" / f"run{number}"
            folder.mkdir(parents=True)
            os.utime(folder, (number, number))
            place.enter(f"key{number}", {"place": f"dag/run{number}"})
        place.tidy(place.store / "dag")
        left = sorted(path.name for path in (place.store / "dag").iterdir())
        assert left == [f"run{number}" for number in range(2, KEPT_RUNS + 2)]
        assert sorted(place.ledger) == [f"key{number}" for number in range(2, KEPT_RUNS + 2)]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, "old")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_notebook_of_the_users_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "train.ipynb"
    path.write_text('{"cells": [], "metadata": {}}')
    with (
        pytest.raises(KubenbError, match=r"train\.ipynb is there, and is not from a run of train"),
        desk(tmp_path, ["train"]),
    ):
        pass
    assert path.read_text() == '{"cells": [], "metadata": {}}'
    assert os.listdir(tmp_path) == ["train.ipynb"]
    path.write_text('{"metadata": {"kubenb": {"task": "train"}}}')
    with desk(tmp_path, ["train"]):
        pass


def test_a_log_of_the_users_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text("mine")
    with pytest.raises(KubenbError, match=r"train\.log is there"), desk(tmp_path, ["train"]):
        pass


def test_a_disk_that_fails_on_the_way_is_told_not_thrown(tmp_path: Path) -> None:
    with pytest.raises(KubenbError, match=r"can't be written: No space left on device\. Make room"), desk(tmp_path):
        raise OSError(28, "No space left on device")

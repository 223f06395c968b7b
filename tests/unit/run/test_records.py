"""Records of runs: one line a task, read back whole; a torn line is skipped."""

from __future__ import annotations

from pathlib import Path

from kubenb.run.events import Outcome
from kubenb.run.records import append, read, record


def test_records_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    first = record(
        Outcome("train", "done", seconds=1.5, cpu=1.2, peak=2**20, bytes_in=3, bytes_out=4), "flights", "local-1"
    )
    second = record(Outcome("score", "failed", "exit code 1", item=3), "flights", "local-1")
    append(path, [first])
    append(path, [second])
    assert list(read(path)) == [first, second]
    assert (first.task, first.where, first.peak, second.item) == ("train", "local", 2**20, 3)


def test_a_torn_line_and_a_missing_file_are_no_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    assert list(read(path)) == []
    append(path, [record(Outcome("train", "done"), "flights", "r")])
    with path.open("a") as file:
        file.write('{"at": 1, "da')
    assert [found.task for found in read(path)] == ["train"]

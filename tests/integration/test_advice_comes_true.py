"""Advice from runs of several sizes, tried with a larger one: enough for every task, and little of it wasted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.footprints import NEXT, SEEN, TASKS, advised, notebook, run, wasted


def test_what_is_advised_is_enough_and_little_is_wasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    path = notebook(tmp_path)
    for size in SEEN:
        run(path, size)
    before = path.read_text().splitlines()
    memory = advised(path)
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert {old for old, _ in changed if "memory: " in old} == {"#| memory: 2Gi"}
    assert len([new for _, new in changed if new.startswith("#| memory: ")]) == len(TASKS)
    run(path, NEXT)
    waste = wasted(path)
    assert set(waste) == set(TASKS) < set(memory)
    assert all(0 <= share < 0.3 for share in waste.values()), waste

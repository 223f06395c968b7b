"""Advice tried on a real cluster: pods of three sizes are measured, the advice is written, and a larger one runs with no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.footprints import NEXT, SEEN, TASKS, advised, notebook, run, wasted


def test_pods_with_what_is_advised_are_not_killed_and_waste_little(
    here: Path, context: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KUBECONFIG", str(here))
    path = notebook(tmp_path, image="kubenb.test/python:3.11")
    for size in SEEN:
        run(path, size, on=context, namespace=namespace)
    advised(path)
    run(path, NEXT, on=context, namespace=namespace)
    waste = wasted(path)
    assert set(waste) == set(TASKS)
    assert all(0 <= share < 0.3 for share in waste.values()), waste

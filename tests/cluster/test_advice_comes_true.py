"""Advice tried on a real cluster: pods of three sizes are measured, the advice is written, and a larger one runs with no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenb import actions
from kubenb.model.measured import OUT_OF_MEMORY
from tests.footprints import MIB, NEXT, SEEN, TASKS, advised, notebook, run, wasted


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


def test_a_pod_that_was_killed_for_memory_is_on_record_and_its_limit_is_a_lower_bound(
    here: Path, context: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KUBECONFIG", str(here))
    path = tmp_path / "killed.py"
    path.write_text(
        "# %%\n# %k8s_dag killed --image kubenb.test/python:3.11\n"
        "# %%\n# %%k8s_task fill --memory 64Mi\nheld = bytearray(80 << 20)\ndel held\n"
    )
    assert not actions.run(path, tmp_path / "out", on=context, namespace=namespace).ok
    (record,) = actions.usage(path, "fill").runs[0][1]
    assert (record.how, record.end, record.asked.memory_limit) == ("pod", OUT_OF_MEMORY, 64 * MIB)
    found = actions.advise(path)
    ((advice, _),) = found.found
    assert (advice.memory, advice.sureness) == ("96Mi", "a lower bound")
    for _ in range(3):  # each time half as much again
        actions.write_advice(found)
        if actions.run(path, tmp_path / "out", on=context, namespace=namespace).ok:
            break
        found = actions.advise(path)
    newest = actions.usage(path, "fill").runs[0][1][0]
    assert newest.done
    assert 80 * MIB < (newest.peak or 0) < (newest.asked.memory_limit or 0)
    assert newest.cores is not None

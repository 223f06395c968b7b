"""Cells that run in the kernel leave records, children and native memory included; `%k8s_usage` shows them with a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenb.model.measured import Measured, digest_of
from kubenb.run import measures
from tests.integration.magics.kernel import Kernel, kernel

CHILD = "import time; held = bytearray(150 << 20); time.sleep(1.0)"
TRAIN = f"import subprocess, sys\nnumber = subprocess.run([sys.executable, '-c', {CHILD!r}]).returncode"
MIB = 2**20


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    with kernel(tmp_path) as started:
        yield started


def kept(body: str, name: str = "train") -> Measured:
    (found,) = measures.of_task(name, "", digest_of(body))
    return found


def test_a_cells_children_count_and_usage_shows_it(notebook: Kernel) -> None:
    reply = notebook.run(f"%%k8s_task train --cpu 500m\n#| memory: 1Gi\n{TRAIN}")
    assert reply.status == "ok", reply.tracebacks
    shown = notebook.run("%k8s_usage train")
    assert shown.status == "ok", shown.err
    assert "<svg" in shown.shown[-1]["text/html"]
    assert "train  here" in shown.plain[-1]
    found = kept(TRAIN)
    assert (found.how, found.end, found.asked.cpu, found.asked.memory_limit) == ("here", "done", 0.5, 1024 * MIB)
    assert found.before is not None
    assert found.peak is not None
    assert 150 * MIB < found.peak - found.before < 260 * MIB
    assert len(found.curve) > 4


def test_memory_held_for_a_moment_counts(notebook: Kernel) -> None:
    body = "import mmap\nheld = mmap.mmap(-1, 200 << 20)\nheld.write(b'x' * (200 << 20))\nheld.close()"
    assert notebook.run(f"%%k8s_task train\n{body}").status == "ok"
    assert notebook.run("%k8s_usage").status == "ok"
    found = kept(body)
    assert found.peak is not None
    assert found.before is not None
    assert found.peak - found.before > 390 * MIB


def test_a_failed_cell_leaves_its_record(notebook: Kernel) -> None:
    assert notebook.run("%%k8s_task train\n1 / 0").status == "error"
    assert notebook.run("%k8s_usage").status == "ok"
    assert kept("1 / 0").end == "failed"


def test_a_cell_in_its_own_process_is_on_record_too(notebook: Kernel) -> None:
    body = "held = bytearray(100 << 20)\nsize = len(held)\ndel held"
    assert notebook.run(f"%%k8s_task train --run local --engine kubenb\n{body}").status == "ok"
    found = kept(body)
    assert (found.how, found.end) == ("local", "done")
    assert found.peak is not None
    assert 100 * MIB < found.peak < 200 * MIB
    assert "train  local" in notebook.run("%k8s_usage train").plain[-1]


def test_a_task_that_failed_shows_what_it_used(tmp_path: Path) -> None:
    with kernel(tmp_path) as started:
        started.run("%%k8s_task good\nx = 1")
        assert started.run("%%k8s_task bad\n1 / 0").status == "error"
        reply = started.run("%k8s_usage bad")
        assert reply.status == "ok", reply.err
        assert "failed" in reply.plain[-1]

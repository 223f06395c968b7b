"""The same notebooks under papermill, where the image has it: a kernel runs the cells, everything else is as ever."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kubenb.inside.mill import _no_interrupt
from tests.unit.inside import pods
from tests.unit.inside.pods import IMPORT, Ended


def run(store: Path, *cells: str, **told: Any) -> Ended:
    """The kernel's own packages warn; that is not our business."""
    return pods.run(store, *cells, **{"KUBENB_ENGINE": "papermill", "PYTHONWARNINGS": "default", **told})


def test_a_task_runs_under_papermill(tmp_path: Path) -> None:
    cells = (
        "year = 2013",
        "print('hello', year)\nimport sys\nprint('err', file=sys.stderr)\nyear + 1",
        "%env KUBENB_X=1",
        IMPORT,
        "_kubenb.save({'year': year}, keep=['year'])",
    )
    told = {"KUBENB_ENGINE": "auto", "KUBENB_PARAMS": '{"year": 2014}', "KUBENB_KEEP": "1"}
    copy = tmp_path / "copy.ipynb"
    ended = run(tmp_path, *cells, tags={1: "parameters"}, KUBENB_NOTEBOOK_OUT=str(copy), **told)
    assert ended.code == 0, ended.err
    assert ended.out == "hello 2014\n2015\nenv: KUBENB_X=1\n"
    assert ended.err.splitlines()[0] == "err"
    assert len(ended.err.splitlines()) == 2
    assert "papermill" in ended.notebook["metadata"]
    assert json.loads(copy.read_text()) == ended.notebook
    names = {path.name for path in ended.place.iterdir()}
    assert names == {"_SUCCESS", "outputs.json", "usage.json", "notebook.ipynb", "kept"}
    assert ended.read("usage.json")["peak"] > 50_000_000


def test_the_kernel_is_asked_to_end_and_never_interrupted() -> None:
    sent: list[int] = []
    manager = SimpleNamespace(provisioner=SimpleNamespace(send_signal=sent.append))
    _no_interrupt(manager)
    manager.provisioner.send_signal(signal.SIGINT)
    manager.provisioner.send_signal(signal.SIGTERM)
    assert sent == [0, signal.SIGTERM]
    _no_interrupt(SimpleNamespace())


def test_both_engines_save_the_same_bytes(tmp_path: Path) -> None:
    cells = (IMPORT, "x = {'a': [1.5, (None, b'x')], 'b': {3, 1, 2}}", "_kubenb.save({'x': x})")
    digests = {
        run(tmp_path, *cells, KUBENB_ENGINE=engine).read("_SUCCESS")["digest"] for engine in ("kubenb", "papermill")
    }
    assert len(digests) == 1


def test_an_error_under_papermill_names_its_cell(tmp_path: Path) -> None:
    ended = run(tmp_path, "x = 0", "1 / x", "print('never')")
    assert ended.code == 1
    assert ended.last == (
        "kubenb: extract failed: ZeroDivisionError: division by zero in cell 2. The traceback is above."
    )
    assert "----> 1 1 / x" in ended.err
    shown = [output["output_type"] for cell in ended.notebook["cells"] for output in cell.get("outputs", ())]
    assert shown == ["error"]


def test_a_refusal_under_papermill_is_the_same(tmp_path: Path) -> None:
    ended = run(tmp_path, IMPORT, "_kubenb.load('other', 'x')")
    assert ended.code == 65
    assert ended.last.startswith("kubenb: extract failed: other has not finished in run r1")
    # No traceback of the cell, or of ours. (A kernel that shuts down may print one of its own: ipykernel closes its sockets too soon.)
    assert [
        line for line in ended.err.splitlines() if "Cell In" in line or "kubenb_runtime" in line or "Refused" in line
    ] == []


def test_a_kernel_that_dies_is_named(tmp_path: Path) -> None:
    ended = run(tmp_path, "x = 1", "import os\nos._exit(3)")
    assert (ended.code, "cell 2 ended the kernel's process (exit code 3)" in ended.last) == (72, True)


def test_sys_exit_is_no_success_under_papermill_either(tmp_path: Path) -> None:
    ended = run(tmp_path, "import sys\nsys.exit(0)", "x = 1")
    assert ended.code == 1
    assert "cell 1 ended the notebook with sys.exit(0)" in ended.last

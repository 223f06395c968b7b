"""What a cluster does to a task: SIGTERM at any moment, full disks, lost stores. One clear last line, its exit code, the notebook saved."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kubenb.inside.bundle import BOOT
from tests.unit.inside.pods import IMPORT, environment, notebook, run, start

BLOCKS = {
    "sleeps": "import time\nprint('begun', flush=True)\ntime.sleep(60)",
    "holds the interpreter": "import re\nprint('begun', flush=True)\nre.match('(a+)+$', 'a' * 64 + 'b')",
    "ignores SIGTERM": (
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('begun', flush=True)\ntime.sleep(60)"
    ),
    "waits for a child": "import subprocess\nprint('begun', flush=True)\nsubprocess.run(['sleep', '60'])",
    "catches everything": (
        "import time\nprint('begun', flush=True)\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass"
    ),
}


def _after(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    while process.stdout.readline().strip() != word:
        assert process.poll() is None


@pytest.mark.parametrize(("engine", "name"), [*(("kubenb", name) for name in BLOCKS), ("papermill", "ignores SIGTERM")])
def test_sigterm_ends_the_task_with_its_notebook_saved(tmp_path: Path, engine: str, name: str) -> None:
    process = start(tmp_path, "x = 1\nx", BLOCKS[name], KUBENB_ENGINE=engine)
    _after(process, "begun")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert err.splitlines()[-1].startswith("kubenb: extract failed: stopped from outside (SIGTERM).")
    saved = json.loads((tmp_path / "flights/r1/extract/notebook.ipynb").read_text())
    assert ["".join(cell["outputs"][0].get("text", "")) for cell in saved["cells"]] == ["", "begun\n"]
    assert not (tmp_path / "flights/r1/extract/_SUCCESS").exists()


def test_ctrl_c_is_an_interrupt(tmp_path: Path) -> None:
    process = start(tmp_path, BLOCKS["sleeps"])
    _after(process, "begun")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err.splitlines()[-1]) == (130, "kubenb: extract failed: interrupted (SIGINT).")


def test_the_notebook_is_saved_while_a_cell_runs(tmp_path: Path) -> None:
    process = start(tmp_path, "print('early')", BLOCKS["sleeps"])
    file = tmp_path / "flights/r1/extract/notebook.ipynb"
    until = time.monotonic() + 20
    while not (file.exists() and "begun" in file.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    saved = json.loads(file.read_text())
    assert saved["cells"][1]["outputs"][0]["text"] == ["begun\n"]


@pytest.mark.parametrize("moment", range(12))
def test_killed_at_any_moment_nothing_half_written_is_left(tmp_path: Path, moment: int) -> None:
    cells = (IMPORT, "x = list(range(30_000))", "_kubenb.save({'x': x, 'y': [str(i) for i in x]})")
    process = start(tmp_path, *cells)
    time.sleep(0.015 * moment)
    process.kill()
    process.communicate()
    place = tmp_path / "flights/r1/extract"
    if (place / "_SUCCESS").exists():
        second = run(tmp_path, IMPORT, "print(len(_kubenb.load('extract', 'x')))", KUBENB_TASK="train")
        assert second.out == "30000\n"
    else:
        second = run(tmp_path, IMPORT, "_kubenb.load('extract', 'x')", KUBENB_TASK="train")
        assert second.code == 65
    for file in place.glob("*.json"):
        json.loads(file.read_text())


_LIMITED = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d))\n"


def test_a_full_disk_is_named_when_outputs_are_saved(tmp_path: Path) -> None:
    limit = _LIMITED % (200_000, 200_000)
    ended = run(tmp_path, IMPORT, limit + "x = bytes(range(256)) * 4000", "_kubenb.save({'x': x})")
    assert ended.code == 71
    assert "the outputs can't be saved: the disk is full" in ended.last
    assert "Give the task more `storage`" in ended.last
    assert not list(ended.place.glob("*.tmp"))
    assert not (ended.place / "_SUCCESS").exists()


def test_a_full_disk_is_named_when_only_the_notebook_does_not_fit(tmp_path: Path) -> None:
    text = notebook("print('x' * 300_000)")
    command = [sys.executable, "-c", _LIMITED % (100_000, 100_000) + BOOT]
    done = subprocess.run(command, env=environment(text, tmp_path), capture_output=True, text=True, timeout=60)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 71
    assert "the results can't be saved" in last
    assert "the disk is full" in last
    place = tmp_path / "flights/r1/extract"
    assert not (place / "_SUCCESS").exists()
    assert not list(place.glob("*.tmp"))


def test_a_full_disk_is_named_when_nothing_can_be_written_at_all(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _LIMITED % (0, 0) + BOOT]
    told = environment(notebook("x = 1", "import kubenb_runtime"), tmp_path)
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=60)
    assert done.returncode == 71
    assert "the disk is full" in done.stderr.splitlines()[-1]
    assert "Give the task more `storage`" in done.stderr.splitlines()[-1]


def test_a_failing_cell_is_named_even_if_the_disk_is_full_too(tmp_path: Path) -> None:
    text = notebook("print('x' * 300_000)", "1/0")
    command = [sys.executable, "-c", _LIMITED % (100_000, 100_000) + BOOT]
    done = subprocess.run(command, env=environment(text, tmp_path), capture_output=True, text=True, timeout=60)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "ZeroDivisionError" in last
    assert "the executed notebook could not be saved" in last


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    ended = run(tmp_path, "1")
    assert ended.code == 70


def test_a_store_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")
    ended = run(tmp_path / "store", "import time\ntime.sleep(5)\nprint('ran to its end')")
    assert ended.code == 70
    assert f"the store {tmp_path / 'store'} can't be written: Not a directory" in ended.last
    assert ended.out == ""


def test_a_log_that_nobody_reads_does_not_stop_the_task(tmp_path: Path) -> None:
    text = notebook("for _ in range(20_000): print('x' * 50)", IMPORT, "_kubenb.save({'x': 1})")
    process = subprocess.Popen(
        [sys.executable, "-c", BOOT],
        env=environment(text, tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_run_ids_never_meet(tmp_path: Path) -> None:
    from kubenb.inside.places import part

    names = ["a", "A", "a/b", "a~2fb", "..", ".", "", "~", "a b", "é", "a" * 300, "a" * 301, "~h", "a\ud800"]
    assert len({part(name) for name in names}) == len(names)
    assert all("/" not in part(name) and part(name) not in ("", ".", "..") and len(part(name)) < 200 for name in names)


def test_the_private_folder_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    cells: tuple[Any, ...] = ((IMPORT, "_kubenb.save({})"), ("1/0",), ("import os\nos._exit(1)",))
    for case in cells:
        run(tmp_path, *case, TMPDIR=str(tmp_path / "tmp"))
    run(tmp_path, "1", TMPDIR=str(tmp_path / "tmp"), KUBENB_ENGINE="none")
    assert list((tmp_path / "tmp").iterdir()) == []

"""Laying an export down while things happen: kills, readers, other exports, full disks. DAG file and folder belong together always."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kubenb import delivery
from kubenb.delivery import deliver
from kubenb.model.problems import KubenbError
from tests.unit.export.versions import FEWER, ONE, TWO, Files, in_a_process, seen, standing, visible

pytestmark = pytest.mark.usefixtures("a_disk_that_needs_no_sync")
EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate")


def killed_at(step: int, files: Files, folder: Path) -> int:
    """Exports in a process that is killed right before the `step`-th thing it changes in the file system."""

    def act() -> None:
        left = [step]

        def watch(event: str, about: Any) -> None:
            if event in EVENTS or (event == "open" and about[2] & (os.O_WRONLY | os.O_RDWR)):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        deliver(files, folder, "flights")

    return in_a_process(act)


CHANGES = [
    ("a first export", {}, ONE),
    ("everything", ONE, TWO),
    ("fewer tasks", ONE, FEWER),
    ("more tasks", FEWER, ONE),
    ("only the DAG file", ONE, {**ONE, "flights.py": TWO["flights.py"]}),
]


@pytest.mark.parametrize(("what", "before", "after"), CHANGES)
def test_a_kill_at_any_moment_leaves_a_whole_pair(what: str, before: Files, after: Files, tmp_path: Path) -> None:
    step, ended, results = 0, -9, set()
    while ended == -9:
        step += 1
        folder = tmp_path / str(step)
        if before:
            deliver(before, folder, "flights")
        ended = killed_at(step, after, folder)
        found = seen(folder)
        assert found in (visible(before), visible(after)), f"killed at step {step}"
        results.add(found == visible(after))
        deliver(after, folder, "flights")
        assert standing(folder) == after, f"after a kill at step {step} the next export puts all in order"
    assert ended == 0
    assert step > 6
    assert results == {True, False}


def test_a_kill_while_completing_leaves_a_whole_pair(tmp_path: Path) -> None:
    """An export killed in its middle, the next one too, at every pair of moments around the swap."""
    for first in range(15, 45, 4):
        for second in range(1, 31, 6):
            folder = tmp_path / f"{first}-{second}"
            deliver(ONE, folder, "flights")
            killed_at(first, TWO, folder)
            killed_at(second, FEWER, folder)
            assert seen(folder) in (visible(ONE), visible(TWO), visible(FEWER)), (first, second)
            deliver(FEWER, folder, "flights")
            assert standing(folder) == FEWER


def identity(folder: Path) -> tuple[int, int]:
    about = os.stat(folder / "flights.py")
    return about.st_ino, about.st_mtime_ns


def test_a_reader_sees_whole_pairs_only(tmp_path: Path) -> None:
    """Airflow reads while exports come: whenever the DAG file did not change meanwhile, what was read belongs together."""
    deliver(ONE, tmp_path, "flights")

    def export() -> None:
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            deliver(TWO, tmp_path, "flights")
            deliver(ONE, tmp_path, "flights")

    child = os.fork()
    if child == 0:
        try:
            export()
        finally:
            os._exit(0)
    reads = 0
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        before = identity(tmp_path)
        try:
            found = seen(tmp_path)
        except (FileNotFoundError, ValueError):
            found = {}
        if identity(tmp_path) == before:
            assert found in (visible(ONE), visible(TWO))
            reads += 1
    assert reads > 10


def test_two_exports_at_once_wait_for_each_other(tmp_path: Path) -> None:
    for number in range(6):
        folder = tmp_path / str(number)
        children = []
        for files in (ONE, TWO, FEWER):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    deliver(files, folder, "flights")
                    code = 0
                finally:
                    os._exit(code)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
        assert standing(folder) in (ONE, TWO, FEWER)


def test_a_full_disk_leaves_the_old_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(ONE, tmp_path, "flights")
    write, total = delivery._write, 0

    def counting(path: Path, text: str, *, sync: bool = True) -> None:
        nonlocal total
        total += 1
        write(path, text, sync=sync)

    monkeypatch.setattr(delivery, "_write", counting)
    deliver(TWO, tmp_path, "flights")
    deliver(ONE, tmp_path, "flights")
    for full in range(1, total // 2 + 1):
        left = [full]

        def failing(path: Path, text: str, *, sync: bool = True, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                path.write_text(text[: len(text) // 2], encoding="utf-8")
                raise OSError(errno.ENOSPC, "No space left on device")
            write(path, text, sync=sync)

        monkeypatch.setattr(delivery, "_write", failing)
        with pytest.raises(KubenbError, match="No space left on device"):
            deliver(TWO, tmp_path, "flights")
        assert seen(tmp_path) in (visible(ONE), visible(TWO))
        monkeypatch.setattr(delivery, "_write", write)
        deliver(ONE, tmp_path, "flights")
        assert standing(tmp_path) == ONE


def test_a_limit_on_file_sizes_leaves_the_old_export(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")

    def act() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
        deliver(TWO, tmp_path, "flights")

    assert in_a_process(act) == 1
    assert standing(tmp_path) == ONE

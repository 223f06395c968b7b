"""A task that somebody waits for (KUBENB_HOLD): it waits for its inputs, says what it does, and stays until its results are fetched."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb.inside.held import Lines
from tests.unit.inside.pods import start

TOKEN = "ab12"
SLEEPS = "import time\ndef wait():\n    time.sleep(60)\nprint('begun', flush=True)\n\nwait()"


def _told(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The markers, as they come; other lines as {"text": ...}."""
    assert process.stdout is not None
    mark = f"\x1e{TOKEN} "
    for line in process.stdout:
        yield json.loads(line.removeprefix(mark)) if line.startswith(mark) else {"text": line}


def _folder(tmp_path: Path) -> Path:
    return tmp_path / f"kubenb-{TOKEN}"


def _ended(tmp_path: Path, process: subprocess.Popen[str]) -> tuple[list[dict[str, Any]], str]:
    """All that was told; the results are fetched when it says that it has ended."""
    told = []
    for each in _told(process):
        told.append(each)
        if "ended" in each:
            assert process.poll() is None
            (_folder(tmp_path) / "fetched").touch()
    _, err = process.communicate(timeout=20)
    return told, err


@pytest.mark.parametrize("engine", ["kubenb", "papermill"])
def test_it_says_what_it_does_and_how_it_ended(tmp_path: Path, engine: str) -> None:
    process = start(
        tmp_path / "s", "print('one', end='')", "print('two')", KUBENB_ENGINE=engine, KUBENB_HOLD=f"{TOKEN} 60 0"
    )
    told, err = _ended(tmp_path, process)
    assert process.returncode == 0
    assert "".join(each["text"] for each in told if "text" in each) == "onetwo\n"
    assert told[0]["memory"] > 1_000_000
    assert told[0]["peak"] >= told[0]["memory"]
    assert (told[-1]["ended"], told[-1]["kind"], told[-1]["line"]) == (0, "done", None)
    assert err.splitlines()[-1].startswith("kubenb: extract done in ")
    assert (tmp_path / "s/flights/r1/extract/_SUCCESS").exists()


@pytest.mark.parametrize("engine", ["kubenb", "papermill"])
def test_the_line_of_a_killed_process_is_known(tmp_path: Path, engine: str) -> None:
    code = "import os, time\ndef die():\n    time.sleep(0.3)\n    os.kill(os.getpid(), 9)\n"
    process = start(
        tmp_path / "s", "x = 1", code, "", "y = 2\n\ndie()", KUBENB_ENGINE=engine, KUBENB_HOLD=f"{TOKEN} 60 0"
    )
    told, err = _ended(tmp_path, process)
    last = told[-1]
    assert (process.returncode, last["ended"], last["kind"]) == (137, 137, "killed"), err
    assert (last["cell"], last["line"], last["id"]) in ((2, 3, "c2"), (2, 4, "c2"))
    assert last["peak"] > 1_000_000


def test_the_line_that_runs_is_told_while_it_runs(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "x = 1", SLEEPS, KUBENB_HOLD=f"{TOKEN} 60 0")
    try:
        places = (each for each in _told(process) if each.get("line"))
        assert {name: next(places)[name] for name in ("cell", "line", "id")} == {"cell": 2, "line": 3, "id": "c2"}
    finally:
        process.kill()
        process.communicate()


def test_it_waits_for_its_inputs(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "print('begun')", KUBENB_HOLD=f"{TOKEN} 0 1")
    assert process.stdout is not None
    while not _folder(tmp_path).exists():
        time.sleep(0.01)
    assert select.select([process.stdout], [], [], 0.3) == ([], [], [])
    (_folder(tmp_path) / "ready").touch()
    out, _ = process.communicate(timeout=20)
    assert "begun\n" in out
    assert process.returncode == 0


def test_while_it_waits_for_its_inputs_it_can_be_stopped(tmp_path: Path) -> None:
    process = start(tmp_path / "s", "print('begun')", KUBENB_HOLD=f"{TOKEN} 0 1")
    while not _folder(tmp_path).exists():
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, "")
    assert err == "kubenb: extract failed: stopped from outside (SIGTERM) while it waited for its inputs.\n"


def test_inputs_that_do_not_come_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubenb.inside import hold
    from kubenb.inside.exits import TABLE, Refused

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(hold, "LONGEST_WAIT", 0.0)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        with pytest.raises(Refused, match="its inputs did not arrive within 0 s") as refused:
            hold.Hold(f"{TOKEN} 1 1")
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert TABLE[refused.value.kind][0] == 65


@pytest.mark.parametrize("end", ["the time is up", "SIGTERM"])
def test_results_that_nobody_fetches_do_not_keep_it(tmp_path: Path, end: str) -> None:
    process = start(tmp_path / "s", "1 / 0", KUBENB_HOLD=f"{TOKEN} {0.5 if end != 'SIGTERM' else 60} 0")
    assert [each["kind"] for each in _told_until_end(process)] == ["user"]
    if end == "SIGTERM":
        process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 1
    process.communicate()


def _told_until_end(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    return [next(each for each in _told(process) if "ended" in each)]


def test_a_progress_bar_is_told_and_its_last_state_stays(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfor n in range(0, 101, 10):\n    print(f'\\r{n}%', end='', file=sys.stderr, flush=True)\n"
        "    time.sleep(0.1)\nprint(file=sys.stderr)"
    )
    process = start(tmp_path / "s", code, KUBENB_HOLD=f"{TOKEN} 60 0")
    told, err = _ended(tmp_path, process)
    bars = [each for each in told if "bar" in each]
    assert {each["stream"] for each in bars} == {"stderr"}
    numbers = [int(each["bar"].rstrip("%")) for each in bars]
    assert numbers == sorted(set(numbers))
    seconds = json.loads((tmp_path / "s/flights/r1/extract/usage.json").read_text())["seconds"]
    assert 1 < len(numbers) <= 4 * seconds + 1, "at most four a second"
    assert err.startswith("\n100%\nkubenb: extract done"), "text mode reads the return as an end of line"


def test_without_the_variable_nothing_is_said(tmp_path: Path) -> None:
    process = start(
        tmp_path / "s", "import sys\nprint([m for m in sys.modules if m[-5:] in ('.hold', '.held', 'lines')])"
    )
    out, err = process.communicate(timeout=20)
    assert out == "[]\n"
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("pieces", "passed"),
    [
        (["a", "b\nc"], ["", "ab\n"]),
        (["\r1%", "\r2%", "\r3%\n"], ["", "", "\r3%\n"]),
        (["\r1%\r2%\nx"], ["\r2%\n"]),
        (["dos\r\n", "dos\r", "\n"], ["dos\r\n", "", "dos\r\n"]),
        (["x" * 20_000, "y\nz"], ["x" * 20_000, "y\n"]),
        (["left\r     \rnext\n"], ["\rnext\n"]),
    ],
)
def test_a_stream_is_passed_on_in_whole_lines(pieces: list[str], passed: list[str]) -> None:
    lines = Lines()
    assert [lines.feed(piece.encode()).decode() for piece in pieces] == passed


def test_a_bar_without_end_takes_no_memory() -> None:
    lines = Lines()
    for number in range(1000):
        lines.feed(b"\r%d%%" % number + b" " * 100)
    assert lines.rest.strip() == b"999%"
    assert lines.end().strip() == b"999%"

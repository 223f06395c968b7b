"""`kubenb usage` and `kubenb advise`: what is on record, the picture, Airflow's runs read back, and a notebook written on a yes only."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from kubenb.cli.start import kubenb as group
from kubenb.export.checks import check
from tests.integration.cli.small import small

SLOW = (
    "%%k8s_task train --memory 1Gi\nimport time\nheld = bytearray(60 << 20)\ntime.sleep(0.6)\ntotal = math.fsum(rows)"
)


def invoke(*words: str | Path, says: str = "") -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], prog_name="kubenb", input=says)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from tests.integration.cli.small import CELLS

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "data"))
    return small(tmp_path, *CELLS[:4], SLOW, CELLS[5]).relative_to(tmp_path)


@pytest.fixture
def measured(notebook: Path) -> Path:
    done = invoke("run", notebook, "--to", "out", "-e", "LEVEL=x")
    assert done.exit_code == 0, done.output
    return notebook


def test_before_a_run_there_is_nothing_and_it_says_how_to_get_some(notebook: Path) -> None:
    done = invoke("usage", notebook)
    assert (done.exit_code, "There are none: run the notebook" in done.output) == (0, True)
    assert "no run of it is on record" in invoke("advise", notebook).output
    assert (
        "has no run on record that could be drawn" in invoke("usage", notebook, "--task", "train", "--svg", "-").output
    )


def test_a_run_is_shown_with_what_it_asked_for(measured: Path) -> None:
    lines = invoke("usage", measured).output.splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["extract", "local"], ["train", "local"], ["report", "local"]]
    assert "of 1.0 GiB" in lines[3]
    (found,) = json.loads(invoke("usage", measured, "--task", "train", "--json").output)
    assert (found["task"], found["how"], found["end"], found["asked"]["memory_limit"]) == (
        "train",
        "local",
        "done",
        2**30,
    )
    assert 60 << 20 < found["peak"] < 160 << 20


def test_the_picture_stands_alone_and_says_what_it_shows(measured: Path) -> None:
    invoke("usage", measured, "--task", "train", "--svg", "train.svg")
    root = ET.fromstring(Path("train.svg").read_text())
    texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"memory", "cpu, cores", "0"} <= set(texts)
    assert any("limit" in text for text in texts)
    assert root.get("role") == "img"
    assert (root.get("aria-label") or "").startswith("train ran ")
    assert "of 1.0 GiB" in (root.get("aria-label") or "")
    assert "href" not in Path("train.svg").read_text()


def test_a_task_that_is_not_there_is_told(measured: Path) -> None:
    for command in ("usage", "advise"):
        done = invoke(command, measured, "--task", "trian")
        assert (done.exit_code, "there is no task trian. Did you mean train?" in done.output) == (1, True)


def test_airflows_runs_are_read_back_once(measured: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBENB_DATA", str(tmp_path / "another user's"))
    shutil.copytree("out/.kubenb/store", "bucket")
    (run,) = Path("bucket/small").iterdir()
    later = run.with_name("scheduled__2026-01-01T00~3a00~3a00~2b00~3a00")
    shutil.copytree(run, later)
    for path in later.rglob("notebook.ipynb"):
        path.write_text(path.read_text().replace(run.name, "scheduled__2026-01-01T00:00:00+00:00"))
    assert "6 runs read back from bucket." in invoke("usage", measured, "--from", "bucket").output
    assert "0 runs read back from bucket." in invoke("usage", measured, "--from", "bucket").output
    found = json.loads(invoke("usage", measured, "--task", "train", "--json").output)
    assert {each["how"] for each in found} == {"airflow"}
    assert [each["asked"]["memory_limit"] for each in found] == [2**30] * 2  # its text is the notebook's
    assert "fairly sure" not in invoke("advise", measured, "--task", "train").output
    assert "not a store" not in invoke("usage", measured, "--from", "nowhere").output


def test_nothing_is_written_without_a_yes(measured: Path) -> None:
    before = measured.read_bytes()
    for words, says in (((), ""), (("--write",), "n\n"), (("--write",), "\n")):
        done = invoke("advise", measured, *words, says=says)
        assert done.exit_code == 0
        assert measured.read_bytes() == before
    assert "Nothing was written." in done.output


def test_on_a_yes_the_header_lines_change_and_nothing_else(measured: Path) -> None:
    before = measured.read_text().splitlines()
    done = invoke("advise", measured, "--task", "train", "--write", says="y\n")
    after = measured.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    ((old, new),) = changed
    assert "%%k8s_task train --memory 1Gi" in old
    assert "%%k8s_task train --cpu " in new
    assert " --memory " in new
    assert f"-{old}" in done.output
    assert f"+{new}" in done.output
    again = invoke("advise", measured, "--task", "train", "--write", says="y\n")
    assert "There is nothing to write." in again.output


def test_a_notebook_that_was_saved_meanwhile_is_not_overwritten(measured: Path) -> None:
    from kubenb import actions
    from kubenb.model.problems import KubenbError

    found = actions.advise(measured)
    measured.write_text(measured.read_text().replace("1 + 1", "").replace("ana", "eva"))
    with pytest.raises(KubenbError, match="it was changed meanwhile"):
        actions.write_advice(found)
    assert "eva" in measured.read_text()


def test_auto_is_what_was_measured_for_a_run_and_refused_for_a_dag(measured: Path) -> None:
    from kubenb import actions

    measured.write_text(measured.read_text().replace("--memory 1Gi", "--memory auto"))
    train = next(plan.task for plan in actions.read(measured).plans if plan.task.name == "train")
    assert train.options.memory == actions.advise(measured, "train").found[0][0].memory
    assert train.origins["memory"].startswith("auto, 1 good run")
    (problem,) = [each for each in check(actions.read(measured)) if each.code == "auto.memory"]
    assert str(problem.fix) == "Write it into the notebook: kubenb advise --write."
    assert [each for each in check(actions.read(measured), run=True) if each.code.startswith("auto.")] == []
    invoke("advise", measured, "--write", "--yes")
    assert f"--memory {train.options.memory}" in measured.read_text()


def test_auto_without_a_record_asks_for_nothing(notebook: Path) -> None:
    from kubenb import actions

    notebook.write_text(notebook.read_text().replace("--memory 1Gi", "--memory auto"))
    assert [plan.task.options.memory for plan in actions.read(notebook).plans] == ["1Gi", None, None]
    assert "no run of it is on record" in invoke("check", notebook).output

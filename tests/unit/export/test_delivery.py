"""Laying an export down: what is written, kept, merged, refused and taken away; nobody's file is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenb import actions
from kubenb.delivery import deliver
from kubenb.export.files import export_files
from kubenb.model.problems import KubenbError
from tests.unit.export.pipelines import flights
from tests.unit.export.versions import FEWER, ONE, TWO, Files, standing, visible

pytestmark = pytest.mark.usefixtures("a_disk_that_needs_no_sync")


def test_a_first_export_a_second_and_the_same_again(tmp_path: Path) -> None:
    assert deliver(ONE, tmp_path, "flights").written == tuple(sorted(visible(ONE)))
    assert standing(tmp_path) == ONE
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert deliver(ONE, tmp_path, "flights").written == ()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times, "nothing is touched"
    assert deliver(TWO, tmp_path, "flights").written == tuple(
        sorted(name for name in visible(TWO) if ONE[name] != TWO[name])
    )
    assert standing(tmp_path) == TWO


def test_a_dry_one_writes_nothing(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    found = deliver(TWO, tmp_path, "flights", dry=True)
    assert standing(tmp_path) == ONE
    assert found.written == tuple(sorted(name for name in visible(TWO) if ONE[name] != TWO[name]))
    assert found.diff.startswith("--- a/flights.py\n+++ b/flights.py\n")
    assert '-        "owner": "owner 1",\n+        "owner": "owner 2",\n' in found.diff
    assert deliver(ONE, tmp_path / "new", "flights", dry=True).written
    assert not (tmp_path / "new").exists()


def test_a_task_that_is_gone_takes_its_notebook_along(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    assert deliver(FEWER, tmp_path, "flights").removed == ("flights/train.ipynb",)
    assert standing(tmp_path) == FEWER


def test_files_of_others_stay(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    (tmp_path / "other.py").write_text("mine")
    (tmp_path / "flights" / "notes" / "deep").mkdir(parents=True)
    (tmp_path / "flights" / "notes" / "deep" / "a.md").write_text("mine too")
    (tmp_path / "flights" / "train.ipynb").write_text("edited by hand")
    deliver(FEWER, tmp_path, "flights")
    others = {"other.py": "mine", "flights/notes/deep/a.md": "mine too", "flights/train.ipynb": "edited by hand"}
    assert standing(tmp_path) == {**FEWER, **others}


UNRELATED: list[tuple[str, str, str]] = [
    ("a DAG file", "flights.py", "from airflow import DAG"),
    ("another DAG's file", "flights.py", ONE["flights.py"].replace("kubenb: flights ", "kubenb: other ")),
    ("no text", "flights.py", "\x00\xff"),
    ("a file in the folder", "flights/train.ipynb", "{}"),
    ("a file where the folder goes", "flights", "a file"),
]


@pytest.mark.parametrize(("what", "name", "text"), UNRELATED)
def test_what_kubenb_did_not_write_is_never_overwritten(what: str, name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    for dry in (False, True):
        with pytest.raises(KubenbError, match=r"is there already|can't be written"):
            deliver(ONE, tmp_path, "flights", dry=dry)
    assert standing(tmp_path) == {name: text}


def test_a_link_to_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "flights").symlink_to("elsewhere")
    with pytest.raises(KubenbError, match="is there already"):
        deliver(ONE, tmp_path, "flights")


def edit(folder: Path, name: str, before: str, after: str) -> None:
    path = folder / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_hand_edits_of_the_dag_file_survive(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", '"retries": 2', '"retries": 7')
    edit(tmp_path, "flights.py", "    catchup=False,\n", "    catchup=False,\n    max_active_runs=1,\n")
    found = deliver(TWO, tmp_path, "flights")
    assert (found.merged, found.joined) == (("flights.py",), ("flights.py",))
    text = (tmp_path / "flights.py").read_text("utf-8")
    assert all(part in text for part in ('"retries": 7', "max_active_runs=1", '"owner": "owner 2"'))
    assert standing(tmp_path)["flights/train.ipynb"] == TWO["flights/train.ipynb"]
    again = deliver(TWO, tmp_path, "flights")
    assert (again.written, again.merged, again.joined) == ((), ("flights.py",), ())
    deliver(ONE, tmp_path, "flights")
    assert '"retries": 7' in (tmp_path / "flights.py").read_text("utf-8")


def test_another_notebook_does_not_take_the_dag_over(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    before = standing(tmp_path)
    other = {**TWO, "flights.py": TWO["flights.py"].replace("from flights.ipynb:", "from trains.ipynb:", 1)}
    with pytest.raises(KubenbError, match=r"flights\.py was exported from flights\.ipynb, and this is trains\.ipynb"):
        deliver(other, tmp_path, "flights")
    assert standing(tmp_path) == before
    edit(tmp_path, "flights.py", "from flights.ipynb:", "from trains.ipynb:")
    deliver(other, tmp_path, "flights")
    assert '"owner": "owner 2"' in (tmp_path / "flights.py").read_text("utf-8")


def test_hand_edits_of_the_shared_pod_survive(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights/operator.json", '"startup_timeout_seconds": 600', '"startup_timeout_seconds": 1200')
    assert deliver(TWO, tmp_path, "flights").merged == ("flights/operator.json",)
    text = (tmp_path / "flights" / "operator.json").read_text("utf-8")
    assert '"startup_timeout_seconds": 1200' in text
    assert '"runAsUser": 1002' in text


def test_an_edited_task_notebook_stays_while_its_task_does(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights/train.ipynb", "version = 1", "version = 100")
    assert deliver(ONE, tmp_path, "flights").merged == ("flights/train.ipynb",)
    before = standing(tmp_path)
    with pytest.raises(KubenbError, match=r"your edits of flights/train\.ipynb"):
        deliver(TWO, tmp_path, "flights")
    assert standing(tmp_path) == before


def test_a_conflict_shows_both_sides_and_writes_nothing(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", '"owner": "owner 1"', '"owner": "me"')
    before = standing(tmp_path)
    with pytest.raises(KubenbError) as caught:
        deliver(TWO, tmp_path, "flights")
    assert 'what you wrote:\n         "owner": "me",\n' in str(caught.value)
    assert '+        "owner": "owner 2",\n' in str(caught.value)
    assert standing(tmp_path) == before
    with pytest.raises(KubenbError) as dry:
        deliver(TWO, tmp_path, "flights", dry=True)
    assert str(dry.value) == str(caught.value)


def test_a_conflict_shows_no_clean_edit_and_ends_when_the_new_line_is_taken_over(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", '"retries": 2', '"retries": 7')
    edit(
        tmp_path,
        "flights.py",
        '        "owner": "owner 1",\n',
        '        "owner": "owner 1",\n        "queue": "mine",\n',
    )
    edit(tmp_path, "flights.py", "\n    extract >> train\n", "\n    extract >> train  # max_active_runs\n")
    with pytest.raises(KubenbError) as caught:
        deliver(TWO, tmp_path, "flights")
    shown = str(caught.value)
    assert '"queue": "mine"' in shown
    assert "max_active_runs" not in shown, "a clean edit elsewhere"
    assert '"retries": 2' not in shown, "a clean edit beside: the notebook did not change it"
    edit(tmp_path, "flights.py", '"owner": "owner 1"', '"owner": "owner 2"')
    assert deliver(TWO, tmp_path, "flights").merged == ("flights.py",)
    text = (tmp_path / "flights.py").read_text("utf-8")
    assert all(part in text for part in ('"retries": 7', '"queue": "mine"', '"owner": "owner 2"'))


def test_an_edit_that_leaves_a_task_undefined_is_named_with_its_line(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", "    train = ", "    trained = ")
    line = (tmp_path / "flights.py").read_text("utf-8").splitlines().index("    extract >> train") + 1
    for files in (ONE, TWO):
        with pytest.raises(KubenbError, match=rf"line {line}: with your edits flights\.py uses train, which no line"):
            deliver(files, tmp_path, "flights")


@pytest.mark.parametrize("files", [ONE, TWO], ids=["same notebook", "changed notebook"])
def test_an_edit_that_takes_a_tasks_data_away_is_refused(files: Files, tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", "\n    extract >> train\n", "")
    before = standing(tmp_path)
    with pytest.raises(KubenbError, match="does not run task train after task extract, whose data it takes"):
        deliver(files, tmp_path, "flights")
    assert standing(tmp_path) == before


def test_check_sees_the_file_as_an_export_would_leave_it(tmp_path: Path) -> None:
    actions.export(flights(), tmp_path)
    assert actions.check(flights(), to=tmp_path).ok
    edit(tmp_path, "flights.py", "    catchup=False,\n", "    catchup=False,\n    max_active_runs=1,\n")
    fine = actions.check(flights(), to=tmp_path)
    assert (fine.ok, fine.about) == (True, f"3 tasks, with your edits in {tmp_path}")
    edit(tmp_path, "flights.py", "\nwith DAG(", "\nx = (\nwith DAG(")
    line = (tmp_path / "flights.py").read_text("utf-8").splitlines().index("x = (") + 1
    before = standing(tmp_path)
    broken = actions.check(flights(), to=tmp_path)
    assert not broken.ok
    assert f"flights.py: line {line}: with your edits flights.py is no Python ('(' was never closed)" in str(broken)
    assert actions.check(flights()).ok, "the notebook itself is right"
    assert standing(tmp_path) == before


def test_a_kept_task_notebook_is_a_warning(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights/train.ipynb", "version = 1", "version = 100")
    for dry in (True, False):
        (warning,) = deliver(ONE, tmp_path, "flights", dry=dry).warnings
        assert "flights/train.ipynb stay: this task of the DAG does what they say" in warning.what


@pytest.mark.parametrize("diff", [False, True])
def test_an_export_shows_the_warning_of_a_kept_notebook(diff: bool, tmp_path: Path) -> None:
    actions.export(flights(), tmp_path)
    edit(tmp_path, "flights/train.ipynb", "{", " {")
    assert "warning: flights/train.ipynb: your edits" in str(actions.export(flights(), tmp_path, diff=diff))


def test_the_runtime_is_counted_and_not_shown(tmp_path: Path) -> None:
    files = export_files(flights())
    runtime = [name for name in files if "/kubenb_runtime/" in name]
    shown = deliver(files, tmp_path, "flights", dry=True).diff
    assert shown.endswith(f"flights/kubenb_runtime/: {len(runtime)} files, new\n")
    assert files["flights/kubenb_runtime/bundle.txt"][:60] not in shown
    deliver(files, tmp_path, "flights")
    (tmp_path / runtime[0]).unlink()
    assert deliver(files, tmp_path, "flights", dry=True).diff == "flights/kubenb_runtime/: 1 file, new\n"


def test_edits_that_make_no_python_together_are_a_conflict(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    edit(tmp_path, "flights.py", "\n    extract >> train", "\n    extract >> (train")
    with pytest.raises(KubenbError, match=r"with your edits flights\.py is no Python"):
        deliver(TWO, tmp_path, "flights")


def test_without_its_record_an_unedited_file_is_still_known(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    for path in sorted((tmp_path / "flights" / ".kubenb").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "flights" / ".kubenb").rmdir()
    for name in ("extract.ipynb", "train.ipynb", "operator.json", ".airflowignore"):
        (tmp_path / "flights" / name).unlink()
    deliver(TWO, tmp_path, "flights")
    assert standing(tmp_path) == TWO


def test_line_ends_of_git_on_windows_are_no_edit(tmp_path: Path) -> None:
    deliver(ONE, tmp_path, "flights")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = deliver(TWO, tmp_path, "flights")
    assert found.merged == ()
    assert visible(standing(tmp_path))["flights/train.ipynb"] == TWO["flights/train.ipynb"]


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KubenbError, match=r"file/dags: it can't be written: Not a directory\. What was there"):
        deliver(ONE, tmp_path / "file" / "dags", "flights")

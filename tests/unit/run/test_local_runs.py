"""Running on this machine: every task its own process, results reused where nothing changed, failures told and contained."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Load, Parameter, Pipeline, Task
from kubenb.model.problems import KubenbError
from kubenb.model.values import FanOut, KeyValue, Projection, Volume
from kubenb.run.events import Event, Run
from kubenb.run.local import Wish, run_pipeline
from kubenb.run.records import read
from tests.unit.run.made import changed, pipeline, plan

EXTRACT = plan("extract", "rows = [n, 2, 3]\nprint('got', rows)", out=("rows",))
TRAIN = plan("train", "model = sum(rows)", Load("extract", ("rows",), ("rows",)), out=("model",))
REPORT = plan("report", "print('model', model)", Load("train", ("model",), ("model",)))
CHAIN = pipeline(EXTRACT, TRAIN, REPORT, n=1)


def states(run: Run) -> dict[str, str]:
    return {outcome.name: outcome.state for outcome in run.outcomes}


def run(whole: Pipeline, to: Path, **wish: object) -> Run:
    return run_pipeline(whole, to, Wish(**wish))  # type: ignore[arg-type]


def log(to: Path, name: str) -> str:
    return (to / f"{name}.log").read_text()


def test_tasks_run_in_order_and_leave_notebooks_logs_and_records(tmp_path: Path) -> None:
    events: list[Event] = []
    done = run_pipeline(CHAIN, tmp_path, Wish(params={"n": "5"}), events.append)
    assert done.ok
    assert states(done) == {"extract": "done", "train": "done", "report": "done"}
    assert [event.name for event in events if event.kind == "start"] == ["extract", "train", "report"]
    assert any("got [5, 2, 3]" in event.text for event in events if event.kind == "lines" and event.name == "extract")
    assert "model 10" in log(tmp_path, "report")
    assert json.loads((tmp_path / "train.ipynb").read_text())["metadata"]["kubenb"]["task"] == "train"
    records = list(read(tmp_path / ".kubenb" / "runs.jsonl"))
    assert [record.task for record in records] == ["extract", "train", "report"]
    assert all(record.peak and record.cpu and record.seconds for record in records)


def test_what_did_not_change_is_not_run_again(tmp_path: Path) -> None:
    first = run(CHAIN, tmp_path)
    again = run(CHAIN, tmp_path)
    assert set(states(again).values()) == {"reused"}
    assert first.id != again.id
    assert set(states(run(CHAIN, tmp_path, resume=False)).values()) == {"done"}


CHANGES = [
    ("train", "model = sum(rows) + 1", {"extract": "reused", "train": "done", "report": "done"}),
    ("train", "model = sum(rows) + 0", {"extract": "reused", "train": "done", "report": "reused"}),
    ("extract", "rows = [n, 2, 3] * 2", {"extract": "done", "train": "done", "report": "done"}),
]


@pytest.mark.parametrize(("name", "body", "expected"), CHANGES)
def test_a_change_runs_what_it_touches(tmp_path: Path, name: str, body: str, expected: dict[str, str]) -> None:
    run(CHAIN, tmp_path)
    assert states(run(changed(CHAIN, name, body), tmp_path)) == expected


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"params": {"n": 7}}, "parameter n changed"),
        ({"env": {"LEVEL": "debug"}}, "variable LEVEL changed"),
        ({"tasks": ("extract",)}, "it was asked for"),
    ],
)
def test_a_task_that_runs_again_says_why(tmp_path: Path, wish: dict[str, object], why: str) -> None:
    run(CHAIN, tmp_path)
    again = run(CHAIN, tmp_path, **wish)
    assert (again.outcomes[0].state, again.outcomes[0].again) == ("done", why)


def test_a_changed_cell_and_what_follows_it_say_why_they_run_again(tmp_path: Path) -> None:
    assert [outcome.again for outcome in run(CHAIN, tmp_path).outcomes] == ["", "", ""]
    events: list[Event] = []
    run_pipeline(changed(CHAIN, "train", "model = sum(rows) + 1"), tmp_path, progress=events.append)
    started = [(event.name, event.text) for event in events if event.kind == "start"]
    assert started == [("train", "its code changed"), ("report", "what train made changed")]


def test_a_parameter_that_no_task_reads_runs_nothing_again(tmp_path: Path) -> None:
    both = dataclasses.replace(CHAIN, parameters=(*CHAIN.parameters, Parameter("unread", "a")))
    run(both, tmp_path)
    assert set(states(run(both, tmp_path, params={"unread": "b"})).values()) == {"reused"}
    changed_too = run(both, tmp_path, params={"unread": "c", "n": 2})
    assert [outcome.again for outcome in changed_too.outcomes] == [
        "parameter n changed",
        "what extract made changed",
        "what train made changed",
    ]


@pytest.mark.parametrize(
    "body", ["print(f'{n}')", "x = eval('n')", "def f():\n    return n\nx = f()"], ids=["f-string", "text", "function"]
)
def test_a_parameter_read_in_any_way_runs_its_task_again(tmp_path: Path, body: str) -> None:
    whole = pipeline(plan("one", body), n=1)
    run(whole, tmp_path)
    assert states(run(whole, tmp_path, params={"n": 2})) == {"one": "done"}


def test_a_task_named_runs_again_and_takes_the_rest_over(tmp_path: Path) -> None:
    run(CHAIN, tmp_path)
    assert states(run(CHAIN, tmp_path, tasks=("train",))) == {"extract": "reused", "train": "done"}
    assert states(run(CHAIN, tmp_path, from_=("train",))) == {"extract": "reused", "train": "done", "report": "done"}


def test_what_an_earlier_task_only_did_counts_as_changed_when_it_ran(tmp_path: Path) -> None:
    whole = pipeline(plan("load", "print('loaded')"), plan("use", "print('used')"), after=(("load", "use"),))
    run(whole, tmp_path)
    assert states(run(whole, tmp_path)) == {"load": "reused", "use": "reused"}
    assert states(run(changed(whole, "load", "print('loaded!')"), tmp_path)) == {"load": "done", "use": "done"}


def test_a_failure_is_told_and_stops_only_what_needs_it(tmp_path: Path) -> None:
    whole = pipeline(
        plan("bad", "x = 1 / 0", out=("x",)), plan("after", "x", Load("bad", ("x",))), plan("other", "y = 1")
    )
    done = run(whole, tmp_path)
    assert states(done) == {"bad": "failed", "after": "not run", "other": "done"}
    bad, after, _ = done.outcomes
    assert "ZeroDivisionError: division by zero" in bad.why
    assert any("x = 1 / 0" in line for line in bad.tail)
    assert after.why == "bad failed"
    assert not done.ok
    assert done.left == ("bad", "after")
    assert "ZeroDivisionError" in (tmp_path / "bad.ipynb").read_text()


def test_a_failed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run(changed(CHAIN, "train", "model = 1 / 0"), tmp_path)
    assert states(run(CHAIN, tmp_path)) == {"extract": "reused", "train": "done", "report": "done"}


def test_an_older_notebook_does_not_pass_for_a_task_that_did_not_run(tmp_path: Path) -> None:
    run(CHAIN, tmp_path)
    run(changed(CHAIN, "train", "model = 1 / 0"), tmp_path)
    assert not (tmp_path / "report.ipynb").exists()
    run(CHAIN, tmp_path)
    assert "model 6" in log(tmp_path, "report")
    assert (tmp_path / "report.ipynb").exists()


def test_a_trigger_rule_lets_a_task_run_after_a_failure(tmp_path: Path) -> None:
    whole = pipeline(
        plan("bad", "1 / 0"), plan("clean", "print('cleaned')", trigger_rule="all_done"), after=(("bad", "clean"),)
    )
    assert states(run(whole, tmp_path)) == {"bad": "failed", "clean": "done"}


def mapped(source: str = "months", body: str = "score = month * 10", **options: object) -> Pipeline:
    each = plan("each", body, out=("score",), map=FanOut("month", source), **options)
    total = plan("total", "print('total', sum(score), score)", Load("each", ("score",), (), source))
    return pipeline(each, total, months=[1, 2, 3])


def test_a_mapped_task_runs_once_an_item(tmp_path: Path) -> None:
    done = run(mapped(), tmp_path)
    assert states(done) == {"each[0]": "done", "each[1]": "done", "each[2]": "done", "total": "done"}
    assert "total 60 [10, 20, 30]" in log(tmp_path, "total")
    assert (tmp_path / "each.1.ipynb").exists()


def test_outcomes_of_items_are_in_the_items_order_not_in_the_order_of_finishing(tmp_path: Path) -> None:
    slow_first = mapped(body="import time\nif month == 1: time.sleep(1.5)\nscore = month")
    assert [outcome.item for outcome in run(slow_first, tmp_path, limit=3).outcomes if outcome.task == "each"] == [
        0,
        1,
        2,
    ]


def test_a_list_given_on_the_command_line_is_the_one_that_is_mapped(tmp_path: Path) -> None:
    assert len(run(mapped(), tmp_path, params={"months": "[4, 5]"}).outcomes) == 3
    assert "total 90 [40, 50]" in log(tmp_path, "total")


def test_a_list_of_an_earlier_task_is_mapped(tmp_path: Path) -> None:
    make = plan("make", "airports = ['JFK', 'LGA']", out=("airports",))
    fan = FanOut("airport", "airports")
    each = plan("each", "name = airport.lower()", Load("make", ("airports",)), out=("name",), map=fan)
    last = plan("last", "print(name)", Load("make", ("airports",)), Load("each", ("name",), (), "airports"))
    assert run(pipeline(make, each, last), tmp_path).ok
    assert "['jfk', 'lga']" in log(tmp_path, "last")


def test_no_items_are_an_empty_list(tmp_path: Path) -> None:
    assert states(run(mapped(), tmp_path, params={"months": "[]"})) == {"each": "done", "total": "done"}
    assert "total 0 []" in log(tmp_path, "total")


def test_one_bad_item_fails_the_task_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    done = run(mapped(body="score = 6 / (month - 2)"), tmp_path)
    assert states(done) == {"each[0]": "done", "each[1]": "failed", "each[2]": "done", "total": "not run"}
    again = run(mapped(body="score = 6 / (month - 2)"), tmp_path)
    assert states(again) == {"each[0]": "reused", "each[1]": "failed", "each[2]": "reused", "total": "not run"}


@pytest.mark.parametrize(("most", "limit", "seen"), [(1, 4, 1), (None, 1, 1), (2, 4, 2), (None, 3, 3)])
def test_no_more_run_at_once_than_may(tmp_path: Path, most: int | None, limit: int, seen: int) -> None:
    at_once: list[int] = [0]

    def count(event: Event) -> None:
        at_once.append(at_once[-1] + {"start": 1, "end": -1}.get(event.kind, 0))

    assert run_pipeline(mapped(max_parallel=most), tmp_path, Wish(limit=limit), count).ok
    assert max(at_once) == seen


def test_two_runs_to_one_folder_are_refused(tmp_path: Path) -> None:
    slow = pipeline(plan("slow", "import time; time.sleep(1)"))
    began = threading.Event()
    other = threading.Thread(target=lambda: run_pipeline(slow, tmp_path, Wish(), lambda event: began.set()))
    other.start()
    assert began.wait(20)
    with pytest.raises(KubenbError, match="Another run is at work"):
        run(slow, tmp_path)
    other.join()


def test_an_interrupt_ends_all_and_the_next_run_goes_on(tmp_path: Path) -> None:
    whole = pipeline(
        EXTRACT, plan("slow", "import time\ntime.sleep(60)", Load("extract", ("rows",))), REPORT, TRAIN, n=1
    )

    def interrupt(event: Event) -> None:
        if event.kind == "start" and event.name == "slow":
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()

    done = run_pipeline(whole, tmp_path, Wish(limit=1), interrupt)
    assert done.interrupted
    assert states(done) == {"extract": "done", "slow": "interrupted", "report": "not run", "train": "not run"}
    again = run(changed(whole, "slow", "quick = 1"), tmp_path)
    assert states(again)["extract"] == "reused"
    assert again.ok


def test_a_task_that_runs_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubenb.export.manifest.deadline", lambda *_: 1)
    done = run(pipeline(plan("slow", "import time\ntime.sleep(60)")), tmp_path)
    assert [(outcome.state, outcome.why) for outcome in done.outcomes] == [
        ("failed", "it ran longer than its timeout of 1 s. Give it more with --timeout.")
    ]


def test_options_reach_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    monkeypatch.setenv("PRIVATE", "no")
    body = "import os\nprint([os.environ.get(k) for k in ('LEVEL','DB_PASSWORD','PRIVATE')], os.path.isdir(os.environ['DATA']))"
    options: dict[str, Any] = {
        "env": (KeyValue("LEVEL", "info"), KeyValue("DATA", "/data/x")),
        "secret": (Projection("db", "password", "DB_PASSWORD"),),
        "volume": (Volume("pvc", "claim", "/data"),),
    }
    folder = tmp_path / ".kubenb" / "claims" / "claim" / "x"
    folder.mkdir(parents=True)
    assert run(pipeline(plan("look", body, **options)), tmp_path).ok
    assert "['info', 's3cret', None] True" in log(tmp_path, "look")


def test_missing_secrets_of_all_tasks_are_told_before_anything_starts(tmp_path: Path) -> None:
    secret = (Projection("db", "password", "NOT_HERE"),)
    events: list[Event] = []
    with pytest.raises(KubenbError) as caught:
        run_pipeline(
            pipeline(plan("a", "1"), plan("b", "2", secret=secret), plan("c", "3", secret=secret)),
            tmp_path,
            Wish(),
            events.append,
        )
    assert [problem.where.task for problem in caught.value.problems] == ["b", "c"]
    assert events == []


def test_a_notebook_too_large_for_an_environment_runs(tmp_path: Path) -> None:
    body = "x = 1\n" + "\n".join(f"# {number:0100}" for number in range(20_000)) + "\nprint('large', x)"
    assert run(pipeline(plan("large", body)), tmp_path).ok
    assert "large 1" in log(tmp_path, "large")


def test_an_images_own_command_runs_where_its_program_is_here_and_is_named_where_not(tmp_path: Path) -> None:
    here, absent = (
        dataclasses.replace(
            plan(name, "", image="busybox:1"),
            task=Task(name, TaskOptions(image="busybox:1"), "container", command=command),
        )
        for name, command in (
            ("here", ("echo", "from {{ ds }}", "$(KUBENB_TASK)")),
            ("absent", ("/app/process", "--all")),
        )
    )
    done = run(pipeline(here, absent, plan("after", "print('after')"), after=(("here", "after"),)), tmp_path)
    assert states(done) == {"here": "done", "absent": "failed", "after": "done"}
    assert log(tmp_path, "here").startswith("from 20")
    assert log(tmp_path, "here").endswith("$(KUBENB_TASK)\n")
    assert done.outcomes[1].why.startswith(
        "its command /app/process belongs to the image busybox:1, and is not on this machine."
    )


def test_tasks_of_a_run_that_was_killed_are_ended_by_the_next(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from tests.unit.run.made import pipeline, plan; from kubenb.run.local import run_pipeline\n"
        f"run_pipeline(pipeline(plan('slow', 'import time; time.sleep(60)')), Path({str(tmp_path)!r}))"
    )
    killed = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    running = tmp_path / ".kubenb" / "running"
    until = time.monotonic() + 30
    while not running.exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.1)
    killed.kill()
    killed.wait()
    pid = int(running.read_text().split()[0])
    os.kill(pid, 0)
    assert run(pipeline(plan("quick", "x = 1")), tmp_path).ok
    until = time.monotonic() + 5
    while time.monotonic() < until and Path(f"/proc/{pid}").exists():
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()


def test_values_that_airflow_hands_over_by_xcom_go_through_the_runs_own_store(tmp_path: Path) -> None:
    extract = plan("extract", "rows = [n, 2, 3]", out=("rows",), store="xcom")
    train = plan("train", "print('sum', sum(rows))", Load("extract", ("rows",), ("rows",)), store="xcom")
    done = run(pipeline(extract, train, n=1), tmp_path)
    assert states(done) == {"extract": "done", "train": "done"}
    assert "sum 6" in log(tmp_path, "train")

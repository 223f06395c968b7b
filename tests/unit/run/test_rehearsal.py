"""The loop of a rehearsal with a told story in place of an Airflow: what is said of tasks that never ran, crashed or were stopped."""

from __future__ import annotations

import queue
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kubenb.actions import _dag_file
from kubenb.run.desk import desk
from kubenb.run.events import Event
from kubenb.run.rehearsal import Play, _conf
from kubenb.standin import Image, PodApi

TASKS = [{"task": "a", "upstream": []}, {"task": "b", "upstream": ["a"]}, {"task": "c", "upstream": ["b"]}]


def told(event: str, task: str = "a", text: str = "") -> dict[str, Any]:
    return {"event": event, "task": task, "item": None, "text": text}


def ended(**states: str) -> dict[str, Any]:
    return {
        "event": "ended",
        "tasks": [{"task": task, "item": None, "state": state} for task, state in states.items()],
    }


def pod(script: str | None, **spec: Any) -> dict[str, Any]:
    command = ["python", "-c", script] if script is not None else ["no-such-program"]
    container = {"name": "base", "image": "x", "command": command}
    return {"metadata": {"name": "a-1", "labels": {"task_id": "a"}}, "spec": {"containers": [container], **spec}}


STORY = [
    told("start"),
    told("failed", text="AirflowException: Pod failed\nwith much text"),
    ended(a="failed", b="upstream_failed", c="upstream_failed"),
]
BRIEF = {"activeDeadlineSeconds": 0.2, "terminationGracePeriodSeconds": 0}
LOST = [told("start"), {"event": "gone", "code": 1}]

# what, the pod that was made, the story, why a failed
CASES: list[tuple[str, Any, list[dict[str, Any]], str]] = [
    ("no pod: Airflow's own words", None, STORY, "AirflowException: Pod failed"),
    ("the runtime's last line", pod("print('kubenb: a failed: too hot'); raise SystemExit(1)"), STORY, "too hot"),
    ("its exit code", pod("raise SystemExit(7)"), STORY, "exit code 7"),
    ("a signal", pod("import os; os.kill(os.getpid(), 9)"), STORY, "killed (SIGKILL), most often for want of memory"),
    ("an image's own command", pod(None), STORY, "put a program of that name on PATH to stand for it"),
    ("its time", pod("import time; time.sleep(60)", **BRIEF), STORY, "longer than its deadline of 0.2 s"),
    ("a secret", pod("", volumes=[{"name": "v", "secret": {"secretName": "gone"}}]), STORY, 'secret "gone" not found'),
    ("Airflow itself", None, LOST, "Airflow ended in the middle of it: Killed"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "made", "story", "why"), CASES, ids=[case[0] for case in CASES])
def test_the_cause_is_named_and_what_comes_after_did_not_run(
    what: str, made: Any, story: list[dict[str, Any]], why: str, tmp_path: Path
) -> None:
    told_by: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    playing = SimpleNamespace(told=told_by, last_lines=lambda: ("Killed",), stop=lambda: None)
    events: list[Event] = []
    with desk(tmp_path) as here, PodApi(tmp_path, image=Image(sys.executable)) as api:
        if made:
            api.create("default", made)
            container = next(iter(api.known[0].containers), None)
            assert container is None or container.wait(20)
        for each in story:
            told_by.put(each)
        dag = {"dags": ["d"], "tasks": TASKS}
        run = Play(playing, api, here, dag, events.append).run()  # type: ignore[arg-type]
    assert [(outcome.name, outcome.state) for outcome in run.outcomes] == [
        ("a", "failed"),
        ("b", "not run"),
        ("c", "not run"),
    ]
    assert why in run.outcomes[0].why
    assert [event.name for event in events if event.kind == "end"] == ["a", "b", "c"]
    after = "Airflow ended before" if story is LOST else "a failed"
    assert run.outcomes[1].why == after


def test_an_interrupt_ends_airflow_first_and_then_its_pods(tmp_path: Path) -> None:
    told_by: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    stopped: list[bool] = []
    with desk(tmp_path) as here, PodApi(tmp_path) as api:
        playing = SimpleNamespace(told=told_by, stop=lambda: stopped.append(bool(api.pods)))
        told_by.put(told("start"))
        api.create("default", pod("print('on', flush=True); import time; time.sleep(60)"))

        def watch(event: Event) -> None:
            if event.kind == "lines":
                raise KeyboardInterrupt

        run = Play(playing, api, here, {"dags": ["d"], "tasks": TASKS}, watch).run()  # type: ignore[arg-type]
        assert api.known[0].containers[0].wait(0)
    assert stopped == [True]
    assert run.interrupted
    assert [outcome.state for outcome in run.outcomes] == ["interrupted", "not run", "not run"]


def test_params_are_read_by_the_types_of_the_dags_own() -> None:
    conf, problems = _conf(
        {"n": "2", "day": "3", "on": "maybe", "months": 1}, {"n": 1, "day": "1", "on": True, "month": 2}
    )
    assert conf == {"n": 2, "day": "3"}
    assert [problem.code for problem in problems] == ["run.param", "run.unknown-param"]
    assert problems[1].fix == "Did you mean month?"


SOURCES = [
    ("dag.py", "from airflow.sdk import DAG\n", True),
    ("dag.py", "import json\nimport airflow\n", True),
    ("cells.py", "# %%\n# %load_ext kubenb\n# %%\nfrom airflow import x\n", False),
    ("cells.py", "x = 1\n", False),
    ("cells.ipynb", "from airflow import x", False),
    ("absent.py", None, True),
]


@pytest.mark.parametrize(("name", "text", "is_dag"), SOURCES)
def test_a_dag_file_is_told_from_a_notebook(name: str, text: str | None, is_dag: bool, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    assert (_dag_file(tmp_path / name) is not None) == is_dag

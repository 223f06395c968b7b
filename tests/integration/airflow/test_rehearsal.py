"""Each Airflow plays our DAGs: its own provider code against the stand-in, each pod's command as a process, no cluster anywhere."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import kubenb
from kubenb.store.places import digest
from kubenb.testing import code, notebook
from tests.integration.airflow.exported import EXAMPLES, pipeline_of

# The list that `square` maps over is known only when `count` has run, so it travels as XCom.
SQUARES = notebook(
    "%k8s_dag squares --schedule @daily --start 2026-01-01 --image python:3.11 --store pvc:data --engine kubenb",
    code("top = 3", "parameters"),
    "%%k8s_task count\nnumbers = list(range(1, top + 1))",
    "%%k8s_task square\n#| map: number in numbers\n#| max-parallel: 2\nsquared = number**2",
    '%%k8s_task spell\n#| map: word in ["a", "b"]\n#| item-resources: [{"memory": "1Gi"}, {"memory": "2Gi"}]\nspelled = word * top',
    "%%k8s_task add\n#| xcom: total\ntotal = {'sum': sum(squared), 'words': spelled}",
)

# Small values need no store: they travel through Airflow's own database.
SMALL = notebook(
    "%k8s_dag small --schedule @daily --start 2026-01-01 --image python:3.11 --store xcom --engine kubenb",
    "%%k8s_task make\npair = (1, 'two')",
    "%%k8s_task take\nprint('the pair is', pair)",
)

# A store that is not this machine's, so that nothing may be written there.
FAILS = notebook(
    "%k8s_dag fails --schedule @daily --start 2026-01-01 --image python:3.11 --store s3://bucket/x --engine kubenb",
    code("n = 1", "parameters"),
    "%%k8s_task a\n#| secret: db/password -> PW\nimport os\nx = n + len(os.environ['PW'])",
    "%%k8s_task b\nprint('x is', x)\ny = x / 0",
    "%%k8s_task c\nz = y",
)

SLEEPS = notebook(
    "%k8s_dag sleeps --schedule @daily --start 2026-01-01 --image python:3.11 --store pvc:data --engine kubenb",
    "%%k8s_task a\nimport subprocess, time\nchild = subprocess.Popen(['sleep', '300'])\nprint('it sleeps', flush=True)\n"
    "time.sleep(300)\nx = 1",
    "%%k8s_task b\ny = x",
)


# The engine of kubenb's own, which every image has: the quicker of the two.
ENGINE = {"KUBENB_ENGINE": "kubenb"}
FLIGHTS = next(path for path in EXAMPLES if path.stem == "flights")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    """What the flights' tasks make in a plain run."""
    folder = tmp_path_factory.mktemp("plain")
    assert kubenb.run(FLIGHTS, folder, {"history": 1}, env=ENGINE).ok
    return digests(folder)


def test_the_flights_mean_what_their_plain_run_means(
    rehearsing: Path, plain: dict[str, str | None], tmp_path: Path
) -> None:
    done = kubenb.rehearse(FLIGHTS, rehearsing, tmp_path / "out", {"history": "1"}, env=ENGINE)
    assert (done.ok, done.run.where) == (True, ""), str(done)
    assert sorted(plain) == ["extract", "features", "report", "train"]
    assert digests(tmp_path / "out") == plain
    assert {run.run for run in kubenb.usage(FLIGHTS, "train").runs[0][1] if run.peak} >= {done.run.id}
    cells = json.loads((tmp_path / "out" / "report.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs), "the executed notebook has its plot"
    assert "no cluster took part" in str(done)
    assert "images, scheduling, quota, roles and parallel tasks are not tried" in str(done)


def digests(folder: Path) -> dict[str, str | None]:
    """By task, what all its outputs come to."""
    return {path.parent.name: digest(path.parent) for path in (folder / ".kubenb").glob("**/_SUCCESS")}


def test_items_known_at_export_or_made_at_run_time_come_back_in_order(rehearsing: Path, tmp_path: Path) -> None:
    done = kubenb.rehearse(pipeline_of(SQUARES), rehearsing, tmp_path, {"top": 3})
    names = [outcome.name for outcome in done.run.outcomes]
    assert (done.ok, sorted(names)) == (
        True,
        ["add", "count", "spell[0]", "spell[1]", "square[0]", "square[1]", "square[2]"],
    ), str(done)
    pods = [json.loads((tmp_path / ".kubenb" / "pods" / f"spell.{item}.json").read_text()) for item in (0, 1)]
    assert [pod["spec"]["containers"][0]["resources"]["limits"]["memory"] for pod in pods] == ["1Gi", "2Gi"]
    [pushed] = (tmp_path / ".kubenb" / "claims").glob("**/add/xcom.json")
    assert json.loads(pushed.read_text()) == {"total": {"sum": 14, "words": ["aaa", "bbb"]}}


def test_a_failing_task_is_named_with_its_traceback(rehearsing: Path, tmp_path: Path) -> None:
    (tmp_path / "fails.ipynb").write_text(FAILS)
    ended = rehearse(rehearsing, tmp_path, "fails.ipynb", PW="four")
    said = ended.stdout
    assert ended.returncode == 3, ended.stderr + said
    assert ended.stderr.startswith("No cluster takes part: ")
    assert re.search(r"^b +failed in .*: ZeroDivisionError: division by zero in cell", said, re.MULTILINE)
    assert "line 2, in <module>\n    y = x / 0\n" in said
    assert "c  not run because b failed" in said
    assert "x is 5" in (tmp_path / "out" / "b.log").read_text()
    outputs = [
        output
        for cell in json.loads((tmp_path / "out" / "b.ipynb").read_text())["cells"]
        for output in cell.get("outputs", ())
    ]
    assert [output["ename"] for output in outputs if output["output_type"] == "error"] == ["ZeroDivisionError"]


def test_what_nothing_stands_for_is_named_before_anything_starts(rehearsing: Path, tmp_path: Path) -> None:
    (tmp_path / "fails.ipynb").write_text(FAILS)
    ended = rehearse(rehearsing, tmp_path, "fails.ipynb", "-p", "m=2")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert (
        "PW comes from the secret db, and no cluster takes part here. Set it for this rehearsal: PW=VALUE"
        in ended.stderr
    )
    assert "The DAG has no parameter m." in ended.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_with_edits_by_hand_is_played_as_it_is(rehearsing: Path, tmp_path: Path) -> None:
    dag_file = kubenb.export(pipeline_of(SMALL), tmp_path / "dags").dag_file
    (dag_file.parent / "another.py").write_text("raise RuntimeError('another DAG of the folder was read')\n")
    (dag_file.parent / "rules.py").write_text("TEXT = 'by hand'\n")
    added = (
        '    mine = KubernetesPodOperator(task_id="mine", image="a/b", cmds=["python", "-c", f"print({TEXT!r})"],\n'
        '        kubernetes_conn_id="theirs", cluster_context="production", config_file="/nowhere", retries=3)\n    take >> mine\n'
    )
    dag_file.write_text(
        dag_file.read_text().replace("import json\n", "import json\nfrom rules import TEXT\n", 1) + added
    )
    before = sorted(os.walk(dag_file.parent))
    done = kubenb.rehearse(dag_file, rehearsing, tmp_path / "out")
    assert [(outcome.name, outcome.state) for outcome in done.run.outcomes] == [
        (name, "done") for name in ("make", "take", "mine")
    ], str(done) + done.said.read_text()[-3000:]
    assert "the pair is (1, 'two')" in (tmp_path / "out" / "take.log").read_text()
    assert (tmp_path / "out" / "mine.log").read_text() == "by hand\n"
    assert sorted(os.walk(dag_file.parent)) == before, "nothing is written beside the DAG"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_nothing_runs_on_when_it_is_stopped(rehearsing: Path, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "sleeps.ipynb").write_text(SLEEPS)
    process = subprocess.Popen(
        command(rehearsing, "sleeps.ipynb", "-v"),
        cwd=tmp_path,
        env=around(tmp_path),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert any("it sleeps" in line for line in process.stderr)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert "a  interrupted: ended by the interrupt" in said
        assert "b  not run because the rehearsal was interrupted" in said
    else:  # Airflow ends by itself; the task is ended by the next rehearsal there, as by the next run
        again = subprocess.run(
            command(rehearsing, "sleeps.ipynb", "-p", "gone=1"),
            cwd=tmp_path,
            env=around(tmp_path),
            capture_output=True,
            check=False,
        )
        assert again.returncode == 1
        ended(tmp_path / "out")
    until = time.monotonic() + 30
    while left(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert left(tmp_path) == []


def ended(folder: Path) -> None:
    """What a run does first of all."""
    from kubenb.run.desk import desk

    with desk(folder):
        pass


def left(folder: Path) -> list[str]:
    """Processes that were started for this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (path / "environ").read_bytes() and int(path.name) != os.getpid():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200])
        except OSError:
            continue
    return [line for line in found if line]


def command(airflow: Path, source: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "kubenb", "rehearse", source, "--airflow", str(airflow), "--to", "out", *more]


def around(folder: Path, **more: str) -> dict[str, str]:
    """Temporary files below the test's folder too, so that its processes are known by it."""
    temporary = folder / "t"
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(temporary), **more}


def rehearse(airflow: Path, folder: Path, source: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(airflow, source, *more),
        cwd=folder,
        env=around(folder, **env),
        capture_output=True,
        text=True,
        check=False,
    )

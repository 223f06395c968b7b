"""Every command: what it prints, where, and its exit code."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from kubenb.cli import COMMANDS, EXIT_CODES, HELP
from kubenb.cli import words as of
from kubenb.cli.start import kubenb as group
from tests.integration.cli.small import BROKEN, FAILING, kubenb, small
from tests.unit.faces.golden import check


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(group, [str(word) for word in words], prog_name="kubenb", terminal_width=100)


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return small(tmp_path).relative_to(tmp_path)


def test_help_is_the_same_however_it_is_asked_for(tmp_path: Path) -> None:
    check("help.txt", HELP.rstrip("\n"))
    for words in ([], ["--help"], ["-h"], ["help"]):
        done = kubenb(*words, folder=tmp_path)
        assert (done.returncode, done.stdout) == (0, HELP)
    assert invoke("--help").output == HELP


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert COMMANDS[command] in result.output
    check(f"help-{command}.txt", result.output.rstrip("\n"))


def test_the_commands_are_those_of_the_help() -> None:
    assert sorted(group.commands) == sorted(COMMANDS)


def test_version(tmp_path: Path) -> None:
    assert kubenb("--version", folder=tmp_path).stdout.startswith("kubenb 0.")


USAGE = [
    (["grph"], "There is no command grph. Did you mean graph?"),
    (["frobnicate"], "There is no command frobnicate. There are: graph, plan, check,"),
    (["run", "n.ipynb"], "Missing option '--to'"),
    (["run", "n.ipynb", "--to", "out", "-p", "month"], "-p 'month' is not NAME=VALUE. Write -p month=2."),
    (["run", "n.ipynb", "--to", "out", "-p", "m=1", "-p", "m=2"], "-p m is given twice: 1 and 2. Give it once."),
    (["run", "n.ipynb", "--to", "out", "-e", "NOT_SET_HERE"], "-e NOT_SET_HERE: the variable is not set here."),
    (["capacity", "--task", "train"], "--task needs a notebook. Write its file too."),
    (["export", "n.ipynb", "--too", "out"], "Did you mean"),
]


@pytest.mark.parametrize(("words", "text"), USAGE)
def test_a_wrong_command_line_is_told_with_the_fix_and_ends_with_2(words: list[str], text: str) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert text in result.output.replace("\n", " ")


@pytest.mark.parametrize("command", ["graph", "check", "config", "plan", "capacity"])
def test_a_notebook_that_is_not_there_is_a_problem(command: str, tmp_path: Path) -> None:
    result = invoke(command, tmp_path / "no.ipynb")
    assert result.exit_code == 1
    assert "no.ipynb" in result.stderr
    assert "Traceback" not in result.output


def test_graph_in_every_form(notebook: Path, tmp_path: Path) -> None:
    check("cli-graph.txt", invoke("graph", notebook).output.rstrip("\n"))
    assert invoke("graph", notebook, "--mermaid").output.startswith("flowchart LR\n")
    edges = json.loads(invoke("graph", notebook, "--json").output)["edges"]
    assert [(edge["upstream"], edge["downstream"]) for edge in edges] == [("extract", "train"), ("train", "report")]
    assert invoke("graph", notebook, "--svg", "graph.svg").exit_code == 0
    ET.parse(tmp_path / "graph.svg")
    ET.fromstring(invoke("graph", notebook, "--svg", "-").output)


def test_check_is_silent_about_nothing_and_tells_everything(notebook: Path, tmp_path: Path) -> None:
    good = invoke("check", notebook)
    assert (good.exit_code, good.output) == (0, "small.ipynb: no problems (3 tasks)\n")
    small(tmp_path, *BROKEN)
    bad = invoke("check", notebook)
    assert bad.exit_code == 1
    assert "cell 5, line 1 (train): memory '4G1' is not a quantity. Write 4Gi or 4096Mi." in bad.output
    found = json.loads(invoke("check", notebook, "--json").output)
    assert found["ok"] is False
    assert found["problems"][0]["where"] == {"cell": 5, "line": 1, "task": "train", "file": None}


def test_config_plan_and_options_show_their_tables(notebook: Path) -> None:
    config = invoke("config", notebook).output
    assert any(line.split() == ["extract", "memory", "1Gi", "cell", "4"] for line in config.splitlines()), config
    check("cli-plan.txt", invoke("plan", notebook).output.rstrip("\n"))
    assert "rows from extract" in invoke("plan", notebook, "--task", "train").output
    wrong = invoke("plan", notebook, "--task", "trian")
    assert (wrong.exit_code, wrong.stderr) == (1, "error: small.ipynb: there is no task trian. Did you mean train?\n")
    assert "memory" in {row["name"] for row in json.loads(invoke("options", "--json").output)["%%k8s_task"]}


CONFIG = [
    ("%k8s_dag id d cell 1", "%k8s_dag d"),
    ("%k8s_dag id small the notebook's name", ""),
    ("%k8s_dag catchup false kubenb's default", ""),
    ("every task image python:3.11-slim kubenb's default", ""),
    ("every task run-as-user 1000 kubenb's default", ""),
    ("every task retries 2 kubenb's default", ""),
    ("every task retries 5 cell 1 (retries of the DAG)", "%k8s_dag --retries 5"),
    ("every task timeout 2h cell 1 (task-timeout of the DAG)", "%k8s_dag --task-timeout 2h"),
    ("every task trigger-rule all_success Airflow's default", ""),
    ("one image a/b %k8s_dag, cell 1", "%k8s_dag --image a/b"),
    ("two image a/b kubenb.toml [task]", "[task]\nimage = 'a/b'"),
    ("two retries 2 kubenb's default", "%%k8s_task three --retries 4"),
]


@pytest.mark.parametrize(("row", "said"), CONFIG, ids=[row for row, _ in CONFIG])
def test_config_says_what_is_in_force_and_from_where(row: str, said: str, notebook: Path, tmp_path: Path) -> None:
    if said.startswith("["):
        (tmp_path / "kubenb.toml").write_text(said)
    small(tmp_path, *([said] if said.startswith("%") else []), "%%k8s_task one\n1", "%%k8s_task two\n2")
    rows = [" ".join(line.split()) for line in invoke("config", notebook).output.splitlines()]
    assert row in rows
    assert len({" ".join(each.split()[:3]) for each in rows}) == len(rows), "one value each"


@pytest.mark.parametrize("command", ["export", "run"])
def test_a_notebook_with_errors_is_neither_exported_nor_run(command: str, notebook: Path, tmp_path: Path) -> None:
    small(tmp_path, *BROKEN)
    result = invoke(command, notebook, "--to", "out")
    assert result.exit_code == 1
    assert "error: cell 5, line 1 (train): memory '4G1' is not a quantity." in result.stderr
    assert not (tmp_path / "out").exists()
    as_json = invoke(command, notebook, "--to", "out", "--json")
    assert json.loads(as_json.stdout)["ok"] is False


def test_export_shows_writes_and_rests(notebook: Path, tmp_path: Path) -> None:
    shown = invoke("export", notebook, "--to", "dags", "--diff")
    assert shown.exit_code == 0
    assert "+++" in shown.output
    assert not (tmp_path / "dags").exists()
    written = invoke("export", notebook, "--to", "dags")
    assert written.output.startswith("dags/small.py: ")
    compile((tmp_path / "dags" / "small.py").read_text(), "small.py", "exec")
    assert (tmp_path / "dags" / "small" / "train.ipynb").exists()
    assert "unchanged" in invoke("export", notebook, "--to", "dags").output
    assert json.loads(invoke("export", notebook, "--to", "dags", "--json").output)["written"] == []
    assert invoke("export", notebook, "--to", "dags", "--diff").output == "dags: nothing would change.\n"


def test_run_resumes_and_tells(notebook: Path, tmp_path: Path) -> None:
    first = invoke("run", notebook, "--to", "out", "-p", "n=2")
    assert first.exit_code == 0, first.output
    assert "extract: started" in first.stderr
    assert "small: 3 tasks, 3 done" in first.stdout
    assert "ana total 2.0" in (tmp_path / "out" / "report.log").read_text()
    again = invoke("run", notebook, "--to", "out", "-p", "n=2", "--json")
    assert {task["state"] for task in json.loads(again.stdout)["tasks"]} == {"reused"}
    named = invoke("run", notebook, "--to", "out", "-p", "n=2", "--task", "train")
    assert "small: 2 tasks, 1 done, 1 reused" in named.stdout
    verbose = invoke("run", notebook, "--to", "out", "--fresh", "--verbose")
    assert "extract | rows [0, 2, 4]" in verbose.stderr


def test_a_failed_run_ends_with_3_and_shows_the_end_of_the_log(notebook: Path, tmp_path: Path) -> None:
    small(tmp_path, *FAILING)
    result = invoke("run", notebook, "--to", "out")
    assert result.exit_code == 3
    assert "report   not run because train failed" in result.stdout
    assert "ZeroDivisionError: division by zero" in result.stdout
    assert "Left: train, report. What is done is kept: kubenb run small.ipynb --to out" in result.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-p", "m=2"], "The notebook has no parameter m."),
        (["-p", "n=x"], "Parameter n is int (3), and 'x' is not. Give one, like -p n=3."),
        (["--task", "trian"], "There is no task trian. Did you mean train?"),
    ],
)
def test_what_a_run_is_asked_wrongly_is_told_before_it_starts(words: list[str], text: str, notebook: Path) -> None:
    result = invoke("run", notebook, "--to", "out", *words)
    assert result.exit_code == 1
    assert text in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [(["--task", "trian"], "Did you mean train?"), (["--task", "train"], "there is no kubeconfig")],
    ids=["an unknown task is told before a cluster is asked", "and then the cluster that is not there"],
)
def test_where_a_task_fits_needs_the_task_and_a_cluster(words: list[str], text: str, notebook: Path) -> None:
    result = invoke("capacity", notebook, *words)
    assert (result.exit_code, text in result.stderr) == (1, True), result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_a_shell(shell: str, tmp_path: Path) -> None:
    assert "_KUBENB_COMPLETE" in invoke("completion", shell).output
    words = {"COMP_WORDS": "kubenb ex", "COMP_CWORD": "ex" if shell == "fish" else "1"}
    done = kubenb(folder=tmp_path, _KUBENB_COMPLETE=f"{shell}_complete", **words)
    assert [line for line in done.stdout.replace(",", "\n").split() if line in COMMANDS] == ["export"]


def test_the_help_names_every_exit_code_of_the_commands() -> None:
    ends = {0, of.PROBLEMS, click.UsageError.exit_code, of.FAILED, of.INTERRUPTED}
    assert set(EXIT_CODES) == ends
    assert [code for code in ends if not re.search(rf"^  {code}  ", HELP, re.MULTILINE)] == []


def test_a_module_beside_the_notebook_is_named(tmp_path: Path) -> None:
    (tmp_path / "rates.py").write_text("vat = 0.19\n")
    (tmp_path / "n.py").write_text("# %%\nimport rates\n# %%\n# %%k8s_task a\nx = rates.vat\n")
    result = CliRunner().invoke(group, ["check", str(tmp_path / "n.py")])
    assert "rates lies beside the notebook" in result.output
    assert "Install rates in the image" in result.output


def test_an_image_is_written_or_what_it_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.py").write_text("# %%\n# %%k8s_task a\nimport click\n")
    done = invoke("image", tmp_path / "n.py", "--to", tmp_path / "image", "--base", "mine:1")
    assert (done.exit_code, "docker build" in done.stdout) == (0, True)
    assert "FROM mine:1\n" in (tmp_path / "image/Dockerfile").read_text()
    (tmp_path / "n.py").write_text("# %%\n# %%k8s_task a\nimport nowhere\n")
    done = invoke("image", tmp_path / "n.py", "--to", tmp_path / "other")
    assert (done.exit_code, "nowhere (task a imports it) is not installed here" in done.stderr) == (1, True)
    assert not (tmp_path / "other").exists()

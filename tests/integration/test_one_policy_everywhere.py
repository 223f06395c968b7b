"""A policy says the same wherever a notebook is met: command line, Python, export, a kernel's magics, before a pod."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kubenb
from kubenb import actions
from kubenb.actions import started
from kubenb.actions.started import within_policy
from kubenb.model.problems import KubenbError
from kubenb.run.runner import Wish
from kubenb.testing.notebooks import save
from tests.integration.cli.small import kubenb as shell
from tests.integration.magics.kernel import kernel

CELLS = ("%load_ext kubenb\n%k8s_dag small --store pvc:work", "%%k8s_task train --memory 128Gi\n#| gpu: 1\ntotal = 1")
POLICY = """\
[policy.options.memory]
most = "64Gi"
reason = "the largest node has 64 GiB"
[policy.options.gpu]
forbidden = true
"""
MEMORY = "memory 128Gi is more than the 64Gi allowed: the largest node has 64 GiB (policy of {}). Write at most 64Gi."
GPU = "gpu is not allowed (policy of {}). Leave it out."


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said of the notebook in this folder, where the platform's policy is named and a project's is looser."""
    site = tmp_path / "site.toml"
    site.write_text(POLICY)
    monkeypatch.setenv("KUBENB_POLICY", str(site))
    (tmp_path / "kubenb.toml").write_text('[policy.options.memory]\nmost = "999Gi"\n')
    save(tmp_path / "small.ipynb", *CELLS)
    monkeypatch.chdir(tmp_path)
    return [f"cell 2, line 1 (train): {text.format(site)}" for text in (MEMORY, GPU)]


def test_check_says_it_on_the_command_line_and_in_python(lines: list[str], tmp_path: Path) -> None:
    assert [str(problem) for problem in kubenb.check("small.ipynb").problems] == lines
    done = shell("check", "small.ipynb", folder=tmp_path)
    assert done.returncode == 1
    assert [line.split("error    ")[1] for line in done.stdout.splitlines()[1:]] == lines
    said = json.loads(shell("check", "small.ipynb", "--json", folder=tmp_path).stdout)
    assert [each["code"] for each in said["problems"]] == ["policy.memory", "policy.gpu"]


def test_export_writes_nothing(lines: list[str], tmp_path: Path) -> None:
    done = shell("export", "small.ipynb", "--to", "dags", folder=tmp_path)
    assert (done.returncode, done.stderr.splitlines()) == (1, [f"error: {line}" for line in lines])
    assert not (tmp_path / "dags").exists()


def test_the_magics_say_it_and_fail_their_cells(lines: list[str], tmp_path: Path) -> None:
    with kernel(tmp_path) as started:
        for line in ("%k8s_check small.ipynb", "%k8s_export dags small.ipynb"):
            reply = started.run(line)
            assert reply.status == "error"
            assert all(line in reply.err for line in lines), reply.err
    assert not (tmp_path / "dags").exists()


class _Cluster:
    """A client that any request would break: none may be made."""

    context, namespace = "c", "default"

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_pod_is_refused_before_the_cluster_hears_of_it_and_a_run_here_is_not(
    lines: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (actions, started):
        monkeypatch.setattr(module, "cluster", lambda _: _Cluster())
    pipeline = actions.read("small.ipynb")
    with pytest.raises(KubenbError) as refused:
        actions.run(pipeline, tmp_path / "pods", on="c")
    assert str(refused.value).splitlines() == lines
    with pytest.raises(KubenbError) as refused:
        started.start(pipeline, tmp_path / "pods", Wish(), str)  # type: ignore[arg-type]
    assert str(refused.value).splitlines() == lines
    assert actions.run(pipeline, tmp_path / "out").ok


def test_choices_are_judged_by_the_same_rules(lines: list[str], tmp_path: Path) -> None:
    found = actions.choices("small.ipynb", "memory")
    assert found.most == "64Gi"
    assert found.wrong("128Gi") == MEMORY.format(tmp_path / "site.toml")
    with pytest.raises(KubenbError, match=r"no\.ipynb"):
        actions.choices("no.ipynb", "memory")


def test_a_policy_that_cannot_be_read_stops_export_and_pods(lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("[policy\n")
    done = shell("export", "small.ipynb", "--to", "dags", folder=tmp_path)
    assert done.returncode == 1
    assert "site.toml: it is not TOML" in done.stderr
    with pytest.raises(KubenbError, match="it is not TOML"):
        within_policy(actions.read("small.ipynb"), "default")
    with pytest.raises(KubenbError, match="it is not TOML"):
        actions.choices("small.ipynb", "memory")


COST = [
    (["--took", "train"], 2, "--took 'train' is not NAME=VALUE. Write --took train=2."),
    (["--took", "trian=1h"], 1, "there is no task trian. Did you mean train?"),
    (["--took", "train=soon"], 1, "the time 'soon' is not a duration. Write it like 90s, 5m, 1h30m or 2d."),
]


@pytest.mark.parametrize(("words", "code", "text"), COST)
def test_a_time_that_is_none_is_told(words: list[str], code: int, text: str, lines: list[str], tmp_path: Path) -> None:
    done = shell("cost", "small.ipynb", *words, folder=tmp_path)
    assert (done.returncode, text in done.stderr.replace("\n", " ")) == (code, True), done.stderr


def test_cost_says_the_same_in_each_face(lines: list[str], tmp_path: Path) -> None:
    with (tmp_path / "site.toml").open("a") as file:
        file.write("[policy.prices]\ngib-hour = 0.5\n")
    text = shell("cost", "small.ipynb", "--took", "train=1h", folder=tmp_path).stdout.rstrip("\n")
    assert "cost 64.00, at most" in text
    assert str(kubenb.cost("small.ipynb", {"train": 3600})) == text
    with kernel(tmp_path) as started:
        assert started.run("%k8s_cost small.ipynb --took train=1h").plain[0] == text

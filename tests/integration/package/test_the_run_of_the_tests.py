"""`.ci/test` starts a cluster only where a test asks for one, stops only what it started, and never leaves those tests out in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Stand-ins note how they were called. Pytest's fails where a file `fails` names its marker, and finds nothing where `selects` does not.
PYTEST = """case "$*" in
  *--collect-only*) [ -e selects ] || exit 5 ;;
  *"-m not cluster"*) echo "others" >>calls; ! grep -qsx others fails ;;
  *"-m cluster"*) echo "cluster's, with ${KUBENB_TEST_KUBECONFIG:-$KUBENB_TEST_CONTEXT}" >>calls; ! grep -qsx cluster fails ;;
esac"""
UP = """case ${1:-} in
  --can) [ ! -e lacks ] || { cat lacks; exit 1; } ;;
  --answers) [ -e answers ] ;;
  *) echo up >>calls; echo the-kubeconfig ;;
esac"""


@dataclass(frozen=True)
class Tree:
    """A tree with the real `.ci/test` and stand-ins for all that it calls."""

    root: Path

    def script(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def run(self, *words: str, **env: str) -> tuple[int, list[str], str]:
        """Exit code, what was called in order (the build apart: it runs beside the rest), and all that was said."""
        done = subprocess.run(
            [self.root / ".ci" / "test", *words], env={**os.environ, **env}, capture_output=True, text=True
        )
        calls = self.root / "calls"
        return done.returncode, calls.read_text().splitlines() if calls.exists() else [], done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.script(".venv/bin/python", PYTEST)
    made.script("tests/cluster/up", UP)
    made.script("tests/cluster/build", "touch built")
    made.script("tests/cluster/down", "echo down >>calls")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "test", tmp_path / ".ci" / "test")
    (tmp_path / "selects").touch()
    return made


WITH_OURS = "cluster's, with the-kubeconfig"


def test_a_cluster_is_built_beside_the_other_tests_and_stopped_in_the_end(tree: Tree) -> None:
    code, calls, _ = tree.run("whole")
    assert (code, calls) == (0, ["others", "up", WITH_OURS, "down"])
    assert (tree.root / "built").exists()


def test_a_cluster_that_runs_already_goes_on(tree: Tree) -> None:
    (tree.root / "answers").touch()
    assert tree.run("cluster")[:2] == (0, ["up", WITH_OURS])


@pytest.mark.parametrize("which", ["others", "cluster"])
def test_what_fails_fails_the_whole_and_the_cluster_is_stopped_all_the_same(tree: Tree, which: str) -> None:
    (tree.root / "fails").write_text(which)
    assert tree.run("whole")[:2] == (1, ["others", "up", WITH_OURS, "down"])


def test_a_build_that_fails_fails_the_whole_with_its_last_words(tree: Tree) -> None:
    tree.script("tests/cluster/build", "echo 'no space left'; exit 1")
    code, calls, said = tree.run("whole")
    assert (code, calls) == (1, ["others"])
    assert "no space left" in said


def test_where_none_can_start_the_last_lines_say_so(tree: Tree) -> None:
    (tree.root / "lacks").write_text("it needs Go\n")
    code, calls, said = tree.run("all")
    assert (code, calls) == (0, ["others"])
    assert "The tests that ask a Kubernetes did not run: to start one it needs Go." in said.splitlines()[-2]
    code, calls, said = tree.run("whole")
    assert code == 1
    assert "The tests that ask a Kubernetes can't run: to start one it needs Go." in said


def test_another_cluster_is_taken_and_none_started(tree: Tree) -> None:
    (tree.root / "lacks").write_text("it needs root\n")
    assert tree.run("all", KUBENB_TEST_CONTEXT="theirs")[:2] == (0, ["others", "cluster's, with theirs"])


def test_arguments_that_leave_no_test_of_a_cluster_start_none(tree: Tree) -> None:
    (tree.root / "selects").unlink()
    assert tree.run("all", "-k", "quantities")[:2] == (0, ["others"])
    assert not (tree.root / "built").exists()

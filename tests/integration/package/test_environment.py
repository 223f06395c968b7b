"""Setting up says what is missing and what to do about it; it never half-makes an environment in silence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def set_up(tree: Path, python: str | Path, *, folder: str = ".venv") -> subprocess.CompletedProcess[str]:
    """Runs `.ci/environment` in a tree of its own; commands in `tree/bin` come first."""
    shutil.copytree(ROOT / ".ci", tree / ".ci", dirs_exist_ok=True)
    shutil.copytree(ROOT / "requirements", tree / "requirements", dirs_exist_ok=True)
    env = {"PATH": f"{tree / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHON": str(python), "HOME": str(tree)}
    command = [".ci/environment", folder, "requirements/dev.txt"]
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = set_up(tmp_path, "python9")
    assert (done.returncode, done.stderr) == (
        1,
        "There is no python9. Install Python 3.11, or name one: make PYTHON=/path/to/python3.\n",
    )


@pytest.mark.parametrize(
    ("minor", "folder", "said"),
    [
        (9, ".venv", "is too old: kubenb needs Python 3.10 or later"),
        (10, ".airflow/3.3", "is too old: the Kubernetes provider of Airflow needs Python 3.11 or later"),
    ],
)
def test_a_python_that_is_too_old_is_refused(tmp_path: Path, minor: int, folder: str, said: str) -> None:
    # Any Python, told that it is another: what the script asks is `sys.version_info < (3, N)`.
    old = script(
        tmp_path / "bin" / "old", f"""echo "$2" | grep -q '(3, {minor + 1})' && exit 1; exec {sys.executable} "$@" """
    )
    done = set_up(tmp_path, old, folder=folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / folder).exists()


def test_without_a_venv_module_a_plain_user_is_told_what_to_install(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "id", "echo 1000")
    bare = script(tmp_path / "bin" / "bare", f"""[ "$1 $2" = "-m venv" ] && exit 1; exec {sys.executable} "$@" """)
    done = set_up(tmp_path, bare)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / ".cache").exists()

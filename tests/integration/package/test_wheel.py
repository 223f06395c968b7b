"""What people install: the package and nothing else, typed, with its command, its version the changelog's."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def text(wheel: zipfile.ZipFile, name: str) -> str:
    [path] = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode()


def test_it_holds_the_package_only(wheel: zipfile.ZipFile) -> None:
    inside = {path.split("/")[0] for path in wheel.namelist()}
    assert inside == {"kubenb", next(name for name in inside if name.endswith(".dist-info"))}
    assert not [path for path in wheel.namelist() if "__pycache__" in path or path.endswith(".ipynb")]


def test_it_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        str(path.relative_to(ROOT)) for path in (ROOT / "kubenb").rglob("*") if path.is_file() and path.suffix != ".pyc"
    }
    assert files <= set(wheel.namelist())
    assert "kubenb/py.typed" in files


def test_it_brings_the_command(wheel: zipfile.ZipFile) -> None:
    assert text(wheel, "entry_points.txt").split() == ["[console_scripts]", "kubenb", "=", "kubenb.cli:main"]


def test_the_core_needs_no_airflow_no_kubernetes_and_no_pandas(wheel: zipfile.ZipFile) -> None:
    needs = Parser().parsestr(text(wheel, "METADATA")).get_all("Requires-Dist", [])
    core = {re.split(r"[^\w-]", need)[0] for need in needs if "extra ==" not in need}
    assert core == {
        "click",
        "cron-descriptor",
        "cronsim",
        "ipykernel",
        "ipython",
        "merge3",
        "papermill",
        "pyyaml",
        "rich",
        "tomli",
    }


def test_the_changelog_has_the_version(wheel: zipfile.ZipFile) -> None:
    version = Parser().parsestr(text(wheel, "METADATA"))["Version"]
    versions = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == version

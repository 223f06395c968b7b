"""The documents are true: what README tells a reader to type is typed here, and what it shows is what comes out.

A fence "```python NAME.py" is a file, "```sh" a command, and a "```text" right behind a command what it prints (`…` stands for anything).
A fence "```sh setup" is for a person only (it sets up the whole project).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import kubenb
from kubenb.inside import exits
from kubenb.model.measured import Asked, Measured
from kubenb.show.plot import draw_usage

ROOT = Path(__file__).resolve().parents[2]
EXIT_CODES = """# How a task ends

The last line of a task's log says what happened and what to do: `kubenb: train failed: …`. It is in the pod's termination message as well,
so Airflow shows it with the exception. The executed notebook is saved on success and on failure.
"""
OPTIONS = """# Every option

On the magic line (`%%k8s_task train --description "Train the delay model"`) a value with spaces stands in quotes. Below it, one a line
(`#| description: Train the delay model`), it stands as it is.
"""
# A task that reads, works on two cores, and then writes.
SHOWN = Measured(
    "train", "pod", 0.0, 60.0, cpu=63.0, cores=2.05, peak=1_610_612_736,
    asked=Asked(2.0, 2**31, None, 2**31),
    curve=tuple(
        (at, 2**20 * (150 + min(at, 20) * 40 + (536 if 22 <= at < 45 else 0)), 0.3 * at + 1.75 * min(max(at - 22, 0), 23))
        for at in range(61)
    ),
)  # fmt: skip
FENCE = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, the words behind it, its text."""

    language: str
    words: str
    text: str


def fences(document: Path) -> list[Fence]:
    return [Fence(*(part or "" for part in match.groups())) for match in FENCE.finditer(document.read_text())]


def said(pattern: str, text: str) -> bool:
    """Is `text` what the document shows? `…` matches anything, white space at line ends does not count."""
    lines = [line.rstrip() for line in pattern.strip().splitlines()]
    expression = "\n".join(".*?".join(re.escape(piece) for piece in line.split("…")) for line in lines)
    return (
        re.fullmatch(expression, "\n".join(line.rstrip() for line in text.strip().splitlines()), re.DOTALL) is not None
    )


def type_in(command: str, folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "110", "NO_COLOR": "1", "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


DOCUMENTS = [
    ("README.md", 5),
    ("docs/other-tasks.md", 2),
    ("docs/policy.md", 5),
    ("docs/resources.md", 3),
    pytest.param("docs/rehearsal.md", 2, marks=[pytest.mark.airflow, pytest.mark.xdist_group("airflow-3.3")]),
]


@pytest.mark.parametrize(("name", "least"), DOCUMENTS)
def test_what_a_document_shows_is_what_happens(
    name: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "docs/rehearsal.md":
        monkeypatch.setenv("KUBENB_AIRFLOW", str(ROOT / ".airflow" / "3.3"))
    printed = ""
    typed = 0
    for fence in fences(ROOT / name):
        if fence.words.endswith((".py", ".toml")):
            (tmp_path / fence.words).write_text(fence.text)
        elif fence.language == "sh" and fence.words != "setup":
            printed = type_in(fence.text, tmp_path)
            typed += 1
        elif fence.language == "text":
            assert said(fence.text, printed), f"{name} shows:\n{fence.text}\nbut this came:\n{printed}"
    assert typed >= least, f"{name} has lost its tour"


def written_by_kubenb() -> dict[str, str]:
    """The documents that kubenb writes itself; `make golden` writes them anew."""
    graph = kubenb.graph(ROOT / "notebooks" / "flights.ipynb").svg()
    options = kubenb.options()._repr_markdown_().strip()
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in exits.TABLE.values())
    return {
        "docs/flights.svg": graph,
        "docs/usage.svg": draw_usage(SHOWN) + "\n",
        "docs/options.md": f"{OPTIONS}\n{options}\n",
        "docs/exit-codes.md": f"{EXIT_CODES}\n| exit code | the task ended because |\n|---|---|\n{rows}\n",
    }


@pytest.mark.parametrize("name", ["docs/flights.svg", "docs/usage.svg", "docs/options.md", "docs/exit-codes.md"])
def test_what_kubenb_writes_into_the_documents_is_current(name: str) -> None:
    text = written_by_kubenb()[name]
    if os.environ.get("KUBENB_GOLDEN") == "write":
        (ROOT / name).write_text(text)
    assert (ROOT / name).read_text() == text, "make golden writes it anew"


def test_links_inside_the_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}"

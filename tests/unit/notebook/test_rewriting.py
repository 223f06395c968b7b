"""Options rewritten in place: the line says the new value, and every other byte of the file is as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubenb.notebook.rewriting import UnwritableError, in_file, with_options

NEW = {"cpu": "250m", "memory": "1Gi"}
CASES = [
    ("%%k8s_task fit --cpu 2 --memory 4Gi\nx = 1", "%%k8s_task fit --cpu 250m --memory 1Gi\nx = 1"),
    ("%%k8s_task fit\n#| memory: auto  # big\n#| cpu: 2\nx", "%%k8s_task fit\n#| memory: 1Gi  # big\n#| cpu: 250m\nx"),
    ("%k8s_notebook b.ipynb --as fit --cpu 1", "%k8s_notebook b.ipynb --as fit --cpu 250m --memory 1Gi"),
    (
        "%k8s_container a --image a --cpu 1\n%k8s_container fit --image b --cpu 1",
        "%k8s_container a --image a --cpu 1\n%k8s_container fit --image b --cpu 250m --memory 1Gi",
    ),
]


@pytest.mark.parametrize(("before", "after"), CASES)
def test_the_header_of_the_task_is_found_in_its_cell(before: str, after: str) -> None:
    assert with_options(before, "fit", NEW) == after
    assert with_options(after, "fit", NEW) == after


def test_another_task_is_never_written() -> None:
    with pytest.raises(UnwritableError, match="the header of fit was not found"):
        with_options("%%k8s_task other --cpu 1", "fit", NEW)


BEFORE = "%%k8s_task fit --cpu 2\nmodel = 'ü'"
AFTER = "%%k8s_task fit --cpu 1\nmodel = 'ü'"


def notebook(source: object, **style: object) -> str:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# über\n", "%%k8s_task fit --cpu 2"]},
        {"cell_type": "code", "execution_count": 3, "metadata": {"z": 1, "a": 2}, "outputs": [{"n": 0.1}], "source": source},
    ]  # fmt: skip
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(whole, **{"indent": 1, "ensure_ascii": False, **style})  # type: ignore[arg-type]


STYLES = [{}, {"ensure_ascii": True}, {"indent": 2}, {"indent": None}, {"indent": "\t"}]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_notebook_keeps_every_other_byte(style: dict[str, object], end: str) -> None:
    for before, after in ((BEFORE, AFTER), (BEFORE.splitlines(True), AFTER.splitlines(True))):
        text = notebook(before, **style) + end
        assert in_file(text, "n.ipynb", 2, BEFORE, AFTER) == notebook(after, **style) + end


SCRIPTS = [
    "# %%\nx = 1\n\n# %%\n{0}\nmodel = 'ü'\n",
    "# %%\n# {0}\nmodel = 'ü'\n\n# %%\n# {1}\n",
    "x = 1\r\n# %%\r\n{0}\r\nmodel = 'ü'\r\n",
    "#{0}\nmodel = 'ü'",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_keeps_every_other_byte(script: str) -> None:
    def written(line: str) -> str:
        return script.format(line, "%%k8s_task other --cpu 2")

    old, new = BEFORE.splitlines()[0], AFTER.splitlines()[0]
    assert in_file(written(old), "n.py", 1, BEFORE, AFTER) == written(new)


STRANGE = [
    ("n.ipynb", notebook(BEFORE).replace('"z": 1', '"z":  1'), "laid out in a way of its own"),
    ("n.ipynb", notebook("x"), "laid out in a way of its own"),
    ("n.ipynb", "{}", "not a notebook of format 4"),
    ("n.py", f"# %%\n{BEFORE}\n# %%\n{BEFORE}\n", "not found just once"),
]


@pytest.mark.parametrize(("name", "text", "why"), STRANGE)
def test_a_file_that_would_lose_something_is_refused(name: str, text: str, why: str) -> None:
    with pytest.raises(UnwritableError, match=why):
        in_file(text, name, 2, BEFORE, AFTER)


def test_the_examples_of_the_project_can_be_written() -> None:
    for path in Path("notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
        number, source = next(
            (number, "".join(cell["source"]))
            for number, cell in enumerate(data["cells"], 1)
            if "".join(cell["source"]).startswith("%%k8s_task")
        )
        name = source.split()[1]
        new = in_file(text, str(path), number, source, with_options(source, name, NEW))
        assert sum(a != b for a, b in zip(text.splitlines(), new.splitlines(), strict=True)) <= 3

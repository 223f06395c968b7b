"""How the task's notebook comes into the pod: in strings, compressed, or from the store."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import Any

import pytest

from kubenb.export.payload import carried
from kubenb.inside.bundle import strings
from tests.unit.inside.pods import notebook, run


def test_a_large_notebook_comes_in_many_strings(tmp_path: Path) -> None:
    ended = run(tmp_path, "text = '''" + "x" * 300_000 + "'''\nprint(len(text))")
    assert ended.out == "300000\n"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda data: data, 0, "large"),
        (lambda data: data[:-9], 64, "the notebook comes compressed, and is damaged"),
        (lambda data: bz2.compress(bz2.decompress(data) + b" "), 64, "the notebook is not the one that was exported"),
    ],
    ids=["whole", "cut off", "another"],
)
def test_a_large_notebook_comes_compressed(tmp_path: Path, change: Any, code: int, said: str) -> None:
    cell = f"print('large')\ntext = {'x' * 200_000!r}"
    packed = change(carried(notebook(cell)))
    assert packed.startswith(b"BZh")
    ended = run(
        tmp_path, cell, **{"KUBENB_NOTEBOOK_1": "", "KUBENB_NOTEBOOK_2": "", **strings("KUBENB_NOTEBOOK", packed)}
    )
    assert (ended.code, said in ended.out + ended.err) == (code, True)


def test_a_notebook_may_lie_in_the_store(tmp_path: Path) -> None:
    text = notebook("print('from the store')")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "n.ipynb").write_text(text)
    told = {"KUBENB_NOTEBOOK": "", "KUBENB_NOTEBOOK_URL": "notebooks/n.ipynb"}
    assert run(tmp_path, "print('from the store')", **told).out == "from the store\n"
    told["KUBENB_NOTEBOOK_URL"] = "notebooks/other.ipynb"
    ended = run(tmp_path, "print('from the store')", **told)
    assert "the notebook notebooks/other.ipynb is not in the store" in ended.last

"""A line of a task's notebook, found again in the user's own: by its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubenb import actions
from kubenb.export.origin import as_written
from kubenb.export.task_notebook import task_notebook

CELLS = (
    "# %%\n# a comment\nimport os\n\nunused = 1\n\n\ndef double(x):\n    y = x\n    return 2 * y\n",
    "# %%\n# %%k8s_task a\n#| memory: 1Gi\n\nn = double(2)\n\nm = n + 1\n",
    "# %%\nk = 3\n",
    "# %%\n# %%k8s_task b --after a\nprint(m,\n    double(k))\n",
)


@pytest.mark.parametrize("name", ["a", "b"])
def test_every_line_is_found_again(tmp_path: Path, name: str) -> None:
    (tmp_path / "n.py").write_text("\n".join(CELLS))
    pipeline = actions.read(tmp_path / "n.py")
    plan = next(plan for plan in pipeline.plans if plan.task.name == name)
    found = 0
    for cell in json.loads(task_notebook(pipeline, plan))["cells"]:
        for number, text in enumerate("".join(cell["source"]).split("\n"), 1):
            place = as_written(pipeline.notebook, plan, cell["id"], number)
            if place and text.strip():
                found += 1
                assert pipeline.notebook.cells[place[0] - 1].source.split("\n")[place[1] - 1] == text
            assert place or not text.strip() or "_kubenb" in text
    assert found >= 5

"""Notebooks of any size to measure with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path


def text(sources: Iterable[str], tags: dict[int, list[str]] | None = None) -> str:
    """An .ipynb of code cells."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {"tags": (tags or {}).get(number, [])},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def chain(tasks: int) -> list[str]:
    """Cells of a pipeline with so many tasks: each reads what the one before made, by functions of ordinary cells."""
    cells = [
        "%k8s_dag chain --schedule @daily --start 2026-01-01 --image python:3.11-slim --store pvc:kubenb",
        "import math\nimport json\n\nrate = 1.5",
    ]
    cells.append(
        'def grow(rows, by):\n    """The rows, each grown."""\n    return [math.floor(row * rate) + by for row in rows]'
    )
    for number in range(tasks):
        before = f"grow(rows_{number - 1}, {number})" if number else "[1, 2, 3]"
        cells.append(
            f"%%k8s_task step_{number} --cpu 500m --memory 1Gi\n#| retries: 2\n"
            f"rows_{number} = {before}\nprint(json.dumps(rows_{number}))"
        )
    return cells


def eight_lines(cells: int) -> list[str]:
    """Cells of eight lines each, every tenth of them a task, as a large notebook of an analyst has them."""
    found = ["import math", "rows_0 = [1, 2, 3]"]
    for number in range(1, cells - 1):
        before = f"rows_{number - 1}"
        body = [
            f"def work_{number}(values, by={number}):",
            "    kept = [value + by for value in values if value is not None]",
            "    return sorted(kept)",
            f"rows_{number} = work_{number}({before})",
            f"total_{number} = sum(rows_{number}) / max(len(rows_{number}), 1)",
            f"if total_{number} > 100:",
            f"    rows_{number} = [math.sqrt(value) for value in rows_{number}]",
            f"table_{number} = {{'rows': rows_{number}, 'total': total_{number}}}",
        ]
        found.append("\n".join([f"%%k8s_task step_{number}", *body] if number % 10 == 0 else body))
    return found


def save(path: Path, sources: Iterable[str]) -> Path:
    """Writes the cells as a notebook."""
    path.write_text(text(sources))
    return path

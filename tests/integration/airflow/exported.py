"""Notebooks exported into a folder, with the manifests that go with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubenb.export.files import export_files
from kubenb.export.ids import dag_id
from kubenb.export.manifest import manifest
from kubenb.model.pipeline import Pipeline
from kubenb.notebook.cells import parse_notebook, read_notebook
from kubenb.notebook.pipeline import read_pipeline

EXAMPLES = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


def pipeline_of(source: Path | str) -> Pipeline:
    """The pipeline of a notebook file, or of a notebook's text."""
    notebook = read_notebook(source) if isinstance(source, Path) else parse_notebook(source, "small.ipynb")
    return read_pipeline(notebook)


def export(pipeline: Pipeline, folder: Path) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The DAG file, and the manifests by task."""
    files = export_files(pipeline)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    dag = dag_id(pipeline)
    texts = {plan.task.name: files.get(f"{dag}/{plan.task.name}.ipynb", "") for plan in pipeline.plans}
    manifests = {plan.task.name: manifest(pipeline, plan, texts[plan.task.name]) for plan in pipeline.plans}
    return folder / f"{dag}.py", manifests

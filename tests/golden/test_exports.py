"""What an export writes, whole: DAG files, task notebooks and pods of the example notebooks, and of a pipeline with every option.

A change of these files is a change for everybody's DAG folder. `make golden` writes them anew; read the diff before you commit it.
What belongs to the runtime (its modules, and its bytes in the pods) is left out: it has tests of its own.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path

import pytest

from kubenb.export.files import export_files
from kubenb.export.ids import dag_id
from kubenb.export.manifest import boot, manifest
from kubenb.model.options import TASK
from kubenb.model.pipeline import Load, Parameter, Pipeline
from kubenb.model.problems import Place
from kubenb.notebook.cells import read_notebook
from kubenb.notebook.pipeline import read_pipeline
from tests.unit.export.pipelines import code, container, dag_options, pipeline, plan, task

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "exports"
EXAMPLES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


# What the three tasks below say in their own way, or what never reaches a pod.
LEFT_OUT = set("map max-parallel item-resources after profile run memory-request in xcom store".split())
EVERY_DAG_OPTION = dag_options(
    id="every_option",
    schedule="30 6 * * 1-5",
    start="2026-01-01",
    end="2026-12-31",
    timezone="Europe/Berlin",
    owner="analytics",
    tags=["a", "b"],
    description="All of them",
    max_active_runs="1",
    max_active_tasks="4",
    retries="3",
    retry_delay="10m",
    timeout="6h",
    task_timeout="2h",
    on_failure="alerts.page",
    on_success="alerts.cheer",
    in_cluster="true",
    connection="kubernetes_default",
)


def every_option() -> Pipeline:
    """A task with each option's example, a mapped one over a list made at run time, a container task."""
    typed = {option.field: option.example for option in TASK.values() if option.name not in LEFT_OUT}
    store = {"store": "gs://bucket/kubenb"}
    first = plan(
        task("every-option", "model = 1\nfound = [1, 2]", memory_request="2Gi", **store, **typed),
        code("import math"),
        outputs=["model", "found"],
    )
    second = plan(
        task("each", "score = item", map="item in found", max_parallel="2", **store),
        Load("every-option", ("found",)),
        outputs=["score"],
    )
    third = plan(
        task("sum-up", "best = max(score)", xcom="best", **store),
        Load("every-option", ("found",)),
        Load("each", ("score",), ("score",), "found"),
        binds=["best"],
    )
    tool = container(
        "tool",
        ("tool", "--day", "{{ ds }}", "--not", "{% this %}", "$(HOME)"),
        after="sum-up",
        memory="1Gi",
        env="A={{ ds }}",
    )
    parameters = [
        Parameter("year", 2013, where=Place(1, 1)),
        Parameter("day", "2026-01-01", "{{ ds }}"),
        Parameter("names", ["ä", "'", '"']),
    ]
    return pipeline(first, second, third, tool, dag=EVERY_DAG_OPTION, parameters=parameters)


@lru_cache
def made(name: str) -> Pipeline:
    return (
        every_option() if name == "every_option" else read_pipeline(read_notebook(ROOT / "notebooks" / f"{name}.ipynb"))
    )


def texts(name: str) -> dict[str, str]:
    """Path -> text, without what is the runtime's."""
    one = made(name)
    files = export_files(one)
    dag = dag_id(one)
    found = {path: text for path, text in files.items() if "/kubenb_runtime/" not in path and "/.kubenb/" not in path}
    for each in one.plans:
        pod = manifest(one, each, files.get(f"{dag}/{each.task.name}.ipynb", ""))
        for item in pod["spec"]["containers"][0]["env"]:
            if item["name"].startswith(("KUBENB_RUNTIME", "KUBENB_NOTEBOOK")) and "SHA256" not in item["name"]:
                item["value"] = "…"
        env = pod["spec"]["containers"][0]["env"]
        pod["spec"]["containers"][0]["env"] = [item for item in env if not item["name"].startswith("KUBENB_RUNTIME_")]
        found[f"pods/{each.task.name}.json"] = json.dumps(pod, indent=2, ensure_ascii=False) + "\n"
    code_ = json.dumps(boot()[2])
    return {path: text.replace(code_, '"…"') for path, text in found.items()}


@pytest.mark.parametrize("name", [*EXAMPLES, "every_option"])
def test_an_export_is_what_it_was(name: str) -> None:
    found, folder = texts(name), FOLDER / name
    stored = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if os.environ.get("KUBENB_GOLDEN") == "write":
        for path, file in stored.items():
            if path not in found:
                file.unlink()
        for path, text in found.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="")
        return
    assert sorted(stored) == sorted(found), "run `make golden` and read the diff"
    for path, file in stored.items():
        assert file.read_text("utf-8") == found[path], f"{name}/{path}: run `make golden` and read the diff"

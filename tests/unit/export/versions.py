"""Exports that differ in every file, and what stands in a folder after one: for tests of laying them down."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kubenb.export.files import export_files
from kubenb.model.pipeline import Pipeline
from kubenb.model.problems import KubenbError
from tests.unit.export.pipelines import flights

Files = dict[str, str]


def version(number: int, tasks: int = 2) -> Files:
    """Exports that differ in the DAG file, in operator.json and in every notebook. The runtime is left out, for speed."""
    made = flights()
    plans = tuple(
        replace(
            plan,
            task=replace(
                plan.task, body=f"version = {number}", options=replace(plan.task.options, run_as_user=1000 + number)
            ),
        )
        for plan in made.plans[:tasks]
    )
    edges = made.edges[: tasks - 1]
    options = replace(made.dag, owner=f"owner {number}")
    files = export_files(Pipeline(made.notebook, options, made.parameters, plans, edges))
    return {name: text for name, text in files.items() if "kubenb_runtime/" not in name}


ONE, TWO, FEWER = version(1), version(2), version(3, tasks=1)
HERE = re.compile(r'^HERE = Path\(__file__\)\.parent / "(.+)"$', re.MULTILINE)


def seen(folder: Path) -> Files:
    """What an Airflow sees: the DAG file, and the files of the folder that it reads."""
    file = folder / "flights.py"
    if not file.exists():
        return {}
    text = file.read_text("utf-8")
    (name,) = HERE.findall(text)
    found = {"flights.py": text.replace(f'"{name}"', '"flights"', 1) if name != "flights" else text}
    for path in (folder / name).rglob("*"):
        if path.is_file() and ".kubenb" not in path.relative_to(folder / name).parts:
            found[f"flights/{path.relative_to(folder / name)}"] = path.read_text("utf-8")
    return found


def visible(files: Files) -> Files:
    return {name: text for name, text in files.items() if "/.kubenb/" not in name}


def standing(folder: Path) -> Files:
    """Every file in the folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


def in_a_process(act: Callable[[], object]) -> int:
    """Its exit status: 0 done, 1 refused, -9 killed."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            act()
            code = 0
        except KubenbError:
            code = 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

"""An image for a notebook's tasks: a Dockerfile and pinned requirements, from what the code that travels really imports.

In: a pipeline, and what is installed where kubenb runs (the only source of versions: nothing is guessed). Out: two texts, the same
for the same input; or problems, one for each module that can't be had this way. Pure. Next room: `kubenb.actions.image` writes them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kubenb.inside.stores import REMOTE
from kubenb.model.pipeline import Code, Pipeline, Plan
from kubenb.model.problems import KubenbError, Place, Problem

MADE_BY = "# Made by `kubenb image`; made anew, it is overwritten."
DOCKERFILE, REQUIREMENTS = "Dockerfile", "requirements.txt"

# What a library imports only when it is asked for something: how the code asks -> the module.
ENGINES = {
    r"\b(read|to)_(parquet|feather|orc)\b": "pyarrow",
    r"\b(read|to)_excel\b": "openpyxl",
    r"\b(read|to)_sql\b": "sqlalchemy",
    r"\b(read|to)_hdf\b": "tables",
    r"\bread_html\b": "lxml",
    r"['\"]s3://": "s3fs",
    r"['\"](gs|gcs)://": "gcsfs",
    r"['\"](abfs|abfss|az)://": "adlfs",
}
MAGIC = re.compile(r"^\s*[%!]|\bget_ipython\b", re.MULTILINE)


@dataclass(frozen=True)
class Installed:
    """An environment: which distributions hold a module, and their versions. `python`: as images are tagged."""

    holders: Mapping[str, tuple[str, ...]]
    versions: Mapping[str, str]
    python: str


def image_files(pipeline: Pipeline, installed: Installed, base: str | None = None) -> dict[str, str]:
    """File name -> text. Raises KubenbError with every module that is not to be had."""
    pins: set[str] = set()
    problems: list[Problem] = []
    for module, (where, why) in sorted(_needed(pipeline).items()):
        holders = installed.holders.get(module, ())
        if module in pipeline.notebook.beside:
            fix = f"Make {module} a package that is installed here, or move what it defines into a cell."
            problems.append(Problem(where, f"{module} lies beside the notebook; no image has it.", fix, "image.local"))
        elif not holders:
            fix = f"Install {module} where kubenb runs: its version is taken from there."
            problems.append(Problem(where, f"{module} ({why}) is not installed here.", fix, "image.missing"))
        elif len(holders) > 1:
            what = f"{module} is a part of several packages: {', '.join(sorted(holders))}."
            fix = "Build the image with those that the task needs, by hand."
            problems.append(Problem(where, what, fix, "image.several"))
        else:
            pins.add(f"{holders[0]}=={installed.versions[holders[0]]}")
    if problems:
        raise KubenbError(tuple(problems))
    requirements = "\n".join([MADE_BY, *sorted(pins, key=str.lower)]) + "\n"
    return {DOCKERFILE: _dockerfile(base or f"python:{installed.python}-slim"), REQUIREMENTS: requirements}


def _needed(pipeline: Pipeline) -> dict[str, tuple[Place, str]]:
    """Module -> the first task that needs it, and why."""
    found: dict[str, tuple[Place, str]] = {}
    for plan in pipeline.plans:
        if plan.task.kind != "container":
            for module, why in needed_by(plan):
                found.setdefault(module, (plan.task.header, why))
    return found


def needed_by(plan: Plan) -> Iterator[tuple[str, str]]:
    """(module, why) of all that a task's code and its store need beside Python itself."""
    name, options = plan.task.name, plan.task.options
    for module in plan.modules:
        if module not in sys.stdlib_module_names and module != "__future__":
            yield module, f"task {name} imports it"
    code = "\n".join([*(step.source for step in plan.steps if isinstance(step, Code)), plan.task.body])
    for pattern, module in ENGINES.items():
        if re.search(pattern, code):
            yield module, f"task {name} reads or writes by it"
    scheme = (options.store or "").partition("://")[0]
    if "://" in (options.store or "") and scheme in REMOTE:
        yield REMOTE[scheme][1], f"the store of task {name} needs it"
    if options.engine == "papermill" or MAGIC.search(code):
        yield "papermill", f"task {name} runs by it"
        yield "ipykernel", f"task {name} runs by it"


def _dockerfile(base: str) -> str:
    return f"""{MADE_BY}
FROM {base}
COPY {REQUIREMENTS} /tmp/{REQUIREMENTS}
RUN python -m pip install --no-cache-dir -r /tmp/{REQUIREMENTS}
USER 1000
"""

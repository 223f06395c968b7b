"""A task as a notebook of its own: parameters, the code it takes along, loading, the body, saving. Opens and runs in
Jupyter.

In: the pipeline and one plan. Out: nbformat 4.5 JSON without outputs, the same bytes on every machine. `kubenb_runtime`
beside it does the loading and saving. Next room: `manifest` puts the text into the pod, `files` beside the DAG file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring

from kubenb.export.fan_out import runtime_lists
from kubenb.export.ids import dag_id
from kubenb.export.literal import Call, Raw, inline, wrapped
from kubenb.export.payload import LARGE
from kubenb.model.pipeline import Apart, Code, Load, Notebook, Pipeline, Plan

FORMAT = 1
RUNTIME = "_kubenb"


@dataclass(frozen=True)
class Draft:
    """One cell to be: its id in the notebook, its source and its tags."""

    id: str
    source: str
    tags: tuple[str, ...] = ()


def task_notebook(pipeline: Pipeline, plan: Plan, dag: str = "", lists: dict[str, list[str]] | None = None) -> str:
    """The notebook's text. `dag` and `lists`: what `dag_id` and `runtime_lists` give, where the caller has them already."""
    wanted = (runtime_lists(pipeline) if lists is None else lists).get(plan.task.name, [])
    parts = list(drafts(plan, pipeline.notebook))
    body = Draft("body", plan.task.body, ("kubenb-body",))
    save = _save(plan, wanted)
    uses = f"{RUNTIME}." in "".join(
        (save.source if save else "", *(part.source for part in parts if part.id.startswith("kubenb-")))
    )
    head = [*_parameters(pipeline)]
    if uses:
        head.append(Draft("kubenb", f"import kubenb_runtime as {RUNTIME}"))
    return _notebook(
        [*head, *parts, *([body] if body.source else []), *([save] if save else [])],
        plan.task.name,
        dag or dag_id(pipeline),
    )


def is_large(pipeline: Pipeline, plan: Plan) -> bool:
    """Whether the notebook travels compressed. Of small ones a guess says no."""
    if plan.task.kind == "container":
        return False
    texts = [plan.task.body, *(step.source for step in plan.steps if isinstance(step, Code))]
    texts += [cell.source for cell in pipeline.notebook.cells if "parameters" in cell.tags]
    texts += [str(item.default) for item in pipeline.parameters]
    names = sum(len(step.names) for step in plan.steps if isinstance(step, Load)) + len(plan.binds) + len(plan.live)
    rough = sum(map(len, texts)) + 30 * (len(plan.steps) + names)
    return rough * 8 > LARGE and len(task_notebook(pipeline, plan).encode()) > LARGE


def _parameters(pipeline: Pipeline) -> Iterator[Draft]:
    """The parameters cell as it stands, and below it the parameters that only the DAG has."""
    if not pipeline.parameters:
        return
    numbers = {item.where.cell for item in pipeline.parameters if item.where.cell}
    cells = [pipeline.notebook.cells[number - 1] for number in numbers if number <= len(pipeline.notebook.cells)]
    source = next((cell.source for cell in cells or pipeline.notebook.cells if "parameters" in cell.tags), "")
    own = _assigned(source)
    more = [f"{item.name} = {inline(item.default)}" for item in pipeline.parameters if item.name not in own]
    source = "\n".join([source.rstrip("\n"), *more]).lstrip("\n") if more else source
    yield Draft("parameters", source, ("parameters",))


@lru_cache(maxsize=64)
def _assigned(source: str) -> frozenset[str]:
    """Names that the parameters cell binds."""
    import ast

    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )


def drafts(plan: Plan, notebook: Notebook) -> Iterator[Draft]:
    """The steps in the notebook's order, then the item of a mapped task."""
    ids: dict[str, int] = {}

    def fresh(name: str) -> str:
        ids[name] = ids.get(name, 0) + 1
        return name if ids[name] == 1 else f"{name}-{ids[name]}"

    code: list[Code] = []
    for step in plan.steps:
        if isinstance(step, Code):
            if code and code[-1].where.cell != step.where.cell:
                yield Draft(fresh(f"cell-{code[0].where.cell or 0}"), _joined(code, notebook))
                code = []
            code.append(step)
            continue
        if code:
            yield Draft(fresh(f"cell-{code[0].where.cell or 0}"), _joined(code, notebook))
            code = []
        yield Draft(
            fresh("kubenb-load" if isinstance(step, Load) else "kubenb-apart"),
            _load(step) if isinstance(step, Load) else _apart(step),
        )
    if code:
        yield Draft(fresh(f"cell-{code[0].where.cell or 0}"), _joined(code, notebook))
    fan = plan.task.options.map
    if fan:
        yield Draft("kubenb-item", f"{fan.name} = {RUNTIME}.item({fan.source.strip()})")


def _joined(code: list[Code], notebook: Notebook) -> str:
    """Pieces of one cell, with the blank lines above each that the cell has there."""
    text, number = code[0].source, code[0].where.cell or 0
    cell = notebook.cells[number - 1].source.split("\n") if 0 < number <= len(notebook.cells) and len(code) > 1 else []
    for piece in code[1:]:
        above = blank = (piece.where.line or 1) - 1
        while 0 < blank <= len(cell) and not cell[blank - 1].strip():
            blank -= 1
        text += "\n" * (1 + min(above - blank, 2)) + piece.source
    return text


def _load(step: Load) -> str:
    """`a, b = _kubenb.load(…)`; the state of a random generator has a verb of its own."""
    names = [name for name in step.names if not name.startswith("<")]
    lines = [
        f"{RUNTIME}.load_random({inline(step.producer)}, {inline(name.strip('<>'))})"
        for name in step.names
        if name.startswith("<")
    ]
    if names:
        arguments: list[tuple[str, object]] = [("", step.producer), *(("", name) for name in names)]
        if step.items is not None:
            arguments.append(("count", Raw(f"len({step.items.strip()})")))
        readonly = [name for name in step.readonly if name in names]
        if readonly and readonly != names:
            arguments.append(("readonly", readonly))
        elif readonly:
            arguments.append(("readonly", True))
        call = Call(f"{RUNTIME}.{'load' if step.items is None else 'gather'}", arguments)
        target = ", ".join(names) + " = "
        lines.insert(0, target + wrapped(call, 0, len(target), 0))
    return "\n".join(lines)


def _apart(step: Apart) -> str:
    others = {name: Raw(name) for name in step.others}
    return wrapped(
        Call(f"{RUNTIME}.apart", [("", step.name), ("", Raw(step.name)), ("", others), ("by", step.by)]), 0, 0, 0
    )


def _save(plan: Plan, lists: list[str]) -> Draft | None:
    """The last cell: what later tasks take, and what a run that keeps everything takes."""
    options = plan.task.options
    if plan.task.kind == "container":
        return None
    names = [name for name in dict.fromkeys((*plan.outputs, *options.xcom)) if not name.startswith("<")]
    hidden = [name.strip("<>") for name in plan.outputs if name.startswith("<")]
    keep = [name for name in plan.binds if not name.startswith("<")]
    known = {*names, *keep}
    more: list[tuple[str, list[object]]] = [
        ("pickle", [name for name in options.pickle if name in known]),
        ("random", list(hidden)),
        ("changes", [name for name in plan.changes if not name.startswith("<")]),
        ("live", [list(pair) for pair in plan.live]),
        ("unsure", list(plan.unsure)),
        ("xcom", list(options.xcom)),
        ("items", list(lists)),
        ("keep", list(keep)),
    ]
    arguments: list[tuple[str, object]] = [
        ("", {name: Raw(name) for name in names if name not in plan.unsure}),
        *((key, value) for key, value in more if value),
    ]
    if not names and len(arguments) == 1:
        return None
    return Draft("save", wrapped(Call(f"{RUNTIME}.save", arguments), 0, 0, 0), ("kubenb-save",))


_HEAD = '{\n "cells": ['
_TAIL = """],
 "metadata": {
  "kernelspec": {
   "display_name": "Python 3",
   "language": "python",
   "name": "python3"
  },
  "kubenb": {
   "dag": %s,
   "task": %s,
   "version": %d
  },
  "language_info": {
   "name": "python"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
"""


def _notebook(parts: list[Draft], task: str, dag: str) -> str:
    """The JSON as `json.dumps(indent=1, sort_keys=True, ensure_ascii=False)` writes it, at a tenth of the time."""
    cells = ",".join(map(_cell, parts))
    return _HEAD + cells + ("\n " if cells else "") + _TAIL % (_string(dag), _string(task), FORMAT)


def _cell(part: Draft) -> str:
    tags = ",".join(f"\n     {_string(tag)}" for tag in part.tags)
    metadata = f'{{\n    "tags": [{tags}\n    ]\n   }}' if tags else "{}"
    lines = part.source.split("\n")
    shown = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    source = ",".join(f"\n    {_string(line)}" for line in shown)
    return (
        f'\n  {{\n   "cell_type": "code",\n   "execution_count": null,\n   "id": "{part.id}",\n   "metadata": {metadata},\n'
        f'   "outputs": [],\n   "source": [{source}{chr(10) + "   " if source else ""}]\n  }}'
    )


def _string(text: str) -> str:
    """JSON in UTF-8; half of a surrogate pair has no UTF-8 and is written as JSON's escape."""
    if text.isascii():
        return encode_basestring(text)
    return "".join(f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char for char in encode_basestring(text))

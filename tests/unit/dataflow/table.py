"""Reads the case table `analysis.md`, and writes an analysis in the words of that table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Apart, Code, Load, Reason, Step, Task
from kubenb.model.problems import Place
from kubenb.model.values import FanOut
from kubenb.notebook.dataflow import Flow, FlowCell, analyse

TABLE = Path(__file__).with_name("analysis.md")
_CASE = re.compile(
    r"^### (?P<name>[^\n]+)\n\n```python\n(?P<cells>.*?)```\n\n```text\n(?P<expected>.*?)```", re.M | re.S
)


class Row(NamedTuple):
    """A notebook and what its analysis says."""

    name: str
    cells: str
    expected: str


def rows() -> list[Row]:
    """All cases of the table."""
    return [Row(*found.group("name", "cells", "expected")) for found in _CASE.finditer(TABLE.read_text("utf-8"))]


def flow_cells(text: str) -> list[FlowCell]:
    """The cells of a notebook written as in the table."""
    return [_cell(number, source) for number, source in enumerate(re.split(r"^---\n", text, flags=re.M), 1)]


def _cell(number: int, text: str) -> FlowCell:
    text = text.removesuffix("\n")
    if text.startswith("# parameters\n"):
        return FlowCell(number, "parameters", text)
    if not text.startswith("%%k8s_task "):
        return FlowCell(number, "ordinary", text)
    header, _, body = text.partition("\n")
    line, options = 2, TaskOptions()
    while body.startswith("#| "):
        option, _, body = body.partition("\n")
        name, value = option.removeprefix("#| ").split(": ")
        line += 1
        if name == "map":
            item, source = value.split(" in ")
            options = TaskOptions(map=FanOut(item, source))
        else:
            options = TaskOptions(out=tuple(value.split(", ")))
    name = header.removeprefix("%%k8s_task ")
    return FlowCell(number, "task", body, line, Task(name, options, body=body, where=Place(number, line, name)))


def shown(text: str, shell_lines: str = "refuse") -> str:
    """The analysis of a notebook, one fact a line."""
    return "".join(f"{line}\n" for line in _facts(analyse(flow_cells(text), shell_lines)))


def _facts(flow: Flow) -> Iterator[str]:
    for edge in flow.edges:
        yield f"{edge.upstream} -> {edge.downstream}: {'; '.join(map(_reason, edge.reasons))}"
    for plan in flow.plans:
        for step in plan.steps:
            yield f"{plan.task.name} takes {_step(step)}"
        if plan.outputs:
            yield f"{plan.task.name} leaves {', '.join(plan.outputs)}"
    for code in flow.left_out:
        yield f"nobody takes {_code(code)}"
    for problem in flow.problems:
        yield f"{problem.severity.value} {problem.code}, {problem}"


def _reason(reason: Reason) -> str:
    what = f", {reason.what}" if reason.what else ""
    return f"{reason.variable} ({_spot(reason.made)} -> {_spot(reason.read)}{what})"


def _step(step: Step) -> str:
    if isinstance(step, Code):
        return _code(step)
    if isinstance(step, Apart):
        return f"a check that {step.name} shares nothing with {', '.join(step.others)}, as {step.by} changed it"
    return _load(step)


def _load(load: Load) -> str:
    names = ", ".join(f"{name} (to read)" if name in load.readonly else name for name in load.names)
    items = f", a list over {load.items}" if load.items is not None else ""
    return f"{names} from {load.producer}{items}"


def _code(code: Code) -> str:
    return f"{_spot(code.where)} `{code.source}`".replace("\n", " ⏎ ")


def _spot(place: Place) -> str:
    return f"{place.cell}:{place.line}"

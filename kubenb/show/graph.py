"""A pipeline as a graph: as text with the reason of every edge, as SVG, Mermaid and JSON.

In: a `Pipeline`. Out: `Graph`. The picture's geometry is next door in `layout`, its drawing in `svg`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from kubenb.export.ids import dag_id
from kubenb.model.pipeline import Edge, Pipeline, Plan, Reason
from kubenb.model.problems import Place
from kubenb.show.problems import Report, problem_json
from kubenb.show.shown import Shown, count

MOST_LINE = 72  # characters of a quoted line; the place names the rest


@dataclass(frozen=True, repr=False)
class Graph(Shown):
    """The tasks of a notebook and why each runs after which."""

    pipeline: Pipeline

    def __str__(self) -> str:
        """Every task in the notebook's order; under it, for each value it takes, the line that made it and the line
        that reads it.
        """
        lines = [self.title(), ""]
        width = max((len(plan.task.name) for plan in self.pipeline.plans), default=0)
        into = self._into()
        for plan in self.pipeline.plans:
            edges = into.get(plan.task.name, [])
            after = f"  after {', '.join(edge.upstream for edge in edges)}" if edges else ""
            lines.append(f"{plan.task.name:{width}}  {_what(plan)}{after}".rstrip())
            for edge in edges:
                lines.extend(self.reasons(edge))
        if self.pipeline.left_out:
            lines += ["", "left out, since no task needs it:"]
            lines += [f"  {code.where}: {_first(code.source)}" for code in self.pipeline.left_out]
        if self.pipeline.problems:
            lines += ["", str(Report(self.subject(), self.pipeline.problems))]
        return "\n".join(lines)

    def title(self) -> str:
        """'flights: 3 tasks, 2 edges (notebooks/flights.ipynb)'."""
        path = f" ({self.pipeline.notebook.path})" if self.pipeline.notebook.path else ""
        return f"{self.caption()}{path}"

    def caption(self) -> str:
        """'flights: 3 tasks, 2 edges': the same on every machine."""
        tally = f"{count(len(self.pipeline.plans), 'task')}, {count(len(self.pipeline.edges), 'edge')}"
        return f"{dag_id(self.pipeline)}: {tally}"

    def subject(self) -> str:
        """What problems are about: the file, or the DAG where the notebook has none."""
        return self.pipeline.notebook.path or self.pipeline.dag.id or "notebook"

    def svg(self) -> str:
        """The picture, fit for a file of its own and for a page of any theme."""
        from kubenb.show.svg import draw

        return draw(self.pipeline)

    def mermaid(self) -> str:
        """A Mermaid flowchart; GitHub and GitLab draw it."""
        numbers = {plan.task.name: f"t{index}" for index, plan in enumerate(self.pipeline.plans, 1)}
        lines = [
            "flowchart LR",
            *(f'    {numbers[plan.task.name]}["{_mermaid(plan.task.name)}"]' for plan in self.pipeline.plans),
        ]
        for edge in self.pipeline.edges:
            label = _mermaid(", ".join(variables(edge)))
            arrow = f'-- "{label}" -->' if label else "-.->"
            lines.append(f"    {numbers[edge.upstream]} {arrow} {numbers[edge.downstream]}")
        return "\n".join(lines)

    def json(self) -> Any:
        """Tasks, edges with their reasons, what was left out, and problems."""
        return {
            "dag": self.pipeline.dag.id,
            "notebook": self.pipeline.notebook.path,
            "tasks": [self._task_json(plan) for plan in self.pipeline.plans],
            "edges": [
                {
                    "upstream": edge.upstream,
                    "downstream": edge.downstream,
                    "reasons": [self._reason_json(reason) for reason in edge.reasons],
                }
                for edge in self.pipeline.edges
            ],
            "left_out": [{**_place(code.where), "source": code.source} for code in self.pipeline.left_out],
            "problems": [problem_json(problem) for problem in self.pipeline.problems],
        }

    def html(self) -> str:
        """The picture, and below it the reasons, folded."""
        report = Report(self.subject(), self.pipeline.problems).html() if self.pipeline.problems else ""
        reasons = f"<summary>{escape(self.title())}: the reasons</summary><pre>{escape(str(self))}</pre>"
        return f"{self.svg()}<details>{reasons}</details>{report}"

    def markdown(self) -> str:
        """The Mermaid flowchart, in a fence."""
        return f"```mermaid\n{self.mermaid()}\n```"

    def _into(self) -> dict[str, list[Edge]]:
        """Edges by the task they lead to."""
        found: dict[str, list[Edge]] = {}
        for edge in self.pipeline.edges:
            found.setdefault(edge.downstream, []).append(edge)
        return found

    def reasons(self, edge: Edge) -> Iterator[str]:
        """Why an edge is there, in lines."""
        for reason in edge.reasons:
            if reason.variable is None:
                yield f"    {edge.upstream}: {reason.what or 'declared by after'}{_spot(reason.read)}"
                continue
            what = f" ({reason.what})" if reason.what else ""
            yield f"    {reason.variable}{what}"
            yield f"        made by {edge.upstream}{_spot(reason.made)}{self._quote(reason.made)}"
            yield f"        read by {edge.downstream}{_spot(reason.read)}{self._quote(reason.read)}"

    def _quote(self, place: Place) -> str:
        line = self.line(place)
        return f": {line}" if line else ""

    def line(self, place: Place) -> str:
        """The line of the notebook at a place, shortened; '' where there is none."""
        if place.cell is None or place.line is None or not 1 <= place.cell <= len(self.pipeline.notebook.cells):
            return ""
        lines = self.pipeline.notebook.cells[place.cell - 1].source.splitlines()
        return _short(lines[place.line - 1]) if 1 <= place.line <= len(lines) else ""

    def _task_json(self, plan: Plan) -> dict[str, Any]:
        return {
            "name": plan.task.name,
            "kind": plan.task.kind,
            **_place(plan.task.where),
            "outputs": list(plan.outputs),
            "mapped": _mapped(plan),
        }

    def _reason_json(self, reason: Reason) -> dict[str, Any]:
        made, read = ({**_place(place), "text": self.line(place)} for place in (reason.made, reason.read))
        return {"variable": reason.variable, "what": reason.what, "made": made, "read": read}


def variables(edge: Edge) -> tuple[str, ...]:
    """The names that travel along an edge, once each, in order."""
    return tuple(dict.fromkeys(reason.variable for reason in edge.reasons if reason.variable))


def _mapped(plan: Plan) -> str | None:
    fan_out = plan.task.options.map
    return f"{fan_out.name} in {fan_out.source}" if fan_out else None


def _what(plan: Plan) -> str:
    task = plan.task
    kinds = {"cell": "", "notebook": f"notebook {task.notebook}", "container": f"image {task.options.image}"}
    mapped = _mapped(plan)
    parts = [
        f"cell {task.where.cell}" if task.where.cell else "",
        kinds[task.kind],
        f"once per {mapped}" if mapped else "",
    ]
    return ", ".join(part for part in parts if part)


def _spot(place: Place) -> str:
    text = str(Place(place.cell, place.line, None, place.file))
    return f" in {text}" if text else ""


def _place(place: Place) -> dict[str, Any]:
    return {"cell": place.cell, "line": place.line, **({"file": place.file} if place.file else {})}


def _first(source: str) -> str:
    lines = source.strip().splitlines() or [""]
    return _short(lines[0]) + (" …" if len(lines) > 1 else "")


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= MOST_LINE else text[: MOST_LINE - 1] + "…"


def _mermaid(text: str) -> str:
    return "".join(_entities(text))


def _entities(text: str) -> Iterable[str]:
    """Mermaid reads quotes, angle brackets and '#' as its own; it takes them as numbered entities."""
    return (f"#{ord(char)};" if char in '"<>#&;`' else char for char in text)

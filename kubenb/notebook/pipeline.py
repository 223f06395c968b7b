"""From cells to the pipeline: roles of cells, tasks with every default, parameters, edges, and all problems on the way.

In: a `Notebook` and the project's `Settings`. Out: `Pipeline`; what is wrong in the cells is in its problems, nothing is raised for it.
`header` reads the cells, `effective` applies defaults, `dataflow` finds who needs what. Next floor: `export`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kubenb.model import names
from kubenb.model.names import shown
from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Cell, Notebook, Parameter, Pipeline, Task
from kubenb.model.problems import Place, Problem, Severity
from kubenb.notebook.check_options import dag_problems, task_problems
from kubenb.notebook.edges import with_after
from kubenb.notebook.effective import Layer, dag_options, task_options
from kubenb.notebook.header import Header, parse_headers
from kubenb.notebook.lines import may_have_headers
from kubenb.notebook.parameters import TAG, read_parameters, with_params
from kubenb.notebook.settings import EMPTY, Settings
from kubenb.notebook.whole import at_home, joined

if TYPE_CHECKING:
    from kubenb.notebook.dataflow import FlowCell

_BROKEN = re.compile(r"[\0\ud800-\udfff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


class _Piece(NamedTuple):
    """A part of a cell with one role: what dataflow takes as a cell. `line` is its first line in the cell."""

    number: int
    role: Literal["ordinary", "parameters", "task"]
    source: str
    line: int = 1
    header: Header | None = None


@dataclass
class _Reading:
    """What is found on the way through one notebook."""

    notebook: Notebook
    settings: Settings
    problems: list[Problem] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)
    parameters: tuple[Parameter, ...] = ()
    dag_header: Header | None = None
    places: tuple[Place, ...] = ()
    again: frozenset[int] | None = None

    def add(self, where: Place, what: str, fix: str, code: str) -> None:
        self.problems.append(Problem(where, what, fix, code))


def read_pipeline(notebook: Notebook, settings: Settings = EMPTY, *, again: frozenset[int] | None = None) -> Pipeline:
    """The notebook's tasks, edges and problems. Nothing of it runs; user errors become the pipeline's problems.

    `again`: given where a kernel ran the notebook. Each ordinary cell is then a task of its own, `cell 3`, whose values the kernel
    has; but for the cells with these numbers, which run again.
    """
    from kubenb.notebook.dataflow import analyse

    reading = _Reading(notebook, settings, list(settings.problems), again=again)
    for cell in notebook.cells:
        if cell.kind == "code":
            _read_cell(reading, cell)
    dag, origins = _dag(reading)
    tasks = _tasks(reading)
    _check_names(reading, tasks)
    flow = analyse(_flow_cells(reading, tasks), dag.shell_lines or "refuse")
    edges, more = with_after(
        flow.edges, [plan.task for plan in flow.plans], {name: task for name, (task, _) in tasks.items()}
    )
    found = at_home(flow.problems, next(iter(tasks), ""), reading.places)
    problems = (*reading.problems, *found, *more)
    unique = tuple(dict.fromkeys(problems))
    where = reading.dag_header.where if reading.dag_header else Place()
    defaults, _, _ = task_options("", Layer("", {}), _dag_layer(reading.dag_header), settings, where)
    return Pipeline(
        notebook,
        dag,
        reading.parameters,
        flow.plans,
        edges,
        unique,
        flow.left_out,
        where,
        origins,
        defaults,
        settings.policies,
    )


def _read_cell(reading: _Reading, cell: Cell) -> None:
    """Gives a code cell its role, or several where line magics make tasks in its middle."""
    if not cell.source.isascii() or "\0" in cell.source:
        cell = _readable(reading, cell)
    if not may_have_headers(cell.source) and TAG not in cell.tags:
        if cell.source and not cell.source.isspace():
            reading.pieces.append(_Piece(cell.number, "ordinary", cell.source))
        return
    headers, loose = parse_headers(cell)
    reading.problems += loose
    cell = _without(cell, loose)
    for header in headers:
        reading.problems += header.problems
    tasks = [header for header in headers if header.kind != "dag"]
    for header in headers:
        if header.kind == "dag":
            _take_dag(reading, header)
    if TAG in cell.tags:
        _take_parameters(reading, cell, tasks)
        return
    if tasks and tasks[0].kind == "task":
        reading.pieces.append(_Piece(cell.number, "task", tasks[0].body, tasks[0].body_line, tasks[0]))
        return
    lines, start = cell.source.split("\n"), 0
    for header in tasks:
        first = (header.where.line or 1) - 1
        _ordinary(reading, cell.number, lines, start, first)
        reading.pieces.append(_Piece(cell.number, "task", "", header.body_line, header))
        start = header.body_line - 1
    _ordinary(reading, cell.number, lines, start, len(lines))


def _without(cell: Cell, problems: tuple[Problem, ...]) -> Cell:
    """The cell without the lines that were meant for kubenb and are none of its magics: one complaint of each is enough."""
    wrong = {problem.where.line for problem in problems}
    if not wrong:
        return cell
    lines = cell.source.split("\n")
    kept = ("" if number in wrong and line.lstrip().startswith("%") else line for number, line in enumerate(lines, 1))
    return replace(cell, source="\n".join(kept))


def _ordinary(reading: _Reading, number: int, lines: list[str], start: int, end: int) -> None:
    source = "\n".join(lines[start:end])
    if source.strip():
        reading.pieces.append(_Piece(number, "ordinary", source, start + 1))


def _readable(reading: _Reading, cell: Cell) -> Cell:
    """The cell, or an empty one where its text can't be in any file; hidden changes of direction are pointed out."""
    broken = _BROKEN.search(cell.source)
    if broken is not None:
        place = Place(cell.number, cell.source.count("\n", 0, broken.start()) + 1)
        reading.add(
            place,
            f"the cell holds the character {broken[0]!a}, which no Python file takes.",
            "Delete it.",
            "cell.character",
        )
        return replace(cell, source="")
    bidi = _BIDI.search(cell.source)
    if bidi is not None:
        place = Place(cell.number, cell.source.count("\n", 0, bidi.start()) + 1)
        what = f"the hidden character {bidi[0]!a} makes the line read in another order than it runs."
        reading.problems.append(
            Problem(place, what, "Delete it, or write it as an escape.", "cell.bidi", Severity.WARNING)
        )
    return cell


def _take_dag(reading: _Reading, header: Header) -> None:
    if reading.dag_header is None:
        reading.dag_header = header
        return
    first = reading.dag_header.where
    reading.add(header.where, f"%k8s_dag stands here a second time (first in {first}).", "Keep one line.", "dag.twice")


def _take_parameters(reading: _Reading, cell: Cell, tasks: list[Header]) -> None:
    place = Place(cell.number)
    if tasks:
        reading.add(
            tasks[0].where,
            "a task's cell is tagged parameters.",
            "Take the tag off, or move the parameters to a cell of their own.",
            "parameters.task",
        )
        return
    if any(piece.role == "parameters" for piece in reading.pieces):
        reading.add(place, "this is a second cell tagged parameters.", "Keep one.", "parameters.twice")
        return
    if any(piece.role == "task" for piece in reading.pieces):
        reading.add(
            place,
            "the parameters cell stands below a task.",
            "Move it above the first task: every task begins with it.",
            "parameters.late",
        )
    reading.parameters, problems = read_parameters(cell)
    reading.problems += problems
    reading.pieces.append(_Piece(cell.number, "parameters", cell.source))


def _dag(reading: _Reading) -> tuple[DagOptions, dict[str, str]]:
    """The DAG's options and where each came from; its `param` values join the parameters."""
    header = reading.dag_header
    where = header.where if header else Place()
    own = Layer(f"cell {where.cell}", header.values if header else {})
    dag, origins = dag_options(header.name if header else "", own, reading.settings)
    places = header.places if header else {}
    reading.problems += dag_problems(dag, places, where)
    stem = reading.notebook.stem
    if dag.id is None and stem.lower() in names.RESERVED_DAGS:
        what = f"DAG id {shown(stem)} would hide the package of that name."
        reading.add(Place(file=reading.notebook.path), what, f"Write %k8s_dag {stem}_dag.", "dag.name")
    known = {parameter.name for parameter in reading.parameters}
    reading.parameters, problems = with_params(reading.parameters, dag.param, places.get("param", where))
    reading.problems += problems
    added = [parameter for parameter in reading.parameters if parameter.name not in known]
    if added:
        _bind(reading, added, where.cell or 1)
    return dag, origins


def _bind(reading: _Reading, added: list[Parameter], number: int) -> None:
    """Tells dataflow of parameters that only the DAG has: they are bound before everything else."""
    lines = "\n".join(f"{parameter.name} = None" for parameter in added)
    for index, piece in enumerate(reading.pieces):
        if piece.role == "parameters":
            reading.pieces[index] = piece._replace(source=f"{piece.source}\n{lines}")
            return
    reading.pieces.insert(0, _Piece(number, "parameters", lines))


Tasks = dict[str, tuple[Task, Header | None]]


def _tasks(reading: _Reading) -> Tasks:
    """The tasks in the notebook's order, by name; a name that comes twice is a problem and the later task is left out."""
    headers = [piece.header for piece in reading.pieces if piece.header is not None]
    if not headers:
        return _whole(reading)
    found: Tasks = {}
    for header in headers:
        if not header.name:
            continue
        if header.name in found:
            first = found[header.name][0].where.cell
            what = f"task {header.name} is there a second time (first in cell {first})."
            reading.add(header.where, what, f"Choose another name, like {header.name}_2.", "task.twice")
            continue
        found[header.name] = (_task(reading, header), header)
    return found


def _task(reading: _Reading, header: Header) -> Task:
    """One header's task with every default."""
    where = Place(header.where.cell, header.body_line, header.name)
    kind: Any = "cell" if header.kind == "task" else header.kind
    dag = reading.dag_header
    task_layer = Layer(f"cell {header.where.cell}", header.values)
    options, origins, problems = task_options(
        header.name, task_layer, _dag_layer(dag), reading.settings, header.places.get("profile", header.where)
    )
    reading.problems += problems
    task = Task(header.name, options, kind, header.body, header.command, None, where, origins)
    if kind == "notebook" and header.notebook is not None:
        from kubenb.notebook.others import other_notebook

        body, path, problems = other_notebook(
            header, reading.notebook, reading.settings, reading.parameters, options.param
        )
        reading.problems += problems
        task = replace(task, body=body, notebook=path)
    reading.problems += task_problems(task, header.places)
    return task


def _dag_layer(header: Header | None) -> Layer:
    return Layer(f"%k8s_dag, cell {header.where.cell}", header.values) if header else Layer("", {})


def _whole(reading: _Reading) -> Tasks:
    """A notebook without a task cell is one task that holds all its code."""
    pieces = [piece for piece in reading.pieces if piece.role == "ordinary"]
    name = names.task_name(reading.notebook.stem) or "notebook"
    body, reading.places = joined((piece.number, piece.line, piece.source) for piece in pieces)
    where = Place(pieces[0].number if pieces else None, 1 if pieces else None, name)
    options, origins, problems = task_options(
        name, Layer("", {}), _dag_layer(reading.dag_header), reading.settings, where
    )
    task = Task(name, options, "cell", body, where=where, origins=origins)
    reading.problems += (*problems, *task_problems(task, {}))
    if not body:
        place = Place(file=reading.notebook.path or None)
        reading.add(place, "the notebook has no code.", "Write %%k8s_task NAME on a cell's first line.", "task.none")
        return {}
    reading.pieces = [piece for piece in reading.pieces if piece.role == "parameters"]
    reading.pieces.append(_Piece(where.cell or 1, "task", body, 1, Header("task", name, body=body)))
    return {name: (task, None)}


def _check_names(reading: _Reading, tasks: Tasks) -> None:
    """Names that can't be told apart, and `after` of tasks that are not there."""
    seen: dict[str, str] = {}
    for name, (task, header) in tasks.items():
        same = seen.setdefault(names.folded(name), name)
        where = header.where if header else task.where
        if same != name:
            what = f"task {name} differs from task {same} only in case or in - and _."
            reading.add(
                where,
                what,
                "Choose a name that differs in letters: pods and files could not tell them apart.",
                "task.alike",
            )
        place = header.places.get("after", where) if header else where
        for other in task.options.after:
            if other == name:
                reading.add(place, f"task {name} is to run after itself.", "Leave it out of after.", "after.itself")
            elif other not in tasks:
                near = names.did_you_mean(other, [each for each in tasks if each != name])
                known = near or f"The tasks are {', '.join(list(tasks)[:20])}."
                reading.add(
                    place, f"after names {shown(other)}, which is no task of this notebook.", known, "after.unknown"
                )


def _flow_cells(reading: _Reading, tasks: Tasks) -> list[FlowCell]:
    """What dataflow takes: pieces in the notebook's order, the parameters first of all."""
    from kubenb.notebook.dataflow import FlowCell

    cells = []
    for piece in sorted(reading.pieces, key=lambda each: each.role != "parameters"):
        task, header = tasks.get(piece.header.name, (None, None)) if piece.header is not None else (None, None)
        if piece.header is not None and (task is None or (header is not None and header is not piece.header)):
            continue  # its name is missing, bad, or taken by an earlier task
        role = piece.role
        if role == "ordinary" and reading.again is not None and piece.number not in reading.again:
            role, task = "task", _of_kernel(piece)
        cells.append(FlowCell(piece.number, role, piece.source, piece.line, task))
    return cells


def _of_kernel(piece: _Piece) -> Task:
    """A cell whose values lie in a kernel; no header can give such a name."""
    name = f"cell {piece.number}" + (f" from line {piece.line}" if piece.line > 1 else "")
    return Task(name, body=piece.source, where=Place(piece.number, piece.line, name))

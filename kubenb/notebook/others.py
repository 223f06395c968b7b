"""`%k8s_notebook other.ipynb --as NAME`: a whole other notebook as one task.

In: the header and the notebook it stands in. Out: the other notebook's code as the task's body, its path, and problems.
The path is relative to this notebook and stays inside the project. Next room: `pipeline`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kubenb.model.names import did_you_mean, shown
from kubenb.model.pipeline import Cell, Notebook, Parameter
from kubenb.model.problems import KubenbError, Place, Problem
from kubenb.model.values import KeyValue
from kubenb.notebook.header import Header, parse_headers
from kubenb.notebook.parameters import TAG, read_parameters, with_params
from kubenb.notebook.settings import Settings
from kubenb.notebook.whole import joined
from kubenb.notebook.words import quote

Found = tuple[str, str | None, tuple[Problem, ...]]


def other_notebook(
    header: Header,
    this: Notebook,
    settings: Settings,
    parameters: tuple[Parameter, ...],
    param: tuple[KeyValue, ...] = (),
) -> Found:
    """The other notebook's code, its path as one can open it, and what is wrong. `param`: its parameters as the task sets them."""
    from kubenb.notebook.cells import read_notebook

    name = header.notebook or ""
    folder = Path(this.path or ".").parent
    try:
        path = folder / name
        problem = _outside(header.where, name, path, this, settings)
        if problem is not None:
            return "", None, (problem,)
        other = read_notebook(path)
    except KubenbError as error:
        return (
            "",
            None,
            tuple(Problem(header.where, f"{shown(name)}: {each.what}", each.fix, each.code) for each in error.problems),
        )
    except (OSError, ValueError):
        return (
            "",
            None,
            (
                Problem(
                    header.where,
                    f"{shown(name)} is not a path.",
                    "Write a path relative to this notebook.",
                    "notebook.path",
                ),
            ),
        )
    given = _Given({parameter.name for parameter in parameters}, param, header.places.get("param", header.where))
    body, problems = _body(other, header.where, given)
    return body, path.as_posix(), problems


def _outside(where: Place, name: str, path: Path, this: Notebook, settings: Settings) -> Problem | None:
    """The problem with a path that leads out of the project, or back to this notebook."""
    if not name.lower().endswith((".ipynb", ".py")):
        return Problem(
            where,
            f"{shown(name)} is not a notebook.",
            "Name a notebook (.ipynb) or a percent script (.py).",
            "notebook.path",
        )
    root = _project(this, settings)
    real = path.resolve()
    if Path(name).is_absolute() or not real.is_relative_to(root):
        return Problem(
            where,
            f"{shown(name)} lies outside the project.",
            f"Write a path relative to this notebook, below {root.name or root}.",
            "notebook.path",
        )
    if this.path and real == Path(this.path).resolve():
        return Problem(where, f"{shown(name)} is this notebook itself.", "Name another one.", "notebook.recursion")
    return None


def _project(this: Notebook, settings: Settings) -> Path:
    """The project's top: where the settings lie, or the repository's top, or this notebook's folder."""
    folder = Path(this.path or ".").resolve().parent if this.path else Path.cwd()
    if settings.path:
        top = Path(settings.path).resolve().parent
        if folder.is_relative_to(top):
            return top
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


@dataclass(frozen=True)
class _Given:
    """What the other notebook's parameters get: values at the task's own `param` (in `where`), the rest by this notebook's `names`."""

    names: set[str]
    param: tuple[KeyValue, ...]
    where: Place


def _body(other: Notebook, where: Place, given: _Given) -> tuple[str, tuple[Problem, ...]]:
    """All code of the other notebook; its parameters keep their defaults, except those that it is given."""
    problems: list[Problem] = []
    parts: list[tuple[int, int, str]] = []
    if given.param and not any(TAG in cell.tags for cell in other.cells):
        what = f"{shown(Path(other.path).name)} has no cell tagged parameters, so {given.param[0].key} can't be set."
        fix = "Tag the cell of its parameters, or leave param out."
        problems.append(Problem(given.where, what, fix, "notebook.param"))
    for cell in other.cells:
        if cell.kind != "code" or not cell.source.strip():
            continue
        if any(header.kind != "dag" for header in parse_headers(cell)[0]):
            what = f"{shown(other.path)} has tasks of its own (cell {cell.number})."
            fix = "Name a notebook without tasks, or export that one as a DAG of its own."
            problems.append(Problem(where, what, fix, "notebook.recursion"))
            break
        source = cell.source
        if TAG in cell.tags and (given.names or given.param):
            source = _parameters(cell, given, other, problems)
        parts.append((cell.number, 1, source))
    body = joined(parts)[0]
    if not body and not problems:
        problems.append(Problem(where, f"{shown(other.path)} has no code.", "Name another notebook.", "notebook.empty"))
    return body, tuple(problems)


def _parameters(cell: Cell, given: _Given, other: Notebook, problems: list[Problem]) -> str:
    """The other notebook's parameters with what the task sets, without those that come from this notebook."""
    own, found = read_parameters(cell)
    names = [parameter.name for parameter in own]
    if not {*given.names, *(pair.key for pair in given.param)} & set(names) and not found and not given.param:
        return cell.source
    problems += [
        Problem(Place(each.where.cell, each.where.line, file=other.path), each.what, each.fix, each.code)
        for each in found
    ]
    for pair in given.param:
        if pair.key not in names:
            what = f"{shown(Path(other.path).name)} has no parameter {pair.key}."
            fix = did_you_mean(pair.key, names) or f"It has {', '.join(names) or 'none'}."
            problems.append(Problem(given.where, what, fix, "notebook.param"))
        elif "{{" in pair.value:
            what = f"param {pair.key} takes an Airflow field, and a task's param is a constant."
            fix = f"Write it at %k8s_dag: --param {quote(f'{pair.key}={pair.value}')}. A notebook's parameter of that name takes it."
            problems.append(Problem(given.where, what, fix, "notebook.param"))
    known = tuple(pair for pair in given.param if pair.key in names and "{{" not in pair.value)
    values, wrong = with_params(own, known, given.where)
    problems += wrong
    here = given.names - {pair.key for pair in given.param}
    return "\n".join(f"{parameter.name} = {parameter.default!r}" for parameter in values if parameter.name not in here)

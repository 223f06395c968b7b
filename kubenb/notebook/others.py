"""`%k8s_notebook other.ipynb --as NAME`: a whole other notebook as one task.

In: the header and the notebook it stands in. Out: the other notebook's code as the task's body, its path, and problems.
The path is relative to this notebook and stays inside the project. Next room: `pipeline`.
"""

from __future__ import annotations

from pathlib import Path

from kubenb.model.names import shown
from kubenb.model.pipeline import Cell, Notebook, Parameter
from kubenb.model.problems import KubenbError, Place, Problem
from kubenb.notebook.header import Header, parse_headers
from kubenb.notebook.parameters import TAG, read_parameters
from kubenb.notebook.settings import Settings
from kubenb.notebook.whole import joined

Found = tuple[str, str | None, tuple[Problem, ...]]


def other_notebook(header: Header, this: Notebook, settings: Settings, parameters: tuple[Parameter, ...]) -> Found:
    """The other notebook's code, its path as one can open it, and what is wrong."""
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
    body, problems = _body(other, header.where, parameters)
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


def _body(other: Notebook, where: Place, parameters: tuple[Parameter, ...]) -> tuple[str, tuple[Problem, ...]]:
    """All code of the other notebook; its parameters keep their defaults, except those that this notebook gives."""
    problems: list[Problem] = []
    parts: list[tuple[int, int, str]] = []
    given = {parameter.name for parameter in parameters}
    for cell in other.cells:
        if cell.kind != "code" or not cell.source.strip():
            continue
        if any(header.kind != "dag" for header in parse_headers(cell)[0]):
            what = f"{shown(other.path)} has tasks of its own (cell {cell.number})."
            fix = "Name a notebook without tasks, or export that one as a DAG of its own."
            problems.append(Problem(where, what, fix, "notebook.recursion"))
            break
        source = _own_parameters(cell, given, other, problems) if TAG in cell.tags and given else cell.source
        parts.append((cell.number, 1, source))
    body = joined(parts)[0]
    if not body and not problems:
        problems.append(Problem(where, f"{shown(other.path)} has no code.", "Name another notebook.", "notebook.empty"))
    return body, tuple(problems)


def _own_parameters(cell: Cell, given: set[str], other: Notebook, problems: list[Problem]) -> str:
    """The other notebook's parameters, without those that come from outside."""
    own, found = read_parameters(cell)
    if not given & {parameter.name for parameter in own} and not found:
        return cell.source
    problems += [
        Problem(Place(each.where.cell, each.where.line, file=other.path), each.what, each.fix, each.code)
        for each in found
    ]
    return "\n".join(f"{parameter.name} = {parameter.default!r}" for parameter in own if parameter.name not in given)

"""The one-line magics. Each names its notebook, calls its verb in `kubenb.actions`, and returns what comes back for
IPython to show.

In: the session and the line. Out: shown values, or problems. `%k8s_dag` and its like do nothing in the kernel but say
what is wrong with them.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from kubenb.magics.source import differing, notebook, notebook_file
from kubenb.model.problems import NOWHERE, KubenbError, Problem, Severity, errors, refuse

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.model.pipeline import Notebook, Pipeline


def k8s(session: Session, line: str) -> None:
    """Lists what there is."""
    from kubenb.magics.manual import manual

    print(manual("k8s"))


def k8s_dag(session: Session, line: str) -> None:
    """Says what is wrong with the line; it takes effect in check and export."""
    _check(session, "k8s_dag", line)


def k8s_notebook(session: Session, line: str) -> None:
    """As `%k8s_dag`: a task of the DAG, nothing to run in the kernel."""
    _check(session, "k8s_notebook", line)


def k8s_container(session: Session, line: str) -> None:
    """As `%k8s_dag`."""
    _check(session, "k8s_container", line)


def k8s_graph(session: Session, line: str) -> Any:
    """The graph of this notebook."""
    from kubenb import actions

    files, _ = words_of(line, 1)
    saved = notebook(session, *files)
    _warn(session, saved, files)
    return actions.graph(saved)


def k8s_check(session: Session, line: str) -> Any:
    """Every rule, and whether the kernel's values can travel."""
    from kubenb import actions
    from kubenb.magics.values import untravelled
    from kubenb.show.problems import Report

    files, options = words_of(line, 1, {"--airflow": True, "--to": True})
    saved = notebook(session, *files)
    pipeline = actions.read(saved)
    report = actions.check(pipeline, airflow=options.get("--airflow"), to=options.get("--to"))
    more = (*_unsaved(session, saved, files), *untravelled(pipeline, session.shell.user_ns))
    report = Report(report.subject, (*report.problems, *more), report.about)
    if not report.ok:
        # The cell fails, once, so that a notebook run in CI fails too.
        raise KubenbError(tuple(sorted(report.problems, key=lambda problem: problem.severity is not Severity.ERROR)))
    return report


def k8s_export(session: Session, line: str) -> Any:
    """Writes the DAG of the notebook's file; cells that were never saved are named first."""
    from kubenb import actions
    from kubenb.magics.values import untravelled

    words, options = words_of(line, 2, {"--diff": False, "--to": True})
    if "--to" in options:
        words.insert(0, options["--to"])
    if not words:
        raise refuse(NOWHERE, "%k8s_export needs the folder of DAGs.", "Write %k8s_export dags/", "magic.folder")
    saved = notebook(session, *words[1:2])
    pipeline = actions.read(saved)
    stopping = errors(untravelled(pipeline, session.shell.user_ns))
    if stopping:
        raise KubenbError(stopping)
    _warn(session, saved, words[1:2])
    return actions.export(_named(pipeline, session), words[0], diff="--diff" in options)


def k8s_config(session: Session, line: str) -> Any:
    """Every option that is set."""
    from kubenb import actions

    files, _ = words_of(line, 1)
    return actions.config(notebook(session, *files))


def k8s_cost(session: Session, line: str) -> Any:
    """Time and cost of this notebook."""
    from kubenb import actions

    files, options = words_of(line, 1, {"--took": True})
    pairs = [part.partition("=") for part in options.get("--took", "").split(",") if part.strip()]
    return actions.cost(notebook(session, *files), {name.strip(): value.strip() for name, _, value in pairs})


def words_of(line: str, most: int, options: dict[str, bool] | None = None) -> tuple[list[str], dict[str, str]]:
    """Words of a line by shell rules: at most so many plain ones; options by name (True: takes a value)."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        raise refuse(NOWHERE, f"The line can't be read: {error}.", "Close the quote.", "magic.quote") from None
    plain: list[str] = []
    found: dict[str, str] = {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        if not name.startswith("--") and name not in (options or {}):
            plain.append(name + equals + value)
        elif name not in (options or {}):
            has = f"There is {', '.join(options)}." if options else "It takes none."
            raise refuse(NOWHERE, f"unknown option {name}.", has, "magic.unknown-option")
        elif (options or {})[name]:
            if not equals and not words:
                raise refuse(NOWHERE, f"{name} needs a value.", f"Write {name} VALUE.", "magic.value")
            found[name] = value if equals else words.pop(0)
        else:
            found[name] = ""
    if len(plain) > most:
        raise refuse(
            NOWHERE, f"{plain[most]!r} is one word too many.", "Put a name with blanks in quotes.", "magic.words"
        )
    return plain, found


def _check(session: Session, name: str, line: str) -> None:
    """Problems of a header that stands in an ordinary cell: the text that runs now has its `#|` lines too."""
    from kubenb.model.pipeline import Cell
    from kubenb.notebook.header import parse_headers

    text = session.text or f"%{name} {line}"
    headers, _ = parse_headers(Cell(0, "code", text))
    wrong = tuple(problem for header in headers for problem in errors(header.problems))
    if wrong:
        raise KubenbError(wrong)


def _named(pipeline: Pipeline, session: Session) -> Pipeline:
    """A pipeline from the kernel's cells must bear a name to be exported."""
    if not pipeline.notebook.path and not pipeline.dag.id:
        raise refuse(
            NOWHERE,
            "The notebook has no file that is known here, and no DAG id.",
            "Write %k8s_dag ID, or %k8s_export DIR FILE.",
            "magic.no-name",
        )
    return pipeline


def _unsaved(session: Session, saved: Notebook, files: list[str]) -> list[Problem]:
    """A warning where the kernel ran what the file does not say."""
    if not saved.path or (files and str(notebook_file(session.shell)) != saved.path):
        return []
    lines = differing(session, saved)
    if not lines:
        return []
    shown = "; ".join(lines[:3]) + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")
    return [
        Problem(
            NOWHERE,
            f"Cells ran here that the file does not have so: {shown}.",
            "Save the notebook.",
            "magic.unsaved",
            Severity.WARNING,
        )
    ]


def _warn(session: Session, saved: Notebook, files: list[str]) -> None:
    for problem in _unsaved(session, saved, files):
        print(f"warning: {problem}")

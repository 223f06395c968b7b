"""Errors of the user's code: the traceback with their cells and lines only, and the one-line summary.

In: an exception. Out: what the notebook's `error` output and the last line of the log need.
"""

from __future__ import annotations

import traceback

from .exits import Refused, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def user_part(trace: Any) -> Any:
    """The traceback from the user's first frame on; None where there is none."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<cell "):
        trace = trace.tb_next
    return trace


def described(error: BaseException, number: int, cells: Any) -> dict[str, Any]:
    """`kind` of end, what the last line says, and the traceback as lines. `cells` as the executed notebook has them."""
    trace = user_part(error.__traceback__)
    place = _place(error, trace, number, cells)
    name = type(error).__name__
    if isinstance(error, Refused):
        return {
            "kind": error.kind,
            "what": error.what,
            "fix": error.fix,
            "ename": name,
            "evalue": str(error),
            "traceback": ["kubenb: %s" % error],
        }
    lines = "".join(_formatted(error, trace)).rstrip("\n").split("\n")
    found = {
        "kind": "user",
        "ename": name,
        "evalue": _text(error),
        "traceback": lines,
        "fix": "The traceback is above.",
    }
    if isinstance(error, SystemExit):
        found["what"] = "%s ended the notebook with sys.exit(%s), before its outputs were saved." % (
            place,
            "" if error.code is None else repr(error.code),
        )
        found["fix"] = "Let the cell run to its end, or raise an error."
    elif isinstance(error, KeyboardInterrupt):
        found.update(kind="interrupted", what="it was interrupted in %s." % place, fix="")
    elif isinstance(error, MemoryError):
        found.update(what="out of memory in %s." % place, fix="Give the task more `memory`.")
    else:
        text = str(error.msg) if isinstance(error, SyntaxError) else short(_text(error).split("\n")[0], 300)
        found["what"] = "%s%s in %s." % (name, ": " + text if text else "", place)
    return found


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "(its message can't be shown)"


def origin(cell: Any) -> str:
    """Where a cell of a task notebook comes from, by the id that the export gave it.

    >>> origin({"id": "cell-4-2"}), origin({"id": "body"}), origin({"id": "a1"})
    (' (taken from cell 4 of the notebook)', " (the task's own code)", '')
    """
    name = str(cell.get("id") or "")
    if name == "body":
        return " (the task's own code)"
    number = name[5:].partition("-")[0] if name.startswith("cell-") else ""
    return " (taken from cell %s of the notebook)" % number if number.isdigit() and number != "0" else ""


def _place(error: BaseException, trace: Any, number: int, cells: Any) -> str:
    line: Any = None
    if isinstance(error, SyntaxError) and (error.filename or "").startswith("<cell "):
        number, line = int((error.filename or "")[6:-1]), error.lineno
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith("<cell "):
            number, line = int(file[6:-1]), trace.tb_lineno
        trace = trace.tb_next
    where = origin(cells[number - 1]) if number <= len(cells) else ""
    return "cell %d%s%s" % (number, ", line %d" % line if line else "", where)


def _formatted(error: BaseException, trace: Any) -> list[str]:
    try:
        error.__traceback__ = trace
        return traceback.format_exception(type(error), error, trace)
    except Exception:
        return ["%s: %s\n" % (type(error).__name__, _text(error))]

"""What a cell may be beside plain Python: magics, displays, figures, awaits, errors; and parameters. The rest of `engine`.

In: the engine and the odd thing. Out: messages to the watching process. Next rooms: `shell` for IPython, `display`, `figures`, `trace`.
"""

from __future__ import annotations

import os
import sys

from .engine import AWAIT, ONLY_AST
from .exits import TABLE, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HARMLESS = ("%matplotlib", "%config InlineBackend")


def prepare(engine: Any) -> None:
    """Before the first cell: parameters without a cell of their own; a distant store is cleared, where its packages are loaded anyway."""
    if "://" in engine.job.store:
        from .watch import clear_place

        clear_place()
    if engine.job.parameters and not any("parameters" in _tags(cell) for cell in engine.job.cells):
        _bind(engine, -1)


def after(engine: Any, cell: dict[str, Any]) -> None:
    """After a cell: this run's parameters, if it was the one tagged so; figures that it drew and did not show."""
    if engine.job.parameters and not engine.added and "parameters" in _tags(cell):
        _bind(engine, engine.number)
    if "matplotlib.pyplot" in sys.modules:
        from .figures import flush

        flush(engine)


def _tags(cell: dict[str, Any]) -> Any:
    return (cell.get("metadata") or {}).get("tags") or ()


def _bind(engine: Any, after: int) -> None:
    lines = ["# Parameters"] + ["%s = %r" % pair for pair in engine.job.parameters.items()]
    engine.link.send("add", after, "\n".join(lines).encode("utf-8", "backslashreplace"))
    engine.names.update(engine.job.parameters)
    engine.added, engine.injected = 1, after + 1


def execute(engine: Any, source: str, name: str) -> None:
    """Runs a cell that is not plain, or that a plain run could not parse."""
    if "linecache" in sys.modules:
        lines(engine, sys.modules["linecache"])
    if engine.shell or (("IPython" in source or "get_ipython" in source) and _has_ipython()):
        return in_shell(engine, source, name)
    plain: str | None = source
    try:
        compile(source, name, "exec", ONLY_AST | AWAIT | engine.futures, True)
    except SyntaxError:
        plain = _without_magics(engine, source)
        if plain is None:
            return in_shell(engine, source, name)
    engine.execute(engine.parse(plain, name), name, plain)
    return None


def _has_ipython() -> bool:
    from .setting import has

    return has("IPython")


def _is_magic(line: str) -> bool:
    bare = line.strip()
    return (
        bare.startswith(("%", "!", "?"))
        or bare.endswith("?")
        or "= !" in line
        or "=!" in line
        or "= %" in line
        or "=%" in line
    )


def _without_magics(engine: Any, source: str) -> str | None:
    """The source without lines that change nothing here; None where only IPython can run it."""
    split = source.split("\n")
    marked = [line.strip() for line in split if _is_magic(line)]
    if not marked:
        return source
    if all(line.startswith(_HARMLESS) for line in marked):
        return "\n".join(_idle(line) if _is_magic(line) else line for line in split)
    if not _has_ipython():
        what = "%s uses `%s`, which needs IPython, and this image does not have it." % (place(engine), marked[0][:60])
        raise Refused("engine", what, "Add `pip install ipython` to the image, or write it in plain Python.")
    return None


def _idle(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] + "pass  # " + line.strip()


def in_shell(engine: Any, source: str, name: str) -> None:
    """By IPython, in this process."""
    if engine.shell is None:
        from .shell import Shell

        engine.shell = Shell(engine)
    engine.shell.run(source, name)


def awaited(engine: Any, value: Any) -> Any:
    """The result of a cell with a top-level await."""
    if engine.loop is None:
        import asyncio

        engine.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(engine.loop)
    return engine.loop.run_until_complete(value)


def show(engine: Any, value: Any, kind: str, metadata: Any = None) -> None:
    """Sends a value's forms to the notebook; its text to the log."""
    from .display import output

    send(engine, output(value, kind, engine.count, metadata))


def send(engine: Any, made: dict[str, Any]) -> None:
    """One output of the current cell, as nbformat has it; a forked child of the user's prints it."""
    if os.getpid() != engine.link.pid:
        print(made.get("data", {}).get("text/plain", ""))
        return
    import json

    engine.link.send("show", engine.number, json.dumps(made).encode())


def lines(engine: Any, module: Any) -> None:
    """Gives `linecache` the cells' lines: for tracebacks and `inspect.getsource`."""
    for name, source in engine.sources.items():
        if name not in module.cache:
            module.cache[name] = (len(source), None, [line + "\n" for line in source.split("\n")], name)


def figures(engine: Any, module: Any) -> None:
    """Makes ours matplotlib's backend, unless the user chose one."""
    if "MPLBACKEND" not in os.environ:
        from . import figures as room

        room.ENGINE.append(engine)
        module.use("module://kubenb_runtime.backend")


AFTER = {"linecache": lines, "matplotlib": figures}


def failed(engine: Any, error: BaseException) -> int:
    """Tells of an error; the exit code."""
    import json

    from .trace import described

    cells = list(engine.job.cells)
    if engine.added:
        cells.insert(engine.injected, {})
    found = described(error, engine.number + engine.added + 1, cells)
    engine.link.send("error", engine.number, json.dumps(found).encode())
    return int(TABLE[found["kind"]][0])


def last(engine: Any) -> int:
    """After the last cell: were read-only inputs changed where nothing was saved?"""
    from .hand import finish

    try:
        finish()
    except Refused as refused:
        return failed(engine, refused)
    return 0


def place(engine: Any) -> str:
    """The cell that runs, as the executed notebook counts."""
    return "cell %d" % (engine.number + engine.added + 1)

"""The own engine: runs the cells of a task notebook in the real `__main__`, one after another, without a kernel.

In: cells and parameters. Out: messages over `Link` to the watching process, which keeps the notebook. Plain Python runs as it is;
a cell that needs IPython (magics, `!`) goes to `shell`. Only what the first plain line needs is imported at the top.
"""

from __future__ import annotations

import builtins
import os
import sys

import _ast

from .exits import TABLE, Refused
from .setting import source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ONLY_AST, _AWAIT, _COROUTINE = 0x400, 0x2000, 0x80
_FUTURE = 0x1FF0000  # the bits of `from __future__` features
_HARMLESS = ("%matplotlib", "%config InlineBackend")


class Link:
    """The child's side of the pipes: standard output and error, messages, and the answers to them."""

    def __init__(self, out: int, err: int, talk: int, answer: int) -> None:
        """From here on everything printed goes to the watching process."""
        self.talk, self.answer, self.pid = talk, answer, os.getpid()
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)
        # New ones: what these numbers stood for before may have been a file that can be wound back.
        sys.stdout = sys.__stdout__ = _stream(1)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _stream(2)  # type: ignore[misc]

    def flush(self) -> None:
        """Puts everything printed so far in front of the next message."""
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()  # type: ignore[union-attr]
            except Exception:
                continue

    def send(self, kind: str, number: int, payload: bytes = b"", wait: bool = True) -> None:
        """One message. The answer says that all printed before it has been read, so the order holds."""
        if os.getpid() != self.pid:
            return
        self.flush()
        data = b"%s %d %d\n%s" % (kind.encode(), number, len(payload), payload)
        while data:
            data = data[os.write(self.talk, data) :]
        if wait:
            os.read(self.answer, 1)


class Engine:
    """One run of a notebook."""

    def __init__(self, job: Any, link: Link) -> None:
        """Makes `__main__` as fresh as a new kernel's."""
        self.job, self.link = job, link
        self.names = sys.modules["__main__"].__dict__
        kept = {name: self.names.get(name) for name in ("__name__", "__builtins__", "__doc__", "__package__", "__loader__", "__spec__")}
        self.names.clear()
        self.names.update(kept, __doc__=None)
        self.sources: dict[str, str] = {}
        self.futures, self.number, self.count, self.added = 0, 0, 0, 0
        self.loop: Any = None
        self.shell: Any = None
        builtins.display = self.display  # type: ignore[attr-defined]
        sys.meta_path[0].after = {"linecache": self._lines, "matplotlib": self._figures}  # type: ignore[attr-defined]

    def run(self) -> int:
        """All code cells in order; the exit code of the first that fails."""
        if "://" in self.job.setting.store:
            from .watch import clear_place

            clear_place(self.job)
        cells = self.job.cells
        waiting = self.job.parameters
        has_cell = any("parameters" in _tags(cell) for cell in cells)
        code = 0
        if waiting and not has_cell:
            waiting = self._inject(-1)
        for number, cell in enumerate(cells):
            if cell.get("cell_type") != "code":
                continue
            code = self._cell(number, cell)
            if code:
                break
            if waiting and "parameters" in _tags(cell):
                waiting = self._inject(number)
        if not code:
            self.link.send("end", self.number)
        return self._finish(code)

    def _finish(self, code: int) -> int:
        import atexit

        try:
            atexit._run_exitfuncs()
        finally:
            self.link.flush()
        return code

    def _inject(self, after: int) -> dict[str, Any]:
        """Binds the parameters, and shows them as a cell like papermill's."""
        lines = ["# Parameters"] + ["%s = %r" % pair for pair in self.job.parameters.items()]
        self.link.send("add", after, "\n".join(lines).encode("utf-8", "backslashreplace"))
        self.names.update(self.job.parameters)
        self.added = 1
        return {}

    def _cell(self, number: int, cell: dict[str, Any]) -> int:
        source = source_of(cell)
        first = self.number == 0 and self.count == 0
        self.number, self.count = number, self.count + 1
        # The first cell does not wait: nothing was printed before it.
        self.link.send("cell", number, wait=not first)
        if not source.strip():
            return 0
        name, text = self._named(cell, source)
        try:
            self._execute(text, name)
            self._after()
        except BaseException as error:
            return self._failed(error)
        return 0

    def _named(self, cell: dict[str, Any], source: str) -> tuple[str, str]:
        """What tracebacks call the cell: as the user's notebook counts it, where the exporter said so."""
        hint = (cell.get("metadata") or {}).get("kubenb") or {}
        if isinstance(hint, dict) and isinstance(hint.get("cell"), int):
            return "<cell %d>" % hint["cell"], "\n" * (int(hint.get("line") or 1) - 1) + source
        return "<cell %d>" % (self.number + self.added + 1), source

    def _execute(self, source: str, name: str) -> None:
        self.sources[name] = source
        if "linecache" in sys.modules:
            self._lines(sys.modules["linecache"])
        if self.shell or ("IPython" in source or "get_ipython" in source) and self._has_ipython():
            return self._in_shell(source, name)
        try:
            tree = self._parse(source, name)
        except SyntaxError:
            other = self._without_magics(source)
            if other is None:
                raise
            if other != source:
                tree = self._parse(other, name)
            else:
                return self._in_shell(source, name)
        self._run_tree(tree, name, source)
        return None

    def _parse(self, source: str, name: str) -> Any:
        return compile(source, name, "exec", _ONLY_AST | _AWAIT | self.futures, True)

    def _run_tree(self, tree: Any, name: str, source: str) -> None:
        body = tree.body
        last = None
        if body and type(body[-1]) is _ast.Expr and not source.rstrip().endswith(";"):
            last = _ast.Expression(body=body.pop().value)
        if body:
            self._evaluate(compile(tree, name, "exec", _AWAIT | self.futures, True))
        if last is not None:
            value = self._evaluate(compile(last, name, "eval", _AWAIT | self.futures, True))
            if value is not None:
                builtins._ = value  # type: ignore[attr-defined]
                self.show(value, "execute_result")

    def _evaluate(self, code: Any) -> Any:
        self.futures |= code.co_flags & _FUTURE
        value = eval(code, self.names)
        if code.co_flags & _COROUTINE:
            if self.loop is None:
                import asyncio

                self.loop = asyncio.new_event_loop()
                asyncio.set_event_loop(self.loop)
            return self.loop.run_until_complete(value)
        return value

    # ---- what is not plain Python

    def _has_ipython(self) -> bool:
        from .start import has

        return has("IPython")

    def _without_magics(self, source: str) -> str | None:
        """None: no magics in it. Else the source, without those lines that change nothing here."""
        lines = source.split("\n")
        marked = [line.strip() for line in lines if _is_magic(line)]
        if not marked:
            return None
        if all(line.startswith(_HARMLESS) for line in marked):
            return "\n".join("#" + line if _is_magic(line) else line for line in lines)
        if not self._has_ipython():
            what = "%s uses `%s`, which needs IPython, and this image does not have it." % (_place(self), marked[0][:60])
            raise Refused("engine", what, "Add `pip install ipython` to the image, or write it in plain Python.")
        return source

    def _in_shell(self, source: str, name: str) -> None:
        if self.shell is None:
            from .shell import Shell

            self.shell = Shell(self)
        self.shell.run(source, name)

    # ---- outputs

    def display(self, *values: Any, **options: Any) -> None:
        """Jupyter's `display`, for images without IPython."""
        for value in values:
            self.show(value, "display_data", options.get("metadata"))

    def show(self, value: Any, kind: str, metadata: Any = None) -> None:
        """Sends a value's forms to the notebook; its text to the log."""
        from .display import output

        self.output(output(value, kind, self.count, metadata))

    def output(self, made: dict[str, Any]) -> None:
        """One output of the current cell, as nbformat has it."""
        if os.getpid() != self.link.pid:
            print(made.get("data", {}).get("text/plain", ""))
            return
        import json

        self.link.send("show", self.number, json.dumps(made).encode())

    def _after(self) -> None:
        """At the end of a cell: figures that it drew."""
        if "matplotlib.pyplot" in sys.modules and self.shell is None:
            from .figures import show

            show()

    def _lines(self, module: Any) -> None:
        for name, source in self.sources.items():
            if name not in module.cache:
                module.cache[name] = (len(source), None, [line + "\n" for line in source.split("\n")], name)

    def _figures(self, module: Any) -> None:
        if "MPLBACKEND" not in os.environ:
            from . import figures

            figures.ENGINE.append(self)
            module.use("module://kubenb_runtime.figures")

    # ---- errors

    def _failed(self, error: BaseException) -> int:
        import json

        from .trace import described

        try:
            self._after()
        except Exception:
            pass
        found = described(error, _place(self))
        self.link.send("error", self.number, json.dumps(found).encode())
        return int(TABLE[found["kind"]][0])


def _stream(number: int) -> Any:
    return open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)


def _tags(cell: dict[str, Any]) -> Any:
    return (cell.get("metadata") or {}).get("tags") or ()


def _is_magic(line: str) -> bool:
    bare = line.strip()
    return bare.startswith(("%", "!", "?")) or bare.endswith("?") or "= !" in line or "=!" in line or "= %" in line


def _place(engine: Engine) -> str:
    return "cell %d" % (engine.number + engine.added + 1)

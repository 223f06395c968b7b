"""The own engine: one run of a notebook in the real `__main__`, without a kernel.

In: the job, its first cell run where `first` could tell that it is plain. Out: messages to the watching process, and an exit code.
What is not plain Python is elsewhere, and imported when it is met. Next room: `odd` (magics, displays, errors).
"""

from __future__ import annotations

import _ast
import _thread
import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .first import Job

ONLY_AST, AWAIT, COROUTINE = 0x400, 0x2000, 0x80
FUTURE = 0x1FF0000  # the bits of `from __future__` features


def opened(name: str, number: int) -> Any:
    """Standard output or error, anew."""
    stream = open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.__dict__.update({name: stream, "__%s__" % name: stream})
    return stream


class Link:
    """The child's side of the pipes: messages, and the answers to them."""

    def __init__(self, talk: int, answer: int, pid: int) -> None:
        """`talk` is written, `answer` read, by the process `pid` alone."""
        self.talk, self.answer, self.pid, self.lock = talk, answer, pid, _thread.RLock()

    def send(self, kind: str, number: int, payload: bytes = b"") -> None:
        """One message. The answer says that all printed before it has been read, so the order holds."""
        with self.lock:
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                try:
                    stream.flush()  # type: ignore[union-attr]
                except Exception:
                    continue
            data = b"%s %d %d\n%s" % (kind.encode(), number, len(payload), payload)
            while data:
                data = data[os.write(self.talk, data) :]
            os.read(self.answer, 1)


class Engine:
    """Runs the cells; made when the first cell has ended, or needs it."""

    def __init__(self, job: Job) -> None:
        """Knows of the first cell what `first` did."""
        self.job, self.link = job, Link(*job.talk)
        self.names = sys.modules["__main__"].__dict__
        self.sources: dict[str, str] = {}
        self.futures, self.number, self.count, self.added = 0, 0, 0, 0
        self.loop: Any = None
        self.shell: Any = None
        if job.codes:
            self.begin(job.ran, job.cells[job.ran])

    def run(self) -> int:
        """All code cells in order; the exit code of the first that fails."""
        if self.job.parameters or "://" in self.job.store:
            from .odd import prepare

            prepare(self)
        code = 0
        for number, cell in enumerate(self.job.cells):
            if not code and cell["cell_type"] == "code":
                code = self.cell(number, cell)
        if not code and "kubenb_runtime.hand" in sys.modules:
            from .odd import last

            code = last(self)
        if not code:
            self.link.send("end", 0)
        import atexit

        atexit._run_exitfuncs()
        self.link.send("bye", 0)
        return code

    def begin(self, number: int, cell: dict[str, Any]) -> tuple[str, str]:
        """Counts a cell; its source and what its code is called."""
        source, name = "".join(cell["source"]), "<cell %d>" % (number + self.added + 1)
        self.number, self.count, self.sources[name] = number, self.count + 1, source
        return source, name

    def cell(self, number: int, cell: dict[str, Any]) -> int:
        """Runs one cell; the exit code, 0 if all is well. That the first one begins, the watching process knows without a word."""
        act: Callable[[], None] = self.ran
        if not (self.job.codes and number == self.job.ran):
            if self.count or self.job.parameters or "://" in self.job.store:
                self.link.send("cell", number)
            source, name = self.begin(number, cell)

            def act() -> None:
                self.source(source, name)

        try:
            act()
            if self.job.parameters or "matplotlib.pyplot" in sys.modules:
                from .odd import after

                after(self, cell)
        except BaseException as error:
            from .odd import failed

            return failed(self, error)
        return 0

    def ran(self) -> None:
        """The end of the cell that `first` ran."""
        if self.job.error is not None:
            raise self.job.error
        self.result(self.job.value)

    def source(self, source: str, name: str) -> None:
        """Runs a cell's source: as plain Python, unless it can't be."""
        tree = None
        if not (self.shell or "linecache" in sys.modules or "IPython" in source or "get_ipython" in source):
            try:
                tree = self.parse(source, name)
            except SyntaxError:
                pass
        if tree is not None:
            self.execute(tree, name, source)
        else:
            from .odd import execute

            execute(self, source, name)

    def parse(self, source: str, name: str) -> Any:
        """The cell's syntax tree."""
        return compile(source, name, "exec", ONLY_AST | AWAIT | self.futures, True)

    def execute(self, tree: Any, name: str, source: str) -> None:
        """All statements; the value of a last expression is shown."""
        body = tree.body
        last = body.pop() if body and type(body[-1]) is _ast.Expr and not source.rstrip().endswith(";") else None
        if body:
            self.evaluate(compile(tree, name, "exec", AWAIT | self.futures, True))
        if last is not None:
            code = compile(_ast.Expression(body=last.value), name, "eval", AWAIT | self.futures, True)
            self.result(self.evaluate(code))

    def evaluate(self, code: Any) -> Any:
        """Runs code in `__main__`."""
        self.futures |= code.co_flags & FUTURE
        value = eval(code, self.names)
        if code.co_flags & COROUTINE:
            from .odd import awaited

            return awaited(self, value)
        return value

    def result(self, value: Any) -> None:
        """Shows the value of a cell's last expression."""
        if value is not None:
            from .odd import show

            show(self, value, "execute_result")
            builtins._ = value  # type: ignore[attr-defined]

    def display(self, *values: Any, **options: Any) -> None:
        """Jupyter's `display`, for images without IPython."""
        from .odd import show

        for value in values:
            show(self, value, "display_data", options.get("metadata"))

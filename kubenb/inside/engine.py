"""The own engine: runs the cells of a task notebook in the real `__main__`, one after another, without a kernel.

In: cells and parameters. Out: messages over `Link` to the watching process, which keeps the notebook. Plain Python runs here; what is
not (magics, displays, figures, errors) is in `odd`. Only what the first plain line needs is in this module: every line costs 8 us.
"""

from __future__ import annotations

import _ast
import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ONLY_AST, AWAIT, COROUTINE = 0x400, 0x2000, 0x80
FUTURE = 0x1FF0000  # the bits of `from __future__` features


class Link:
    """The child's side of the pipes: standard output and error, messages, and the answers to them."""

    def __init__(self, pipes: Any) -> None:
        """From here on everything printed goes to the watching process."""
        out, err, talk, answer = pipes
        self.talk, self.answer, self.pid = talk[1], answer[0], os.getpid()
        os.dup2(out[1], 1)
        os.dup2(err[1], 2)
        for number in (*out, *err, talk[0], answer[1]):
            os.close(number)
        # New ones: what these numbers stood for before may have been a file that can be wound back.
        sys.stdout = sys.__stdout__ = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        sys.stderr = sys.__stderr__ = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115

    def send(self, kind: str, number: int, payload: bytes = b"") -> None:
        """One message. The answer says that all printed before it has been read, so the order holds."""
        if os.getpid() == self.pid:
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
    """One run of a notebook."""

    def __init__(self, job: Any, link: Link) -> None:
        """Makes `__main__` as fresh as a new kernel's."""
        self.job, self.link = job, link
        self.names = sys.modules["__main__"].__dict__
        for name in [name for name in self.names if name[:2] != "__"]:
            del self.names[name]
        self.sources: dict[str, str] = {}
        self.futures, self.number, self.count, self.added = 0, 0, 0, 0
        self.loop: Any = None
        self.shell: Any = None
        builtins.display = self.display  # type: ignore[attr-defined]
        sys.meta_path[0].engine = self  # type: ignore[attr-defined]

    def cell(self, number: int, cell: dict[str, Any]) -> int:
        """Runs one cell; the exit code, 0 if all is well. That the first one begins, the watching process knows without a word."""
        source = cell["source"]
        source = source if isinstance(source, str) else "".join(source)
        self.number, self.count = number, self.count + 1
        if self.count > 1 or self.job.parameters or "://" in self.job.store:
            self.link.send("cell", number)
        name = "<cell %d>" % (number + self.added + 1)
        self.sources[name] = source
        try:
            tree = None
            if not (self.shell or "linecache" in sys.modules or "IPython" in source or "get_ipython" in source):
                try:
                    tree = self.parse(source, name)
                except SyntaxError:
                    pass
            if tree is not None:
                self.run_tree(tree, name, source)
            else:
                from .odd import execute

                execute(self, source, name)
            if "matplotlib.pyplot" in sys.modules:
                from .figures import flush

                flush(self)
        except BaseException as error:
            from .odd import failed

            return failed(self, error)
        return 0

    def parse(self, source: str, name: str) -> Any:
        """The cell's syntax tree."""
        return compile(source, name, "exec", ONLY_AST | AWAIT | self.futures, True)

    def run_tree(self, tree: Any, name: str, source: str) -> None:
        """All statements; the value of a last expression is shown."""
        body = tree.body
        last = body.pop() if body and type(body[-1]) is _ast.Expr and not source.rstrip().endswith(";") else None
        if body:
            self.evaluate(compile(tree, name, "exec", AWAIT | self.futures, True))
        if last is not None:
            value = self.evaluate(compile(_ast.Expression(body=last.value), name, "eval", AWAIT | self.futures, True))
            if value is not None:
                builtins._ = value  # type: ignore[attr-defined]
                self.show(value, "execute_result")

    def evaluate(self, code: Any) -> Any:
        """Runs code in `__main__`; a cell that awaits runs in an event loop that stays."""
        self.futures |= code.co_flags & FUTURE
        value = eval(code, self.names)
        if code.co_flags & COROUTINE:
            from .odd import awaited

            value = awaited(self, value)
        return value

    def show(self, value: Any, kind: str, metadata: Any = None) -> None:
        """Sends a value's forms to the notebook; its text to the log."""
        from .display import output
        from .odd import send

        send(self, output(value, kind, self.count, metadata))

    def display(self, *values: Any, **options: Any) -> None:
        """Jupyter's `display`, for images without IPython."""
        for value in values:
            self.show(value, "display_data", options.get("metadata"))


def run_cells(job: Any, pipes: Any) -> int:
    """All code cells in order; the exit code of the first that fails."""
    engine = Engine(job, Link(pipes))
    if job.parameters or "://" in job.store:
        from .odd import prepare

        prepare(engine)
    code = 0
    for number, cell in enumerate(job.cells):
        if not code and cell["cell_type"] == "code":
            code = engine.cell(number, cell)
            if job.parameters and not engine.added and not code:
                from .odd import inject

                inject(engine, number, cell)
    if not code:
        engine.link.send("end", 0)
    import atexit

    atexit._run_exitfuncs()
    engine.link.send("bye", 0)
    return code

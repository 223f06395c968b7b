"""Everything up to the user's first line, in one module that is compiled once: the bundle, the task, the fork, plain cells.

In: `text`, the bundle's beginning (`bundle.BOOT` runs this module with it), and the environment contract. Out: an exit code and one last
line (`exits`). The process forks: the child runs the cells, the parent watches it, stays small and never runs the user's code. Whatever
that does (block, crash, `os._exit`), the parent is still there to save the notebook and to name what happened.
What is not plain is elsewhere, and imported when it is met: every line here costs a task 8 us. Next rooms: `watch` in the parent; in the
child `odd` (magics, displays, errors), or `mill` (papermill).
"""

from __future__ import annotations

import _ast
import _signal
import _thread
import builtins
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "kubenb_runtime"
FOLLOWED = ("linecache", "matplotlib")
ONLY_AST, AWAIT, COROUTINE = 0x400, 0x2000, 0x80
FUTURE = 0x1FF0000  # the bits of `from __future__` features
LONGEST = 99_000  # characters of a notebook that comes in one string


class Bundle:
    """Finds and loads `kubenb_runtime` from the bundle's text; it stays in memory, and what is not asked for stays packed."""

    def __init__(self, text: str) -> None:
        """The modules that are whole in `text`, the bundle's beginning."""
        self.engine: Any = None
        self.packed = [os.environ.pop(name) for name in sorted(os.environ) if name.startswith("KUBENB_RUNTIME")]
        self.take(text[: text.rindex("\n#: ")])

    def take(self, text: str) -> None:
        """Cuts a text into its modules."""
        self.texts = dict(part.split("\n", 1) for part in text[3:].split("\n#: "))

    def find(self, name: str) -> str | None:
        """A module's source by its full name."""
        name = name[len(PACKAGE) + 1 :] or "__init__"
        if name not in self.texts and self.packed:
            import binascii
            import zlib

            head, _, rest = binascii.a2b_base64("".join(self.packed)).decode().rpartition("\n#: rest\n")
            self.take(head + "\n" + zlib.decompress(binascii.a2b_base64(rest)).decode())
            self.packed.clear()
        return self.texts.get(name)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The import system's question; None for what is not ours."""
        if name.startswith(PACKAGE) and self.find(name) is not None:
            return type(os.__spec__)(name, self, is_package=name == PACKAGE)  # type: ignore[arg-type]
        if name in FOLLOWED and self.engine:
            from .follow import followed

            return followed(self, name, path, target)
        return None

    def create_module(self, spec: Any) -> None:
        """The usual module object."""

    def exec_module(self, module: Any) -> None:
        """Runs the module's text."""
        exec(compile(self.find(module.__name__) or "", "<%s>" % module.__name__, "exec", 0, True), module.__dict__)


class Job:
    """What both processes know: the notebook, and the folder that they share."""

    strict, object_hook, object_pairs_hook, memo = False, None, None, {}  # type: ignore[var-annotated]
    parse_float, parse_int, parse_constant = float, int, float  # what the interpreter's JSON scanner asks for

    def __init__(self, env: Any) -> None:
        """Reads what running needs, by the interpreter's own modules (hashlib and json load more); the rest is for `setting`."""
        self.began = time.monotonic()
        self.signals: list[int] = []
        self.side, self.papermill = "", False
        self.parameters: dict[str, Any] = {}
        self.setting: Any = None  # what `watch` reads
        self.store = env.get("KUBENB_STORE", "")
        packed = env.pop("KUBENB_NOTEBOOK", "")
        usual = (
            env.get("KUBENB_ENGINE") == "kubenb" and env.get("KUBENB_PARAMS", "{}") == "{}" and "KUBENB_ITEM" not in env
        )
        if usual and "://" not in self.store and 0 < len(packed) < LONGEST:
            try:
                from _json import make_scanner
                from binascii import a2b_base64

                self.text = a2b_base64(packed)
                digest = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
                if digest(self.text).hexdigest() == env["KUBENB_NOTEBOOK_SHA256"]:
                    self.notebook = make_scanner(self)(self.text.decode().lstrip(), 0)[0]  # type: ignore[arg-type]
                    self.cells = [cell for cell in self.notebook["cells"] if cell["cell_type"]]
                    return
            except Exception:
                pass
        from .setting import prepare

        prepare(self, env, packed)


class Link:
    """The child's side of the pipes: standard output and error, messages, and the answers to them."""

    def __init__(self, pipes: Any) -> None:
        """From here on everything printed goes to the watching process."""
        out, err, talk, answer = pipes
        self.talk, self.answer, self.pid, self.lock = talk[1], answer[0], os.getpid(), _thread.RLock()
        os.dup2(out[1], 1)
        os.dup2(err[1], 2)
        for number in (*out, *err, talk[0], answer[1]):
            os.close(number)
        # New ones: what these numbers stood for before may have been a file that can be wound back.
        sys.stdout = sys.__stdout__ = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115
        sys.stderr = sys.__stderr__ = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115

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
    """The own engine: one run of a notebook in the real `__main__`, without a kernel."""

    def __init__(self, job: Job, link: Link) -> None:
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
                self.execute(tree, name, source)
            else:
                from .odd import execute

                execute(self, source, name)
            if self.job.parameters or "matplotlib.pyplot" in sys.modules:
                from .odd import after

                after(self, cell)
        except BaseException as error:
            from .odd import failed

            return failed(self, error)
        return 0

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
            value = self.evaluate(compile(_ast.Expression(body=last.value), name, "eval", AWAIT | self.futures, True))
            if value is not None:
                from .odd import show

                show(self, value, "execute_result")
                builtins._ = value  # type: ignore[attr-defined]

    def evaluate(self, code: Any) -> Any:
        """Runs code in `__main__`."""
        self.futures |= code.co_flags & FUTURE
        value = eval(code, self.names)
        if code.co_flags & COROUTINE:
            from .odd import awaited

            return awaited(self, value)
        return value

    def display(self, *values: Any, **options: Any) -> None:
        """Jupyter's `display`, for images without IPython."""
        from .odd import show

        for value in values:
            show(self, value, "display_data", options.get("metadata"))


def run(job: Job) -> int:
    """Forks: the child runs the cells, the parent watches it. The exit code is the parent's."""
    if job.papermill:
        from .watch import clear_place

        clear_place()
    pipes = [os.pipe() for _ in "1234"]
    note = [_signal.signal(number, lambda number, frame: job.signals.append(number)) for number in (15, 2)]
    child = os.fork()
    if child:
        time.sleep(0.004)  # what the parent does now would only get in the child's way
        from .watch import watch

        return watch(job, child, pipes)
    code = 74
    try:
        _signal.signal(15, note[0])
        _signal.signal(2, note[1])
        if job.papermill:
            from .mill import run_papermill

            code = run_papermill(job)
        else:
            code = Engine(job, Link(pipes)).run()
    except BaseException as error:
        from .watch import child_failed

        child_failed(error)
    finally:
        os._exit(code)


def start() -> None:
    """Runs the task and ends the process."""
    code, side = 74, ""
    try:
        job = Job(os.environ)
        root = os.environ.get("TMPDIR") or "/tmp"
        side = "%s/kubenb-%d-%d" % (root, os.getpid(), time.monotonic_ns())
        os.mkdir(side, 0o700)
        job.side = os.environ["KUBENB_SIDE"] = side
        code = run(job)
    except Exception as error:
        from .watch import end_early

        code = end_early(error, side)
    finally:
        os._exit(code)


if "text" in globals():
    sys.meta_path.insert(0, Bundle(globals()["text"]))
    start()

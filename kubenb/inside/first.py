"""Everything up to the user's first line, in as few words as can be: the task, the fork, the first plain cell.

In: `text`, the bundle's beginning (`bundle.BOOT` runs this module with it), and the environment contract. Out: an exit code and one last
line (`exits`). The process forks: the child runs the cells, the parent watches it, stays small and never runs the user's code. Whatever
that does (block, crash, `os._exit`), the parent is still there to save the notebook and to name what happened.
Every line here costs a task 15 us, so what is not needed by then is elsewhere, and compiled when it is met. Next rooms: `finder` when
something of ours is imported; `watch` in the parent; in the child `engine` after the first cell, or `mill` (papermill).
"""

from __future__ import annotations

import _signal
import builtins
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

LONGEST = 99_000  # characters of a notebook that comes in one string
# A first cell that holds one of these is left to `engine`.
ODD = ("IPython", "get_ipython", "__future__", "\\", "\r", ";")


class Bundle:
    """Stands before the other finders. That it can load modules costs lines that many a first cell never asks for: see `finder`."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The import system's question; None for what is not ours."""
        if name in ("linecache", "matplotlib") or name.startswith("kubenb_runtime"):
            exec(globals()["text"].split("\n#: ")[1][7:], globals())
            self.__class__ = globals()["Finder"]
            return self.find_spec(name, path, target)
        return None


def code_of(run: Callable[..., object], source: str, name: str) -> Any:
    """The code that `run` (exec, eval) would run. `compile` first makes the types of all syntax trees: a tenth of Python's own start."""
    found: Any = []

    def stop(frame: Any, event: str, arg: object) -> None:
        if frame.f_code.co_filename == "<string>":  # else a finalizer, which may run at any moment
            found.append(frame.f_code)
            raise KeyError

    sys.settrace(stop)
    try:
        run(source, {})
    except KeyError:
        pass
    finally:
        sys.settrace(None)
    return named(found[0], name)


def named(code: Any, name: str) -> Any:
    """The code, and all in it, under the name of its cell."""
    consts = [named(each, name) if type(each) is type(code) else each for each in code.co_consts]
    return code.replace(co_filename=name, co_consts=tuple(consts))


def codes_of(source: str, name: str) -> Any:
    """A cell's code where it is plain beyond doubt: complete without its last line, and that one a line of its own."""
    head, _, last = source.rstrip().rpartition("\n")
    if last[:1] in " \t#" or any(mark in source for mark in ODD) or sys.gettrace():
        return ()
    code, last = code_of(exec, head, name), "\n" * source.rstrip().count("\n") + last
    try:
        return code, code_of(eval, last, name)
    except SyntaxError:
        return code, code_of(exec, last, name)


def cells(job: Job, pipes: Any) -> int:
    """In the child: all cells, in a `__main__` as fresh as a new kernel's; everything printed goes to the watching process."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(pipes[number - 1][1], number)
        stream = getattr(sys, name)
        if stream is None or stream.seekable():  # what the number stood for was a file that can be wound back
            from .engine import opened

            stream = opened(name, number)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=False)
    for number in (*pipes[0], *pipes[1], pipes[2][0], pipes[3][1]):
        os.close(number)
    job.talk = pipes[2][1], pipes[3][0], os.getpid()
    names = sys.modules["__main__"].__dict__
    for name in [name for name in names if name[:2] != "__"]:
        del names[name]
    builtins.display = lambda *values, **options: job.engine().display(*values, **options)  # type: ignore[attr-defined]
    sys.meta_path[0].job = job  # type: ignore[attr-defined]
    try:
        for code in job.codes:
            job.value = eval(code, names)
    except BaseException as error:
        job.error = error
    return int(job.engine().run())


class Job:
    """What both processes know: the notebook, and the folder that they share."""

    strict, object_hook, object_pairs_hook, memo = False, None, None, {}  # type: ignore[var-annotated]
    parse_float, parse_int, parse_constant = float, int, float  # what the interpreter's JSON scanner asks for
    side: str
    talk: tuple[int, int, int]
    codes: Any  # of the first cell, where it runs before there is an engine; `value` or `error` came of it
    setting: Any  # what `watch` reads
    cells: Any
    made: Any
    value: Any
    error: Any
    hold: Any  # where somebody waits for the task
    papermill, begin, codes = False, cells, ()
    cells = setting = made = value = error = hold = None

    def __init__(self, env: Any) -> None:
        """Reads what running needs, by the interpreter's own modules (hashlib and json load more); the rest is for `setting`."""
        self.began = time.monotonic()
        self.signals: list[int] = []
        self.parameters: dict[str, Any] = {}
        self.store = env.get("KUBENB_STORE", "")
        packed = env.pop("KUBENB_NOTEBOOK", "")
        told = env.get("KUBENB_ENGINE"), env.get("KUBENB_PARAMS", "{}"), env.get("KUBENB_ITEM")
        try:
            if told == ("kubenb", "{}", None) and "://" not in self.store and 0 < len(packed) < LONGEST:
                import _json
                from binascii import a2b_base64

                self.text = a2b_base64(packed)
                digest = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256(self.text)
                if digest.hexdigest() == env["KUBENB_NOTEBOOK_SHA256"]:
                    self.notebook = _json.make_scanner(self)(self.text.decode().lstrip(), 0)[0]  # type: ignore[arg-type]
                    kinds = [cell["cell_type"] for cell in self.notebook["cells"]]
                    self.cells = self.notebook["cells"]
                    self.ran = kinds.index("code")
                    self.codes = codes_of("".join(self.cells[self.ran]["source"]), "<cell %d>" % (self.ran + 1))
        except Exception:
            pass
        sys.path = globals()["path"]
        if self.cells is None:
            from .setting import prepare

            prepare(self, env, packed)

    def engine(self) -> Any:
        """The engine, made when it is first asked for: at the first cell's end, or by what that cell shows or imports."""
        if self.made is None:
            from .engine import Engine

            self.made = Engine(self)
        return self.made


def start() -> None:
    """Forks: the child runs the cells, the parent watches it. The exit code is the parent's."""
    code, side, child, hold = 74, "", 1, None
    try:
        if "KUBENB_HOLD" in os.environ:
            sys.path = globals()["path"]
            from .hold import Hold

            hold = Hold(os.environ.pop("KUBENB_HOLD"))
        job = Job(os.environ)
        side = "%s/kubenb-%d-%d" % (os.environ.get("TMPDIR") or "/tmp", os.getpid(), time.monotonic_ns())
        os.mkdir(side, 0o700)
        job.side = os.environ["KUBENB_SIDE"] = side
        if hold:
            hold.join(job)
        pipes = [os.pipe() for _ in "1234"]
        note = [_signal.signal(number, lambda number, frame: job.signals.append(number)) for number in (15, 2)]
        child = os.fork()
        if child:
            from select import select

            select(
                [pipes[0][0], pipes[1][0], pipes[2][0]], [], [], 0.1
            )  # what comes now would only get in the child's way
            from .watch import watch

            code = watch(job, child, pipes)
        else:
            _signal.signal(15, note[0])
            _signal.signal(2, note[1])
            code = job.begin(pipes)
    except BaseException as error:
        from .watch import end_early

        code = end_early(error, side if child else None)
    finally:
        os._exit(code)


if "text" in globals():
    PACKED = [os.environ.pop(name) for name in sorted(os.environ) if name.startswith("KUBENB_RUNTIME")]
    sys.meta_path.insert(0, Bundle())
    start()

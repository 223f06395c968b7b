"""A pod's way through the runtime: read the environment, start the cells in a process of their own, watch it to its end.

In: the environment contract (`setting`). Out: an exit code and one last line (`exits`). The watching process stays small and never
runs the user's code: whatever that does (block, crash, `os._exit`), it is still there to save the notebook and to name what happened.
Only what the first plain line needs is in this module and in `engine`. Next rooms: `engine` or `mill` in the child, `watch` in the parent.
"""

from __future__ import annotations

import _signal
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Job:
    """What both processes know: the notebook, and the folder that they share."""

    def __init__(self, env: Any) -> None:
        """Reads what running needs; everything unusual is for `setting`."""
        self.began = time.monotonic()
        self.signals: list[int] = []
        self.side = ""
        self.setting: Any = None  # what `watch` reads
        self.parameters: dict[str, Any] = {}
        self.store = env.get("KUBENB_STORE", "")
        engine = env.get("KUBENB_ENGINE")
        packed = env.pop("KUBENB_NOTEBOOK", "")
        if (
            engine != "kubenb"
            or "://" in self.store
            or "KUBENB_ITEM" in env
            or env.get("KUBENB_PARAMS", "{}") != "{}"
            or len(packed) > 99000
            or not packed
        ):
            from .setting import prepare

            packed = prepare(self, env, packed)
        self.papermill = engine != "kubenb" and wants_papermill(engine)
        self.text, self.notebook = read(packed, env.get("KUBENB_NOTEBOOK_SHA256"))
        self.cells: list[dict[str, Any]] = self.notebook["cells"]


def read(packed: str | bytes, digest: str | None) -> tuple[bytes, Any]:
    """The notebook, its digest checked before anything else; by the interpreter's own modules: hashlib and json load more than they do."""
    try:
        from _json import make_scanner
        from binascii import a2b_base64

        scanning: Any = Plain
        sha256 = __import__("_sha2" if sys.version_info >= (3, 12) else "_sha256").sha256
        data = packed if isinstance(packed, bytes) else a2b_base64(packed)
        if sha256(data).hexdigest() == digest:
            notebook = make_scanner(scanning)(data.decode().lstrip(), 0)[0]
            if all(cell["cell_type"] for cell in notebook["cells"]):
                return data, notebook
    except Exception:
        pass
    from .setting import read_with_care

    return read_with_care(packed, digest)


class Plain:
    """The options that the interpreter's JSON scanner asks for."""

    strict, object_hook, object_pairs_hook, memo = False, None, None, {}  # type: ignore[var-annotated]
    parse_float, parse_int, parse_constant = float, int, float


def wants_papermill(engine: str | None) -> bool:
    """By name, or because the image has it."""
    return engine == "papermill" or has("papermill", "nbclient", "ipykernel")


def has(*names: str) -> bool:
    """Whether all packages can be found, without importing one."""
    return all(name in sys.modules or any(finder.find_spec(name, None) for finder in sys.meta_path) for name in names)


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


def run(job: Job) -> int:
    """Forks: the child runs the cells, the parent watches it. The exit code is the parent's."""
    if job.papermill:
        from .mill import run_papermill as run_child
        from .watch import clear_place

        clear_place()
    else:
        # Before the fork: the child would have to map the compiler's pages in once more.
        from .engine import run_cells as run_child
    pipes = [os.pipe() for _ in "1234"]
    note = [
        _signal.signal(number, lambda number, frame: job.signals.append(number))
        for number in (_signal.SIGTERM, _signal.SIGINT)
    ]
    child = os.fork()
    if child:
        time.sleep(0.004)  # what the parent does now would only get in the child's way
        from .watch import watch

        return watch(job, child, pipes)
    code = 74
    try:
        _signal.signal(_signal.SIGTERM, note[0])
        _signal.signal(_signal.SIGINT, note[1])
        code = run_child(job, pipes)
    except BaseException as error:
        from .watch import child_failed

        child_failed(error)
    finally:
        os._exit(code)

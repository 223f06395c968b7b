"""A pod's way through the runtime: read the environment, start the cells in a process of their own, watch it to its end.

In: the environment contract (`setting`). Out: an exit code and one last line (`exits`). The watching process stays small and never
runs the user's code: whatever that does (block, crash, `os._exit`), it is still there to save the notebook and to name what happened.
Next rooms: `engine` or `mill` in the child, `watch` in the parent.
"""

from __future__ import annotations

import os
import sys
import time

import _signal

from . import setting as settings
from .exits import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Job:
    """What both processes know: the setting, the notebook, and the folder that they share."""

    def __init__(self) -> None:
        """Reads everything; raises `Refused` where it is wrong."""
        self.began = time.monotonic()
        self.setting = settings.Setting(os.environ)
        text = settings.notebook_text(os.environ)
        if text is None:
            from .distant import notebook_from_store

            text = notebook_from_store(self.setting, os.environ)
        self.text = text
        self.notebook, self.cells = settings.code_cells(text)
        self.parameters = settings.parameters(os.environ)
        self.papermill = self.setting.engine == "papermill" or (self.setting.engine == "auto" and has("papermill", "nbclient", "ipykernel"))
        self.signals: list[int] = []
        self.side = private_folder()


def has(*names: str) -> bool:
    """Whether all packages can be found, without importing one."""
    return all(name in sys.modules or any(finder.find_spec(name, None) for finder in sys.meta_path) for name in names)


def private_folder() -> str:
    """A folder of this task alone."""
    root = os.environ.get("TMPDIR") or "/tmp"
    for attempt in range(100):
        path = "%s/kubenb-%d-%d" % (root, os.getpid(), time.monotonic_ns() + attempt)
        try:
            os.mkdir(path, 0o700)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise Refused("setup", "there is no room for temporary files in %s (%s)." % (root, error.strerror), "Set TMPDIR to a folder that can be written.") from None
    raise Refused("setup", "no temporary folder can be made in %s." % root, "Set TMPDIR to a folder of its own.")


def start() -> None:
    """Runs the task and ends the process."""
    code, job = 74, None
    try:
        job = Job()
        code = run(job)
    except Refused as refused:
        from .watch import end_early

        code = end_early(refused, job.side if job else "")
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def run(job: Job) -> int:
    """Forks: the child runs the cells, the parent watches it. The exit code is the parent's."""
    os.environ["KUBENB_SIDE"] = job.side
    settings.forget_large()
    if job.papermill:
        from .watch import clear_place

        clear_place(job)
    pipes = [os.pipe() for _ in range(4)]
    handlers = [(number, _signal.signal(number, lambda number, frame: job.signals.append(number))) for number in (_signal.SIGTERM, _signal.SIGINT)]
    child = os.fork()
    if child:
        for pipe, end in zip(pipes, (1, 1, 1, 0)):
            os.close(pipe[end])
        from .watch import watch

        return watch(job, child, pipes[0][0], pipes[1][0], pipes[2][0], pipes[3][1])
    for number, handler in handlers:
        _signal.signal(number, handler)
    _run_child(job, pipes)
    return 74


def _run_child(job: Job, pipes: Any) -> None:
    code = 74
    try:
        for pipe, end in zip(pipes, (0, 0, 0, 1)):
            os.close(pipe[end])
        if job.papermill:
            from .mill import run_papermill

            code = run_papermill(job)
        else:
            from .engine import Engine, Link

            link = Link(pipes[0][1], pipes[1][1], pipes[2][1], pipes[3][0])
            code = Engine(job, link).run()
    except Refused as refused:
        from .hand import report

        report({"end": [refused.kind, refused.what, refused.fix]})
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)

"""Papermill where the image has it: a real kernel runs the cells, this process drives it.

In: the task notebook. Out: the executed notebook in the shared folder, saved at most once a second (papermill's own engine saves the whole
notebook twice a cell), the cells' output on standard output, and how it ended in the report. `load` and `save` run in the kernel.
"""

from __future__ import annotations

import _signal
import json
import os
import sys
import time

from .exits import TABLE, Refused, from_os_error, short
from .hand import report
from .stores import write_file
from .trace import origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .first import Job

EVERY = 1.0
_LAST = "import sys\nif 'kubenb_runtime.hand' in sys.modules:\n    sys.modules['kubenb_runtime.hand'].finish()"


def run_papermill(job: Job) -> int:
    """Runs the notebook; the exit code."""
    prepare(job)
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    engine = engine_class(job)
    papermill_engines.register("kubenb", engine)
    source, target = job.side + "/task.ipynb", job.side + "/executed.ipynb"
    write_file(source, [job.text], sync=False)
    try:
        papermill.execute_notebook(
            source, target, parameters=job.parameters, engine_name="kubenb", progress_bar=False, kernel_name="python3"
        )
    except PapermillExecutionError as error:
        return _user_error(error, job)
    except OSError as error:
        refused = from_os_error(error, "the executed notebook can't be saved")
        return _stop(refused.kind, refused.what, refused.fix)
    except Refused as refused:
        return _stop(refused.kind, refused.what, refused.fix)
    except Exception as error:
        return _other_error(error)
    return _stop("changed", "Refused", "") if engine.refused else _finished(job)


def prepare(job: Job) -> None:
    """What the kernel needs around it: our package on its path, and folders that can be written."""
    from .follow import unpack

    unpack(sys.meta_path[0], job.side + "/lib")
    old = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = job.side + "/lib" + (os.pathsep + old if old else "")
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        os.environ.setdefault(name, "%s/%s" % (job.side, name.lower()))
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    import warnings

    warnings.filterwarnings("ignore", module="(papermill|nbclient|jupyter_client|traitlets|zmq|nbformat).*")


def engine_class(job: Job) -> Any:
    """Papermill's engine with our saving and our log; named 'kubenb' in its registry."""
    from papermill.engines import NBClientEngine

    manager_class = _manager_class()
    client_class = _client_class(job)

    class Engine(NBClientEngine):  # type: ignore[misc]
        """One run of a notebook. `refused`: whether the last look at read-only inputs found a change."""

        refused = False

        @classmethod
        def execute_notebook(cls, nb: Any, kernel_name: str, output_path: Any = None, **options: Any) -> Any:
            """Runs all cells."""
            manager = manager_class(nb, output_path=output_path, progress_bar=False, log_output=False)
            manager.notebook_start()
            plain = {"timeout": None, "startup_timeout": 300, "store_widget_state": False}
            client = client_class(manager, kernel_name=kernel_name, raise_on_iopub_timeout=False, **plain)
            stop_on_sigterm(client_class, manager)
            try:
                client.execute()
            except RuntimeError as error:
                raise _died(error, client_class.process, manager.running) from None
            finally:
                manager.notebook_complete()
                keep(manager.nb, output_path)
            cls.refused = client_class.refused
            return manager.nb

    return Engine


def _manager_class() -> Any:
    from papermill.engines import NotebookExecutionManager

    class Saving(NotebookExecutionManager):  # type: ignore[misc]
        """Saves at most once a second, whole or not at all."""

        saved, running = 0.0, 0

        def save(self, **options: Any) -> None:
            """If it is due."""
            began = time.monotonic()
            if self.output_path and began - self.saved >= EVERY:
                keep(self.nb, self.output_path)
                self.saved = time.monotonic() + 10 * (time.monotonic() - began)

        def cell_start(self, cell: Any, cell_index: Any = None, **options: Any) -> None:
            """Remembers which cell runs."""
            self.running = cell_index or 0
            super().cell_start(cell, cell_index, **options)

        def autosave_cell(self) -> None:
            """On each message of the kernel: a long cell's output is kept too."""
            self.save()

    return Saving


def _client_class(job: Job) -> Any:
    from papermill.clientwrap import PapermillNotebookClient

    class Client(PapermillNotebookClient):  # type: ignore[misc]
        """Passes what cells print on to the log; reaches the kernel by a socket file that only this user can open."""

        process: Any = None
        refused = False

        def create_kernel_manager(self) -> Any:
            """Without a port, where the path is short enough for a socket."""
            manager = super().create_kernel_manager()
            if len(job.side) < 90:
                manager.transport, manager.ip = "ipc", job.side + "/k"
            return manager

        def start_new_kernel(self, **options: Any) -> None:
            """Remembers the kernel's process: its end is told by its exit code."""
            super().start_new_kernel(**options)
            Client.process = getattr(self.km.provisioner, "process", None)

        def papermill_execute_cells(self) -> None:
            """All cells, and the last look at read-only inputs."""
            if job.hold:
                code = "__import__('kubenb_runtime.lines').lines.in_kernel(%r)" % (job.side + "/line")
                self.wait_for_reply(self.kc.execute(code, silent=True, store_history=False))
            super().papermill_execute_cells()
            reply = self.wait_for_reply(self.kc.execute(_LAST, silent=True, store_history=False))
            Client.refused = bool(reply) and reply["content"]["status"] == "error"
            _no_interrupt(self.km)

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            """One message of the kernel."""
            output = super().process_message(msg, cell, cell_index)
            _echo(msg)
            return output

    return Client


def _no_interrupt(manager: Any) -> None:
    """jupyter_client interrupts even an idle kernel before it asks it to end; now and then the kernel logs that as an error."""
    provisioner = getattr(manager, "provisioner", None)
    if provisioner is None:
        return
    send = provisioner.send_signal
    provisioner.send_signal = lambda number: send(0 if number == _signal.SIGINT else number)  # 0 only asks if it lives


def _died(error: Exception, process: Any, running: int) -> Exception:
    """What became of the kernel, if that is why."""
    if type(error).__name__ != "DeadKernelError":
        return error
    code = process.wait() if process is not None else None
    place = "cell %d" % (running + 1)
    if code == -9:
        return Refused("killed", "the kernel was killed (SIGKILL) in %s" % place)
    if code is not None and code < 0:
        return Refused(
            "died", "the kernel crashed in %s (signal %d)." % (place, -code), "A compiled library most likely did it."
        )
    return Refused(
        "died",
        "%s ended the kernel's process (exit code %s), before the outputs were saved." % (place, code),
        "Let the cell run to its end, or raise an error.",
    )


def stop_on_sigterm(client: Any, manager: Any) -> None:
    """Asked to end: the notebook is saved and the kernel goes first."""

    def stop(number: int, frame: Any) -> None:
        keep(manager.nb, manager.output_path)
        if client.process is not None:
            client.process.kill()
        os._exit(TABLE["stopped"][0])

    _signal.signal(_signal.SIGTERM, stop)


def keep(notebook: Any, path: str) -> None:
    """The notebook as a file, renamed into place."""
    write_file(path, [json.dumps(notebook, indent=1, sort_keys=True).encode("ascii")], sync=False)


def _echo(message: Any) -> None:
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        stream = sys.stderr if content["name"] == "stderr" else sys.stdout
        stream.write(content["text"])
        stream.flush()
    elif kind in ("display_data", "execute_result"):
        print(content["data"].get("text/plain", ""), flush=True)
    elif kind == "error":
        sys.stderr.write(_plain("\n".join(content["traceback"])) + "\n")
        sys.stderr.flush()


def _plain(text: str) -> str:
    import re

    return re.sub("\x1b\\[[0-9;]*m", "", text)


def _stop(kind: str, what: str, fix: str) -> int:
    report({"end": [kind, what, fix]})
    return int(TABLE[kind][0])


def _user_error(error: Any, job: Job) -> int:
    place = "cell %d%s" % (error.cell_index + 1, origin(_executed(job)[error.cell_index]))
    if error.ename == "SystemExit":
        return _stop(
            "user",
            "%s ended the notebook with sys.exit(%s), before its outputs were saved." % (place, error.evalue),
            "Let the cell run to its end, or raise an error.",
        )
    text = short(_plain(str(error.evalue)).split("\n")[0], 300)
    return _stop("user", "%s%s in %s." % (error.ename, ": " + text if text else "", place), "The traceback is above.")


def _other_error(error: Exception) -> int:
    if type(error).__name__ == "NoSuchKernel":
        return _stop(
            "engine",
            "this image has no kernel 'python3'.",
            "Add `pip install ipykernel` to the image, or set `engine: kubenb`.",
        )
    import traceback

    traceback.print_exc()
    return _stop(
        "internal",
        "papermill failed (%s: %s)." % (type(error).__name__, short(str(error), 300)),
        "Set `engine: kubenb` to run without it.",
    )


def _executed(job: Job) -> Any:
    """The cells that ran, without papermill's mark in front of the failed one."""
    with open(job.side + "/executed.ipynb", encoding="utf-8") as file:
        cells = json.load(file)["cells"]
    return [cell for cell in cells if "papermill-error-cell-tag" not in cell["metadata"].get("tags", ())]


def _finished(job: Job) -> int:
    """Papermill takes sys.exit(0) for a success; for a task it is not: its outputs were not saved."""
    for number, cell in enumerate(_executed(job), 1):
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                return _stop(
                    "user",
                    "cell %d ended the notebook with sys.exit(%s), before its outputs were saved."
                    % (number, output["evalue"]),
                    "Let the cell run to its end, or raise an error.",
                )
    return 0

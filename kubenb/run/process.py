"""One task's process: started as leader of its own group, watched from a thread, ended with all its children.

In: a `Spec`. Out: `Process`, which puts itself on a queue when it has ended. Next room: `local`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kubenb.run.machine import Spec
from kubenb.run.work import Work

GRACE = 2.0


@dataclass(eq=False)
class Process(Work):
    """A started task. Its output goes straight into `log`: a pipe of ours could only slow it or lose its end."""

    popen: subprocess.Popen[bytes] = field(kw_only=True)


def age(pid: int) -> str:
    """When a process began, in the kernel's own count: with its id it names one process for good. '' where nothing
    says.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def start(name: str, spec: Spec, log: Path, ended: queue.SimpleQueue[Work]) -> Process:
    """Starts the process; when it ends it is put on `ended`. Raises OSError where its program can't be started."""
    for folder in (spec.folder, *spec.mounts.values()):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        popen = subprocess.Popen(
            spec.command,
            env=spec.environment,
            cwd=spec.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process = Process(name, log, deadline=spec.deadline, popen=popen)

    def wait() -> None:
        process.code = popen.wait()
        process.stopped = time.monotonic()
        ended.put(process)

    threading.Thread(target=wait, name=f"kubenb-{name}", daemon=True).start()
    return process


def end(processes: Iterable[Process], grace: float = GRACE) -> None:
    """Ends the whole groups: asks with SIGTERM, and after `grace` seconds SIGKILL. An impatient Ctrl-C meanwhile
    changes nothing.
    """
    started = list(processes)
    with deaf():
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                process.popen.send_signal(signal.SIGTERM)  # to the leader alone, as a container's first process gets it
        until = time.monotonic() + grace
        while time.monotonic() < until and any(process.stopped is None for process in started):
            time.sleep(0.02)
        for process in started:
            sweep(process)
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.popen.wait(1)


def sweep(process: Process) -> None:
    """A task that has ended leaves nothing behind: children it forgot are ended too, as a container's would be."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.popen.pid, signal.SIGKILL)


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """No KeyboardInterrupt here; outside the main thread none can come anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

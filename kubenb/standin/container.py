"""One container of a pod as a process of this machine.

In: the container's spec, and the folders that stand for its mounts. Out: its log and its state in the API's words.
A process here sees the machine's own files, so a path below a mount is rewritten to the folder that stands for it, wherever
the container's environment, command or arguments name it. It inherits nothing of our environment but PATH. Next room: `pod`.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubenb.standin.logs import Log, now

Spec = dict[str, Any]

# Variables that the image would set, and those that make numerical libraries right on this processor.
_INHERITED = ("OPENBLAS_", "LD_LIBRARY_PATH")


class CannotStart(Exception):
    """What the kubelet would say of a container that it can't start; `reason` is the API's word for it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def expand(text: str, values: Mapping[str, str]) -> str:
    """Kubernetes' own `$(NAME)`, as the kubelet does it; `$$(` is a plain `$(`.

    >>> expand("$(A)/x $(B) $$(A)", {"A": "1"})
    '1/x $(B) $(A)'
    """
    return re.sub(
        r"\$\$|\$\(([^)\s]+)\)",
        lambda found: "$" if found[1] is None else values.get(found[1], found[0]),
        text,
    )


def localise(text: str, mounts: Mapping[str, Path]) -> str:
    """`text` with a mount's path, where it starts with one, replaced by the folder that stands for it.

    >>> localise("/kubenb/store/x", {"/kubenb/store": Path("here")}), localise("/kubenb/stores", {"/kubenb/store": Path("here")})
    ('here/x', '/kubenb/stores')
    """
    for mount in sorted(mounts, key=len, reverse=True):
        if text == mount or text.startswith(mount.rstrip("/") + "/"):
            return str(mounts[mount]) + text[len(mount) :]
    return text


def _nothing(metadata: Mapping[str, Any], values: Mapping[str, str]) -> Mapping[str, str]:
    """An image that replaces no variable."""
    return {}


@dataclass(frozen=True)
class Image:
    """What stands for every image: a Python, what it sets (PATH, with the Python's folder first, unless told), and what of a
    container's own variables it replaces, by the pod's metadata and the variables as they are.
    """

    python: str = sys.executable
    environment: Mapping[str, str] | None = None
    own: Callable[[Mapping[str, Any], Mapping[str, str]], Mapping[str, str]] = _nothing

    def sets(self) -> dict[str, str]:
        """What a container inherits."""
        around = self.environment
        if around is None:
            around = {
                name: value for name, value in os.environ.items() if name.startswith(_INHERITED) or name == "PATH"
            }
        return {**around, "PATH": os.pathsep.join([str(Path(self.python).parent), around.get("PATH", os.defpath)])}


class Container:
    """Starts at once. `env` is already resolved (secrets and fields filled in), in the spec's order; `own` replaces some of it as it is."""

    def __init__(
        self, spec: Spec, env: Mapping[str, str], mounts: Mapping[str, Path], image: Image, own: Mapping[str, str]
    ) -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.log = Log()
        self.started = now()
        self.finished: str | None = None
        self.exit_code: int | None = None
        self.failure: CannotStart | None = None
        self._folders = dict(mounts)
        words = [expand(word, env) for word in [*spec.get("command", ()), *spec.get("args", ())]]
        command = [localise(word, mounts) for word in words]
        if command and command[0] in ("python", "python3"):
            command[0] = image.python
        self.values = {**{name: localise(value, mounts) for name, value in env.items()}, **own}
        self._python, self._env = image.python, {**image.sets(), **self.values}
        self._process = self._start(command, self._env, spec.get("workingDir"))
        self._done = threading.Event()
        if self._process:
            threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        else:
            self._end(128)

    def _start(
        self, command: Sequence[str], env: Mapping[str, str], folder: str | None
    ) -> subprocess.Popen[bytes] | None:
        if not command:
            self.failure = CannotStart(
                "StartError", "the stand-in has no images, so it can't run an image's own entry point"
            )
            return None
        try:
            return subprocess.Popen(
                command,
                env=dict(env),
                cwd=localise(folder, self._folders) if folder else None,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self.failure = CannotStart("StartError", f"failed to create containerd task: exec {command[0]!r}: {error}")
            return None

    def execute(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """`exec`: another process in the container's environment; CannotStart where there is no such program, or it has ended."""
        if self.exit_code is not None:
            raise CannotStart("NotFound", f"container not found ({self.name!r})")
        command = [localise(word, self._folders) for word in words]
        if command and command[0] in ("python", "python3"):
            command[0] = self._python
        pipe = subprocess.PIPE
        try:
            return subprocess.Popen(
                command, env=self._env, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except (OSError, ValueError, IndexError) as error:
            raise CannotStart("InternalError", f"exec failed: {error}") from None

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        threading.Thread(target=_sweep, args=(process,), daemon=True).start()
        with process.stdout as stream:
            for line in stream:
                self.log.append(line)
        code = process.wait()
        self._end(code if code >= 0 else 128 - code)

    def _end(self, code: int) -> None:
        self.exit_code = code
        self.finished = now()
        self._done.set()
        self.log.close()

    @property
    def pid(self) -> int | None:
        """Of its first process, which leads a group of its own."""
        return self._process.pid if self._process else None

    def wait(self, seconds: float | None = None) -> bool:
        """True once it ended."""
        return self._done.wait(seconds)

    def stop(self, grace: float) -> None:
        """SIGTERM to the container's first process, and SIGKILL to all of it after the grace period: as the kubelet does."""
        if self._process and not self._done.is_set():
            _signal(self._process.pid, signal.SIGTERM, group=False)
            if not self.wait(grace):
                _signal(self._process.pid, signal.SIGKILL, group=True)
                self.wait(5)

    def status(self) -> Spec:
        """An entry of `status.containerStatuses`."""
        running = self.exit_code is None
        return {
            "name": self.name,
            "image": self.spec.get("image", ""),
            "imageID": "",
            "containerID": f"process://{self._process.pid if self._process else 0}",
            "ready": running,
            "started": running,
            "restartCount": 0,
            "lastState": {},
            "state": {"running": {"startedAt": seconds(self.started)}}
            if running
            else {"terminated": self._terminated()},
        }

    def _terminated(self) -> Spec:
        assert self.exit_code is not None
        reason = self.failure.reason if self.failure else "Completed" if self.exit_code == 0 else "Error"
        state = {
            "exitCode": self.exit_code,
            "reason": reason,
            "startedAt": seconds(self.started),
            "finishedAt": seconds(self.finished or self.started),
        }
        message = str(self.failure or "")
        if self.exit_code and not message and self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            message = self.log.tail()
        return {**state, "message": message} if message else state


class XComSidecar:
    """Airflow's sidecar: it only waits until Airflow has read the folder it shares with the base container, and is told to end."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec, self.name, self.folder = spec, str(spec["name"]), folder
        self.log = Log()
        self.started = now()
        self.exit_code: int | None = None

    def read(self) -> str:
        """What `cat return.json` in the sidecar prints; Airflow's own word where there is none."""
        path = self.folder / "return.json"
        text = path.read_text() if path.exists() else ""
        return text or "__airflow_xcom_result_empty__"

    def wait(self, seconds: float | None = None) -> bool:
        """True once it was told to end."""
        return self.exit_code is not None

    def stop(self, grace: float = 0) -> None:
        """Ends it."""
        self.exit_code = 0
        self.log.close()

    def status(self) -> Spec:
        """An entry of `status.containerStatuses`."""
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": seconds(now())}}
        running = self.exit_code is None
        return {
            "name": self.name,
            "image": self.spec.get("image", ""),
            "imageID": "",
            "ready": running,
            "restartCount": 0,
            "state": {"running": {"startedAt": seconds(self.started)}} if running else ended,
        }


def seconds(time: str) -> str:
    """A time as the API writes it in a status: whole seconds.

    >>> seconds("2026-01-01T00:00:00.123456Z")
    '2026-01-01T00:00:00Z'
    """
    return re.sub(r"\.\d+", "", time)


def _sweep(process: subprocess.Popen[bytes]) -> None:
    """With its first process a container ends: what that one left running ends too."""
    process.wait()
    _signal(process.pid, signal.SIGKILL, group=True)


def _signal(pid: int, number: signal.Signals, *, group: bool) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)

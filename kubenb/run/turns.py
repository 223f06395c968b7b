"""A task's turn in a rehearsal: the pods that Airflow made for it, what they print, and what became of it.

In: pods of the stand-in, and how Airflow says that the task ended. Out: lines for the log and for whoever watches; the `Outcome`.
Next room: `rehearsal`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubenb.model.measured import Asked
from kubenb.run.desk import Desk
from kubenb.run.events import Outcome, State
from kubenb.run.measured import asked_by, cause_of
from kubenb.run.units import last_lines, reason
from kubenb.run.work import Work
from kubenb.standin.container import Container
from kubenb.standin.pod import Pod
from kubenb.store.places import place, usage

Key = tuple[str, "int | None"]


def file_of(key: Key) -> str:
    """For files: 'score.3'.

    >>> file_of(("score", 3)), file_of(("train", None))
    ('score.3', 'train')
    """
    return key[0] if key[1] is None else f"{key[0]}.{key[1]}"


def name_of(key: Key) -> str:
    """For people: 'score[3]'."""
    return key[0] if key[1] is None else f"{key[0]}[{key[1]}]"


@dataclass
class Turn:
    """From the moment when Airflow began the task."""

    key: Key
    desk: Desk
    began: float = field(default_factory=time.monotonic)
    pods: list[Pod] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What an older run left under its name must not pass for this one's."""
        self.notebook.unlink(missing_ok=True)
        self.log.write_bytes(b"")

    @property
    def log(self) -> Path:
        """What its pods print."""
        return self.desk.log(file_of(self.key))

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.desk.notebook(file_of(self.key))

    def take(self, pod: Pod) -> None:
        """A pod of this task, kept as Airflow made it; its processes are noted, so that the next run can end them should this one be
        killed.
        """
        self.pods.append(pod)
        folder = self.desk.hidden / "pods"
        folder.mkdir(exist_ok=True)
        (folder / f"{file_of(self.key)}.json").write_text(json.dumps(pod.object, indent=1))
        for container in pod.containers:
            if isinstance(container, Container) and container.pid:
                self.desk.started(container.pid)

    def lines(self) -> Iterator[str]:
        """What was printed since the last call; the log has it too."""
        for number, pod in enumerate(self.pods):
            if not pod.containers:
                continue
            new = pod.containers[0].log.since(self.seen.get(number, 0))
            if new:
                self.seen[number] = self.seen.get(number, 0) + len(new)
                with self.log.open("ab") as file:
                    file.write(b"".join(line.text for line in new))
                yield from (line.text.decode("utf-8", "replace").rstrip("\r\n") for line in new)

    def outcome(self, state: State, said: str = "") -> Outcome:
        """How it ended; `said`: what Airflow says of a failure."""
        pod = self.pods[-1] if self.pods else None
        first = pod.containers[0] if pod and pod.containers else None
        container = first if isinstance(first, Container) else None
        used = _usage(container.values) if container else {}
        failed = state == "failed"
        lines = (last_lines(self.log) or tuple(said.splitlines()[-20:])) if failed else ()
        return Outcome(
            self.key[0],
            state,
            (_why(pod, container, lines, said) if failed else said),
            self.key[1],
            seconds=time.monotonic() - self.began,
            cpu=used.get("cpu"),
            peak=used.get("peak"),
            bytes_in=used.get("in"),
            bytes_out=used.get("out"),
            lost=used.get("killed"),
            exit_code=container.exit_code if container else None,
            log=self.log,
            notebook=self.notebook if self.notebook.exists() else None,
            tail=lines,
            cause=cause_of(used) if failed else "",
            used=used,
            asked=asked_by(pod.object) if pod else Asked(),
        )


def _usage(values: dict[str, str]) -> dict[str, Any]:
    """What the runtime measured, where its store is a folder."""
    names = [values.get(f"KUBENB_{name}") for name in ("STORE", "DAG", "RUN", "TASK")]
    if not all(names):
        return {}
    store, dag, run, task = map(str, names)
    item = values.get("KUBENB_ITEM")
    return usage(place(Path(store), dag, run, task, int(item) if item else None))


def _why(pod: Pod | None, container: Container | None, lines: tuple[str, ...], said: str) -> str:
    """The one cause: the pod's, where it has one, else Airflow's."""
    told = said.strip().partition("\n")[0] or "Airflow failed it; its log says why"
    if pod is None:
        return told
    if pod.refusal:
        return str(pod.refusal)
    if container is None or not container.exit_code:
        return told
    if container.failure:
        return f"{container.failure}. An image's own command is not on this machine: put a program of that name on PATH to stand for it."
    code = container.exit_code if container.exit_code <= 128 else 128 - container.exit_code
    deadline = f"it ran longer than its deadline of {pod.spec.get('activeDeadlineSeconds')} s" if pod.reason else ""
    return reason(lines, Work("", Path(), code=code, why=deadline))

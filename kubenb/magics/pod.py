"""`%%k8s_task --run pod`: the cell in a pod of the current cluster, as if it ran here: its log at once, its variables back.

In: the session, the header, the cell. Out: the cell's effect, or one line that names the cause. One line tells the pod's
state and is redrawn in place; the log stands below it. Next rooms: `elsewhere`, `kubenb.run.pods`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.magics.elsewhere import run_elsewhere
from kubenb.run.events import Event

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.model.pipeline import Pipeline
    from kubenb.notebook.header import Header
    from kubenb.run.events import Progress, Run
    from kubenb.run.runner import Wish

MOST_LINES = 5_000  # of one cell's log that are shown; all of it is in the file
REDRAW = 1.0


def run_pod(session: Session, header: Header, text: str) -> None:
    """In a pod of the kubeconfig's current context."""
    from kubenb import actions

    name, detach = header.name, bool(header.values.get("detach"))

    def start(pipeline: Pipeline, folder: Path, wish: Wish, _: Progress) -> Run:
        return actions.start(pipeline, folder, wish, lambda context: PodView(name, context), detach=detach)

    plan = run_elsewhere(session, header, text, "a pod", start)
    if detach:
        space = plan.task.options.namespace
        at = name + (f" --namespace {space}" if space else "")
        print(
            f"{name} runs on by itself. %k8s_logs {at} shows its log, %k8s_attach {at} brings its results, %k8s_stop {at} ends it."
        )


@dataclass
class PodView:
    """What stands under the cell: a state line that is redrawn, and the log."""

    name: str
    context: str
    began: float = field(default_factory=time.monotonic)
    handle: Any = None
    drawn: float = 0.0
    lines: int = 0
    bar: bool = False
    words: dict[str, str] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Shows what the event says."""
        if event.kind == "state":
            self._state(event)
        elif event.kind == "bar":
            from kubenb.show.controls import clean

            self.bar = True
            print(f"\r{clean(event.text)}", end="", flush=True)
        elif event.kind == "lines":
            self._lines(event.text)
        elif event.kind == "warning":
            print(f"warning: {event.text}", flush=True)
        elif event.kind == "stop":
            print("interrupted: ending the pod …", flush=True)
        elif event.kind == "end" and event.outcome:
            if self.handle is not None:
                self._draw(f"{self.name}: {event.outcome.state}")
            if self.lines > MOST_LINES and event.outcome.log:
                print(f"all {self.lines} lines, as long as this kernel lives: {event.outcome.log}", flush=True)

    def _state(self, event: Event) -> None:
        from kubenb.show.progress import state_line
        from kubenb.show.results import show_seconds

        new = self.words.get(event.name) != event.text
        self.words[event.name] = event.text
        if new or time.monotonic() - self.drawn > REDRAW:
            took = show_seconds(time.monotonic() - self.began)
            self._draw(f"{event.name} on {self.context}: {state_line(event)}, {took}")

    def _draw(self, text: str) -> None:
        from kubenb.show.jupyter import in_notebook, redrawable

        self.drawn = time.monotonic()
        if not in_notebook():
            print(text, flush=True)
        elif self.handle is None:
            self.handle = redrawable({"text/plain": text})
        else:
            self.handle.update({"text/plain": text}, raw=True)

    def _lines(self, text: str) -> None:
        from kubenb.show.controls import clean

        lines = [line for line in text.split("\n") if not line.startswith("kubenb: ")]
        room = MOST_LINES - self.lines
        self.lines += len(lines)
        if room <= 0 or not lines:
            return
        start, self.bar = "\r" if self.bar else "", False
        print(start + clean("\n".join(lines[:room])), flush=True)
        if self.lines > MOST_LINES:
            print(f"… more than {MOST_LINES} lines: the rest is in a file, which is named at the end", flush=True)

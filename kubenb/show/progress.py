"""A run while it goes: a live table in a terminal, plain lines in a log, one display in a notebook.

In: `Event`s. Out: what the user sees; each of the three is a callable that takes an event. Next room: `results`, at the
end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, TextIO

from kubenb.run.events import Event, Outcome, Progress, silent
from kubenb.show.results import outcome_line, show_memory, show_seconds

REDRAW = 0.2  # seconds between drawings in a notebook: more would flood the page


@dataclass
class Lines:
    """A line when a task starts and ends; with `every` also each line it prints. For logs and pipes."""

    out: TextIO = field(default_factory=lambda: sys.stderr)
    every: bool = False
    said: dict[str, str] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Prints what the event says."""
        text = self._text(event)
        if text:
            print(text, file=self.out, flush=True)

    def _text(self, event: Event) -> str:
        if event.kind == "lines":
            return _marked(event) if self.every else ""
        if event.kind == "stop":
            return "interrupted: ending all tasks …"
        if event.kind == "warning":
            return f"warning: {event.text}"
        if event.kind == "bar":
            return ""
        if event.kind == "state":
            return self._state(event)
        if event.outcome:
            return f"{event.name}: {outcome_line(event.outcome)}"
        return f"{event.name}: started" + (f" again: {event.text}" if event.text else "")

    def _state(self, event: Event) -> str:
        """A state in words, once; how much memory it uses is for those who watch."""
        if self.said.get(event.name) == event.text:
            return ""
        self.said[event.name] = event.text
        return f"{event.name}: {event.text}"


def _marked(event: Event) -> str:
    """Every line with the name of who printed it."""
    return "\n".join(f"{event.name} | {line}" for line in event.text.split("\n"))


@dataclass
class Board:
    """Units in the order they began: what each does now, or how it ended."""

    began: dict[str, float] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    ended: dict[str, Outcome] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Moves one event on."""
        if event.kind == "start":
            self.began[event.name] = time.monotonic()
        elif event.kind == "warning":
            self.warnings.append(f"warning: {event.text}")
        elif event.kind == "state":
            self.state[event.name] = state_line(event)
        elif event.kind in ("lines", "bar") and event.text.strip():
            self.last[event.name] = event.text.strip().rpartition("\n")[2].strip()
        elif event.outcome:
            self.began.setdefault(event.name, time.monotonic())
            self.ended[event.name] = event.outcome

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Name, mark, words."""
        marks = {"done": "✓", "reused": "=", "failed": "✗", "interrupted": "✗", "not run": "-", "detached": "→"}
        for name, began in self.began.items():
            outcome = self.ended.get(name)
            if outcome:
                yield name, marks[outcome.state], outcome_line(outcome)
            else:
                last = self.last.get(name, "")
                words = f"{self.state.get(name, 'running')}, {show_seconds(time.monotonic() - began)}"
                yield name, "…", words + (f"  {last[:90]}" if last else "")


def state_line(event: Event) -> str:
    """'running, memory 120 MiB of 1.0 GiB'."""
    if not event.memory:
        return event.text
    return f"{event.text}, memory {show_memory(event.memory)}" + (
        f" of {show_memory(event.limit)}" if event.limit else ""
    )


@contextmanager
def terminal(every: bool = False) -> Iterator[Progress]:
    """A live table by rich, on stderr; log lines pass above it."""
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    board = Board()
    console = Console(stderr=True)
    colours = {"✓": "green", "=": "cyan", "✗": "red", "-": "dim", "…": "yellow", "→": "cyan"}

    def draw() -> Table:
        table = Table.grid(padding=(0, 1))
        for name, mark, words in board.rows():
            table.add_row(Text(mark, colours[mark]), Text(name, "bold"), Text(words, overflow="ellipsis", no_wrap=True))
        return table

    with Live(get_renderable=draw, console=console, refresh_per_second=8, transient=False) as live:

        def take(event: Event) -> None:
            board.take(event)
            if every and event.kind == "lines":
                live.console.print(Text(_marked(event)))
            if event.kind == "stop":
                live.console.print("interrupted: ending all tasks …")
            if event.kind == "warning":
                live.console.print(Text(f"warning: {event.text}", "yellow"))

        yield take


@dataclass
class Notebook:
    """One display that is redrawn a few times a second; plain text and HTML say the same."""

    board: Board = field(default_factory=Board)
    handle: Any = None
    drawn: float = 0.0

    def __call__(self, event: Event) -> None:
        """Redraws, but not too often."""
        self.board.take(event)
        if event.kind != "lines" or time.monotonic() - self.drawn > REDRAW:
            self.draw()

    def draw(self) -> None:
        """Shows the board as it is now."""
        from kubenb.show.jupyter import redrawable

        self.drawn = time.monotonic()
        bundle = {"text/plain": self.plain(), "text/html": self.html()}
        if self.handle is None:
            self.handle = redrawable(bundle)
        else:
            self.handle.update(bundle, raw=True)

    def plain(self) -> str:
        """The board as lines."""
        rows = list(self.board.rows())
        width = max((len(name) for name, _, _ in rows), default=0)
        return "\n".join((*self.board.warnings, *(f"{mark} {name:{width}}  {words}" for name, mark, words in rows)))

    def html(self) -> str:
        """The board as a table; the state stands in words too."""
        left = '<td style="text-align:left">'
        rows = "".join(
            f"<tr><td>{mark}</td>{left}<b>{escape(name)}</b></td>{left}{escape(words)}</td></tr>"
            for name, mark, words in self.board.rows()
        )
        return (
            "".join(f"<p>{escape(text)}</p>" for text in self.board.warnings) + f'<table role="status">{rows}</table>'
        )


def watching() -> Progress:
    """What fits a call from Python: one display in a notebook, silence elsewhere."""
    from kubenb.show.jupyter import in_notebook

    return Notebook() if in_notebook() else silent

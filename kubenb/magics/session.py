"""What a kernel knows of kubenb: the cells that ran, the task that runs now, what tasks used; and the hooks into
IPython.

A task cell that runs here is not run by a magic at all: before IPython compiles the cell, its first line becomes a
comment, and the events around every cell do the measuring. So tracebacks, display and top-level `await` are IPython's
own. All other ways to run go through the magic, in `task`. In: IPython's events. Out: `Session`, the state that the
other rooms share.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kubenb.magics.words import MAGICS, Magic

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from kubenb.model.measured import Measured
    from kubenb.notebook.header import Header
    from kubenb.run.here import Meter, Used
    from kubenb.run.records import Record

REFUSE = "get_ipython().kubenb.refuse({text!r})\n"
BARE = "get_ipython().run_cell_magic('k8s_task', {line!r}, None)\n"
REMEMBERED = 256  # headers and cells whose reading is kept


class Session:
    """One shell's kubenb."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.ran: dict[str, str] = {}  # cell id (or text) -> text, in the order of the last run
        self.failed: dict[str, str] = {}  # task -> text of its cell, where that failed when it ran last
        self.records: list[Record] = []
        self.task: Header | None = None  # the one that runs now
        self._running: list[tuple[str, str, bool]] = []  # key, text, is the task; more than one where a cell runs cells
        self._headers: dict[str, Header | None] = {}
        self._decided: dict[str, tuple[float, Header | None]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._meter: Meter | None = None
        self._folder: Path | None = None
        self._scratch: Any = None

    def register(self) -> None:
        """Into the shell: magics, the first-line rule, events, completion."""
        manager = self.shell.magics_manager.magics
        for name, kinds in MAGICS.items():
            for kind in kinds:
                manager[kind][name] = Magic(self, name, kind)
        self.shell.input_transformer_manager.line_transforms.insert(0, self.first_line)
        self.shell.events.register("pre_run_cell", self.before)
        self.shell.events.register("post_run_cell", self.after)
        self.shell.Completer.custom_matchers.append(_matcher(self))
        history = self.shell.history_manager
        for text in history.input_hist_raw[1:] if history else ():
            self.note(text, text)

    def unregister(self) -> None:
        """Out of the shell again."""
        manager = self.shell.magics_manager.magics
        for name, kinds in MAGICS.items():
            for kind in kinds:
                manager[kind].pop(name, None)
        self.shell.input_transformer_manager.line_transforms.remove(self.first_line)
        self._loops(False)
        self.shell.events.unregister("pre_run_cell", self.before)
        self.shell.events.unregister("post_run_cell", self.after)
        matchers = self.shell.Completer.custom_matchers
        matchers[:] = [matcher for matcher in matchers if getattr(matcher, "session", None) is not self]

    # --- which cells ran

    @property
    def text(self) -> str:
        """The cell that runs now; '' where nothing says."""
        return self._running[-1][1] if self._running else ""

    def note(self, key: str, text: str) -> None:
        """A cell ran well; it stands where it ran last."""
        self.ran.pop(key, None)
        self.ran[key] = text

    def before(self, info: Any) -> None:
        """IPython is about to run a cell."""
        text = info.raw_cell
        bare = text.lstrip()  # IPython takes blank lines and an indent off before it looks for a magic
        header = self._here(bare) if self.task is None and _is_task(bare) else None
        self._running.append((getattr(info, "cell_id", None) or text, text, header is not None))
        if header is not None:
            self.task = header
            self.meter.start()

    def after(self, result: Any) -> None:
        """IPython has run a cell, or was interrupted (`result` is None then)."""
        good = result is not None and result.success
        key, text, is_task = self._running.pop() if self._running else ("", "", False)
        if is_task:
            self._finish(good)
        if good and text and result.info.store_history:
            self.note(key, text)
        if _is_task(text.lstrip()):
            self._remember_failure(text.lstrip(), good)

    def _remember_failure(self, text: str, good: bool) -> None:
        """A task that failed is no part of the notebook yet, but it has a record that its author wants to see."""
        name = text.split(None, 2)[1] if len(text.split(None, 2)) > 1 else ""
        self.failed.pop(name, None)
        if name and not good:
            self.failed[name] = text

    # --- a task's cell, run here

    def first_line(self, lines: list[str]) -> list[str]:
        """The rule for the first line, called by IPython on every cell's text; it may be called any number of times."""
        if not lines or not _is_task(lines[0]):
            return self._misplaced(lines) if any(line.startswith("%%k8s_") for line in lines) else lines
        header = self._here("".join(lines))
        if header is None:
            # IPython would not call a cell magic whose cell has no body.
            line = lines[0][len("%%k8s_task") :].strip()
            return [BARE.format(line=line)] if not "".join(lines[1:]).strip() else lines
        self._loops("map" in header.values)
        return ["# " + lines[0], *lines[1:]]

    def _here(self, text: str) -> Header | None:
        """The header of a cell that runs here as it stands; None where it has problems, or runs elsewhere."""
        decided = self._decided.get(text)
        # settings may change, so an answer holds for a second; a cell asks twice in a millisecond
        if decided is None or time.monotonic() - decided[0] > 1:
            header = self.header(text)
            here = header is not None and not header.problems and self.where(header) == "here"
            decided = self._decided[text] = (time.monotonic(), header if here else None)
        return decided[1]

    def _misplaced(self, lines: list[str]) -> list[str]:
        """IPython knows `%%` on the first line only; elsewhere it would say that there is no such magic."""
        from kubenb.model.pipeline import Cell
        from kubenb.notebook.header import parse_headers

        _, problems = parse_headers(Cell(0, "code", "".join(lines)))
        return [REFUSE.format(text=str(problems[0]))] if problems else lines

    def refuse(self, text: str) -> None:
        """Fails the cell with one line."""
        from IPython.core.error import UsageError

        raise UsageError(text)

    def visit(self, module: ast.Module) -> ast.Module:
        """IPython's hook for syntax trees: a mapped body becomes a loop."""
        if self.task is None or "map" not in self.task.values:
            return module
        from kubenb.magics.mapped import looped

        return looped(module, self.task.values["map"])

    def _loops(self, on: bool) -> None:
        """The hook is in place for mapped cells only: it would cost every other cell a walk over its tree."""
        hooks = self.shell.ast_transformers
        if on and self not in hooks:
            hooks.append(self)
        elif not on and self in hooks:
            hooks.remove(self)

    def items(self, source: Callable[[], Iterable[Any]]) -> Iterator[Any]:
        """What the loop of a mapped cell draws from."""
        from kubenb.magics.mapped import items

        assert self.task is not None
        return items(self.shell.user_ns, self.task.values["map"], source, self.names(self.task))

    def show(self, value: Any) -> None:
        """The last expression of a mapped cell, once an item."""
        if value is not None:
            from kubenb.show.jupyter import show

            show(value)

    def _finish(self, good: bool) -> None:
        """The line under the cell."""
        used = self.meter.stop()
        header, self.task = self.task, None
        assert header is not None
        self._record(header, used, "done" if good else "failed")
        from kubenb.show.results import measures, result_names

        said = measures(used.seconds, used.peak, used.cpu)
        names = result_names(self.names(header)) if good else ""
        print(f"{header.name}: {'done' if good else 'failed'} {said}{names}")

    def _record(self, header: Header, used: Used, state: str) -> None:
        """Kept here, and a second later among all records of this machine."""
        from kubenb.run.later import LATER
        from kubenb.run.records import Record

        now = time.time()
        self.records.append(Record(now, "", header.name, None, "here", state, used.seconds, used.cpu, used.peak))

        def make() -> Measured:
            from kubenb.magics.source import notebook_file
            from kubenb.run.measured import of_cell

            return of_cell(header, used, state, now, str(notebook_file(self.shell) or ""))

        LATER.add(make)

    # --- headers and settings

    def header(self, text: str) -> Header | None:
        """The header of a cell's text; its reading is kept, so running a cell again costs nothing."""
        if text not in self._headers:
            from kubenb.model.pipeline import Cell
            from kubenb.notebook.header import parse_header

            if len(self._headers) >= REMEMBERED:
                self._headers.clear()
                self._decided.clear()
            self._headers[text] = parse_header(Cell(0, "code", text.rstrip("\n")))
        return self._headers[text]

    def names(self, header: Header) -> tuple[str, ...]:
        """The names that a task's body binds; kept like its header."""
        return self.bound(header.body)

    def bound(self, body: str) -> tuple[str, ...]:
        """The same of a body's text."""
        if body not in self._names:
            from kubenb.magics.mapped import bound

            if len(self._names) >= REMEMBERED:
                self._names.clear()
            self._names[body] = bound(self.shell, body)
        return self._names[body]

    def where(self, header: Header) -> str:
        """Where a task's cell runs: its own option, its profile's or the site's default, else here."""
        if "run" in header.values:
            return str(header.values["run"])
        from kubenb.magics.source import settings_default

        return settings_default(self.shell, header) or "here"

    @property
    def folder(self) -> Path:
        """Where local runs of this kernel go; it ends with the kernel."""
        if self._folder is None:
            import tempfile
            from pathlib import Path

            self._scratch = tempfile.TemporaryDirectory(prefix="kubenb-", ignore_cleanup_errors=True)
            self._folder = Path(self._scratch.name)
        return self._folder

    @property
    def meter(self) -> Meter:
        """Made when first needed."""
        if self._meter is None:
            from kubenb.run.here import Meter

            self._meter = Meter()
        return self._meter


def _is_task(text: str) -> bool:
    return text.startswith("%%k8s_task") and text[10:11] in ("", " ", "\t", "\n")


def _matcher(session: Session) -> Any:
    """Completion, as IPython's second matcher interface wants it; the room behind is imported at the first Tab in one
    of our cells.
    """

    def kubenb(context: Any) -> Any:
        if "k8s_" not in context.full_text:
            return {"completions": []}
        from kubenb.magics.complete import complete

        return complete(session, context)

    kubenb.matcher_api_version = 2  # type: ignore[attr-defined]
    kubenb.matcher_priority = 1000  # type: ignore[attr-defined]
    kubenb.matcher_identifier = "kubenb"  # type: ignore[attr-defined]
    kubenb.session = session  # type: ignore[attr-defined]
    return kubenb

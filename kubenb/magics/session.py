"""What a kernel knows of kubenb: the cells that ran, the task that runs now, what tasks used; and the hooks into IPython.

A task cell with a plain header that runs here is not run by a magic at all: before IPython compiles the cell, its first line becomes a call to
`begin`. So its tracebacks, its display and top-level `await` are IPython's own. All other ways to run go through the magic itself, in `task`.
In: IPython's events. Out: `Session`, the state that the other rooms share.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kubenb.magics.words import MAGICS, Magic

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Iterator

    from kubenb.notebook.header import Header
    from kubenb.run.here import Meter, Used
    from kubenb.run.records import Record

CALL = "get_ipython().run_cell_magic('k8s_task', {line!r}, None)\n"
REMEMBERED = 256  # headers and cells whose reading is kept


class Session:
    """One shell's kubenb."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.ran: dict[str, str] = {}  # cell id (or text) -> text, in the order of the last run
        self.records: list[Record] = []
        self.task: Header | None = None  # the one that runs now
        self._running: tuple[str, str] | None = None
        self._headers: dict[str, Header | None] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._last: dict[str, str] = {}  # magic line -> the newest cell that begins with it
        self._meter: Meter | None = None

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
        return self._running[1] if self._running else ""

    def note(self, key: str, text: str) -> None:
        """A cell ran well; it stands where it ran last."""
        self.ran.pop(key, None)
        self.ran[key] = text

    def before(self, info: Any) -> None:
        """IPython is about to run a cell."""
        self._running = (getattr(info, "cell_id", None) or info.raw_cell, info.raw_cell)

    def after(self, result: Any) -> None:
        """IPython has run a cell, or was interrupted (`result` is None then)."""
        good = result is not None and result.success
        if self.task is not None:
            self._finish(good)
        if self._running is not None and good:
            self.note(*self._running)
        self._running = None

    # --- a task's cell, run here

    def first_line(self, lines: list[str]) -> list[str]:
        """The rule for the first line, called by IPython on every cell's text; it may be called any number of times."""
        if not lines or not lines[0].startswith("%%k8s_task"):
            return lines
        text = "".join(lines)
        header = self.header(text)
        if header is None or header.problems or self.where(header) != "here" or "--help" in lines[0]:
            return lines
        line = lines[0][len("%%k8s_task") :].strip()
        if len(self._last) >= REMEMBERED:
            self._last.clear()
        self._last[line] = text
        self._loops("map" in header.values)
        return [CALL.format(line=line), *lines[1:]]

    def visit(self, module: ast.Module) -> ast.Module:
        """IPython's hook for syntax trees: a mapped body becomes a loop."""
        header = self._begun(module)
        if header is None or "map" not in header.values:
            return module
        from kubenb.magics.mapped import looped

        return looped(module, header.values["map"])

    def _loops(self, on: bool) -> None:
        """The hook is in place for mapped cells only: it would cost every other cell a walk over its tree."""
        hooks = self.shell.ast_transformers
        if on and self not in hooks:
            hooks.append(self)
        elif not on and self in hooks:
            hooks.remove(self)

    def begin(self, line: str) -> None:
        """The first line of a task's cell, when it runs."""
        self.task = self.header(self._last.get(line, f"%%k8s_task {line}\n"))
        self.meter.start()

    def items(self, source: Callable[[], Iterable[Any]]) -> Iterator[Any]:
        """What the loop of a mapped cell draws from."""
        from kubenb.magics.mapped import items

        assert self.task is not None
        return items(self.shell.user_ns, self.task.values["map"], source, self.names(self.task))

    def show(self, value: Any) -> None:
        """The last expression of a mapped cell, once an item."""
        if value is not None:
            from IPython.display import display

            display(value)

    def _finish(self, good: bool) -> None:
        """The line under the cell."""
        used = self.meter.stop()
        header, self.task = self.task, None
        assert header is not None
        self._record(header.name, used, "done" if good else "failed")
        from kubenb.show.results import measures, result_names

        said = measures(used.seconds, used.peak, used.cpu)
        names = result_names(self.names(header)) if good else ""
        print(f"{header.name}: {'done' if good else 'failed'} {said}{names}")

    def _record(self, task: str, used: Used, state: str) -> None:
        from kubenb.run.records import Record

        self.records.append(Record(time.time(), "", task, None, "here", state, used.seconds, used.cpu, used.peak))

    def _begun(self, module: ast.Module) -> Header | None:
        """The header of a cell that `first_line` has rewritten."""
        try:
            call = module.body[0].value  # type: ignore[attr-defined]
            name, line, cell = call.args
            if call.func.attr == "run_cell_magic" and name.value == "k8s_task" and cell.value is None:
                return self.header(self._last[line.value])
        except (AttributeError, IndexError, KeyError, ValueError, TypeError):
            pass
        return None

    # --- headers and settings

    def header(self, text: str) -> Header | None:
        """The header of a cell's text; its reading is kept, so running a cell again costs nothing."""
        if text not in self._headers:
            from kubenb.model.pipeline import Cell
            from kubenb.notebook.header import parse_header

            if len(self._headers) >= REMEMBERED:
                self._headers.clear()
            self._headers[text] = parse_header(Cell(0, "code", text.rstrip("\n")))
        return self._headers[text]

    def names(self, header: Header) -> tuple[str, ...]:
        """The names that a task's body binds; kept like its header."""
        if header.body not in self._names:
            from kubenb.magics.mapped import bound

            if len(self._names) >= REMEMBERED:
                self._names.clear()
            self._names[header.body] = bound(self.shell, header.body)
        return self._names[header.body]

    def where(self, header: Header) -> str:
        """Where a task's cell runs: its own option, its profile's or the site's default, else here."""
        if "run" in header.values:
            return str(header.values["run"])
        from kubenb.magics.source import settings_default

        return settings_default(self.shell, header) or "here"

    @property
    def meter(self) -> Meter:
        """Made when first needed."""
        if self._meter is None:
            from kubenb.run.here import Meter

            self._meter = Meter()
        return self._meter


def _matcher(session: Session) -> Any:
    """Completion, as IPython's second matcher interface wants it; the room behind is imported at the first Tab in one of our cells."""

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

"""Cells that need IPython (magics, `!`, `?`, rich display), in this process: an InteractiveShell over the same `__main__`.

In: a cell's text. Out: its outputs through the engine, its error as an exception like any other. Next room: back in `engine`.
"""

from __future__ import annotations

import gc
import os
import sys

from .odd import send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Shell:
    """IPython without a kernel."""

    def __init__(self, engine: Any) -> None:
        """Starts the shell over the engine's names."""
        self.engine = engine
        os.environ.setdefault("IPYTHONDIR", os.environ.get("KUBENB_SIDE", "/tmp") + "/ipython")
        collects = gc.isenabled()
        gc.disable()
        try:
            self.shell = self.made(engine)
            if engine.count == 1:
                gc.freeze()  # what IPython is made of stays; nothing of the user's is among it yet
        finally:
            if collects:
                gc.enable()

    def made(self, engine: Any) -> Any:
        """IPython's shell, without history, prompt or windows."""
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        hook, publisher, compiler = _classes(engine)
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        names = {"displayhook_class": hook, "display_pub_class": publisher, "compiler_class": compiler}
        shell_class: Any = type("Shell", (InteractiveShell,), _quiet())
        shell: Any = shell_class.instance(
            config=config, user_module=sys.modules["__main__"], user_ns=engine.names, **names
        )
        shell.system = shell.system_raw
        shell.enable_gui = lambda *args, **options: None
        return shell

    def run(self, source: str, name: str) -> None:
        """Runs one cell; raises what it raised."""
        self.shell.compile.kubenb_name = name
        self.shell.execution_count = self.engine.count
        result = self.shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error


def _quiet() -> dict[str, Any]:
    """The engine shows errors itself."""

    def nothing(self: Any, *args: Any, **options: Any) -> None:
        """Shown by the engine."""

    return {
        "showtraceback": nothing,
        "showsyntaxerror": nothing,
        "showindentationerror": nothing,
        "init_virtualenv": nothing,
    }


def _classes(engine: Any) -> tuple[Any, Any, Any]:
    from IPython.core.compilerop import CachingCompiler
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher

    class Hook(DisplayHook):
        """The last expression's value."""

        def __call__(self, result: Any = None) -> None:
            """Shows it like Jupyter does."""
            hook: Any = self
            hook.check_for_underscore()
            if result is not None and not hook.quiet():
                data, metadata = hook.compute_format_data(result)
                hook.update_user_ns(result)
                made = {
                    "output_type": "execute_result",
                    "data": data,
                    "metadata": metadata,
                    "execution_count": engine.count,
                }
                send(engine, _texts(made))

    class Publisher(DisplayPublisher):
        """`display(…)` and all that ends there."""

        def publish(
            self,
            data: Any,
            metadata: Any = None,
            *args: Any,
            transient: Any = None,
            update: bool = False,
            **options: Any,
        ) -> None:
            """One output."""
            kind = "update_display_data" if update else "display_data"
            send(
                engine,
                _texts({"output_type": kind, "data": data, "metadata": metadata or {}, "transient": transient or {}}),
            )

        def clear_output(self, wait: bool = False) -> None:
            """Forgets what the cell has shown."""
            send(engine, {"output_type": "clear_output", "wait": wait})

    class Compiler(CachingCompiler):
        """Names a cell's code as the engine does."""

        kubenb_name = "<cell>"

        def get_code_name(self, raw_code: str, code: str, number: int) -> str:
            """What tracebacks call the cell."""
            return self.kubenb_name

    return Hook, Publisher, Compiler


def _texts(made: dict[str, Any]) -> dict[str, Any]:
    from .display import _text

    return {**made, "data": {mime: _text(held) for mime, held in made["data"].items()}}

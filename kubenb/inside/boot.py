"""The first code of ours that runs in the pod: makes the modules in the bundle importable, then starts `start`.

In comes `text`, the bundle's beginning; `bundle.BOOT` runs this module with it. The rest is decoded when a module is asked for that is
not in it, and modules stay in memory: a task of plain cells never pays for what it does not use. Every line here counts (`make bench`).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "kubenb_runtime"
FOLLOWED = ("linecache", "matplotlib")


class Bundle:
    """Finds and loads `kubenb_runtime` from the bundle's text."""

    def __init__(self, text: str) -> None:
        """The modules that are whole in `text`; the rest stays packed."""
        self.texts: dict[str, str] = {}
        self.engine: Any = None
        names = ["KUBENB_RUNTIME"] + ["KUBENB_RUNTIME_%d" % count for count in range(1, 9)]
        self.packed = [os.environ.pop(name) for name in names if name in os.environ]
        self.take(text[: text.rindex("\n#: ")])

    def take(self, text: str) -> None:
        """Cuts a text into its modules."""
        for part in text.split("\n#: "):
            name, _, source = part.partition("\n")
            self.texts[name.replace("#: ", "")] = source

    def find(self, name: str) -> str | None:
        """A module's source by its full name."""
        name = name[len(PACKAGE) + 1 :] or "__init__"
        if name not in self.texts and self.packed:
            import binascii

            self.take(binascii.a2b_base64("".join(self.packed)).decode())
            self.packed.clear()
        return self.texts.get(name)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The import system's question; None for what is not ours."""
        if name.startswith(PACKAGE) and self.find(name) is not None:
            make: Any = type(os.__spec__)
            return make(name, self, is_package=name == PACKAGE)
        if name in FOLLOWED and self.engine:
            from kubenb_runtime.follow import followed  # type: ignore[import-not-found]

            return followed(self, name, path, target)
        return None

    def create_module(self, spec: Any) -> None:
        """The usual module object."""

    def exec_module(self, module: Any) -> None:
        """Runs the module's text."""
        exec(compile(self.find(module.__name__) or "", "<%s>" % module.__name__, "exec", 0, True), module.__dict__)


if "text" in globals():
    sys.meta_path.insert(0, Bundle(globals()["text"]))
    from kubenb_runtime.start import start  # type: ignore[import-not-found]

    start()

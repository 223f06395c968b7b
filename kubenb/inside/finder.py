"""The import of `kubenb_runtime` out of the bundle, and of the few foreign modules that the engine follows.

In: the bundle's text, as `first.Bundle` keeps it; on the first such import that becomes a `Finder`. Out: modules; what no module
asked for stays packed. This text is run among the names of `first` (`text`, `PACKED`). Next room: `follow`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def cut(text: str) -> dict[str, str]:
    """A text's modules, by name."""
    return dict(part.split("\n", 1) for part in text[3:].split("\n#: "))


class Finder:
    """Finds and loads; it stays in memory, and no file is written."""

    job: Any = None
    texts: dict[str, str] | None = None

    def find(self, name: str) -> str | None:
        """A module's source by its full name."""
        name = name[15:] or "__init__"
        packed: list[str] = globals()["PACKED"]
        if self.texts is None:
            text: str = globals()["text"]
            self.texts = cut(text[: text.rindex("\n#: ")])
        if name not in self.texts and packed:
            import binascii
            import zlib

            head, _, rest = binascii.a2b_base64("".join(packed)).decode().rpartition("\n#: rest\n")
            self.texts = cut(head + "\n" + zlib.decompress(binascii.a2b_base64(rest)).decode())
            packed.clear()
        return self.texts.get(name)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The import system's question; None for what is not ours."""
        if name == "kubenb_runtime" or (name.startswith("kubenb_runtime.") and self.find(name) is not None):
            return type(os.__spec__)(name, self, is_package=name == "kubenb_runtime")  # type: ignore[arg-type]
        if name in ("linecache", "matplotlib") and self.job:
            from kubenb_runtime.follow import followed  # type: ignore[import-not-found]

            return followed(self, name, path, target)
        return None

    def create_module(self, spec: Any) -> None:
        """The usual module object."""

    def exec_module(self, module: Any) -> None:
        """Runs the module's text."""
        exec(compile(self.find(module.__name__) or "", "<%s>" % module.__name__, "exec", 0, True), module.__dict__)

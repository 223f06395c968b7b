"""Foreign modules that the engine wants to know of when the user's code imports them, and the package on disk for a kernel.

In: `first.Bundle`, when one of `first.FOLLOWED` is imported. Out: the module, loaded as ever, then shown to `odd.AFTER`.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Followed:
    """Another loader, and what is to be done once it has run."""

    def __init__(self, loader: Any, act: Any) -> None:
        """`act` gets the module."""
        self.loader, self.act = loader, act

    def create_module(self, spec: Any) -> Any:
        """As the loader has it."""
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Runs the module as it is, under its own loader's name."""
        module.__loader__ = module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.act(module)


def followed(bundle: Any, name: str, path: Any, target: Any) -> Any:
    """The spec of a foreign module, with our step behind it."""
    from .odd import AFTER

    for finder in sys.meta_path:
        spec: Any = finder.find_spec(name, path, target) if finder is not bundle else None
        if spec is not None and spec.loader is not None:
            spec.loader = Followed(spec.loader, lambda module: AFTER[name](bundle.job.engine(), module))
            return spec
    return None


def unpack(bundle: Any, folder: str) -> None:
    """Writes the package into `folder`, for a kernel that is started from here."""
    package = os.path.join(folder, "kubenb_runtime")
    os.makedirs(package, exist_ok=True)
    bundle.find("kubenb_runtime.nothing")
    for name, source in bundle.texts.items():
        with open(os.path.join(package, name + ".py"), "w", encoding="ascii", newline="\n") as file:
            file.write(source)

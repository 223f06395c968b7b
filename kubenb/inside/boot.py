"""The first code of ours that runs in the pod: makes the modules in the bundle importable, then starts `start`.

In comes `text`, the bundle as `bundle.bundle()` wrote it; `bundle.BOOT` runs this file with it. Modules stay in memory,
so that a task that only runs plain cells never touches the disk for them; `unpack` writes them out where a kernel needs them.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "kubenb_runtime"


class Bundle:
    """Finds and loads `kubenb_runtime` from the bundle's text."""

    def __init__(self, text: str) -> None:
        """Cuts the text into its modules."""
        self.sources = {}
        self.after: "dict[str, Any]" = {}
        for part in ("\n" + text).split("\n#: ")[1:]:
            name, _, source = part.partition("\n")
            self.sources[name] = source

    def file(self, name: str) -> str:
        """The file that a module's name stands for."""
        return name[len(PACKAGE) + 1 :].replace(".", "/") + ".py" if name != PACKAGE else "__init__.py"

    def find_spec(self, name: str, path: "Any" = None, target: "Any" = None) -> "Any":
        """The import system's question; None for everything that is not ours."""
        if name.startswith(PACKAGE) and self.file(name) in self.sources:
            make: Any = type(__import__("os").__spec__)
            return make(name, self, origin="<%s>" % self.file(name), is_package=name == PACKAGE)
        return self._followed(name, path, target) if name in self.after else None

    def _followed(self, name: str, path: "Any", target: "Any") -> "Any":
        """A foreign module that the engine wants to know of: loaded as ever, then handed to `after[name]`."""
        act = self.after.pop(name)
        for finder in sys.meta_path:
            spec: Any = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                spec.loader = Followed(spec.loader, act)
                return spec
        return None

    def create_module(self, spec: "Any") -> None:
        """The usual module object."""

    def exec_module(self, module: "Any") -> None:
        """Runs the module's text."""
        code = compile(self.sources[self.file(module.__name__)], "<%s>" % module.__name__, "exec", 0, True)
        exec(code, module.__dict__)

    def get_source(self, name: str) -> str:
        """The module's text, for tracebacks."""
        return self.sources[self.file(name)]

    def unpack(self, folder: str) -> None:
        """Writes the package into `folder`, for processes that are started from here."""
        import os

        package = os.path.join(folder, PACKAGE)
        os.makedirs(package, exist_ok=True)
        for name, source in self.sources.items():
            with open(os.path.join(package, name), "w", encoding="utf-8", newline="\n") as file:
                file.write(source)


class Followed:
    """Another loader, and what is to be done once it has run."""

    def __init__(self, loader: "Any", act: "Any") -> None:
        """`act` gets the module."""
        self.loader, self.act = loader, act

    def create_module(self, spec: "Any") -> "Any":
        """As the loader has it."""
        return self.loader.create_module(spec)

    def exec_module(self, module: "Any") -> None:
        """Runs the module as it is, under its own loader's name."""
        module.__loader__ = module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        self.act(module)


if "text" in globals():
    sys.meta_path.insert(0, Bundle(globals()["text"]))
    from kubenb_runtime.start import start

    start()

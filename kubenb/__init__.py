"""kubenb: a notebook cell becomes a Kubernetes task, a notebook an Airflow DAG.

`%load_ext kubenb` for the magics; `kubenb.check(...)`, `kubenb.graph(...)`, `kubenb.run(...)`, `kubenb.rehearse(...)`,
`kubenb.export(...)` for the same verbs in Python. Nothing is imported before it is used: the verbs live in
`kubenb.actions`, the magics in `kubenb.magics`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubenb.actions import (
        advise,
        capacity,
        check,
        config,
        cost,
        doctor,
        export,
        gc,
        graph,
        image,
        logs,
        options,
        plan,
        rbac,
        read,
        rehearse,
        run,
        runs,
        stop,
        usage,
        write_advice,
    )
    from kubenb.model.problems import KubenbError, Problem

__version__ = "0.1.0"
__all__ = [
    "KubenbError",
    "Problem",
    "advise",
    "capacity",
    "check",
    "config",
    "cost",
    "doctor",
    "export",
    "gc",
    "graph",
    "image",
    "logs",
    "options",
    "plan",
    "rbac",
    "read",
    "rehearse",
    "run",
    "runs",
    "stop",
    "usage",
    "write_advice",
]


def __getattr__(name: str) -> Any:
    """The verbs and the two words of failure, imported when first named."""
    import importlib

    if name in ("KubenbError", "Problem"):
        return getattr(importlib.import_module("kubenb.model.problems"), name)
    if name in __all__:
        return getattr(importlib.import_module("kubenb.actions"), name)
    raise AttributeError(f"module 'kubenb' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What `kubenb.<Tab>` offers."""
    return [*__all__, "__version__"]


class _Verb(ModuleType):
    """A room with a verb's name: `kubenb.run` is the package that runs, and `kubenb.run(...)` runs."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        from kubenb import actions

        return getattr(actions, self.__name__.rpartition(".")[2])(*args, **options)


class _Front(ModuleType):
    """This package. Python binds an imported room over the verb of the same name; here the room then answers calls."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in __all__ and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Front


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext kubenb`."""
    from kubenb.magics import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext kubenb`."""
    from kubenb.magics import unload

    unload(shell)

"""What a task notebook talks to: `import kubenb_runtime as _kubenb`, then load, gather, item, apart, save.

The package travels into the pod as `kubenb_runtime`: standard library only, Python 3.8 and later, relative imports only.
It lies beside the task notebooks too, so that they open and run in a plain Jupyter. Next room: `hand`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .hand import apart, gather, item, load, load_random, save

__all__ = ["apart", "gather", "item", "load", "load_random", "save"]


def __getattr__(name: str) -> object:
    # Looked up on use: a task without inputs and outputs never pays for the import.
    if name in __all__:
        from . import hand

        return getattr(hand, name)
    raise AttributeError("module 'kubenb_runtime' has no attribute %r. It has: %s." % (name, ", ".join(__all__)))

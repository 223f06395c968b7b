"""Figures in the own engine: they appear in the notebook as PNG when shown, and at the end of the cell that drew them.

In: what pyplot holds open. Out: `display_data` through the engine. `backend` is what matplotlib loads.
"""

from __future__ import annotations

import io

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENGINE: list[Any] = []


def png(figure: Any) -> bytes:
    """A figure as Jupyter's inline backend draws it."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", bbox_inches="tight")
    return sink.getvalue()


def flush(engine: Any) -> None:
    """At the end of a cell: what it drew and did not show."""
    if ENGINE and engine.shell is None:
        show()


def show(*args: Any, **options: Any) -> None:
    """Shows and closes all open figures."""
    import matplotlib.pyplot as plt

    try:
        for number in plt.get_fignums():
            figure = plt.figure(number)
            if figure.get_axes() or figure.lines or figure.patches or figure.images:
                ENGINE[0].display(figure)
    finally:
        plt.close("all")

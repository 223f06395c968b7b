"""What a notebook shows: a bundle of forms of one thing, published once or redrawn in place.

In: a dict of MIME type to text. Out: IPython's display. The only room that speaks IPython's untyped display interface.
"""

from __future__ import annotations

from typing import Any

Bundle = dict[str, Any]


def show(value: Any) -> None:
    """As a cell's last expression would be shown."""
    from IPython import display

    shower: Any = display.display
    shower(value)


def publish(bundle: Bundle, metadata: Bundle | None = None) -> None:
    """All forms of one thing; the front end picks."""
    from IPython import display

    publisher: Any = display.publish_display_data
    publisher(bundle, metadata or {})


def redrawable(bundle: Bundle) -> Any:
    """The same, with a handle whose `update(bundle, raw=True)` redraws it."""
    from IPython import display

    shower: Any = display.display
    return shower(bundle, raw=True, display_id=True)


def in_notebook() -> bool:
    """Whether a front end can redraw: a kernel, not a terminal."""
    import sys

    shell: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None

"""Where a task's results lie: STORE/<dag>/<run>/<task>[/<item>]/.

In: names as Airflow has them. Out: path parts that no two different names share. Next room: `stores`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .setting import Setting

NOTEBOOK, OUTPUTS, USAGE, SUCCESS, KEPT = "notebook.ipynb", "outputs.json", "usage.json", "_SUCCESS", "kept"
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_LONGEST = 180


def part(name: str) -> str:
    """`name` as one part of a path: injective, never '', '.' or '..'.

    >>> part("manual__2026-01-01T00:00:00+00:00"), part(".."), part("a~b")
    ('manual__2026-01-01T00~3a00~3a00~2b00~3a00', '~2e.', 'a~7eb')
    """
    data = name.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if chr(byte) in _SAFE else "~%02x" % byte for byte in data)
    if text.startswith("."):
        text = "~2e" + text[1:]
    if len(text) > _LONGEST:
        # '~' before a letter that is no hex digit never comes from the line above.
        from .setting import sha256

        text = text[: _LONGEST - 70] + "~h" + sha256(data)
    return text or "~"


def place(dag: str, run: str, task: str, item: str | None = None) -> str:
    """The folder of a task's results, below the store.

    >>> place("flights", "r1", "train"), place("flights", "r1", "score", "3")
    ('flights/r1/train', 'flights/r1/score/3')
    """
    parts = [dag, run, task] if item is None else [dag, run, task, item]
    return "/".join(part(name) for name in parts)


def place_of(setting: Setting) -> str:
    """The place of the task that runs here."""
    return place(setting.dag, setting.run, setting.task, setting.item)

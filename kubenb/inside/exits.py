"""The one table of ways a task ends: its exit code, and what is said of it.

In: `Refused`, raised by any room of the runtime that can't go on. Out: exit codes for `first`, last lines for the log.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

# kind -> (exit code, meaning). Codes below 64 are left to the user's code and to Python.
TABLE = {
    "done": (0, "the task is done and its outputs are saved"),
    "user": (1, "the user's code raised, or ended the process"),
    "setup": (64, "the task's own environment or parameters are wrong"),
    "missing": (65, "an input is missing: its task has not finished in this run, or did not save it"),
    "digest": (66, "an input is not what its task saved: its digest differs"),
    "changed": (67, "an input taken as read-only was changed in place"),
    "shared": (68, "data that two variables share would be split between tasks"),
    "carry": (69, "an output can't be carried to another task as it is"),
    "store": (70, "the store is unknown, can't be reached or can't be written"),
    "disk": (71, "the disk is full"),
    "died": (72, "the process or kernel that ran the cells died"),
    "engine": (73, "the notebook needs something that the image does not have"),
    "internal": (74, "a mistake in kubenb"),
    "interrupted": (130, "interrupted (SIGINT)"),
    "killed": (137, "the process that ran the cells was killed (SIGKILL), most often for memory"),
    "stopped": (143, "stopped from outside (SIGTERM)"),
}

NO_SPACE = (28, 122, 27)  # ENOSPC, EDQUOT, EFBIG


class Refused(Exception):
    """The runtime can't go on: what is wrong, and what to do. `kind` is a key of `TABLE`."""

    def __init__(self, kind: str, what: str, fix: str = "") -> None:
        """`what` is a sentence; `fix` another."""
        Exception.__init__(self, (what + " " + fix).strip())
        self.kind, self.what, self.fix = kind, what, fix

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: our own frames would only hide the sentence.
        return ["kubenb: " + str(self)]


def from_os_error(error: OSError, what: str) -> Refused:
    """A full disk named as such, anything else as a store that can't be used."""
    if error.errno in NO_SPACE:
        return Refused(
            "disk",
            "%s: the disk is full (%s)." % (what, error.strerror),
            "Give the task more `storage`, or the store more room.",
        )
    return Refused(
        "store",
        "%s: %s." % (what, error.strerror or error),
        "Check that the store exists and that the task may write there.",
    )


def size(count: float) -> str:
    """Bytes for people.

    >>> size(512), size(1_200_000), size(3_400_000_000)
    ('512 B', '1.2 MB', '3.4 GB')
    """
    if count < 1000:
        return "%d B" % count
    unit, units = "kB", ["GB", "MB"]
    count /= 1000.0
    while units and count >= 999.5:
        unit, count = units.pop(), count / 1000.0
    return "%.*f %s" % (1 if count < 99.5 else 0, count, unit)


def short(text: str, most: int) -> str:
    """Cut where a word ends.

    >>> short("no such bucket", 14), short("no such bucket", 12), short("x" * 30, 5)
    ('no such bucket', 'no such ...', 'xx...')
    """
    if len(text) <= most:
        return text
    head, _, tail = text[: most - 3].rpartition(" ")
    return head.rstrip(" ,;:(") + " ..." if head and len(tail) <= 60 else text[: most - 3] + "..."


def last_line(task: str, kind: str, text: str) -> str:
    """The last line of a task's log."""
    state = "done" if kind == "done" else "failed:"
    return "kubenb: %s %s %s" % (task, state, " ".join(text.split()))


def code(kind: str, own: Optional[int] = None) -> int:
    """The exit code; an unknown kind is a mistake of ours."""
    return TABLE.get(kind, TABLE["internal"])[0] if own is None else own

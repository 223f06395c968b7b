"""Which line of the user's code runs: noted by a thread of the process that runs it, read by the one that watches.

In: eight bytes of shared memory. Out: in them the cell and the line of the innermost frame that is a cell's, or zeros; they are there
also when that process was killed. Only for a task that somebody waits for (KUBENB_HOLD). Next room: `held` reads them.
"""

from __future__ import annotations

import _thread
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

SIZE, FIRST, EVERY = 8, 0.001, 0.03  # seconds: a cell may be out of memory at once


def note(memory: Any, number: Callable[[str], int]) -> None:
    """From now on, for the thread that calls this. `number`: of the cell whose code has that name, 0 for no cell."""
    if sys.version_info >= (3, 12):  # a fork of the user's is told that there are threads: this one does no harm
        import warnings

        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    _thread.start_new_thread(_note, (memory, _thread.get_ident(), number))


def _note(memory: Any, thread: int, number: Callable[[str], int]) -> None:
    pause = FIRST
    while True:
        frame: Any = sys._current_frames().get(thread)
        cell = line = 0
        while frame is not None and not cell:
            cell, line = number(frame.f_code.co_filename), frame.f_lineno or 0
            frame = frame.f_back
        # One store of eight bytes: a reader sees the old pair or the new one.
        memory[:SIZE] = (cell << 32 | line if cell else 0).to_bytes(SIZE, "little")
        time.sleep(pause)
        pause = min(pause * 1.1, EVERY)


def noted(memory: Any) -> tuple[int, int]:
    """The cell and the line, or zeros."""
    both = int.from_bytes(memory[:SIZE], "little")
    return both >> 32, both & 0xFFFFFFFF


def of_engine(name: str) -> int:
    """The own engine's names of cells.

    >>> of_engine("<cell 3>"), of_engine("<string>")
    (3, 0)
    """
    return int(name[6:-1]) if name[:6] == "<cell " else 0


def in_kernel(path: str) -> None:
    """In a kernel: the execution count in place of the cell."""
    import mmap

    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    counts = shell.compile._filename_map
    with open(path, "r+b") as file:
        note(mmap.mmap(file.fileno(), SIZE), lambda name: counts.get(name) or 0)

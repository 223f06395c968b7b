"""The magics: `%load_ext kubenb` puts them into a running IPython, and little else.

In: the shell. Out: `%%k8s_task` and the `%k8s_…` lines, their completion, and a listener that knows which cells ran.
The rooms: `words` (the magics by name), `session` (what a kernel knows), `task` (a task's cell), `mapped` (fan-out in the
kernel), `local` and `around` (a cell in a process, and its way back), `lines` (the one-line magics), `source` (which
notebook is this), `values` (what can travel), `complete`, `manual`. Each is imported when it is first used.
"""

from __future__ import annotations

from typing import Any

from kubenb.magics.session import Session


def load(shell: Any) -> None:
    """Registers everything, once."""
    if not isinstance(getattr(shell, "kubenb", None), Session):
        shell.kubenb = Session(shell)
        shell.kubenb.register()


def unload(shell: Any) -> None:
    """Takes everything out again."""
    session = getattr(shell, "kubenb", None)
    if isinstance(session, Session):
        session.unregister()
        del shell.kubenb

"""The magics: `%load_ext kubenb` puts them into a running IPython, and little else.

In: the shell. Out: `%%k8s_task` and the `%k8s_…` lines, their completion, and a listener that knows which cells ran.
The rooms: `session` (what a kernel knows), `task` (running a cell), `lines` (the one-line magics), `mapped` (fan-out in
the kernel), `source` (which notebook is this), `complete`. Each magic's own room is imported when it is first used.
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

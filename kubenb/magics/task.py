"""`%%k8s_task` where it is called as a magic: help, problems of the header, `--run local`, `--run pod`, and cells run
by other code.

In: the line and the cell. Out: the cell's effect in the kernel, or one quiet `UsageError`. Next rooms: `elsewhere`, `pod`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubenb.model.problems import KubenbError, errors

if TYPE_CHECKING:
    from kubenb.magics.session import Session


def run_task(session: Session, line: str, cell: str | None) -> None:
    """Runs a task's cell where its header says."""
    from IPython.core.error import UsageError

    if cell is None:
        raise UsageError(
            f"%k8s_task stands with one percent sign. Write two, on the cell's first line: %%k8s_task {line}"
        )
    text = f"%%k8s_task {line}\n{cell}"
    header = session.header(text)
    assert header is not None
    if errors(header.problems):
        raise KubenbError(errors(header.problems))
    where = session.where(header)
    if where == "pod":
        from kubenb.magics.pod import run_pod

        run_pod(session, header, text)
        return
    if where == "local":
        from kubenb.magics.elsewhere import run_local

        run_local(session, header, text)
        return
    # Called by other code than IPython's own way through a cell: give it that way.
    result = session.shell.run_cell(text, store_history=False)
    if not result.success:
        raise UsageError(f"task {header.name} failed: see above")

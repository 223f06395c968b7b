"""The names of the magics, one line on each, and the object that IPython finds under each name.

In: what IPython passes (the line, for cell magics the cell). Out: a call into the room of that magic, problems as one
quiet `UsageError`. Nothing is ever expanded in a line: `{{ ds }}` stays what it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubenb.magics.session import Session

MAGICS: dict[str, tuple[str, ...]] = {
    "k8s_task": ("cell", "line"),
    "k8s_dag": ("line",),
    "k8s_notebook": ("line",),
    "k8s_container": ("line",),
    "k8s_graph": ("line",),
    "k8s_check": ("line",),
    "k8s_export": ("line",),
    "k8s_config": ("line",),
    "k8s_cost": ("line",),
    "k8s_usage": ("line",),
    "k8s_runs": ("line",),
    "k8s_logs": ("line",),
    "k8s_stop": ("line",),
    "k8s_attach": ("line",),
    "k8s": ("line",),
}

ABOUT = {
    "k8s_task": "%%k8s_task NAME [--option value …]   this cell is a task; more options as `#| option: value` lines below",
    "k8s_dag": "%k8s_dag [ID] [--option value …]      the DAG: schedule, start, owner, and defaults for all tasks",
    "k8s_notebook": "%k8s_notebook FILE --as NAME […]      a whole other notebook is a task",
    "k8s_container": "%k8s_container NAME --image I -- …    an image's own command is a task",
    "k8s_graph": "%k8s_graph [FILE]                     the tasks, and why each runs after which",
    "k8s_check": "%k8s_check [FILE] [--to DIR] […]      every check, and whether values can travel",
    "k8s_export": "%k8s_export DIR [FILE] [--diff]       write the Airflow DAG",
    "k8s_config": "%k8s_config [FILE]                    every option in force, and where it comes from",
    "k8s_cost": "%k8s_cost [FILE] [--took TASK=TIME,…] time and cost of the tasks, of a run and of a day",
    "k8s_usage": "%k8s_usage [TASK]                     memory and CPU of its runs against what it asks for",
    "k8s_runs": "%k8s_runs [--everyone]                the pods that were started, and how they do",
    "k8s_logs": "%k8s_logs NAME [--follow]             the log of a started task",
    "k8s_stop": "%k8s_stop NAME                        end it",
    "k8s_attach": "%k8s_attach NAME                      its log and its variables, also after a restart of the kernel",
    "k8s": "%k8s                                  this list",
}


class Magic:
    """A magic function to IPython."""

    _ipython_magic_no_var_expand = True

    def __init__(self, session: Session, name: str, kind: str) -> None:
        self.session, self.name, self.kind = session, name, kind
        self.__name__ = name

    def __call__(self, line: str, cell: str | None = "") -> Any:
        """Runs the magic."""
        try:
            if line.strip() in ("--help", "-h"):
                return print(self.getdoc())
            return self._run(line, cell or "")
        except Exception as error:
            from IPython.core.error import UsageError

            from kubenb.model.problems import KubenbError

            if isinstance(error, KubenbError):
                raise UsageError(str(error)) from None
            raise

    def _run(self, line: str, cell: str) -> Any:
        if self.name == "k8s_task":
            from kubenb.magics.task import run_task

            return run_task(self.session, line, cell if self.kind == "cell" else None)
        from kubenb.magics import lines, measured, started

        room = next(room for room in (lines, started, measured) if hasattr(room, self.name))
        return getattr(room, self.name)(self.session, line)

    def getdoc(self) -> str:
        """`%%k8s_task?`: made of the table of options, when asked."""
        from kubenb.magics.manual import manual

        return manual(self.name)

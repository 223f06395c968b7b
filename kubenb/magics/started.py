"""`%k8s_runs`, `%k8s_logs`, `%k8s_stop`, `%k8s_attach`: pods that were started, by this kernel or before it was restarted.

In: the session and the line. Out: tables and logs; of `%k8s_attach` the task's variables in the kernel. Next room:
`kubenb.actions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubenb.magics.lines import words_of
from kubenb.model.problems import NOWHERE, refuse

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.run.events import Run

AT = {"--context": True, "--namespace": True, "-n": True}


def k8s_runs(session: Session, line: str) -> Any:
    """A table."""
    from kubenb import actions

    _, options = words_of(line, 0, {**AT, "--everyone": False})
    return actions.runs(options.get("--context"), _space(options), everyone="--everyone" in options)


def k8s_logs(session: Session, line: str) -> None:
    """Printed; with --follow until the task ends or the cell is interrupted."""
    from kubenb import actions
    from kubenb.show.controls import clean

    name, options = _named(line, "%k8s_logs", {**AT, "--follow": False})
    follow = "--follow" in options
    for block in actions.logs(name, options.get("--context"), _space(options), follow=follow):
        print(clean(block), end="", flush=True)


def k8s_stop(session: Session, line: str) -> Any:
    """Ends them."""
    from kubenb import actions

    name, options = _named(line, "%k8s_stop", AT)
    return actions.stop(name, options.get("--context"), _space(options))


def k8s_attach(session: Session, line: str) -> None:
    """Its log from the beginning, and its variables once it is done."""
    from kubenb import actions
    from kubenb.magics.pod import PodView
    from kubenb.run.process import deaf

    name, options = _named(line, "%k8s_attach", AT)
    run = actions.attach(name, session.folder, options.get("--context"), _space(options), show=PodView)
    with deaf():  # what came lies nowhere else
        _take(session, name, run)


def _take(session: Session, name: str, run: Run) -> None:
    from kubenb.magics.elsewhere import TaskFailedError, bodies, replay, take
    from kubenb.model.pipeline import Plan, Task

    outcome = run.outcomes[0]
    if any(each.state == "detached" for each in run.outcomes):
        print(f"{name} runs on. %k8s_attach {name} comes back to it, %k8s_stop {name} ends it.")
        return
    replay(run)
    failed = [each for each in run.outcomes if not each.ok]
    if failed:
        raise TaskFailedError(failed[0], f"the pod of {failed[0].name}")
    # What taking variables back needs to know comes from the executed notebook: the kernel may be another one.
    body = "\n".join("".join(cell["source"]) for cell in bodies(outcome.notebook))
    whole = outcome.item is not None and name == outcome.task
    take(session, Plan(Task(outcome.task, body=body)), run, f"the pod of {outcome.name}", lists=whole)


def _space(options: dict[str, str]) -> str | None:
    return options.get("--namespace", options.get("-n"))


def _named(line: str, magic: str, options: dict[str, bool]) -> tuple[str, dict[str, str]]:
    words, found = words_of(line, 1, options)
    if not words:
        raise refuse(
            NOWHERE, f"{magic} needs the name of a task.", f"Write {magic} train; %k8s_runs lists them.", "magic.name"
        )
    return words[0], found

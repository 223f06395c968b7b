"""`%k8s_runs`, `%k8s_logs`, `%k8s_stop`, `%k8s_attach`: pods that were started, by this kernel or before it was restarted.

In: the session and the line. Out: tables and logs; of `%k8s_attach` the task's variables in the kernel. Next rooms:
`kubenb.actions`, `kubenb.run.attached`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.magics.lines import words_of
from kubenb.model.problems import NOWHERE, refuse

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.model.pipeline import Plan
    from kubenb.run.events import Run

AT = {"--context": True, "--namespace": True}


def k8s_runs(session: Session, line: str) -> Any:
    """A table."""
    from kubenb import actions

    _, options = words_of(line, 0, {**AT, "--everyone": False})
    return actions.runs(options.get("--context"), options.get("--namespace"), everyone="--everyone" in options)


def k8s_logs(session: Session, line: str) -> None:
    """Printed; with --follow until the task ends or the cell is interrupted."""
    from kubenb import actions
    from kubenb.magics.pod import clean

    name, options = _named(line, "%k8s_logs", {**AT, "--follow": False})
    follow = "--follow" in options
    for block in actions.logs(name, options.get("--context"), options.get("--namespace"), follow=follow):
        print(clean(block), end="", flush=True)


def k8s_stop(session: Session, line: str) -> Any:
    """Ends them."""
    from kubenb import actions

    name, options = _named(line, "%k8s_stop", AT)
    return actions.stop(name, options.get("--context"), options.get("--namespace"))


def k8s_attach(session: Session, line: str) -> None:
    """Its log from the beginning, and its variables once it is done."""
    from kubenb import actions
    from kubenb.magics.elsewhere import TaskFailedError, replay, take
    from kubenb.magics.pod import Shown
    from kubenb.run.attached import attach

    name, options = _named(line, "%k8s_attach", AT)
    with actions.cluster(options.get("--context")) as client:
        found = actions.one_started(client, name, options.get("--namespace"), own=True)
        if "task" not in found.about:
            raise refuse(NOWHERE, f"pod {found.name} was not started from a notebook.", "", "runs.not-ours")
        folder = session.folder / f"attached-{found.name}"
        folder.mkdir(parents=True, exist_ok=True)
        run = attach(client, found, folder, Shown(found.task, client.context))
    outcome = run.outcomes[0]
    if outcome.state == "detached":
        print(f"{found.task} runs on. %k8s_attach {found.task} comes back to it, %k8s_stop {found.task} ends it.")
        return
    replay(run)
    if not outcome.ok:
        raise TaskFailedError(outcome, f"pod {found.name}")
    take(session, _plan(run), run, f"pod {found.name}")


def _named(line: str, magic: str, options: dict[str, bool]) -> tuple[str, dict[str, str]]:
    words, found = words_of(line, 1, options)
    if not words:
        raise refuse(
            NOWHERE, f"{magic} needs the name of a task.", f"Write {magic} train; %k8s_runs lists them.", "magic.name"
        )
    return words[0], found


def _plan(run: Run) -> Plan:
    """What taking variables back needs to know, from the executed notebook itself: the kernel may be another one."""
    from kubenb.model.pipeline import Plan, Task

    outcome = run.outcomes[0]
    body = _body(outcome.notebook)
    return Plan(Task(outcome.task, body=body), (), (), ())


def _body(notebook: Path | None) -> str:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook else []
    except (OSError, ValueError, KeyError):
        return ""
    texts = ["".join(cell["source"]) for cell in cells if "kubenb-body" in cell.get("metadata", {}).get("tags", ())]
    return "\n".join(texts)

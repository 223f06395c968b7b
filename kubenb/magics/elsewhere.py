"""`%%k8s_task --run local` and `--run pod`: the cell in a process or a pod of its own, packaged exactly as export does; its
variables come back into the kernel.

The cells that ran in this kernel are the notebook. What the task takes from earlier tasks comes from the kernel's
names, through a store like any other; what the body binds is kept by the task and read back. In: the session, the
header, the cell. Out: the cell's effect, or one `UsageError`. Next rooms: `kubenb.run.local`, `pod`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.magics.around import Definitions, follow
from kubenb.magics.source import from_kernel
from kubenb.model.pipeline import Code, Load, Pipeline, Plan
from kubenb.model.problems import KubenbError, errors, refuse
from kubenb.run.events import Event, Outcome, Progress, Run

if TYPE_CHECKING:
    from kubenb.magics.session import Session
    from kubenb.notebook.header import Header
    from kubenb.run.runner import Wish

GENERATORS = ("<random>", "<numpy.random>")
Start = Callable[[Pipeline, Path, "Wish", Progress], Run]
SHOWN = ("image/png", "image/svg+xml", "image/jpeg", "text/html")  # what a log of text can't show


class TaskFailedError(Exception):
    """A task failed where it ran. What it printed stands above, so the kernel adds one line and no frames of ours."""

    def __init__(self, outcome: Outcome, where: str) -> None:
        super().__init__(f"task {outcome.name} failed: {outcome.why}")
        self.outcome, self.where = outcome, where

    def _render_traceback_(self) -> list[str]:
        outcome = self.outcome
        seen = any(line.startswith(("Traceback ", "-----")) for line in outcome.tail)
        said = f"{outcome.name} failed in {self.where}. {outcome.fix}".strip(". ") if seen else str(self)
        if outcome.fix and outcome.fix.strip(". ") not in said:
            said = f"{said} {outcome.fix}"
        kept = outcome.notebook or outcome.log
        return [f"{said}\nIts {'executed notebook' if outcome.notebook else 'log'}: {kept}" if kept else said]


def run_local(session: Session, header: Header, text: str) -> None:
    """In a process of its own on this machine."""
    from kubenb.run.local import run_pipeline

    run_elsewhere(session, header, text, "its own process", run_pipeline)


def run_elsewhere(session: Session, header: Header, text: str, where: str, start: Start) -> Plan:
    """Runs the task, streams what it prints, takes its variables back. `where` in words; `start` runs a pipeline there."""
    from IPython.core.error import UsageError

    from kubenb.run.runner import Wish

    pipeline, plan = _planned(session, text, header.name)
    drawn = tuple(name for name in GENERATORS if name in plan.binds and name not in plan.outputs)
    plan = replace(plan, outputs=(*plan.outputs, *drawn))  # the kernel's own generators go on where the task's stopped
    supply = Supply(session.shell.user_ns, pipeline, plan)
    alone = replace(pipeline, plans=(plan,), edges=(), problems=())
    folder = session.folder / header.name
    run = start(alone, folder, Wish(resume=False, keep=True, supply=supply.write), _stream)
    replay(run)
    if run.interrupted:
        why = next((outcome.why for outcome in run.outcomes if outcome.why), f"{where} was ended")
        raise UsageError(f"task {header.name} was interrupted: {why}")
    failed = [outcome for outcome in run.outcomes if not outcome.ok]
    if failed and failed[0].state != "detached":
        raise TaskFailedError(failed[0], where)
    if not failed:
        take(session, plan, run, where, lists=plan.task.options.map is not None)
    return plan


def take(session: Session, plan: Plan, run: Run, where: str, *, lists: bool) -> None:
    """The variables, functions and classes of a task that is done, into the kernel; and the line that says so. `lists`: each
    variable is the list over the items. An interrupt waits until all is there: what was fetched lies nowhere else.
    """
    from kubenb.run.process import deaf

    with deaf():
        _take(session, plan, run, where, lists)


def _take(session: Session, plan: Plan, run: Run, where: str, lists: bool) -> None:
    namespace = session.shell.user_ns
    one = not lists
    before = {name: namespace[name] for name in plan.changes if one and name in namespace}
    code = Definitions(session.shell, plan.task.body, plan.binds)
    code.run(code.first)
    names, missing = _take_back(namespace, run.folder / ".kubenb" / "store", run, plan.task.name, lists)
    code.run(code.then)
    bound = session.bound(plan.task.body)
    order = {name: index for index, name in enumerate(bound)}
    print(_ending(run, sorted(names, key=lambda name: order.get(name, len(order))), where))
    for line in (*_left_there(missing, plan.changes), *code.left(), *follow(session.shell, before, names, bound)):
        print(line)


def _planned(session: Session, text: str, name: str) -> tuple[Pipeline, Plan]:
    """The task, with the kernel's own values for all that other cells made. A cell that makes what can't travel, a connection
    or a function's closure, runs again where the task runs.
    """
    from kubenb import actions

    notebook, again = from_kernel(session, text), frozenset[int]()
    while True:
        pipeline = actions.read(notebook, again=again)
        more = _to_run_again(pipeline, name, session.shell.user_ns) - again
        if not more:
            return pipeline, _plan(pipeline, name)
        again |= more


def _to_run_again(pipeline: Pipeline, name: str, namespace: dict[str, Any]) -> set[int]:
    """Ordinary cells that the task needs, and whose values the kernel can't give."""
    from kubenb.inside.documents import can_carry

    cells = {plan.task.name: plan.task.where.cell or 0 for plan in pipeline.plans if plan.task.name.startswith("cell ")}
    plan = next((plan for plan in reversed(pipeline.plans) if plan.task.name == name), None)
    if plan is None:
        return set()
    loads = [step for step in plan.steps if isinstance(step, Load) and step.producer in cells]
    needed = {cells[step.producer] for step in loads}
    needed |= {step.where.cell or 0 for step in plan.steps if isinstance(step, Code)}
    wrong = {problem.where.cell or 0 for problem in errors(pipeline.problems)} & needed & set(cells.values())
    for step in loads:
        kept = (value for value in step.names if not value.startswith("<"))
        if any(each not in namespace or can_carry(namespace[each], False) for each in kept):
            wrong.add(cells[step.producer])
    return wrong


def _plan(pipeline: Pipeline, name: str) -> Plan:
    """The task's plan; problems elsewhere in what ran are not this task's."""
    plan = next((plan for plan in reversed(pipeline.plans) if plan.task.name == name), None)
    cells = (
        {step.where.cell for step in plan.steps if isinstance(step, Code)} | {plan.task.where.cell} if plan else set()
    )
    mine = tuple(
        problem for problem in errors(pipeline.problems) if problem.where.task == name or problem.where.cell in cells
    )
    if mine or plan is None:
        raise KubenbError(mine or errors(pipeline.problems))
    return plan


class Supply:
    """The kernel's values as results of the earlier tasks."""

    def __init__(self, namespace: dict[str, Any], pipeline: Pipeline, plan: Plan) -> None:
        self.loads = [step for step in plan.steps if isinstance(step, Load)]
        self.producers = {each.task.name: each for each in pipeline.plans}
        self.namespace, self.plan = namespace, plan
        missing = [
            (step.producer, name)
            for step in self.loads
            for name in step.names
            if not name.startswith("<") and name not in namespace
        ]
        if missing:
            producer, name = missing[0]
            raise refuse(
                plan.task.where,
                f"{name} comes from {producer}, and is not in this kernel.",
                f"Run the cell of {producer} first.",
                "magic.missing",
            )

    def write(self, store: Path, dag: str, run: str) -> None:
        """A place for each producer, its marker last."""
        names: dict[str, list[str]] = {}
        for step in self.loads:
            names.setdefault(step.producer, []).extend(
                name for name in step.names if name not in names.get(step.producer, [])
            )
        for producer, wanted in names.items():
            values = {name: _state(name) if name.startswith("<") else self.namespace[name] for name in wanted}
            self._save(store, dag, run, producer, values)

    def _save(self, store: Path, dag: str, run: str, producer: str, values: dict[str, Any]) -> None:
        from kubenb.inside.exits import Refused
        from kubenb.store.places import put

        options = self.producers[producer].task.options
        try:
            if options.map is None:
                lists = [
                    value
                    for name, value in values.items()
                    if self.plan.task.options.map and name == self.plan.task.options.map.source.strip()
                ]
                put(store, (dag, run, producer, None), values, options.pickle, lists)
                return
            for item in range(min(len(value) for value in values.values())):
                put(
                    store,
                    (dag, run, producer, item),
                    {name: value[item] for name, value in values.items()},
                    options.pickle,
                )
        except Refused as refused:
            raise refuse(self.producers[producer].task.where, refused.what, refused.fix, "magic.carry") from None


def _state(name: str) -> Any:
    from kubenb.inside.hand import _random_state

    return _random_state(name.strip("<>"))


def _set_state(name: str, state: Any) -> None:
    from kubenb.inside.hand import _set_random_state

    _set_random_state(name.strip("<>"), state)


def _stream(event: Event) -> None:
    """What the task prints, as it comes; its very last line is said again by ours."""
    if event.kind == "lines":
        lines = [line for line in event.text.split("\n") if not line.startswith("kubenb: ")]
        if lines:
            print("\n".join(lines), flush=True)
    elif event.kind == "warning":
        print(f"warning: {event.text}", flush=True)
    elif event.kind == "stop":
        print("interrupted: ending the process …", flush=True)


def replay(run: Run) -> None:
    """Pictures and tables of the executed body: a log can't hold them."""
    from kubenb.show.jupyter import publish

    for outcome in run.outcomes:
        for output in (output for cell in bodies(outcome.notebook) for output in cell.get("outputs", ())):
            if output.get("output_type") not in ("display_data", "execute_result"):
                continue
            data = output.get("data", {})
            if any(kind in data for kind in SHOWN):
                whole = {kind: value if not isinstance(value, list) else "".join(value) for kind, value in data.items()}
                publish(whole, output.get("metadata", {}))


def bodies(notebook: Path | None) -> list[dict[str, Any]]:
    """The cells of an executed notebook that hold the task's own text."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"] if notebook else []
    except (OSError, ValueError, KeyError):
        return []
    return [cell for cell in cells if "kubenb-body" in cell.get("metadata", {}).get("tags", ())]


def _take_back(
    namespace: dict[str, Any], store: Path, run: Run, task: str, lists: bool
) -> tuple[list[str], dict[str, str]]:
    """The kept variables into the kernel: of a mapped task, lists over the items. What could not be kept is told with
    its reason.
    """
    from kubenb.store.places import kept

    if not lists:
        item = run.outcomes[0].item if run.outcomes else None  # one that was attached to
        values, left_out = kept(store, (run.dag, run.id, task, item))
    else:
        rows = [kept(store, (run.dag, run.id, task, outcome.item)) for outcome in run.outcomes]
        names = dict.fromkeys(name for row, _ in rows for name in row)
        values = {name: [row[name] for row, _ in rows] for name in names if all(name in row for row, _ in rows)}
        left_out = {name: why for _, reasons in rows for name, why in reasons.items()}
    namespace.update({name: value for name, value in values.items() if not name.startswith("<")})
    for name in GENERATORS:
        if name in values:
            _set_state(name, values[name])
    return [name for name in values if not name.startswith("<")], left_out


def _ending(run: Run, names: list[str], where: str) -> str:
    from kubenb.show.results import lost, measures, result_names

    outcomes = run.outcomes
    peak = max((outcome.peak or 0 for outcome in outcomes), default=0)
    cpu = sum(outcome.cpu or 0.0 for outcome in outcomes)
    gone = sum(outcome.lost or 0 for outcome in outcomes)
    items = f", {len(outcomes)} items" if len(outcomes) > 1 else ""
    name = (outcomes[0].task if items else outcomes[0].name) if outcomes else "task"
    return f"{name}: done in {where}{items}, {measures(run.seconds, peak, cpu)}{result_names(names)}{lost(gone)}"


def _left_there(missing: dict[str, str], changes: Collection[str] = ()) -> list[str]:
    """What could not come back, by reason, and the line that makes it travel, where there is one; and which names of the kernel
    have values from before, though the task changed its own (`changes`).
    """
    names: dict[tuple[str, bool], list[str]] = {}
    for name, why in missing.items():
        reason = why.partition("can't go to another task: ")[2].partition(". ")[0] or why
        names.setdefault((reason, "`#| pickle: " in why and reason != why), []).append(name)
    lines = []
    for (reason, pickle), each in names.items():
        listed = ", ".join(each)
        fix = f". Write `#| pickle: {listed}` under the task's first line, if a pickle will do." if pickle else ""
        old = [name for name in each if name in changes]
        still = f" The kernel's {', '.join(old)} {'is' if len(old) == 1 else 'are'} as before the task." if old else ""
        end = "." if still and not fix else ""
        lines.append(f"  {listed} stayed there: {reason}{fix}{end}{still}")
    return lines

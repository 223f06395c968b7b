"""The verbs of what was measured: what tasks used, and what they should ask for.

In: a notebook. Out: `Usage`, `Advices`. Next rooms: `kubenb.run.measures` for the records, `kubenb.export.advice` for the rule.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.model.names import did_you_mean
from kubenb.model.options import TaskOptions
from kubenb.model.pipeline import Pipeline, Plan, Task, auto_options
from kubenb.model.problems import Place, refuse
from kubenb.model.values import AUTO, BadValue

if TYPE_CHECKING:
    from kubenb.actions import Source
    from kubenb.export.advice import Advice
    from kubenb.model.measured import Measured
    from kubenb.show.advice import Advices
    from kubenb.show.cluster import Text
    from kubenb.show.usage import Usage


def usage(source: Source, task: str | None = None, *, store: str | None = None) -> Usage:
    """What the tasks used in every run that is on record; with `store` Airflow's runs are read back from there first."""
    from kubenb import actions
    from kubenb.run.later import LATER
    from kubenb.show.usage import Usage, read_back_note

    LATER.flush()
    pipeline = actions.read(source)
    note = ""
    if store is not None:
        from kubenb.run.read_back import read_back

        note = read_back_note(read_back(pipeline, store), store)
    plans = plans_of(pipeline, task)
    runs = tuple((plan.task.name, records(pipeline, plan)) for plan in plans)
    advice = _advice(pipeline, plans[0], None) if task is not None else None
    return Usage(task or pipeline.notebook.path or pipeline.dag.id or "the notebook", runs, advice, note)


def records(pipeline: Pipeline, plan: Plan) -> tuple[Measured, ...]:
    """A task's records, newest first."""
    from kubenb.model.measured import digest_of
    from kubenb.run.later import LATER
    from kubenb.run.measured import notebook_key
    from kubenb.run.measures import of_task

    LATER.flush()
    return of_task(plan.task.name, notebook_key(pipeline.notebook.path), digest_of(plan.task.body))


def plans_of(pipeline: Pipeline, task: str | None) -> tuple[Plan, ...]:
    """All tasks, or the one of that name."""
    names = [each.task.name for each in pipeline.plans]
    if task is not None and task not in names:
        fix = did_you_mean(task, names) or f"There are: {', '.join(names)}."
        raise refuse(Place(file=pipeline.notebook.path or None), f"there is no task {task}.", fix, "plan.unknown-task")
    return tuple(plan for plan in pipeline.plans if task in (None, plan.task.name))


def advise(source: Source, task: str | None = None, *, size: str | None = None) -> Advices:
    """What the tasks should ask for, by what they used. `size`: the bytes that they will read ('4Gi'; the most they have read).

    Nothing is written: `write_advice` does that, once somebody has said yes.
    """
    from kubenb import actions
    from kubenb.run.read_back import asked_of
    from kubenb.show.advice import Advices

    pipeline = actions.read(source)
    found = tuple(
        (_advice(pipeline, plan, size), asked_of(_as_set(pipeline), _set(plan))) for plan in plans_of(pipeline, task)
    )
    subject = pipeline.notebook.path or pipeline.dag.id or "the notebook"
    before, after, left = _rewritten(pipeline, [advice for advice, _ in found])
    return Advices(subject, found, before, after, left)


def write_advice(found: Advices) -> Text:
    """Writes exactly the header's option lines that `found.diff()` shows; refuses where the file has changed meanwhile."""
    from kubenb.inside.stores import write_file
    from kubenb.show.cluster import Text

    if not found.changes:
        return Text("There is nothing to write.")
    if _text_of(found.subject) != found.before:
        raise refuse(
            Place(file=found.subject), "it was changed meanwhile.", "Save it, and ask again.", "advice.changed"
        )
    write_file(found.subject, [found.after.encode("utf-8", "surrogatepass")])
    return Text(f"{found.subject} is written. Reload it where it is open.")


def resolved(pipeline: Pipeline) -> Pipeline:
    """`auto` for cpu and memory, as the records of this machine have it; without records nothing is asked for."""
    if not any(AUTO in (each.options.cpu, each.options.memory) for each in _tasks_and_defaults(pipeline)):
        return pipeline
    unset: dict[str, Any] = dict.fromkeys(_autos(pipeline.defaults))
    defaults = replace(pipeline.defaults, **unset)
    plans = []
    for plan in pipeline.plans:
        names = _autos(plan.task.options)
        advice = _advice(pipeline, plan, None) if names else None
        values: dict[str, Any] = {name: getattr(advice, name) for name in names}
        origins = dict.fromkeys(names, f"{AUTO}, {advice.why if advice else ''}")
        options = replace(plan.task.options, **values)
        task = replace(plan.task, options=options, origins={**plan.task.origins, **origins})
        plans.append(replace(plan, task=task))
    return replace(pipeline, plans=tuple(plans), defaults=defaults)


def _advice(pipeline: Pipeline, plan: Plan, size: str | None) -> Advice:
    from kubenb.export.advice import advise as advised
    from kubenb.model.measured import digest_of
    from kubenb.model.quantities import parse_quantity
    from kubenb.run.read_back import asked_of

    amount = None
    if size is not None:
        try:
            amount = int(parse_quantity(size))
        except BadValue as bad:
            raise refuse(Place(), f"input {bad.what}", bad.fix, "advice.size") from None
    now = asked_of(_as_set(pipeline), _set(plan))
    found = records(pipeline, plan)
    return advised(plan.task.name, digest_of(plan.task.body), found, now, plan.task.header, amount)


def _rewritten(pipeline: Pipeline, found: list[Advice]) -> tuple[str, str, tuple[str, ...]]:
    """The notebook's file before and after, and what could not be put into it."""
    from kubenb.notebook.rewriting import UnwritableError, in_file, with_options

    path = pipeline.notebook.path
    before = after = _text_of(path) if path else ""
    sources = {cell.number: cell.source for cell in pipeline.notebook.cells}
    plans, left = {plan.task.name: plan for plan in pipeline.plans}, []
    for advice in found:
        values = _differing(plans[advice.task], advice)
        number = plans[advice.task].task.where.cell
        if not values:
            continue
        try:
            if not before or number is None:
                raise UnwritableError("the notebook has no file that is known here")
            new = with_options(sources[number], advice.task, values)
            after, sources[number] = in_file(after, path, number, sources[number], new), new
        except UnwritableError as error:
            options = " ".join(f"--{name} {value}" for name, value in values.items())
            left.append(f"{advice.task}: {error}. Write {options} yourself.")
    return before, after, tuple(left)


def _differing(plan: Plan, advice: Advice) -> dict[str, str]:
    """What the header says otherwise. A request that stood below the limit goes down with it."""
    from kubenb.model.quantities import parse_cpu

    options, values = plan.task.options, {}
    if advice.cpu and (advice.cpu != options.cpu or "cpu" in auto_options(plan)):
        values["cpu"] = advice.cpu
    if advice.memory and (advice.memory != options.memory or "memory" in auto_options(plan)):
        values["memory"] = advice.memory
        if options.memory_request:
            values["memory-request"] = advice.memory
    if "cpu" in values and options.cpu_limit and parse_cpu(values["cpu"]) > parse_cpu(options.cpu_limit):
        values["cpu-limit"] = values["cpu"]
    return values


def _tasks_and_defaults(pipeline: Pipeline) -> list[Task]:
    return [*(plan.task for plan in pipeline.plans), Task("", pipeline.defaults)]


def _autos(options: TaskOptions) -> list[str]:
    return [name for name in ("cpu", "memory") if getattr(options, name) == AUTO]


def _set(plan: Plan) -> Plan:
    """Without `auto`, which no pod knows; one that was resolved stands for nothing that is asked for now."""
    unset: dict[str, Any] = dict.fromkeys((*_autos(plan.task.options), *auto_options(plan)))
    options = replace(plan.task.options, **unset)
    return replace(plan, task=replace(plan.task, options=options))


def _as_set(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, plans=tuple(map(_set, pipeline.plans)))


def _text_of(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8", "surrogatepass")
    except (OSError, UnicodeDecodeError):
        return ""

"""What a task, a run of the DAG and a day of it take: time, and money at the policy's prices.

In: a pipeline, and where they are known the seconds that one run of a task took, by its name. Out: `Cost`. What was not
measured is not guessed: its time is None, and only the timeout bounds it, as if each try lasted until then. Money is for
what is *requested*: that is what a node has to keep free. Nothing is counted for waiting, pulling or idle nodes.
Next room: `kubenb.show.cost`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from kubenb.export.fan_out import items
from kubenb.export.manifest import timeout
from kubenb.model.kinds import read_item_resources
from kubenb.model.options import DAG, TASK
from kubenb.model.pipeline import Pipeline, Plan
from kubenb.model.policy import Prices, prices
from kubenb.model.quantities import parse_bytes, parse_cpu, parse_duration
from kubenb.model.schedules import read_schedule
from kubenb.model.values import AUTO, Gpu

_T = TypeVar("_T")
_DAY = 86400
_YEARS = 28  # that a cron line is counted over: then days of the week fall on the same dates again
_A_YEAR = Decimal("365.25")
_PRESETS = {"@hourly": Decimal(24), "@daily": Decimal(1), "@weekly": 1 / Decimal(7)}
_PRESETS |= {"@monthly": 12 / _A_YEAR, "@quarterly": 4 / _A_YEAR, "@yearly": 1 / _A_YEAR}


@dataclass(frozen=True)
class TaskCost:
    """One task. `cpu`, `memory`: what one pod requests, as text ('' for nothing); `pods`: its items, None where they
    are known only at run time. `seconds`: one pod's measured time, None where it is not known; `bound`: its timeout.
    `rate`: all its pods for an hour; `cost` by the measured time; `at_most`: every pod and try until its timeout.
    """

    name: str
    cpu: str
    memory: str
    gpu: Gpu | None
    pods: int | None
    tries: int
    seconds: float | None
    bound: float
    rate: Decimal | None
    cost: Decimal | None
    at_most: Decimal | None


@dataclass(frozen=True)
class Cost:
    """A pipeline's. `seconds`: the longest way through one run, `bound` the same by timeouts, tries and waits between
    them. `runs`: of a day, on average, None where `schedule` does not say; `notes`: what is not counted, as sentences.
    """

    tasks: tuple[TaskCost, ...]
    seconds: float | None
    bound: float | None
    cost: Decimal | None
    at_most: Decimal | None
    schedule: str
    runs: Decimal | None
    prices: Prices | None
    prices_from: str
    notes: tuple[str, ...]

    @property
    def day(self) -> Decimal | None:
        """A day by its schedule, by measured times."""
        return None if self.runs is None or self.cost is None else self.cost * self.runs

    @property
    def day_at_most(self) -> Decimal | None:
        """The same, if every try lasted until its timeout."""
        return None if self.runs is None or self.at_most is None else self.at_most * self.runs


def cost(pipeline: Pipeline, walls: Mapping[str, float] | None = None) -> Cost:
    """Time and money. `walls`: the seconds that one pod of a task took, where they are known."""
    known, (priced, path) = walls or {}, prices(pipeline.policies)
    tasks = tuple(_task(pipeline, plan, known.get(plan.task.name), priced) for plan in pipeline.plans)
    schedule = pipeline.dag.schedule or DAG["schedule"].default
    return Cost(
        tasks,
        _longest(pipeline, {task.name: _waves(pipeline, task, task.seconds) for task in tasks}),
        _bounded(pipeline, tasks),
        _sum(task.cost for task in tasks),
        _sum(task.at_most for task in tasks),
        schedule,
        runs_a_day(schedule),
        priced,
        path,
        tuple(_notes(pipeline, tasks, priced)),
    )


def runs_a_day(schedule: str) -> Decimal | None:
    """How often a schedule fires in a day, on average over many years; None where only events or people say.

    >>> runs_a_day("6h"), runs_a_day("0 6,18 * * *"), runs_a_day("none")
    (Decimal('4'), Decimal('2'), None)
    """
    found = read_schedule(schedule)
    if found.kind == "every" and found.every is not None:
        return Decimal(_DAY) / Decimal(int(found.every.total_seconds()))
    return _cron(found.text) if found.kind == "cron" else _PRESETS.get(found.text)


def _cron(line: str) -> Decimal | None:
    """The times of one matching day, times the share of days that match."""
    from cronsim import CronSim, CronSimError

    minute, hour, *days = line.split()
    try:
        times = _until(CronSim(f"{minute} {hour} * * *", datetime(2023, 12, 31, 23, 59)), datetime(2024, 1, 2))
        matching = _until(
            CronSim(" ".join(["0 0", *days]), datetime(2023, 12, 31, 23, 59)), datetime(2024 + _YEARS, 1, 1)
        )
    except CronSimError:
        return None
    return Decimal(times * matching) / (_A_YEAR * _YEARS)


def _until(moments: Iterator[datetime], end: datetime) -> int:
    number = 0
    for moment in moments:
        if moment >= end:
            break
        number += 1
    return number


def _task(pipeline: Pipeline, plan: Plan, wall: float | None, priced: Prices | None) -> TaskCost:
    options = plan.task.options
    retries = _first(options.retries, pipeline.dag.retries, int(TASK["retries"].default))
    pods = 1 if options.map is None else items(pipeline, plan).count
    bound = timeout(pipeline, options).total_seconds()
    cpu, memory = options.cpu or options.cpu_limit or "", options.memory_request or options.memory or ""
    cpu, memory = ("" if each == AUTO else each for each in (cpu, memory))
    rate = None if pods is None or priced is None else _rate(plan, cpu, memory, pods, priced)
    return TaskCost(
        plan.task.name,
        _asked(plan, "cpu", cpu),
        _asked(plan, "memory", memory),
        options.gpu,
        pods,
        retries + 1,
        wall,
        bound,
        rate,
        None if rate is None or wall is None else rate * Decimal(repr(wall)) / 3600,
        None if rate is None else rate * Decimal(repr(bound)) * (retries + 1) / 3600,
    )


def _rate(plan: Plan, cpu: str, memory: str, pods: int, priced: Prices) -> Decimal:
    """All pods of a task for an hour; what has no price counts nothing, and is noted."""
    options = plan.task.options
    rows = _rows(plan) or ({},) * pods
    total = Decimal(0)
    for row in rows[:pods]:
        cores, amount = row.get("cpu", cpu), row.get("memory", memory)
        total += (parse_cpu(cores) if cores else 0) * (priced.cpu or 0)
        total += (parse_bytes(amount) / 2**30 if amount else 0) * (priced.memory or 0)
        total += (options.gpu.count if options.gpu else 0) * (_gpu(options.gpu, priced) or 0)
    return total


def _rows(plan: Plan) -> tuple[dict[str, str], ...]:
    """The resources of each item, where they differ."""
    options = plan.task.options
    return read_item_resources(options.item_resources) if options.item_resources and options.map else ()


def _asked(plan: Plan, name: str, own: str) -> str:
    """What pods request, in words; of items that differ the first few amounts."""
    amounts = [each for each in dict.fromkeys(row.get(name, own) for row in _rows(plan)) if each] or [own]
    return ", ".join(amounts[:3]) + (", …" if len(amounts) > 3 else "")


def _gpu(gpu: Gpu | None, priced: Prices) -> Decimal | None:
    return dict(priced.gpus).get(gpu.resource, priced.gpu) if gpu else None


def _waves(pipeline: Pipeline, task: TaskCost, seconds: float | None) -> float | None:
    """A task's time in a run: items that can't run at once come after each other."""
    if seconds is None or task.pods is None:
        return None
    options = next(plan.task.options for plan in pipeline.plans if plan.task.name == task.name)
    at_once = min(
        options.max_parallel or task.pods or 1, pipeline.dag.max_active_tasks or int(DAG["max-active-tasks"].default)
    )
    return -(-task.pods // at_once) * seconds


def _bounded(pipeline: Pipeline, tasks: tuple[TaskCost, ...]) -> float | None:
    """The longest way if every try lasts until its timeout; never more than the DAG run's own."""
    spans = {}
    for task, plan in zip(tasks, pipeline.plans, strict=True):
        delay = parse_duration(
            _first(plan.task.options.retry_delay, pipeline.dag.retry_delay, TASK["retry-delay"].default)
        )
        whole = task.bound * task.tries + delay.total_seconds() * (task.tries - 1)
        spans[task.name] = _waves(pipeline, task, whole)
    longest = _longest(pipeline, spans)
    most = parse_duration(pipeline.dag.timeout).total_seconds() if pipeline.dag.timeout else None
    return min((each for each in (longest, most) if each is not None), default=None)


def _longest(pipeline: Pipeline, spans: Mapping[str, float | None]) -> float | None:
    """The longest way through the graph; None where a span is not known."""
    ends: dict[str, float] = {}
    for plan in pipeline.plans:
        span = spans[plan.task.name]
        if span is None:
            return None
        before = [ends[edge.upstream] for edge in pipeline.edges if edge.downstream == plan.task.name]
        ends[plan.task.name] = max(before, default=0.0) + span
    return max(ends.values(), default=0.0)


def _sum(costs: Iterator[Decimal | None]) -> Decimal | None:
    found = list(costs)
    return None if None in found else sum((each for each in found if each is not None), Decimal(0))


def _first(*values: _T | None) -> _T:
    return next(value for value in values if value is not None)


def _notes(pipeline: Pipeline, tasks: tuple[TaskCost, ...], priced: Prices | None) -> Iterator[str]:
    """What is not known, and what is not counted."""
    unmeasured = [task.name for task in tasks if task.seconds is None]
    if unmeasured:
        yield f"The time of {', '.join(unmeasured)} is not known; the timeout is only an upper bound."
    for task in tasks:
        if task.pods is None:
            yield f"How many items {task.name} has is known only when it runs, so its cost and the run's are not."
    if priced is None:
        yield "No policy has prices: write [policy.prices] in kubenb.toml, and cost is counted."
        return
    asked = {"cpu": priced.cpu, "memory": priced.memory}
    for name, price in asked.items():
        without = [task.name for task in tasks if not getattr(task, name)]
        if price is not None and without:
            yield f"No {name} is requested by {', '.join(without)}; what they use of it is not counted."
        if price is None and len(without) < len(tasks):
            yield f"{name} has no price, and is not counted."
    unpriced = dict.fromkeys(task.gpu.resource for task in tasks if task.gpu and _gpu(task.gpu, priced) is None)
    for resource in unpriced:
        yield f"{resource} has no price, and is not counted."

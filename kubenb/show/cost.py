"""Cost and time: a table of tasks, then a run and a day in one line each, then what is not known.

In: an `export.cost.Cost`. Out: text, HTML, Markdown, JSON. A time that was not measured is never shown as one: it stands
behind "at most", and the notes say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

from kubenb.export.cost import Cost, TaskCost
from kubenb.show.results import show_seconds
from kubenb.show.shown import Shown
from kubenb.show.table import Table

_DAY = 86400
_COLUMNS = ("task", "cpu", "memory", "gpu", "pods", "time", "time at most")
_MONEY = ("cost", "cost at most")


@dataclass(frozen=True, repr=False)
class CostOf(Shown):
    """What a pipeline costs; `cost` has the numbers."""

    subject: str
    cost: Cost

    def __str__(self) -> str:
        return "\n".join([self._head(), str(self._table()), "", *self._lines()])

    def html(self) -> str:
        """The table, and the lines below it."""
        lines = "".join(f"<div>{escape(line)}</div>" for line in self._lines())
        return f"<div>{escape(self._head())}</div>{self._table().html()}{lines}"

    def markdown(self) -> str:
        """The table, and the lines below it."""
        return "\n\n".join([self._head(), self._table().markdown(), *self._lines()])

    def json(self) -> Any:
        """Plain numbers: seconds, and money in the prices' currency; null for what is not known."""
        cost = self.cost
        return {
            "tasks": [_task_json(task) for task in cost.tasks],
            "run": {
                "seconds": cost.seconds,
                "at_most_seconds": cost.bound,
                "cost": _number(cost.cost),
                "at_most_cost": _number(cost.at_most),
            },
            "day": {
                "schedule": cost.schedule,
                "runs": _number(cost.runs),
                "cost": _number(cost.day),
                "at_most_cost": _number(cost.day_at_most),
            },
            "currency": cost.prices.currency if cost.prices else None,
            "notes": list(cost.notes),
        }

    @property
    def _currency(self) -> str:
        return self.cost.prices.currency if self.cost.prices else ""

    def _head(self) -> str:
        by = f", by the prices of {self.cost.prices_from}" if self.cost.prices else ""
        return f"{self.subject}: time and cost of what is requested{by}"

    def _table(self) -> Table:
        priced = self.cost.prices is not None
        rows = tuple(self._row(task, priced) for task in self.cost.tasks)
        return Table("", (*_COLUMNS, *(_MONEY if priced else ())), rows)

    def _row(self, task: TaskCost, priced: bool) -> tuple[str, ...]:
        gpu = f"{task.gpu.count} {task.gpu.resource}" if task.gpu else "-"
        pods = "?" if task.pods is None else str(task.pods)
        tries = f" x {task.tries} tries" if task.tries > 1 else ""
        took = "not known" if task.seconds is None else _time(task.seconds)
        words = (task.name, task.cpu or "-", task.memory or "-", gpu, pods, took, _time(task.bound) + tries)
        return (*words, self._money(task.cost), self._money(task.at_most)) if priced else words

    def _lines(self) -> list[str]:
        cost, priced = self.cost, self.cost.prices is not None
        took = "time not known" if cost.seconds is None else _time(cost.seconds)
        most = "no bound known" if cost.bound is None else f"at most {_time(cost.bound)}"
        run = f"A run, without waits: {took}, {most}"
        if priced:
            run += f"; cost {self._money(cost.cost)}, at most {self._money(cost.at_most)}"
        return [f"{run}.", f"A day: {self._day()}.", *cost.notes]

    def _day(self) -> str:
        cost = self.cost
        if cost.runs is None:
            return f"not known, schedule {cost.schedule} does not say how often"
        runs = f"{_runs(cost.runs)} by schedule {cost.schedule}"
        if cost.prices is None:
            return runs
        return f"{runs}; cost {self._money(cost.day)}, at most {self._money(cost.day_at_most)}"

    def _money(self, amount: Decimal | None) -> str:
        return "not known" if amount is None else money(amount, self._currency)


def money(amount: Decimal, currency: str = "") -> str:
    """An amount with cents, or with two digits that count where it is smaller.

    >>> money(Decimal("1234.5"), "EUR"), money(Decimal("0.00123"), "EUR"), money(Decimal(0))
    ('1,234.50 EUR', '0.0012 EUR', '0')
    """
    digits = max(2, 1 - amount.adjusted()) if amount else 0
    return f"{amount:,.{min(digits, 12)}f} {currency}".strip()


def _time(seconds: float) -> str:
    """
    >>> _time(86400), _time(93600), _time(75)
    ('1 d', '1 d 2 h', '1 min 15 s')
    """
    if seconds < _DAY:
        return show_seconds(seconds).removesuffix(" 0 s").removesuffix(" 0 min")
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def _runs(runs: Decimal) -> str:
    """
    >>> _runs(Decimal(1)), _runs(Decimal(24)), _runs(1 / Decimal(7))
    ('1 run', '24 runs', '0.14 runs on average')
    """
    number = f"{runs:.2f}".rstrip("0").rstrip(".")
    return f"{number} run" if runs == 1 else f"{number} runs" + (" on average" if "." in number else "")


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, 12))


def _task_json(task: TaskCost) -> dict[str, Any]:
    return {
        "task": task.name,
        "cpu": task.cpu or None,
        "memory": task.memory or None,
        "gpu": {"count": task.gpu.count, "resource": task.gpu.resource} if task.gpu else None,
        "pods": task.pods,
        "tries": task.tries,
        "seconds": task.seconds,
        "timeout_seconds": task.bound,
        "cost": _number(task.cost),
        "at_most_cost": _number(task.at_most),
    }

"""May a task start? Airflow's trigger rules over what became of the tasks before it.

In: a rule and the states of the direct predecessors (None = not ended yet). Out: start, wait, or the reason why it
never will.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from kubenb.run.events import GOOD, State


def decide(rule: str, before: Mapping[str, State | None]) -> tuple[Literal["start", "wait", "never"], str]:
    """The decision, and for 'never' its reason in words.

    >>> decide("all_success", {"extract": "done", "train": None})
    ('wait', '')
    >>> decide("all_success", {"extract": "failed", "train": None})
    ('never', 'extract failed')
    >>> decide("all_done", {"extract": "failed"})
    ('start', '')
    """
    good = [name for name, state in before.items() if state in GOOD]
    failed = [name for name, state in before.items() if state in ("failed", "interrupted")]
    skipped = [name for name, state in before.items() if state == "not run"]
    waiting = [name for name, state in before.items() if state is None]
    if rule in ("always",) or not before:
        return "start", ""
    if rule.startswith("one_"):
        return _one(rule, good, failed, waiting)
    against = {
        "all_success": failed + skipped,
        "all_failed": good + skipped,
        "all_skipped": good + failed,
        "none_failed": failed,
        "none_failed_min_one_success": failed,
        "none_skipped": skipped,
    }.get(rule, [])
    if against:
        return "never", ", ".join(f"{name} {_word(before[name])}" for name in against)
    if waiting:
        return "wait", ""
    needs_one = {"none_failed_min_one_success": good, "all_done_min_one_success": good}.get(rule)
    if needs_one is not None and not needs_one:
        return "never", "no task before it succeeded"
    return "start", ""


def _one(
    rule: str, good: list[str], failed: list[str], waiting: list[str]
) -> tuple[Literal["start", "wait", "never"], str]:
    wanted = {"one_success": good, "one_failed": failed, "one_done": good + failed}[rule]
    if wanted:
        return "start", ""
    return (
        ("wait", "") if waiting else ("never", f"no task before it {'failed' if rule == 'one_failed' else 'succeeded'}")
    )


def _word(state: State | None) -> str:
    return {
        "failed": "failed",
        "interrupted": "was interrupted",
        "detached": "was left to itself",
        "not run": "did not run",
        "done": "succeeded",
        "reused": "succeeded",
        None: "",
    }[state]

"""What may be chosen for an option, for whoever offers choices: the allowed range or list, and why the rest is barred.

In: policies, an option's name, the profile that is named. Out: `Choices`, plain values; `wrong(value)` judges one that
was typed by the same rules as every check. Next: the faces that offer choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubenb.model import names
from kubenb.model.kinds import parse_option
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.policy import Policy, Rule, allowed, amount, ask, barred, because, typed
from kubenb.model.problems import Place, refuse
from kubenb.model.values import BadValue

_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Barred:
    """A value that may not be chosen, and why. `value` is '' where it is all beyond the range or the list."""

    value: str
    reason: str


@dataclass(frozen=True)
class Choices:
    """Of one option: `least` and `most` of an amount ('' for no bound), `listed` values that can be chosen as they are,
    `patterns` that a typed value must match (none: anything goes), and what is `barred`. `free`: other values than the
    listed may be typed. `required`: it must be set, or these keys of it. `dag`: an option of %k8s_dag, not of a task.
    """

    option: str
    least: str = ""
    most: str = ""
    listed: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    free: bool = True
    forbidden: bool = False
    required: tuple[str, ...] = ()
    barred: tuple[Barred, ...] = ()
    rules: tuple[tuple[Policy, Rule], ...] = ()
    dag: bool = False

    def wrong(self, text: str) -> str:
        """Why this text may not be chosen, with the fix; '' where it may."""
        option = (DAG if self.dag else TASK)[self.option]
        try:
            values = parse_option(option, text)
        except BadValue as bad:
            return f"{bad.what} {bad.fix}".strip()
        found = (_wrong(rules, option, value) for value in values for rules in self.rules)
        return next((each for each in found if each), "")


def choices(
    policies: Sequence[Policy],
    option: str,
    profile: str | None = None,
    profiles: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    dag: bool = False,
) -> Choices:
    """What the policies let an option be in a task of this profile, or with `dag` an option of %k8s_dag. `profiles`: all
    that can be named, with their values.
    """
    table, owner = (DAG, "%k8s_dag") if dag else (TASK, "a task")
    if option not in table:
        fix = names.did_you_mean(option, table) or "See all options: kubenb options."
        raise refuse(Place(), f"{option} is not an option of {owner}.", fix, "policy.option")
    row = table[option]
    held = ((policy, policy.dag_rules if dag else policy.rules_for(profile)) for policy in policies)
    rules = tuple((policy, rule) for policy, each in held for rule in each if rule.option == option)
    fixed = row.choices or (tuple(profiles or ()) if option == "profile" else ())
    offered = [*fixed, *(each for _, rule in rules for each in rule.only if _plain(row, each))]
    reasons = {each: _barred(each, row, rules, policies, profiles or {}) for each in dict.fromkeys(offered)}
    bars = [Barred(each, reason) for each, reason in reasons.items() if reason]
    bars += [Barred("", because(text, rule, policy)) for policy, rule in rules for text in _beyond(rule, row)]
    least = max(
        (rule.least for _, rule in rules if rule.least), key=lambda text: amount(row, typed(row, text)), default=""
    )
    most = min(
        (rule.most for _, rule in rules if rule.most), key=lambda text: amount(row, typed(row, text)), default=""
    )
    patterns = tuple(
        dict.fromkeys(each for _, rule in rules for each in (*rule.only, *([rule.matches] * bool(rule.matches))))
    )
    closed = any(rule.only and not rule.matches and all(_plain(row, each) for each in rule.only) for _, rule in rules)
    return Choices(
        option,
        least,
        most,
        tuple(each for each, reason in reasons.items() if not reason),
        patterns,
        not fixed and not closed,
        any(rule.forbidden for _, rule in rules),
        tuple(dict.fromkeys(each for _, rule in rules for each in (rule.keys or (option,) * rule.required))),
        tuple(bars),
        rules,
        dag,
    )


def _plain(option: Option, pattern: str) -> bool:
    """Whether a pattern is a value as it stands; of GPUs it is a resource, which needs a count."""
    return option.kind != "gpu" and not _PATTERN & set(pattern)


def _barred(
    text: str,
    option: Option,
    rules: Sequence[tuple[Policy, Rule]],
    policies: Sequence[Policy],
    profiles: Mapping[str, Mapping[str, Any]],
) -> str:
    """Why an offered value may not be chosen: by its own rules, and of a profile by the rules of what it sets."""
    try:
        value = parse_option(option, text)[0]
    except BadValue as bad:
        return f"{bad.what} {bad.fix}"
    own = next((wrong for each in rules if (wrong := _wrong(each, option, value))), "")
    if own or option.name != "profile":
        return own
    for name, held in profiles.get(text, {}).items():
        row = TASK[name]
        for policy in policies:
            for rule in policy.rules_for(text):
                for one in held if row.repeats else (held,):
                    if rule.option == name and (wrong := _wrong((policy, rule), row, one)):
                        return wrong
    return ""


def _wrong(held: tuple[Policy, Rule], option: Option, value: Any) -> str:
    policy, rule = held
    found = barred(rule, option, value)
    return f"{because(found[0], rule, policy)} {ask(found[1], policy)}" if found else ""


def _beyond(rule: Rule, option: Option) -> list[str]:
    """In words, what a rule bars without naming values."""
    found = [f"{option.name} is not allowed"] if rule.forbidden else []
    found += [f"less than {rule.least}"] if rule.least else []
    found += [f"more than {rule.most}"] if rule.most else []
    found += [f"anything of {each}" for each in rule.never]
    return [*found, *([f"anything but {', '.join(allowed(rule))}"] if allowed(rule) else [])]

"""What a platform team allows: rules of options, profiles with ranges of their own, prices.

A policy is data: `notebook.policy` reads it from files, `export.check_policy` judges a pipeline by it, `export.allowed`
says what a picker may offer, `export.cost` counts by its prices. Several policies hold at once, each in full, so none
can weaken another; of profiles and prices the first has the word. In: a rule and a value. Out: what is barred, and why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from kubenb.model.kinds import show_option
from kubenb.model.options import Option
from kubenb.model.problems import Problem
from kubenb.model.quantities import parse_bytes, parse_cpu, parse_duration
from kubenb.model.values import AUTO, Gpu, KeyValue

RANGED = frozenset({"cpu", "bytes", "cpu or auto", "bytes or auto", "gpu", "count", "positive", "integer", "duration"})
PAIRS = frozenset({"env", "label", "annotation", "param"})
UNBOUNDED = frozenset(
    {"memory", "cpu-limit", "storage", "max-active-runs"}
)  # unset, they have no upper bound of kubenb's


@dataclass(frozen=True)
class Rule:
    """What one option may be. `least`, `most`: texts as a user types them; `only`, `never`: patterns with `*`;
    `matches`: a regular expression that lets a value through beside `only`; `required`: it must be set, and of pairs
    these keys, each alone or as `key=pattern`. `reason` is the team's own sentence.
    """

    option: str
    least: str = ""
    most: str = ""
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    matches: str = ""
    forbidden: bool = False
    required: bool = False
    keys: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Profile:
    """A named set of options: typed `values`, and `rules` that hold instead of the policy's own where it is named."""

    name: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    rules: tuple[Rule, ...] = ()
    about: str = ""


@dataclass(frozen=True)
class Prices:
    """Of a core, a GiB of memory and a GPU for an hour; None where the policy does not say. `gpus`: by resource name."""

    cpu: Decimal | None = None
    memory: Decimal | None = None
    gpu: Decimal | None = None
    gpus: tuple[tuple[str, Decimal], ...] = ()
    currency: str = ""


@dataclass(frozen=True)
class Policy:
    """One file's policy. `rules` are of task options, `dag_rules` of those of %k8s_dag; `contact`: whom to ask."""

    path: str
    rules: tuple[Rule, ...] = ()
    dag_rules: tuple[Rule, ...] = ()
    profiles: tuple[Profile, ...] = ()
    prices: Prices | None = None
    contact: str = ""
    problems: tuple[Problem, ...] = ()

    def rules_for(self, profile: str | None) -> tuple[Rule, ...]:
        """The rules of a task that names this profile: the profile's own instead of the general one, option by option."""
        own = next((each.rules for each in self.profiles if each.name == profile), ())
        named = {rule.option for rule in own}
        return (*(rule for rule in self.rules if rule.option not in named), *own)


def prices(policies: Sequence[Policy]) -> tuple[Prices | None, str]:
    """The prices of the first policy that has any, and its file."""
    return next(((each.prices, each.path) for each in policies if each.prices is not None), (None, ""))


def amount(option: Option, value: Any) -> Decimal:
    """A value as a number that can be compared: cores, bytes, seconds, a count."""
    if isinstance(value, Gpu):
        return Decimal(value.count)
    if option.kind.startswith("cpu"):
        return parse_cpu(str(value))
    if option.kind.startswith("bytes"):
        return parse_bytes(str(value))
    if option.kind == "duration":
        return Decimal(int(parse_duration(str(value)).total_seconds()))
    return Decimal(str(value))


def barred(rule: Rule, option: Option, value: Any) -> tuple[str, str] | None:
    """What is wrong with one value of the option, and the fix; None where the rule allows it.

    >>> from kubenb.model.options import TASK
    >>> barred(Rule("memory", most="8Gi"), TASK["memory"], "16Gi")
    ('memory 16Gi is more than the 8Gi allowed', 'Write at most 8Gi')
    """
    text = f"{option.name} {show_option(option, value)}"
    if rule.forbidden:
        return f"{option.name} is not allowed", "Leave it out"
    if value == AUTO:
        return None  # the amount that it stands for is looked at in its place
    if option.kind in RANGED:
        if rule.most and amount(option, value) > amount(option, typed(option, rule.most)):
            return f"{text} is more than the {rule.most} allowed", f"Write at most {rule.most}"
        if rule.least and amount(option, value) < amount(option, typed(option, rule.least)):
            return f"{text} is less than the {rule.least} that is the least allowed", f"Write at least {rule.least}"
    texts = _texts(option, value)
    for pattern in rule.never:
        if any(fnmatchcase(each, pattern) for each in texts):
            return f"{text} is of {pattern}, which is not allowed", "Choose another"
    named = any(fnmatchcase(texts[0], pattern) for pattern in rule.only)
    if (rule.only or rule.matches) and not named and not (rule.matches and re.match(rule.matches, texts[0])):
        return f"{text} is not among what is allowed", f"Write one of: {', '.join(allowed(rule))}"
    return None


def allowed(rule: Rule) -> tuple[str, ...]:
    """What a rule lists, in words."""
    return (*rule.only, *([f"what matches {rule.matches}"] if rule.matches else []))


def without(rule: Rule, option: Option) -> tuple[str, str] | None:
    """As `barred`, where nobody sets the option and it has no default."""
    example = rule.most or rule.least or next((each for each in rule.only if "*" not in each), option.example)
    fix = f"Write {option.name}: {example}"
    if rule.forbidden:
        return None
    if rule.required:
        return f"{option.name} is not set, and must be", fix
    if rule.most and option.name in UNBOUNDED:
        return f"{option.name} is not set, so it has no bound; at most {rule.most} is allowed", fix
    if rule.least and option.kind.startswith(("cpu", "bytes")):
        return f"{option.name} is not set; at least {rule.least} is asked for", fix
    if option.name == "namespace" and (rule.only or rule.matches):
        return f"namespace is not set; it must be one of: {', '.join(allowed(rule))}", fix
    return None


def keyless(rule: Rule, option: Option, values: Sequence[KeyValue]) -> list[tuple[str, str]]:
    """Required keys that are not there, or have another value than they may."""
    found = []
    for wanted in rule.keys:
        key, equals, pattern = wanted.partition("=")
        value = next((each.value for each in values if each.key == key), None)
        fix = f"Write {option.name}: {key}={pattern if equals and not set('*?[') & set(pattern) else '…'}"
        if value is None:
            found.append((f"{option.name} {key} is not set, and must be", fix))
        elif equals and not fnmatchcase(value, pattern):
            found.append((f"{option.name} {key}={value} is not of the form {wanted}", fix))
    return found


def because(what: str, rule: Rule, policy: Policy) -> str:
    """The sentence with the team's reason and the file that says so."""
    reason = f": {rule.reason.rstrip('.')}" if rule.reason else ""
    return f"{what}{reason} (policy of {policy.path})."


def ask(fix: str, policy: Policy) -> str:
    """The fix, and whom to ask for more."""
    return f"{fix}, or ask {policy.contact}." if policy.contact else f"{fix}."


def typed(option: Option, text: str) -> Any:
    """A bound's text as a value that `amount` takes."""
    return Gpu(int(text.split()[0])) if option.kind == "gpu" else text


def _texts(option: Option, value: Any) -> tuple[str, ...]:
    """The value as patterns see it; an image without a tag is `latest` as well, a GPU is its resource."""
    if isinstance(value, Gpu):
        return (value.resource,)
    text = show_option(option, value)
    if option.kind == "image" and "@" not in text and ":" not in text.rpartition("/")[2]:
        return text, f"{text}:latest"
    return (text,)

"""The platform team's policy: `[policy]` of each kubenb.toml or pyproject.toml from the notebook's folder up to the top,
of the file that KUBENB_POLICY names, and of /etc/kubenb/policy.toml. All of them hold.

    [policy]
    contact = "#platform"
    hub-profiles = "profile_list.yaml"        # JupyterHub's profiles, as input
    [policy.options.memory]                   # an option of a task; [policy.dag.NAME]: one of %k8s_dag
    most = "64Gi"
    reason = "the largest node has 64 GiB"
    [policy.profiles.large]                   # a profile, and what may differ from it
    memory = "16Gi"
    [policy.profiles.large.allowed.memory]
    most = "32Gi"
    [policy.prices]
    cpu-hour = 0.04

In: a folder. Out: `Policy` values, the platform's own first, with every problem of each file: a policy that can't be read
is an error, never no policy. Next room: `settings`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from kubenb.model import names
from kubenb.model.kinds import from_toml
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.policy import PAIRS, RANGED, Policy, Prices, Profile, Rule, amount
from kubenb.model.problems import Place, Problem
from kubenb.model.values import BadValue
from kubenb.notebook.toml import Unreadable, load, table_of

VARIABLE = "KUBENB_POLICY"
SITE = Path("/etc/kubenb/policy.toml")
_KEYS = ("contact", "hub-profiles", "options", "dag", "profiles", "prices")
_WORDS = ("least", "most", "only", "never", "matches", "forbidden", "required", "reason")
_PRICES = ("cpu-hour", "gib-hour", "gpu-hour", "gpus", "currency")


def find_policies(start: Path) -> tuple[Policy, ...]:
    """Every policy that holds in this folder: the site's, the one named, then from the file system's top down."""
    named = os.environ.get(VARIABLE, "")
    files = [SITE] if os.path.lexists(SITE) else []
    files += [Path(named).expanduser()] if named else []
    above = [each / name for each in (*reversed(start.parents), start) for name in ("kubenb.toml", "pyproject.toml")]
    found: dict[str, Policy] = {}
    for path in files:
        found[os.path.realpath(path)] = read_policy(path) or Policy(
            str(path), problems=(_broken(path, "it has no [policy].", "Write [policy] in it."),)
        )
    for path in above:
        if os.path.isfile(path) and os.path.realpath(path) not in found:
            policy = read_policy(path)
            if policy is not None:
                found[os.path.realpath(path)] = policy
    return tuple(found.values())


def read_policy(path: Path) -> Policy | None:
    """The policy in this file; None where it has none."""
    try:
        raw = table_of(path, load(path, b"policy"))
    except Unreadable as error:
        return Policy(str(path), problems=(_broken(path, str(error), "Correct the file."),))
    if not isinstance(raw, dict) or "policy" not in raw:
        return None
    return parse_policy(raw["policy"], str(path))


def _broken(path: Path, what: str, fix: str) -> Problem:
    return Problem(Place(file=str(path)), what, fix, "policy.file")


def parse_policy(raw: Any, path: str) -> Policy:
    """The policy in a table that TOML gave. `hub-profiles` is a file beside it."""
    reading = _Reading(Place(file=path))
    table = reading.table("policy", raw)
    reading.unknown("policy", table, _KEYS)
    rules = reading.rules("policy.options", table.get("options", {}), TASK)
    dag_rules = reading.rules("policy.dag", table.get("dag", {}), DAG)
    named = reading.table("policy.profiles", table.get("profiles", {}))
    profiles = [reading.profile(name, each) for name, each in named.items()]
    if "hub-profiles" in table:
        from kubenb.notebook.hub_profiles import read_hub_profiles

        more, problems = read_hub_profiles(Path(path).parent / str(table["hub-profiles"]))
        known = {profile.name for profile in profiles}
        profiles += [profile for profile in more if profile.name not in known]
        reading.problems += problems
    prices = reading.prices(table["prices"]) if "prices" in table else None
    contact = reading.text("policy contact", table.get("contact", ""))
    return Policy(path, rules, dag_rules, tuple(profiles), prices, contact, tuple(reading.problems))


class _Reading:
    """Collects the problems of one policy."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.problems: list[Problem] = []

    def add(self, what: str, fix: str) -> None:
        self.problems.append(Problem(self.place, what, fix, "policy.file"))

    def table(self, where: str, raw: Any) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self.add(f"{where} is not a table.", f"Write [{where}].")
        return {}

    def text(self, where: str, raw: Any) -> str:
        if isinstance(raw, str) and "\n" not in raw:
            return raw
        self.add(f"{where} is not one line of text.", "Write it in quotes.")
        return ""

    def unknown(self, where: str, raw: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in raw:
            if key not in known:
                fix = names.did_you_mean(key, known) or f"There are: {', '.join(known)}."
                self.add(f"[{where}] {key} is not known.", fix)

    def rules(self, where: str, raw: Any, options: dict[str, Option]) -> tuple[Rule, ...]:
        found = []
        for name, each in self.table(where, raw).items():
            if name in options:
                found.append(self.rule(f"{where}.{name}", each, options[name]))
            else:
                self.add(
                    f"[{where}.{name}] is of no option.", names.did_you_mean(name, options) or "See kubenb options."
                )
        return tuple(found)

    def rule(self, where: str, raw: Any, option: Option) -> Rule:
        table = self.table(where, raw)
        self.unknown(where, table, _WORDS)
        bounds = {
            word: self.bound(f"[{where}] {word}", table[word], option) for word in ("least", "most") if word in table
        }
        low, high = (bounds.get(word, "") for word in ("least", "most"))
        if low and high and amount(option, _value(option, low)) > amount(option, _value(option, high)):
            self.add(f"[{where}] least {low} is more than most {high}.", "Exchange them.")
        lists = {word: self.words(f"[{where}] {word}", table[word]) for word in ("only", "never") if word in table}
        required = table.get("required", False)
        keys: tuple[str, ...] = ()
        if option.kind in PAIRS and not isinstance(required, bool):
            keys, required = self.words(f"[{where}] required", required), False
        flags = {"forbidden": table.get("forbidden", False), "required": required}
        for word, value in flags.items():
            if not isinstance(value, bool):
                self.add(f"[{where}] {word} is neither true nor false.", f"Write {word} = true.")
        return Rule(
            option.name,
            low,
            high,
            lists.get("only", ()),
            lists.get("never", ()),
            self.expression(f"[{where}] matches", table.get("matches", "")),
            bool(flags["forbidden"]),
            flags["required"] is True,
            keys,
            self.text(f"[{where}] reason", table.get("reason", "")),
        )

    def bound(self, where: str, raw: Any, option: Option) -> str:
        if option.kind not in RANGED:
            self.add(f"{where} can't bound {option.name}, which is no amount.", "Write only = [PATTERN, …].")
            return ""
        try:
            _value(option, str(from_toml(option, raw)[0]) if option.kind != "gpu" else str(raw))
        except BadValue as bad:
            self.add(f"{where} {bad.what}", bad.fix)
            return ""
        return str(raw)

    def words(self, where: str, raw: Any) -> tuple[str, ...]:
        if isinstance(raw, list) and all(isinstance(each, str) for each in raw):
            return tuple(raw)
        self.add(f"{where} is not a list of texts.", 'Write it like ["a", "b*"].')
        return ()

    def expression(self, where: str, raw: Any) -> str:
        text = self.text(where, raw)
        try:
            re.compile(text)
        except re.error as error:
            self.add(f"{where} is no regular expression: {error}.", "Correct it.")
            return ""
        return text

    def profile(self, name: str, raw: Any) -> Profile:
        where = f"policy.profiles.{name}"
        table = dict(self.table(where, raw))
        rules = self.rules(f"{where}.allowed", table.pop("allowed", {}), TASK)
        about = self.text(f"[{where}] about", table.pop("about", ""))
        values = dict(self.values(where, table))
        return Profile(name, values, rules, about)

    def values(self, where: str, table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, raw in table.items():
            option = TASK.get(key)
            if option is None or key == "profile":
                self.add(f"[{where}] {key} is not an option.", names.did_you_mean(key, TASK) or "See kubenb options.")
                continue
            try:
                found = from_toml(option, raw)
            except BadValue as bad:
                self.add(f"[{where}] {key} {bad.what}", bad.fix)
                continue
            yield key, found if option.repeats else found[0]

    def prices(self, raw: Any) -> Prices:
        table = self.table("policy.prices", raw)
        self.unknown("policy.prices", table, _PRICES)
        one = {key: self.price(key, table[key]) for key in ("cpu-hour", "gib-hour", "gpu-hour") if key in table}
        by_name = self.table("policy.prices.gpus", table.get("gpus", {}))
        priced = ((name, self.price(f"gpus.{name}", value)) for name, value in by_name.items())
        gpus = tuple((name, price) for name, price in priced if price is not None)
        currency = self.text("[policy.prices] currency", table.get("currency", ""))
        return Prices(one.get("cpu-hour"), one.get("gib-hour"), one.get("gpu-hour"), gpus, currency)

    def price(self, key: str, raw: Any) -> Decimal | None:
        try:
            price = Decimal(str(raw))
            if isinstance(raw, bool) or not price.is_finite() or price < 0:
                raise InvalidOperation
        except InvalidOperation:
            self.add(f"[policy.prices] {key} is not a price.", "Write a number, like 0.04.")
            return None
        return price


def _value(option: Option, text: str) -> Any:
    """A bound as its option's value; BadValue where it is none."""
    if option.kind != "gpu":
        return text
    from kubenb.model.values import Gpu

    if not text.isdecimal():
        raise BadValue(f"{names.shown(text)} is not a count.", "Write a number, like 4.")
    return Gpu(int(text))

"""JupyterHub's `profile_list` (KubeSpawner) as profiles of ours, so that a platform team writes its list once.

A file of JSON, YAML (a list, or a Helm chart's `singleuser.profileList`), or Python: the list itself, or a
jupyterhub_config.py that assigns it as a literal. In: the path. Out: profiles with what each allows, and a note for
all that can't be taken over. KubeSpawner's `4G` is 4 GiB, and becomes `4Gi`. Next room: `policy`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from kubenb.model.kinds import from_toml, show_option
from kubenb.model.names import shown
from kubenb.model.options import TASK
from kubenb.model.policy import Profile, Rule
from kubenb.model.problems import Place, Problem, Severity
from kubenb.model.values import BadValue

Values = dict[str, Any]
_MOST = 2**20
_PLAIN = {
    "cpu_guarantee": "cpu",
    "cpu_limit": "cpu-limit",
    "image": "image",
    "image_pull_policy": "image-pull-policy",
    "namespace": "namespace",
    "service_account": "service-account",
    "priority_class_name": "priority-class",
    "scheduler_name": "scheduler",
    "runtime_class_name": "runtime-class",
    "environment": "env",
    "extra_labels": "label",
    "extra_annotations": "annotation",
    "uid": "run-as-user",
    "run_as_uid": "run-as-user",
    "image_pull_secrets": "image-pull-secret",
}
_OF_THE_HUB = frozenset(
    {"default_url", "cmd", "args", "start_timeout", "http_timeout", "port"}
)  # of a server, not of a task


def read_hub_profiles(path: Path) -> tuple[list[Profile], list[Problem]]:
    """The profiles of this file, and what of it can't be taken over."""
    reading = _Reading(Place(file=str(path)))
    try:
        data = path.read_bytes()
        if len(data) > _MOST:
            raise ValueError("it is longer than a megabyte")
        raw = _list(data.decode("utf-8-sig"), path.suffix)
    except OSError as error:
        return [], [
            Problem(reading.place, f"it can't be read: {error.strerror}.", "Correct hub-profiles.", "policy.hub")
        ]
    except (ValueError, SyntaxError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        fix = "Give a profile_list as JSON, YAML or a Python literal."
        return [], [Problem(reading.place, f"it holds no profile_list: {reason}.", fix, "policy.hub")]
    profiles = [reading.profile(each) for each in raw if isinstance(each, dict)]
    return profiles, reading.problems


def _list(text: str, suffix: str) -> list[Any]:
    found = _python(text) if suffix == ".py" else _yaml(text)
    while isinstance(found, dict):
        key = next((key for key in ("jupyterhub", "singleuser", "profileList", "profile_list") if key in found), None)
        if key is None:
            raise ValueError("it has neither singleuser.profileList nor a list")
        found = found[key]
    if not isinstance(found, list):
        raise ValueError("it is not a list")
    return found


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)  # JSON is YAML
    except yaml.YAMLError as error:
        raise ValueError(f"it is not YAML ({type(error).__name__})") from None


def _python(text: str) -> Any:
    """The literal itself, or the one assigned to `….profile_list`. Nothing of the file runs."""
    body = ast.parse(text).body
    for node in reversed(body):
        if isinstance(node, ast.Assign) and any(
            getattr(target, "attr", getattr(target, "id", "")) == "profile_list" for target in node.targets
        ):
            return _literal(node.value)
    if len(body) == 1 and isinstance(body[0], ast.Expr):
        return _literal(body[0].value)
    raise ValueError("nothing in it is assigned to profile_list")


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError("its profile_list is computed, not written out") from None


@dataclass
class _Reading:
    """Collects what can't be taken over of one file."""

    place: Place
    problems: list[Problem] = field(default_factory=list)

    def left(self, name: str, what: str) -> None:
        self.problems.append(
            Problem(
                self.place,
                f"profile {name}: {what} is left out.",
                "Write it under [policy.profiles].",
                "policy.hub",
                Severity.NOTE,
            )
        )

    def profile(self, raw: dict[str, Any]) -> Profile:
        title = str(raw.get("display_name") or raw.get("slug") or "profile")
        name = str(raw.get("slug") or "") or re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        values = self.values(name, raw.get("kubespawner_override"))
        rules: dict[str, Rule] = {}
        choices = raw.get("profile_options")
        for each in choices.values() if isinstance(choices, dict) else ():
            if isinstance(each, dict):
                values |= self.option(name, each, values, rules)
        return Profile(name, values, tuple(rules.values()), str(raw.get("description") or title).strip().split("\n")[0])

    def option(self, name: str, raw: dict[str, Any], before: Values, rules: dict[str, Rule]) -> Values:
        """One of a profile's choices: what each override may be, and the default's values."""
        choices = [each for each in (raw.get("choices") or {}).values() if isinstance(each, dict)]
        offered = [self.values(name, each.get("kubespawner_override")) for each in choices]
        default = next((index for index, each in enumerate(choices) if each.get("default")), 0)
        free = raw.get("unlisted_choice") or {}
        free = free if isinstance(free, dict) and free.get("enabled") else {}
        typed = [
            _PLAIN.get(key, "") for key, value in (free.get("kubespawner_override") or {}).items() if value == "{value}"
        ]
        for key in dict.fromkeys([*(key for each in offered for key in each), *filter(None, typed)]):
            if TASK[key].repeats:
                self.left(name, f"the choice between values of {key}, beside the default's,")
                continue
            also = [before[key]] if key in before and any(key not in each for each in offered) else []
            listed = dict.fromkeys(_pattern(key, each[key]) for each in [*offered] if key in each)
            listed |= dict.fromkeys(_pattern(key, each) for each in also)
            matches = str(free.get("validation_regex") or ".*") if key in typed else ""
            reason = str(free.get("validation_message") or "") if matches else ""
            if TASK[key].kind == "gpu":
                counts = [each[key].count for each in offered if key in each]
                rules[key] = Rule(key, most=str(max(counts)), only=tuple(listed), reason=reason)
            else:
                rules[key] = Rule(key, only=tuple(listed), matches=matches, reason=reason)
        return offered[default] if offered else {}

    def values(self, name: str, raw: Any) -> Values:
        """KubeSpawner's overrides as options."""
        found: Values = {}
        for key, value in dict(_translated(raw if isinstance(raw, dict) else {})).items():
            option = TASK.get(key)
            if option is None:
                if key not in _OF_THE_HUB:
                    self.left(name, f"{shown(key)}, which no option is for,")
                continue
            try:
                if "{" in str(value) and option.kind not in ("env", "label", "annotation"):
                    raise BadValue(f"{shown(str(value))} is filled in by the hub", "")
                got = from_toml(option, value)
            except BadValue as bad:
                self.left(name, f"{key} ({bad.what.rstrip('.')})")
                continue
            found[key] = got if option.repeats else got[0]
        return found


def _pattern(key: str, value: Any) -> str:
    """A value as a pattern that only it matches."""
    text = value.resource if TASK[key].kind == "gpu" else show_option(TASK[key], value)
    return re.sub(r"([*?\[])", r"[\1]", text)


def _translated(raw: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """KubeSpawner's words as ours; what is not known keeps its name."""
    known = {key: value for key, value in raw.items() if value is not None}
    limit, guarantee = (_bytes(known.pop(f"mem_{word}", None)) for word in ("limit", "guarantee"))
    if limit or guarantee:
        yield "memory", limit or guarantee
    if limit and guarantee and limit != guarantee:
        yield "memory-request", guarantee
    resources = {
        **(known.pop("extra_resource_guarantees", None) or {}),
        **(known.pop("extra_resource_limits", None) or {}),
    }
    for resource, number in resources.items():
        gpu = "/" in str(resource) and str(number).isdecimal() and int(number) > 0
        yield ("gpu", f"{number} {resource}") if gpu else (f"extra_resource_limits {resource}", number)
    if "node_selector" in known:
        yield "node-selector", [f"{key}={value}" for key, value in dict(known.pop("node_selector")).items()]
    if "tolerations" in known:
        yield "toleration", [_toleration(each) for each in known.pop("tolerations") if isinstance(each, dict)]
    for key in ("environment", "extra_labels", "extra_annotations"):
        if isinstance(known.get(key), dict):
            yield _PLAIN[key], {name: str(value) for name, value in known.pop(key).items()}
    for key, value in known.items():
        yield _PLAIN.get(key, key), value


def _toleration(raw: dict[str, Any]) -> str:
    key = str(raw.get("key") or "*")
    value = f"={raw['value']}" if raw.get("value") and raw.get("operator", "Equal") == "Equal" else ""
    return f"{key}{value}" + (f":{raw['effect']}" if raw.get("effect") else "")


def _bytes(value: Any) -> str:
    """KubeSpawner's memory: a number of bytes, or K, M, G, T in powers of 1024."""
    if value is None:
        return ""
    text = str(value).strip()
    match = re.fullmatch(r"([0-9.]+)([KMGT])", text)
    if match:
        return f"{match[1]}{match[2]}i"
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return text
    amount = Decimal(text)
    for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount >= size and amount % size == 0:
            return f"{amount // size:f}{unit}"
    return f"{amount:f}"

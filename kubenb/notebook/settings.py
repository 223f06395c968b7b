"""Project settings: `kubenb.toml`, or `[tool.kubenb]` of a pyproject.toml, found upward from the notebook.

    [task]              # defaults of every task
    image = "registry/base:1"
    [tasks.train]       # of one task, by name
    memory = "8Gi"
    [profiles.large]    # a named set, for `--profile large`
    cpu = 4
    [dag]               # defaults of every DAG
    owner = "analytics"

What a `[policy]` says is read by `policy`: it holds over all of this, and its profiles come before those of the file.
In: a folder. Out: `Settings` with typed values and every problem of the file. Next room: `effective` puts the layers together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kubenb.model import names
from kubenb.model.kinds import from_toml
from kubenb.model.names import shown
from kubenb.model.options import DAG, ONE_TASK, TASK, Option
from kubenb.model.policy import Policy
from kubenb.model.problems import Place, Problem, Severity
from kubenb.model.values import BadValue
from kubenb.notebook.policy import find_policies
from kubenb.notebook.toml import Unreadable, load, table_of

Values = dict[str, Any]
_TABLES = ("task", "tasks", "profiles", "dag", "policy")
_ONE_NOTEBOOK = frozenset({"id"})


@dataclass(frozen=True)
class Settings:
    """What a settings file says. `path` is '' where there is none; each dict goes from an option's typed name to its value.

    `profiles` and `tasks` have one such dict a name. `policies` are all that hold here, the platform's own first;
    `given`: the profiles that come from one, with its file.
    """

    path: str = ""
    profiles: dict[str, Values] = field(default_factory=dict, hash=False)
    task_defaults: Values = field(default_factory=dict, hash=False)
    dag_defaults: Values = field(default_factory=dict, hash=False)
    tasks: dict[str, Values] = field(default_factory=dict, hash=False)
    problems: tuple[Problem, ...] = ()
    policies: tuple[Policy, ...] = ()
    given: dict[str, str] = field(default_factory=dict, hash=False)

    def source(self, profile: str) -> str:
        """The name of the file that a profile comes from."""
        return self.given.get(profile, self.path).replace("\\", "/").rpartition("/")[2]


EMPTY = Settings()


def find_settings(start: Path | str) -> Settings:
    """The nearest settings at `start` or above it, up to the repository's top, under every policy that holds there."""
    try:
        folder = Path(start).absolute()
        if folder.is_file():
            folder = folder.parent
    except (OSError, ValueError):
        folder = Path.cwd()
    return under(_nearest(folder), find_policies(folder))


def under(settings: Settings, policies: tuple[Policy, ...]) -> Settings:
    """The settings with the profiles of these policies; of two with one name the policy's holds, and is told."""
    if not policies:
        return settings
    given = {each.name: (policy, each) for policy in reversed(policies) for each in policy.profiles}
    unread = {problem.where.file for problem in settings.problems if problem.code == "settings.file"}
    problems = [problem for policy in policies if policy.path not in unread for problem in policy.problems]
    for name in settings.profiles:
        if name in given:
            what = f"[profiles.{name}] does not count: the policy of {given[name][0].path} has a profile of that name."
            place = Place(file=settings.path)
            problems.append(Problem(place, what, "Give it another name.", "policy.profile", Severity.WARNING))
    return replace(
        settings,
        profiles={**settings.profiles, **{name: profile.values for name, (_, profile) in given.items()}},
        problems=(*problems, *settings.problems),
        policies=policies,
        given={name: policy.path for name, (policy, _) in given.items()},
    )


def _nearest(folder: Path) -> Settings:
    try:
        for each in (folder, *folder.parents):
            own, shared = each / "kubenb.toml", each / "pyproject.toml"
            if own.is_file():
                return read_settings(own)
            if shared.is_file():
                found = read_settings(shared)
                if found.path:
                    return found
            if (each / ".git").exists():
                break
    except (OSError, ValueError):
        return EMPTY
    return EMPTY


def read_settings(path: Path) -> Settings:
    """The settings in this file; EMPTY for a pyproject.toml that has none of ours."""
    pyproject = path.name == "pyproject.toml"
    place = Place(file=str(path))
    try:
        raw = table_of(path, load(path, b"kubenb" if pyproject else b""))
    except Unreadable as error:
        return Settings(str(path), problems=(Problem(place, str(error), "Correct the file.", "settings.file"),))
    if raw is None:
        return EMPTY
    return parse_settings(raw, str(path), "tool.kubenb." if pyproject else "")


def parse_settings(raw: Any, path: str, prefix: str = "") -> Settings:
    """The settings in a table that TOML gave."""
    reading = _Reading(Place(file=path), prefix)
    if not isinstance(raw, dict):
        reading.add("settings.table", prefix.rstrip("."), "is not a table.", "Write [tool.kubenb.task].")
        raw = {}
    for key in raw:
        if key not in _TABLES:
            near = "" if isinstance(raw[key], dict) else "task" if key in TASK else "dag" if key in DAG else ""
            fix = f"Write it under [{prefix}{near}]." if near else _near_table(key, prefix)
            reading.add("settings.unknown", f"{prefix}{key}", "is not known.", fix)
    profiles = {
        name: reading.options(f"profiles.{name}", table, TASK, frozenset({"profile"}))
        for name, table in reading.tables("profiles", raw)
    }
    tasks = {
        name: reading.options(f"tasks.{name}", table, TASK)
        for name, table in reading.tables("tasks", raw, names.check_task)
    }
    task = reading.options("task", raw.get("task", {}), TASK, ONE_TASK)
    dag = reading.options("dag", raw.get("dag", {}), DAG, _ONE_NOTEBOOK)
    return Settings(path, profiles, task, dag, tasks, tuple(reading.problems))


def _near_table(key: str, prefix: str) -> str:
    near = names.near(key, _TABLES, 1)
    known = ", ".join(f"[{prefix}{name}]" for name in ("task", "tasks.NAME", "profiles.NAME", "dag"))
    return f"Did you mean [{prefix}{near[0]}]?" if near else f"The tables are {known}."


class _Reading:
    """Collects the problems of one file."""

    def __init__(self, place: Place, prefix: str) -> None:
        self.place, self.prefix = place, prefix
        self.problems: list[Problem] = []

    def add(self, code: str, key: str, what: str, fix: str) -> None:
        self.problems.append(Problem(self.place, f"{key} {what}", fix, code))

    def tables(
        self, key: str, raw: dict[str, Any], check: Callable[[str], str] | None = None
    ) -> Iterator[tuple[str, Any]]:
        """The named tables below `profiles` or `tasks`."""
        found = raw.get(key, {})
        if not isinstance(found, dict):
            self.add("settings.table", f"{self.prefix}{key}", "is not a table.", f"Write [{self.prefix}{key}.NAME].")
            return
        for name, table in found.items():
            try:
                if check is not None:
                    check(name)
            except BadValue as bad:
                self.add("settings.name", f"[{self.prefix}{key}.{name}]:", bad.what, bad.fix)
                continue
            yield name, table

    def options(self, where: str, raw: Any, table: dict[str, Option], barred: frozenset[str] = frozenset()) -> Values:
        """The typed options of one table."""
        head = f"[{self.prefix}{where}]"
        values: Values = {}
        if not isinstance(raw, dict):
            self.add("settings.table", f"{self.prefix}{where}", "is not a table.", f"Write {head}.")
            return values
        for key, value in raw.items():
            option = table.get(key)
            if option is None or key in barred:
                self._unknown(head, key, table, barred)
                continue
            try:
                found = from_toml(option, value)
            except BadValue as bad:
                self.add("settings.value", f"{head} {key}", bad.what, bad.fix)
                continue
            values[key] = found if option.repeats else found[0]
        return values

    def _unknown(self, head: str, key: str, table: dict[str, Option], barred: frozenset[str]) -> None:
        if key in barred:
            owner = "the notebook" if table is DAG else "one task"
            self.add(
                "settings.unknown", f"{head} {key}", f"belongs to {owner}, not to all.", "Write it in the notebook."
            )
            return
        other, name = (TASK, "task") if table is DAG else (DAG, "dag")
        known = [option for option in table if option not in barred]
        same = key.replace("_", "-").lower()
        near = (same,) if same in known else names.near(same, known)
        fix = f"Did you mean {' or '.join(near)}?" if near else "See all options: kubenb options."
        if key in other and not (near and near[0] == same):
            fix = f"Write it under [{self.prefix}{name}]."
        self.add("settings.unknown", f"{head} {shown(key) if not key.isprintable() else key}", "is not an option.", fix)

"""The header: the one grammar of a task's and a DAG's options, read here and printed by `printing`.

In: a code cell. Out: `Header` values with typed options, and every problem at once, each with cell, line and the fix ready to paste.
How the lines are cut is in `lines`, which option takes what in `model.options` and `model.kinds`. Next room: `pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from kubenb.model import names
from kubenb.model.kinds import KINDS, parse_option
from kubenb.model.names import shown
from kubenb.model.options import DAG, ONE_TASK, TASK, Option
from kubenb.model.pipeline import Cell
from kubenb.model.problems import Place, Problem
from kubenb.model.values import BadValue, KeyValue, Projection, Volume
from kubenb.notebook import words
from kubenb.notebook.lines import Entry, Layout, Slip, layouts, may_have_headers
from kubenb.notebook.printing import print_values

HeaderKind = Literal["task", "dag", "notebook", "container"]
MAGIC = {"task": "%%k8s_task", "dag": "%k8s_dag", "notebook": "%k8s_notebook", "container": "%k8s_container"}
EXAMPLE = {
    "task": "%%k8s_task train --memory 4Gi",
    "dag": "%k8s_dag flights --schedule @daily",
    "notebook": "%k8s_notebook other.ipynb --as train",
    "container": "%k8s_container load --image registry/load:1.2 -- python /app/load.py",
}
_SYNONYMS = {
    "cpus": "cpu", "cores": "cpu", "mem": "memory", "ram": "memory", "memory-limit": "memory", "disk": "storage", "gpus": "gpu",
    "needs": "after", "depends-on": "after", "inputs": "in", "outputs": "out", "envs": "env", "environment": "env", "secrets": "secret",
    "volumes": "volume", "config-map": "configmap", "mount": "volume", "sa": "service-account", "user": "run-as-user", "ns": "namespace",
    "execution-timeout": "timeout", "node": "node-selector", "nodeselector": "node-selector", "tolerations": "toleration",
    "labels": "label", "annotations": "annotation", "schedule-interval": "schedule", "cron": "schedule", "start-date": "start",
    "end-date": "end", "dag-id": "id", "name": "id", "tag": "tags", "params": "param", "desc": "description", "retry": "retries",
    "pull-policy": "image-pull-policy", "docker-image": "image", "tz": "timezone", "foreach": "map",
    "parallel": "max-parallel", "p": "param",
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The header of a cell: its kind, name and typed options.

    `name` is the task's name, or the DAG's id ('' if not given). `values`: by the option's typed name; a tuple where it repeats.
    `body` is the code below a task's header, `body_line` its first line in the cell. `notebook`, `command`: of those two kinds.
    `where`: the magic line; `places`: where each option stands.
    """

    kind: HeaderKind
    name: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    body: str = ""
    body_line: int = 1
    where: Place = field(default=Place(), compare=False)
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    command: tuple[str, ...] = ()
    notebook: str | None = None
    places: dict[str, Place] = field(default_factory=dict, compare=False, hash=False)


def parse_header(cell: Cell) -> Header | None:
    """The first header of a cell, or None where it has none.

    >>> header = parse_header(Cell(4, "code", "%%k8s_task train --cpu 2\\n#| memory: 4Gi\\nmodel = fit(flights)"))
    >>> header.name, header.values, header.body, header.body_line
    ('train', {'cpu': '2', 'memory': '4Gi'}, 'model = fit(flights)', 3)
    """
    found, _ = parse_headers(cell)
    return found[0] if found else None


def parse_headers(cell: Cell) -> tuple[tuple[Header, ...], tuple[Problem, ...]]:
    """All headers of a cell, and problems with what looks like one but is none."""
    if cell.kind != "code" or not may_have_headers(cell.source):
        return (), ()
    return _headers(cell.number, cell.source)


@lru_cache(maxsize=4096)
def _headers(number: int, source: str) -> tuple[tuple[Header, ...], tuple[Problem, ...]]:
    """What `parse_headers` gives, kept by the cell's text: an edit elsewhere costs nothing here."""
    found, slips = layouts(source)
    loose = tuple(_problem(slip, Place(number, slip.line + 1)) for slip in slips)
    cell = Cell(number, "code", source)
    return tuple(_Reading(cell, layout).header() for layout in found), loose


def print_header(header: Header) -> str:
    """The header's lines in their one canonical form, without the body; parse_header gives the same header again."""
    return "\n".join(print_values(MAGIC[header.kind], header))


def _problem(slip: Slip, where: Place) -> Problem:
    return Problem(where, slip.what, slip.fix, slip.code)


def option_for(kind: str, name: str) -> Option | None:
    """The option that a name means in a header of this kind: on `%k8s_dag` the DAG's own come first, then defaults for tasks."""
    if kind == "dag":
        return DAG.get(name) or (TASK.get(name) if name not in ONE_TASK else None)
    return TASK.get(name)


class _Reading:
    """One layout's way to a `Header`: collects values and problems."""

    def __init__(self, cell: Cell, layout: Layout) -> None:
        self.cell, self.layout, self.kind = cell, layout, layout.kind
        self.values: dict[str, Any] = {}
        self.places: dict[str, Place] = {}
        self.problems: list[Problem] = []
        self.name = ""
        self.notebook: str | None = None
        self.command = layout.command or ()

    def place(self, line: int) -> Place:
        return Place(self.cell.number, line + 1, self.name if self.kind != "dag" and self.name else None)

    def add(self, code: str, line: int, what: str, fix: str) -> None:
        self.problems.append(Problem(self.place(line), what, fix, f"header.{code}"))

    def header(self) -> Header:
        entries = self._names()
        self.problems += [_problem(slip, self.place(slip.line)) for slip in self.layout.slips]
        for entry in entries:
            self._entry(entry)
        if self.kind == "container" and "image" not in self.values and "image" not in self.places:
            self.add(
                "missing", self.layout.first, "a container needs an image.", f"Write it like {EXAMPLE['container']}."
            )
        if self.kind != "container" and self.layout.command is not None:
            self.add("command", self.layout.first, "only %k8s_container takes a command after --.", "Leave it out.")
        lines = self.cell.source.split("\n")[self.layout.last + 1 :] if self.kind == "task" else []
        indent = self.layout.indent
        body = "\n".join(line.removeprefix(indent) for line in lines) if indent else "\n".join(lines)
        for key in [key for key, value in self.values.items() if isinstance(value, list)]:
            self.values[key] = tuple(self.values[key])
        return Header(
            self.kind, self.name, self.values, body, self.layout.last + 2, self.place(self.layout.first),  # type: ignore[arg-type]
            tuple(sorted(self.problems, key=lambda problem: problem.where.line or 0)), self.command, self.notebook, self.places,
        )  # fmt: skip

    def _names(self) -> list[Entry]:
        """The words in place: the task's name, the DAG's id, or the other notebook; returns the entries that are options."""
        placed = [word.text for word in self.layout.words]
        entries = list(self.layout.entries)
        if self.kind == "notebook":
            named = [entry for entry in entries if entry.name == "as"]
            entries = [entry for entry in entries if entry.name != "as"]
            self.notebook = placed[0] if placed else None
            self._set_name([entry.value or "" for entry in named][:1])
            if not placed:
                self.add("missing", self.layout.first, "it names no notebook.", f"Write it like {EXAMPLE['notebook']}.")
            if len(named) > 1:
                self.add("twice", named[1].first, "as is set twice.", "Keep one.")
        elif self.kind == "dag":
            named = [entry for entry in entries if entry.name == "id"] if placed else []
            entries = [entry for entry in entries if entry not in named]
            self._set_name(placed[:1])
            if named:
                self.add("twice", named[0].first, "the DAG's id is set twice.", "Keep one.")
        else:
            self._set_name(placed[:1])
        for entry in [entry for entry in entries if entry.name == "command" and self.kind == "container"]:
            entries.remove(entry)
            self._command(entry)
        if len(placed) > 1:
            self._left_over(placed[1:])
        return entries

    def _command(self, entry: Entry) -> None:
        found = words.split(entry.value or "")
        if self.command:
            self.add("twice", entry.first, "the command is set twice.", "Keep one.")
        elif found.broken:
            self.add("quote", entry.first, f"the quote {found.broken} in the command is never closed.", "Close it.")
        self.command = tuple(word.text for word in found.words)

    def _set_name(self, placed: list[str]) -> None:
        if not placed and self.kind == "dag":
            return
        what = "the DAG's id" if self.kind == "dag" else "the task's name"
        if not placed:
            self.add("missing", self.layout.first, f"{what} is missing.", f"Write it like {EXAMPLE[self.kind]}.")
            return
        check: Callable[[str], str] = names.check_dag_id if self.kind == "dag" else names.check_task
        self.name = placed[0]
        try:
            check(self.name)
        except BadValue as bad:
            self.name = ""
            self.add("name", self.layout.first, bad.what, bad.fix)

    def _left_over(self, extra: list[str]) -> None:
        """Words that belong to nothing: likely a value that needs quotes."""
        first = self.layout.words[1]
        before = [
            entry
            for entry in self.layout.entries
            if entry.magic and entry.span[1] < first.start and entry.value is not None
        ]
        rest = " ".join(extra)
        if before:
            last = before[-1]
            option = option_for(self.kind, last.name)
            if option is not None:
                value = f"{last.value} {rest}"
                self.add(
                    "left-over",
                    self.layout.first,
                    f"{shown(rest)} belongs to no option.",
                    f"Quote it if it belongs to {last.name}: --{last.name} {words.quote(value)}",
                )
                return
        self.add(
            "left-over",
            self.layout.first,
            f"{shown(rest)} belongs to no option.",
            f"Write it like {EXAMPLE[self.kind]}.",
        )

    def _entry(self, entry: Entry) -> None:
        """One option: looked up, parsed, put with the others."""
        option = option_for(self.kind, entry.name)
        if option is None:
            self._unknown(entry)
            return
        self.places.setdefault(option.name, self.place(entry.first))
        text = entry.value
        if text is None:
            if KINDS[option.kind].bare is None or not entry.magic:
                example = (
                    f"--{option.name} {words.quote(option.example)}"
                    if entry.magic
                    else f"#| {option.name}: {option.example}"
                )
                self.add("no-value", entry.first, f"{option.name} has no value.", f"Write it like {example}")
                return
            found: tuple[Any, ...] = (KINDS[option.kind].bare,)
        else:
            try:
                found = parse_option(option, text)
            except BadValue as bad:
                fix = (
                    f"{bad.fix} (What follows ' #' was taken for a comment; quote the whole value to keep it.)"
                    if entry.cut
                    else bad.fix
                )
                self.add("value", entry.first, said(option.name, bad.what), fix)
                return
        for value in found:
            self._put(option, value, entry)

    def _put(self, option: Option, value: Any, entry: Entry) -> None:
        first = self.places[option.name].line
        if not option.repeats:
            if option.name in self.values:
                spot = f"in lines {first} and {entry.first + 1}" if first != entry.first + 1 else f"in line {first}"
                self.add("twice", entry.first, f"{option.name} is set twice, {spot}.", "Keep one.")
            else:
                self.values[option.name] = value
            return
        there = self.values.setdefault(option.name, [])
        if target(value) in map(target, there):
            self.add("twice", entry.first, f"{option.name} {shown(str(target(value)))} is set twice.", "Keep one.")
        else:
            there.append(value)

    def _unknown(self, entry: Entry) -> None:
        """An option that is none: near names, and the corrected line."""
        line, (start, end) = self.layout.lines[entry.first - self.layout.first], entry.span
        typed = line[start:end]
        if entry.name in DAG and self.kind != "dag":
            self.add(
                "unknown-option",
                entry.first,
                f"{typed} belongs to the DAG, not to a task.",
                f"Write it on the DAG's line: %k8s_dag --{entry.name} {words.quote(entry.value or 'true')}",
            )
            return
        if entry.name in ONE_TASK and self.kind == "dag":
            self.add(
                "unknown-option",
                entry.first,
                f"{typed} belongs to one task, not to the DAG.",
                f"Write it below that task's line: #| {entry.name}: {entry.value or ''}",
            )
            return
        known = [*DAG, *(name for name in TASK if name not in ONE_TASK)] if self.kind == "dag" else list(TASK)
        known += {"container": ["command"], "notebook": ["as"]}.get(self.kind, [])
        lowered = entry.name.lower().replace("_", "-")
        same = lowered if lowered in known else _SYNONYMS.get(lowered, "")
        likely = [same] if same in known else list(names.near(lowered, known))
        if not likely:
            self.add("unknown-option", entry.first, f"unknown option {typed}.", "See all options: kubenb options.")
            return
        fixed = f"{line[:start]}{'--' if entry.magic else ''}{likely[0]}{line[end:]}".strip()
        choices = " or ".join(f"--{name}" if entry.magic else name for name in likely)
        self.add("unknown-option", entry.first, f"unknown option {typed}.", f"Did you mean {choices}? Try: {fixed}")


def said(option: str, what: str) -> str:
    """A kind's complaint with the option named once: "memory '4G1' is not a quantity."."""
    return (
        what
        if what.startswith((f"{option} ", "parameter ", "task name ", "DAG id ", "the task "))
        else f"{option} {what}"
    )


def target(value: Any) -> object:
    """What of a repeated option's value must be unique."""
    if isinstance(value, KeyValue):
        return value.key
    if isinstance(value, Projection):
        return value.env or value.path
    return value.path if isinstance(value, Volume) else value

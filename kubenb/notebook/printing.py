"""The header as text: canonical and minimal, or an existing one changed in as few lines as can be.

Essentials stand on the magic line, in a fixed order; the rest one option a line below, in the table's order.
In: a `Header` (and its old layout). Out: lines. `header.print_header` and `header.rewrite_header` are the doors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kubenb.model.kinds import KINDS, show_option
from kubenb.model.options import DAG, TASK, Option
from kubenb.notebook import words
from kubenb.notebook.lines import Layout, block_text, read_value

if TYPE_CHECKING:
    from kubenb.notebook.header import Header

ESSENTIAL = {
    "task": ("profile", "cpu", "cpu-limit", "memory", "memory-request", "storage", "gpu", "run"),
    "dag": ("schedule", "start", "end", "timezone", "owner"),
    "notebook": ("profile", "cpu", "cpu-limit", "memory", "memory-request", "storage", "gpu", "run"),
    "container": ("image", "profile", "cpu", "cpu-limit", "memory", "memory-request", "storage", "gpu", "run"),
}


def print_values(magic: str, header: Header) -> list[str]:
    """All lines of a header, in canonical form."""
    pairs = list(_texts(header))
    essential = ESSENTIAL[header.kind]
    on_line = sorted((pair for pair in pairs if _fits(pair, essential)), key=lambda pair: essential.index(pair[0].name))
    below = [pair for pair in pairs if pair not in on_line]
    return [*_magic_line(magic, header, on_line, ""), *(line for option, text in below for line in option_lines(option, text))]


def _fits(pair: tuple[Option, str], essential: tuple[str, ...]) -> bool:
    return pair[0].name in essential and words.fits(pair[1])


def table(kind: str) -> dict[str, Option]:
    """The options a header of this kind takes, by name, in the order they are printed."""
    return {**TASK, **DAG} if kind == "dag" else TASK


def _ordered(kind: str) -> list[Option]:
    return [*DAG.values(), *(option for name, option in TASK.items() if name not in DAG)] if kind == "dag" else list(TASK.values())


def _texts(header: Header) -> Iterator[tuple[Option, str]]:
    """Each value as text, in the table's order; lists on one line."""
    for option in _ordered(header.kind):
        if option.name not in header.values:
            continue
        value = header.values[option.name]
        shown = [show_option(option, item) for item in (value if option.repeats else (value,))]
        if KINDS[option.kind].lists and shown:
            shown = [", ".join(shown)]
        for text in shown:
            yield option, text


def _magic_line(magic: str, header: Header, pairs: list[tuple[Option, str]], comment: str) -> list[str]:
    """The magic line, with the words in place; a command that can't stand there follows on `#|` lines."""
    parts = [magic]
    if header.kind == "notebook":
        parts += [words.quote(header.notebook or ""), "--as"]
    parts += [words.quote(header.name)] if header.name else []
    for option, text in pairs:
        parts.append(f"--{option.name}")
        parts.append(words.quote(text))
        if text.startswith("-") or text == "":
            parts[-2:] = [f"--{option.name}={words.quote(text)}"]
    if header.command:
        parts += ["--", *map(words.quote, header.command)]
    return [" ".join([*parts, comment] if comment else parts)]


def option_lines(option: Option, text: str) -> list[str]:
    """One option's `#|` lines."""
    return value_lines(option.name, text, yaml=option.kind == "yaml")


def value_lines(name: str, text: str, *, yaml: bool = False) -> list[str]:
    """`#| name: value`, quoted only where it must be; several lines as a block where that keeps them exactly.

    >>> value_lines("env", "A=b"), value_lines("description", "a # b")
    (['#| env: A=b'], ["#| description: 'a # b'"])
    """
    if "\n" in text:
        inner = text.split("\n")
        if all(line == "" or (line.strip() and line.replace("\t", " ").isprintable()) for line in inner) and block_text([f"  {line}" for line in inner]) == text:
            return [f"#| {name}:{'' if yaml else ' |'}", *(f"#|   {line}".rstrip(" ") if not line else f"#|   {line}" for line in inner)]
        return [f"#| {name}: {_escaped(text)}"]
    if text and text.isprintable() and read_value(text, [])[0] == text:
        return [f"#| {name}: {text}"]
    if text.isprintable():
        return [f"#| {name}: '{text.replace(chr(39), chr(39) * 2)}'"]
    return [f"#| {name}: {_escaped(text)}"]


def _escaped(text: str) -> str:
    """Between double quotes, everything unprintable escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in quoted)


def rewritten(magic: str, header: Header, old: Header, layout: Layout) -> list[str]:
    """The header's lines over an existing one: a line whose option keeps its value stays, also with its comment and its form."""
    if old == header or _same(old, header):
        return list(layout.lines)
    if old.problems:
        return print_values(magic, header)
    left = [(option, text) for option, text in _texts(header)]
    on_line, left = _kept_on_line(layout, left)
    added = [pair for pair in left if pair[0].name in ESSENTIAL[header.kind] and pair[0].name not in old.values and _fits(pair, ESSENTIAL[header.kind])]
    left = [pair for pair in left if pair not in added]
    lines = _magic_line(magic, header, on_line + added, layout.comment)
    typed = [(entry.name, entry.value) for entry in layout.entries if entry.magic]
    unchanged = (old.name, old.command, old.notebook) == (header.name, header.command, header.notebook)
    if unchanged and not added and [(option.name, text) for option, text in on_line] == typed:
        lines = [layout.lines[0]]
    for entry in layout.entries:
        if entry.magic:
            continue
        match = next((pair for pair in left if pair[0].name == entry.name and pair[1] == _canonical(pair[0], entry.value)), None)
        if match is not None:
            lines += layout.lines[entry.first - layout.first : entry.last - layout.first + 1]
        else:
            match = next((pair for pair in left if pair[0].name == entry.name and not pair[0].repeats), None)
            lines += option_lines(*match) if match is not None else []
        if match is not None:
            left.remove(match)
    return [*lines, *(line for option, text in left for line in option_lines(option, text))]


def _same(old: Header, new: Header) -> bool:
    return not old.problems and (old.name, old.values, old.command, old.notebook) == (new.name, new.values, new.command, new.notebook)


def _kept_on_line(layout: Layout, pairs: list[tuple[Option, str]]) -> tuple[list[tuple[Option, str]], list[tuple[Option, str]]]:
    """The pairs that stay on the magic line, because their option stood there; and the others."""
    kept: list[tuple[Option, str]] = []
    left = list(pairs)
    for entry in layout.entries:
        if not entry.magic:
            continue
        same = [pair for pair in left if pair[0].name == entry.name and words.fits(pair[1])]
        exact = [pair for pair in same if pair[1] == _canonical(pair[0], entry.value)]
        for pair in (exact or [pair for pair in same if not pair[0].repeats or KINDS[pair[0].kind].lists])[:1]:
            kept.append(pair)
            left.remove(pair)
    return kept, left


def _canonical(option: Option, text: str | None) -> str | None:
    """The text as it would be printed, None where it can't be read."""
    from kubenb.model.kinds import parse_option

    if text is None:
        return "true" if option.kind == "flag" else None
    try:
        found: tuple[Any, ...] = parse_option(option, text)
    except ValueError:
        return None
    return ", ".join(show_option(option, value) for value in found)

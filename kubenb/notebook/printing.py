"""The header as text, canonical and minimal.

Essentials stand on the magic line, in a fixed order; the rest one option a line below, in the table's order.
In: a `Header`. Out: lines. `header.print_header` is the door.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kubenb.model.kinds import KINDS, show_option
from kubenb.model.options import DAG, TASK, Option
from kubenb.notebook import words
from kubenb.notebook.lines import block_text, read_value

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
    return [
        *_magic_lines(magic, header, on_line),
        *(line for option, text in below for line in option_lines(option, text)),
    ]


def _fits(pair: tuple[Option, str], essential: tuple[str, ...]) -> bool:
    return pair[0].name in essential and words.fits(pair[1])


def _ordered(kind: str) -> list[Option]:
    """The options that a header of this kind takes, in the order they are printed."""
    return (
        [*DAG.values(), *(option for name, option in TASK.items() if name not in DAG)]
        if kind == "dag"
        else list(TASK.values())
    )


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


def _magic_lines(magic: str, header: Header, pairs: list[tuple[Option, str]]) -> list[str]:
    """The magic line, with the words in place; a command that can't stand on it follows as `#| command: …`."""
    parts = [magic]
    if header.kind == "notebook":
        parts += [words.quote(header.notebook or ""), "--as"]
    parts += [words.quote(header.name)] if header.name else []
    for option, text in pairs:
        parts += (
            [f"--{option.name}={words.quote(text)}"]
            if text[:1] in ("-", "")
            else [f"--{option.name}", words.quote(text)]
        )
    below: list[str] = []
    command = " ".join(map(words.quote, header.command))
    if header.command and words.fits(command):
        parts += ["--", command]
    elif header.command:
        below = value_lines("command", command)
    return [" ".join(parts), *below]


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
        if (
            all(line == "" or (line.strip() and line.replace("\t", " ").isprintable()) for line in inner)
            and block_text([f"  {line}" for line in inner]) == text
        ):
            return [
                f"#| {name}:{'' if yaml else ' |'}",
                *(f"#|   {line}".rstrip(" ") if not line else f"#|   {line}" for line in inner),
            ]
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

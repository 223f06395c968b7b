"""Python literals as a formatter would leave them: double quotes, 88 columns, one item a line where a line is too long.

`black` and `ruff format` change nothing in what is written here. The text depends on the value alone: not on the
machine, nor on Python's version (`repr` shows newer letters or escapes them as its own Unicode tables say). Next room:
`dag`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

WIDTH = 88


def quote(text: str) -> str:
    r"""The string literal: double quotes unless single ones need fewer backslashes.

    >>> print(quote("it's"), quote('say "a"'), quote("a\n"))
    "it's" 'say "a"' "a\n"
    """
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    mark = "'" if text.count('"') > text.count("'") else '"'
    return mark + "".join(_shown(char, mark) for char in text) + mark


_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _shown(char: str, mark: str) -> str:
    """One character of a literal. Beyond ASCII stays what every Python's tables call a letter, number, punctuation or symbol.

    Combining marks and pictures don't: formatters disagree about how wide they are.
    """
    if char == mark:
        return "\\" + char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 32 <= code < 127:
        return char
    kind = unicodedata.ucd_3_2_0.category(char)[0]
    if code > 160 and (kind in "LNP" or (kind == "S" and code < 0x2300)):
        return char
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def inline(value: object) -> str:
    """The value on one line.

    >>> inline({"a": [1, True, None], "b": "x"})
    '{"a": [1, True, None], "b": "x"}'
    """
    if isinstance(value, str) and not isinstance(value, Raw):
        return quote(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, Call):
        return value.inline()
    if isinstance(value, float) and value - value != 0:  # repr gives names here, not literals
        return f'float("{value!r}")'
    shown = str(value) if isinstance(value, Raw) else repr(value)
    return shown.replace("e+", "e") if isinstance(value, float) else shown  # 1e+16: formatters take the plus away


def width(text: str) -> int:
    """Columns: letters of East Asia take two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.ucd_3_2_0.east_asian_width(char) in "WF" for char in text)


class Raw(str):
    """Code that stands as it is: a name, a call that is short."""

    __slots__ = ()


class Call:
    """`name(first, key=value, **more)`: arguments in order; those without a key have ''."""

    def __init__(self, name: str, arguments: Iterable[tuple[str, object]]) -> None:
        self.name = name
        self.arguments = list(arguments)

    def inline(self) -> str:
        """On one line."""
        return f"{self.name}({', '.join(_prefix(key) + inline(value) for key, value in self.arguments)})"


def _prefix(key: str) -> str:
    return key if key in ("", "**") else f"{key}="


def wrapped(value: object, indent: int = 0, before: int = 0, after: int = 1) -> str:
    """The value on one line where `before` columns in front and `after` behind leave room, else one item a line."""
    short = inline(value)
    if indent + before + width(short) + after <= WIDTH or not isinstance(value, (dict, list, Call)):
        return short
    return exploded(value, indent)


def exploded(value: dict[object, object] | list[object] | Call, indent: int) -> str:
    """One item a line, with the comma that tells formatters to keep it so."""
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        heads = [(f"{inline(key)}: ", item) for key, item in value.items()]
        opening, closing = "{", "}"
    elif isinstance(value, list):
        heads = [("", item) for item in value]
        opening, closing = "[", "]"
    else:
        heads = [(_prefix(key), item) for key, item in value.arguments]
        opening, closing = f"{value.name}(", ")"
    if not heads:
        return opening + closing
    lines = [f"{pad}{head}{wrapped(item, indent + 4, width(head))},\n" for head, item in heads]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"

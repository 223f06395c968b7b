"""A magic line's words by shell rules: quotes, backslash, a trailing `# comment`. Nothing is expanded.

In: the text after a magic's name. Out: words with their places, so that a fix can show the corrected line. Next room: `lines`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLANKS = " \t\n"
_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


@dataclass(frozen=True)
class Word:
    """One word: its text without quotes, where it stands in the line, and whether it begins with a quote."""

    text: str
    start: int
    end: int
    quoted: bool = False


@dataclass(frozen=True)
class Words:
    """All words of a line, up to a comment. `broken` names a quote left open, or a backslash at the end."""

    words: tuple[Word, ...]
    broken: str = ""


def split(line: str, start: int = 0) -> Words:
    """The words of `line` from `start` on.

    >>> [word.text for word in split("train --env 'A=b c' --cpu=2 # big").words]
    ['train', '--env', 'A=b c', '--cpu=2']
    """
    words: list[Word] = []
    at = start
    while at < len(line):
        if line[at] in _BLANKS:
            at += 1
        elif line[at] == "#":
            break
        else:
            text, end, broken = _word(line, at)
            if text or broken != "\\":
                words.append(Word(text, at, end, line[at] in "'\""))
            if broken:
                return Words(tuple(words), broken)
            at = end
    return Words(tuple(words))


def _word(line: str, at: int) -> tuple[str, int, str]:
    """The word that begins at `at`: text, end, and what is broken."""
    text: list[str] = []
    while at < len(line) and line[at] not in _BLANKS:
        char = line[at]
        if char in "'\"":
            end, inner = _quoted(line, at)
            text.append(inner)
            if end < 0:
                return "".join(text), len(line), char
            at = end
        elif char == "\\":
            if at + 1 >= len(line.rstrip()):
                return "".join(text), len(line), "\\"
            text.append(line[at + 1])
            at += 2
        else:
            text.append(char)
            at += 1
    return "".join(text), at, ""


def _quoted(line: str, at: int) -> tuple[int, str]:
    """What stands between the quotes that open at `at`, and the place after them (-1: never closed)."""
    quote = line[at]
    if quote == "'":
        end = line.find("'", at + 1)
        return (end + 1, line[at + 1 : end]) if end >= 0 else (-1, line[at + 1 :])
    text: list[str] = []
    at += 1
    while at < len(line):
        if line[at] == '"':
            return at + 1, "".join(text)
        if line[at] == "\\" and at + 1 < len(line) and line[at + 1] in '"\\$`':
            at += 1
        text.append(line[at])
        at += 1
    return -1, "".join(text)


def fits(text: str) -> bool:
    """Whether the text can stand on a magic line: printable, on one line."""
    return text.isprintable()


def quote(text: str) -> str:
    """The text as one shell word.

    >>> quote("@daily"), quote("{{ ds }}"), quote("it's")
    ('@daily', "'{{ ds }}'", '"it\\'s"')
    """
    if _SAFE.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")
    return f'"{escaped}"'

"""Where the headers of a cell stand, and their options as typed: the magic line, and the `#| name: value` lines right below.

The rules of a `#|` line: one space, the option's name, a colon, the value. The value is kept exactly, without blanks around it.
Wholly in quotes, it is what stands between them ('…' with '' for a quote, "…" with JSON's escapes). Unquoted, a ' #' begins a comment.
Lines `#|   more`, indented deeper, go on: after an empty value or '|' they are a block, its lines kept; else they are joined by a blank.
In: a cell's source. Out: `Layout` values and slips; nothing is checked against the option table here. Next room: `header`.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, field, replace
from functools import lru_cache

from kubenb.notebook import words
from kubenb.notebook.words import Word

MAGICS = {"k8s_task": "task", "k8s_dag": "dag", "k8s_notebook": "notebook", "k8s_container": "container"}
VERBS = (
    "k8s_graph",
    "k8s_check",
    "k8s_export",
    "k8s_config",
    "k8s_cost",
    "k8s_usage",
    "k8s_runs",
    "k8s_logs",
    "k8s_stop",
    "k8s_attach",
)  # magics of the kernel that mean nothing for the pipeline
_MAGIC = re.compile(r"(?P<indent>[ \t]*)(?P<percent>%%?)(?P<name>[kK]8[sS]_?\w+)(?=\s|\?|$)")
_MAYBE = re.compile("k8s", re.IGNORECASE)


def may_have_headers(source: str) -> bool:
    """Whether a text is worth a closer look."""
    return _MAYBE.search(source) is not None


_OPTION = re.compile(r"#\|[ ]?(?P<name>[A-Za-z][\w-]*)[ ]*:(?:[ \t]+(?P<value>.*))?$")
_BARE = re.compile(r"#\|[ ]?(?P<name>[A-Za-z][\w-]*)[ \t]*$")
_DEEPER = re.compile(r"#\|(?:[ \t]{2,}|[ \t]*$)")
_WHOLLY = re.compile(r"""(?P<text>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*")(?:\s+#.*|\s*)$""")
_COMMENT = re.compile(r"(?:^|[ \t])#.*$")


@dataclass(frozen=True)
class Entry:
    """One option as typed. `value` is None where there is none; `first` and `last` count lines of the cell from 0.

    `span`: the name's columns on its line. `cut`: the comment taken off the value.
    """

    name: str
    value: str | None
    first: int
    last: int
    span: tuple[int, int] = (0, 0)
    magic: bool = False
    cut: str = ""


@dataclass(frozen=True)
class Slip:
    """A fault in the form of a header: code, what, fix, line (from 0)."""

    code: str
    what: str
    fix: str
    line: int


@dataclass(frozen=True)
class Layout:
    """A header as it stands in a cell: its lines `first` to `last`, counted from 0.

    `words`: those of the magic line that are no options (the name first); `entries`: options of both; `command`: what follows `--`,
    None where nothing does; `slips`: faults of its form; `indent`: blanks in front of the magic, taken off every line.
    """

    kind: str
    lines: tuple[str, ...]
    first: int
    last: int
    words: tuple[Word, ...] = ()
    entries: tuple[Entry, ...] = ()
    command: tuple[str, ...] | None = None
    slips: tuple[Slip, ...] = ()
    indent: str = field(default="", compare=False)


def layouts(source: str) -> tuple[tuple[Layout, ...], tuple[Slip, ...]]:
    """All headers of a code cell, and what looks like one but is none."""
    if not may_have_headers(source):
        return (), ()
    lines = source.split("\n")
    top = next((index for index, line in enumerate(lines) if line.strip()), 0)
    match = _MAGIC.match(lines[top])
    if match is not None and match["percent"] == "%%":
        if match["name"] == "k8s_task":
            return (_layout("task", lines, top, match["indent"]),), ()
        return (), (_wrong_percents(match["name"], lines[top].strip(), top),)
    found: list[Layout] = []
    slips: list[Slip] = []
    for index, line in enumerate(lines):
        match = _MAGIC.match(line)
        if match is None or (match["name"] in VERBS and match["percent"] == "%") or index in _text_lines(source):
            continue
        if match["percent"] == "%" and match["name"] not in MAGICS:
            slips.append(_unknown("%", match["name"], index))
        elif match["percent"] == "%%":
            slips.append(_not_first(lines, index, match["name"]))
        elif match["name"] == "k8s_task":
            slips.append(_wrong_percents("k8s_task", line.strip(), index))
        elif match["indent"]:
            fix = f"Write it at the beginning of a line: {line.strip()}"
            slips.append(Slip("header.indented", f"%{match['name']} is indented.", fix, index))
        else:
            found.append(_layout(MAGICS[match["name"]], lines, index, ""))
    return tuple(found), tuple(slips)


@lru_cache(maxsize=64)
def _text_lines(source: str) -> frozenset[int]:
    """The lines (from 0) that lie inside a string of several lines."""
    if "'''" not in source and '"""' not in source:
        return frozenset()
    import io
    import tokenize

    lines = source.split("\n")
    plain = "\n".join("pass" if re.match(r"\s*[%!?]", line) else line for line in lines)
    found: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(plain).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "FSTRING_START":
                opened.append(token.start[0])
            elif kind == "STRING" or (kind == "FSTRING_END" and opened):
                first = opened.pop() if kind == "FSTRING_END" else token.start[0]
                found.update(range(first, token.end[0]))
    except tokenize.TokenError as error:
        if "string" in str(error.args[0]):
            found.update(range(error.args[1][0], len(lines)))
    except (SyntaxError, ValueError):
        return frozenset(found)
    return frozenset(found)


def _wrong_percents(name: str, line: str, index: int) -> Slip:
    bare = line.lstrip("%")
    if name == "k8s_task":
        return Slip(
            "header.percents",
            "%k8s_task stands with one percent sign.",
            f"Write two, on the cell's first line: %%{bare}",
            index,
        )
    if name in MAGICS:
        return Slip("header.percents", f"%%{name} stands with two percent signs.", f"Write one: %{bare}", index)
    return _unknown("%%", name, index)


def _unknown(percent: str, name: str, index: int) -> Slip:
    from kubenb.model.names import near

    folded = name.lower() if "_" in name else name.lower().replace("k8s", "k8s_", 1)
    likely = near(folded, (*MAGICS, *VERBS), 1)
    fix = f"Did you mean {'%%' if likely[0] == 'k8s_task' else '%'}{likely[0]}?" if likely else "Write %%k8s_task NAME."
    return Slip("header.unknown-magic", f"there is no magic {percent}{name}.", fix, index)


def _not_first(lines: list[str], index: int, name: str) -> Slip:
    above = [line for line in lines[:index] if line.strip()]
    if name in MAGICS and name != "k8s_task":
        return _wrong_percents(name, lines[index].strip(), index)
    if all(line.lstrip().startswith("#") for line in above):
        return Slip(
            "header.comment-above",
            f"a comment stands above %%{name}.",
            f"Move the comment below line 1: %%{name} comes first in its cell.",
            index,
        )
    if all(line.lstrip().startswith(("#", "%%")) for line in above):
        return Slip(
            "header.not-first",
            f"another cell magic stands above %%{name}.",
            f"Move %%{name} to line 1, and leave the other magic out.",
            index,
        )
    return Slip(
        "header.not-first",
        f"%%{name} does not stand on line 1.",
        "Move the lines above it into a cell of their own.",
        index,
    )


def _layout(kind: str, lines: list[str], first: int, indent: str) -> Layout:
    """The header that begins at line `first`."""
    magic, wrapped = _unwrapped([line.removeprefix(indent) for line in lines[first:]])
    last = first + wrapped
    while last + 1 < len(lines) and lines[last + 1].removeprefix(indent).startswith("#|"):
        last += 1
    below = [line.removeprefix(indent) for line in lines[first + wrapped + 1 : last + 1]]
    layout = Layout(kind, (magic, *[""] * wrapped, *below), first, last, indent=indent)
    layout = _read_magic(layout, magic)
    if wrapped or magic.rstrip().endswith("\\"):
        layout = replace(layout, slips=(_continued(layout, magic), *layout.slips))
    entries, slips = _read_options(tuple(below), first + wrapped + 1)
    stray = _stray(lines, last + 1) if kind == "task" else ()
    return replace(layout, entries=layout.entries + entries, slips=layout.slips + slips + stray)


def _unwrapped(lines: list[str]) -> tuple[str, int]:
    """The magic line with the lines that a backslash joins to it, and how many those are."""
    magic, wrapped = lines[0], 0
    while wrapped + 1 < len(lines) and words.split(magic).broken == "\\" and not lines[wrapped + 1].startswith("#|"):
        wrapped += 1
        magic = f"{magic.rstrip()[:-1].rstrip()} {lines[wrapped].strip()}"
    return magic, wrapped


def _read_magic(layout: Layout, line: str) -> Layout:
    """The magic line's words: the ones in place, and options."""
    start = _MAGIC.match(line).end()  # type: ignore[union-attr]
    found = words.split(line, start)
    slips: list[Slip] = []
    if found.broken in ("'", '"'):
        fix = f"Close it: {line.rstrip()}{found.broken}"
        slips.append(Slip("header.quote", f"the quote {found.broken} is never closed.", fix, layout.first))
    command: tuple[str, ...] | None = None
    placed: list[Word] = []
    entries: list[Entry] = []
    queue = deque(found.words)
    while queue:
        word = queue.popleft()
        if word.text == "--" and not word.quoted:
            command = tuple(each.text for each in queue)
            break
        if not _is_option(word):
            placed.append(word)
            continue
        name, equals, value = word.text.lstrip("-").partition("=")
        dashes = len(word.text) - len(word.text.lstrip("-"))
        span = (word.start, word.start + dashes + len(name))
        taken: str | None = value if equals else None
        if not equals and queue and not _is_option(queue[0]) and (queue[0].text != "--" or queue[0].quoted):
            taken = queue.popleft().text if _takes_value(name, queue[0].text) else None
        entries.append(Entry(name, taken, layout.first, layout.first, span, magic=True))
    return replace(layout, words=tuple(placed), entries=tuple(entries), command=command, slips=tuple(slips))


def _is_option(word: Word) -> bool:
    return bool(re.match(r"--[A-Za-z]|-[A-Za-z]", word.text)) and not word.quoted


def _takes_value(name: str, following: str) -> bool:
    """Whether an option's next word is its value: a flag takes only true or false."""
    from kubenb.model.options import DAG, TASK

    option = TASK.get(name) or DAG.get(name)
    return option is None or option.kind != "flag" or following.lower() in ("true", "false", "yes", "no", "on", "off")


def _continued(layout: Layout, line: str) -> Slip:
    """Continuation by backslash, which IPython refuses; the fix shows the options on `#|` lines."""
    start = _MAGIC.match(line).end()  # type: ignore[union-attr]
    above = " ".join([line[:start], *(words.quote(word.text) for word in layout.words)])
    pairs = [f"#| {entry.name}: {entry.value or 'true'}" for entry in layout.entries]
    if layout.command:
        pairs.append(f"#| command: {' '.join(map(words.quote, layout.command))}")
    shape = "\n".join([above, *(pairs or ["#| name: value"])])
    what = "the line ends in a backslash; a magic has one line."
    return Slip("header.continued", what, f"Write the options below it:\n{shape}", layout.first)


def _read_options(block: tuple[str, ...], first: int) -> tuple[tuple[Entry, ...], tuple[Slip, ...]]:
    """The `#|` lines below a magic."""
    entries: list[Entry] = []
    slips: list[Slip] = []
    index = 0
    while index < len(block):
        line, number = block[index], first + index
        match, bare = _OPTION.match(line), _BARE.match(line)
        index += 1
        if match is None and bare is None:
            fix = f"Write {_likely(line)}."
            if line.strip() != "#|":
                slips.append(Slip("header.form", "this line is not of the form '#| name: value'.", fix, number))
            continue
        more: list[str] = []
        while index < len(block) and _DEEPER.match(block[index]):
            more.append(block[index][2:])
            index += 1
        if bare is not None:
            entries.append(Entry(bare["name"], None, number, first + index - 1, bare.span("name")))
            continue
        assert match is not None
        slips += _hidden_options(match["value"] or "", more, number + 1)
        value, cut, slip = read_value(match["value"] or "", more)
        if slip:
            slips.append(Slip("header.quote", slip, "Write it in single quotes: '…'.", number))
        entries.append(Entry(match["name"], value, number, first + index - 1, match.span("name"), cut=cut))
    return tuple(entries), tuple(slips)


def _hidden_options(value: str, more: list[str], first: int) -> list[Slip]:
    """Option lines that stand too deep, and so would silently go on with the value above."""
    from kubenb.model.options import DAG, TASK

    if value.strip() in ("", "|"):
        return []
    found = []
    for index, line in enumerate(more):
        name = line.strip().partition(":")[0]
        if ":" in line and (name in TASK or name in DAG):
            what = f"option {name} stands too deep: it would go on with the value above."
            found.append(Slip("header.deep", what, f"Write it with one space: #| {line.strip()}", first + index))
    return found


def read_value(text: str, more: list[str]) -> tuple[str | None, str, str]:
    """A `#|` line's value: the text, the comment cut off, and what is wrong with its quotes."""
    wholly = _WHOLLY.match(text)
    if wholly is not None and not more:
        inner = wholly["text"]
        if inner[0] == "'":
            return inner[1:-1].replace("''", "'"), "", ""
        try:
            return str(json.loads(inner)), "", ""
        except ValueError:
            return inner[1:-1], "", "the escapes between its double quotes are not JSON's."
    comment = _COMMENT.search(text)
    plain = (text[: comment.start()] if comment else text).strip(" \t")
    cut = comment[0].strip() if comment else ""
    if not more:
        return (plain or None), cut, ""
    if plain in ("", "|"):
        return block_text(more) or None, "", ""
    return " ".join([plain, *(line.strip() for line in more if line.strip())]), cut, ""


def block_text(lines: list[str]) -> str:
    """A block's text: the lines without their common indentation, and without empty lines at its end."""
    filled = [line for line in lines if line.strip()]
    common = min((len(line) - len(line.lstrip(" ")) for line in filled), default=0)
    return "\n".join(line[common:] if line.strip() else "" for line in lines).rstrip("\n")


def _likely(line: str) -> str:
    """The form that a broken `#|` line was likely meant to have."""
    equals = re.match(r"#\|\s*-{0,2}([A-Za-z][\w-]*)\s*[=: ]\s*(.*)$", line)
    return f"#| {equals[1]}: {equals[2].strip()}" if equals else "#| memory: 4Gi"


def _stray(lines: list[str], start: int) -> tuple[Slip, ...]:
    """Option lines further down, where they would be plain comments."""
    from kubenb.model.options import TASK

    named = {index: match["name"] for index in range(start, len(lines)) if (match := _OPTION.match(lines[index]))}
    found = []
    for index, name in named.items():
        if name in TASK and index not in _text_lines("\n".join(lines)):
            what = f"option line '#| {name}: …' does not stand right below the magic line."
            fix = "Move it directly below the magic line, without empty lines between."
            found.append(Slip("header.stray", what, fix, index))
    return tuple(found)

"""A header changed in place: what is edited is written anew, in canonical form; every other character stays as the author left it.

In: a cell's source and options with their new texts. Out: the new source. Comments, the order of lines and the spelling of
options that are not edited stay; a magic line that went on by a backslash becomes one line. Next rooms: the picker, advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubenb.model.options import Option
from kubenb.notebook import words
from kubenb.notebook.header import option_for
from kubenb.notebook.lines import Entry, Layout, layouts
from kubenb.notebook.printing import ESSENTIAL, option_lines

Texts = Mapping[str, Sequence[str]]  # by option: its values as a user would type them; none takes the option out


def edit_header(source: str, changes: Texts, number: int = 0) -> str:
    """The cell with these options set. `number`: which of the cell's headers, from 0.

    >>> print(edit_header("%%k8s_task train --cpu 2  # big\\n#| secret: db -> DB\\nx = 1", {"cpu": ["4"], "memory": ["1Gi"]}))
    %%k8s_task train --cpu 4 --memory 1Gi  # big
    #| secret: db -> DB
    x = 1
    """
    for name, texts in changes.items():
        layout = layouts(source)[0][number]
        option = option_for(layout.kind, name)
        if option is None:
            raise KeyError(name)
        source = _edited(source, layout, option, texts)
    return source


def _edited(source: str, layout: Layout, option: Option, texts: Sequence[str]) -> str:
    """One option's values in place of those that stand there."""
    there = [entry for entry in layout.entries if option_for(layout.kind, entry.name) == option]
    on_line = [entry for entry in there if entry.magic]
    below = [entry for entry in there if not entry.magic]
    stays = bool(on_line) or (option.name in ESSENTIAL[layout.kind] and not below)
    up = list(texts) if stays and all(map(words.fits, texts)) else []
    magic = _magic_line(layout, option, on_line, up)
    lines = source.split("\n")
    wrapped = next((n for n, line in enumerate(layout.lines[1:]) if line), len(layout.lines) - 1)
    at = layout.first + 1 + wrapped
    rest: list[str] = lines[at : layout.last + 1]
    new = [layout.indent + line for text in texts for line in option_lines(option, text)] if not up else []
    if len(new) == len(texts) == 1 and below and below[0].cut:
        new = [f"{new[0]}  {below[0].cut}"]
    for entry in reversed(below):
        rest[entry.first - at : entry.last + 1 - at] = new if entry is below[0] else []
    if not below:
        rest += new
    return "\n".join((*lines[: layout.first], layout.indent + magic, *rest, *lines[layout.last + 1 :]))


def _magic_line(layout: Layout, option: Option, there: Sequence[Entry], texts: Sequence[str]) -> str:
    """The magic line with the option's words in place of those that stand there."""
    line = layout.lines[0]
    new = "".join(f" {_words(option, text)}" for text in texts)
    for entry in reversed(there):
        start, end = _extent(line, entry)
        line = line[:start].rstrip(" \t") + (new if entry is there[0] else "") + line[end:]
    if not there and new:
        at = _place(layout, option)
        line = line[:at] + new + line[at:]
    return line


def _words(option: Option, text: str) -> str:
    quoted = words.quote(text)
    return f"--{option.name}={quoted}" if text[:1] in ("-", "") else f"--{option.name} {quoted}"


def _extent(line: str, entry: Entry) -> tuple[int, int]:
    """From the option's dashes to the end of its value."""
    start, name_ends = entry.span
    found = words.split(line, start).words
    end = found[0].end
    if entry.value is not None and end == name_ends:
        end = found[1].end
    return start, end


def _place(layout: Layout, option: Option) -> int:
    """Behind the essential option that comes before it, or behind the words in place."""
    order = ESSENTIAL[layout.kind]
    rank = order.index(option.name) if option.name in order else len(order)
    line = layout.lines[0]
    before = [
        entry for entry in layout.entries if entry.magic and entry.name in order and order.index(entry.name) < rank
    ]
    ends = [_extent(line, entry)[1] for entry in before]
    ends += [word.end for word in layout.words]
    if layout.kind == "notebook":
        ends += [_extent(line, entry)[1] for entry in layout.entries if entry.name == "as"]
    return max(ends) if ends else len(line.split(maxsplit=1)[0])

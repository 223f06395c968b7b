"""An option's value written anew where it stands, and nothing else touched: not a blank, not a comment, not another cell.

In: the text of a cell, or of a whole file, and the new values of a task. Out: the new text; `Unwritable` where that can't be done
for sure. Next room: `kubenb.actions.measured`, which asks before it writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubenb.notebook import words
from kubenb.notebook.lines import Entry, Layout, layouts


class UnwritableError(Exception):
    """The place can't be rewritten for sure; the reason is its text."""


def with_options(source: str, task: str, values: Mapping[str, str]) -> str:
    r"""The cell with these values in the task's header.

    >>> print(with_options("%%k8s_task fit --cpu 2  # fast\n#| memory: 4Gi # big\nx = 1", "fit", {"memory": "1Gi", "cpu": "1"}))
    %%k8s_task fit --cpu 1  # fast
    #| memory: 1Gi # big
    x = 1
    """
    found, _ = layouts(source)
    layout = next((each for each in found if _name(each) == task), None)
    if layout is None:
        raise UnwritableError(f"the header of {task} was not found")
    lines = source.split("\n")
    for name, value in values.items():
        entries = [entry for entry in layout.entries if entry.name == name]
        if len(entries) > 1:
            raise UnwritableError(f"{name} is set twice")
        if not entries:
            lines[layout.first] = _added(lines[layout.first], name, value)
        elif entries[0].magic:
            lines[layout.first] = _on_magic_line(lines[layout.first], name, value)
        else:
            lines[entries[0].first] = _on_own_line(lines[entries[0].first], entries[0], value)
    return "\n".join(lines)


def in_file(text: str, path: str, cell: int, before: str, after: str) -> str:
    """The file's text with the source of one cell replaced; every other byte stays."""
    if path.lower().endswith(".py"):
        return _in_script(text, before, after)
    return _in_notebook(text, cell, before, after)


def _name(layout: Layout) -> str:
    if layout.kind == "notebook":
        return next((entry.value or "" for entry in layout.entries if entry.name == "as"), "")
    return layout.words[0].text if layout.words else ""


def _magic_words(line: str) -> Iterator[words.Word]:
    found = words.split(line, len(line) - len(line.lstrip()))
    if found.broken:
        raise UnwritableError("the magic line goes on over several lines, or a quote is open")
    for word in found.words:
        if word.text == "--" and not word.quoted:
            return
        yield word


def _added(line: str, name: str, value: str) -> str:
    """Behind the last word of the magic line, before a command or a comment."""
    last = list(_magic_words(line))[-1]
    return f"{line[: last.end]} --{name} {value}{line[last.end :]}"


def _on_magic_line(line: str, name: str, value: str) -> str:
    found = list(_magic_words(line))
    for index, word in enumerate(found):
        if word.text.startswith(f"--{name}=") and not word.quoted:
            return f"{line[: word.start]}--{name}={value}{line[word.end :]}"
        if word.text == f"--{name}" and index + 1 < len(found):
            following = found[index + 1]
            return f"{line[: following.start]}{value}{line[following.end :]}"
    raise UnwritableError(f"{name} stands on the magic line in a way that is not known")


def _on_own_line(line: str, entry: Entry, value: str) -> str:
    match = re.fullmatch(r"(?P<head>\s*#\|\s?[\w-]+\s*:[ \t]+)(?P<value>\S+)(?P<rest>\s*(?:[ \t]#.*)?)", line)
    if match is None or entry.first != entry.last:
        raise UnwritableError(f"{entry.name} does not stand on one line of its own")
    return match["head"] + value + match["rest"]


def _in_script(text: str, before: str, after: str) -> str:
    """The lines that differ, found by the block of lines around them; magics may stand behind `# `."""
    old, new = before.split("\n"), after.split("\n")
    changed = [index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    first = next(index for index, line in enumerate(old) if line.strip())
    block = old[first : max(changed) + 1]
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(ending)
    starts = [start for start in range(len(lines)) if all(map(_same, lines[start : start + len(block)], block))]
    starts = [start for start in starts if start + len(block) <= len(lines)]
    if len(starts) != 1:
        raise UnwritableError("the header's lines were not found just once in the file")
    for index in changed:
        at = starts[0] + index - first
        lines[at] = lines[at][: len(lines[at]) - len(old[index])] + new[index]
    return ending.join(lines)


def _same(line: str, wanted: str) -> bool:
    return line == wanted or (bool(wanted) and re.fullmatch(r"# ?" + re.escape(wanted), line) is not None)


def _in_notebook(text: str, cell: int, before: str, after: str) -> str:
    """By JSON, where writing it gives the file's own bytes again."""
    try:
        data = json.loads(text)
        found = data["cells"][cell - 1]
    except (ValueError, KeyError, IndexError, TypeError):
        raise UnwritableError("the file is not a notebook of format 4") from None
    layout = next((each for each in _layouts() if _written(data, each) == text), None)
    source = found["source"]
    if layout is None or ("".join(source) if isinstance(source, list) else source) != before:
        raise UnwritableError("the file is laid out in a way of its own, which would be lost")
    found["source"] = after.splitlines(keepends=True) if isinstance(source, list) else after
    return _written(data, layout)


def _layouts() -> Iterator[dict[str, Any]]:
    for end in ("\n", ""):
        for indent in (1, 2, 4, "\t", None):
            for ascii_only in (False, True):
                yield {"indent": indent, "ensure_ascii": ascii_only, "end": end}


def _written(data: Any, layout: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=layout["indent"], ensure_ascii=layout["ensure_ascii"]) + str(layout["end"])

"""New values for a task's options in its file, and nothing else touched: not a comment, not another cell, not an output.

In: the text of a cell or of a whole file. Out: the new text; `UnwritableError` where that can't be done for sure. `edit` changes the
header, this room finds it in its cell and the cell in its file. Next room: `kubenb.actions.measured`, which asks before it writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kubenb.notebook.edit import edit_header
from kubenb.notebook.lines import Layout, layouts


class UnwritableError(Exception):
    """The place can't be rewritten for sure; the reason is its text."""


def with_options(source: str, task: str, values: Mapping[str, str]) -> str:
    r"""The cell with these values in the task's header.

    >>> print(with_options("%%k8s_task fit --cpu 2  # fast\n#| memory: 4Gi\nx = 1", "fit", {"memory": "1Gi", "cpu": "1"}))
    %%k8s_task fit --cpu 1  # fast
    #| memory: 1Gi
    x = 1
    """
    found, _ = layouts(source)
    numbers = [number for number, layout in enumerate(found) if _name(layout) == task]
    if len(numbers) != 1:
        raise UnwritableError(f"the header of {task} was not found")
    return edit_header(source, {name: [value] for name, value in values.items()}, numbers[0])


def in_file(text: str, path: str, cell: int, before: str, after: str) -> str:
    """The file's text with the source of one cell replaced; every other byte stays."""
    if path.lower().endswith(".py"):
        return _in_script(text, before, after)
    return _in_notebook(text, cell, before, after)


def _name(layout: Layout) -> str:
    if layout.kind == "notebook":
        return next((entry.value or "" for entry in layout.entries if entry.name == "as"), "")
    return layout.words[0].text if layout.words else ""


def _in_script(text: str, before: str, after: str) -> str:
    """The lines that differ, found by the block of lines around them; magics may stand behind `# `."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) != len(new):
        raise UnwritableError("its header would have another number of lines")
    changed = [index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    first = next(index for index, line in enumerate(old) if line.strip())
    block = old[first : max(changed) + 1]
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(ending)
    starts = range(len(lines) - len(block) + 1)
    found = [start for start in starts if all(map(_same, lines[start : start + len(block)], block))]
    if len(found) != 1:
        raise UnwritableError("the header's lines were not found just once in the file")
    for index in changed:
        at = found[0] + index - first
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

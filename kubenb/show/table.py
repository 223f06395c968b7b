"""Tables: rows of words in columns, for options, config and runs.

In: a title, column names, rows of strings. Out: aligned text, an HTML table, a Markdown table, JSON records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from kubenb.show.shown import Shown


@dataclass(frozen=True, repr=False)
class Table(Shown):
    """Rows under column names, below a `title` and above a `note` ('' for none).

    >>> print(Table("Tasks", ("task", "cpu"), (("extract", "1"), ("train", "500m"))))
    Tasks
    task     cpu
    extract  1
    train    500m
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [
            "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
            for row in (self.columns, *self.rows)
        ]
        return "\n".join(line for line in (self.title, *lines, self.note) if line)

    def html(self) -> str:
        """One `<table>` with a caption."""
        head = "".join(f'<th scope="col" style="text-align:left">{escape(name)}</th>' for name in self.columns)
        body = "".join(f"<tr>{_cells(row)}</tr>" for row in self.rows)
        caption = (
            f'<caption style="text-align:left;font-weight:600">{escape(self.title)}</caption>' if self.title else ""
        )
        note = f"<div>{escape(self.note)}</div>" if self.note else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"

    def markdown(self) -> str:
        """A pipe table."""
        lines = [_pipes(self.columns), _pipes(["---"] * len(self.columns)), *map(_pipes, self.rows)]
        return "\n".join(
            [*([f"**{self.title}**", ""] if self.title else []), *lines, *(["", self.note] if self.note else [])]
        )

    def json(self) -> Any:
        """A list of records."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def _cells(row: Sequence[str]) -> str:
    return "".join(f'<td style="text-align:left">{escape(word)}</td>' for word in row)


def _pipes(row: Sequence[str]) -> str:
    return "| " + " | ".join(word.replace("|", "\\|").replace("\n", " ") for word in row) + " |"

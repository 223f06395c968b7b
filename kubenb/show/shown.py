"""The shape of everything a verb returns: `str()` is complete on its own, HTML and Markdown are there where a front end
can use them.

In: nothing. Out: `Shown`, the base of the other rooms here. IPython takes `__repr__`, `_repr_html_` and
`_repr_markdown_` by their names.
"""

from __future__ import annotations

from html import escape
from typing import Any


class Shown:
    """Something to look at. Subclasses write `__str__`; `html` and `markdown` fall back to it."""

    def __str__(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        """The plain text: what a terminal, a log and a screen reader get."""
        return str(self)

    def html(self) -> str:
        """For notebooks."""
        return f"<pre>{escape(str(self))}</pre>"

    def markdown(self) -> str:
        """For pull requests and issues."""
        return f"```text\n{self}\n```"

    def json(self) -> Any:
        """For scripts: plain lists, dicts, strings and numbers."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.html()

    def _repr_markdown_(self) -> str:
        return self.markdown()


def count(number: int, word: str) -> str:
    """'1 task', '3 tasks'."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"

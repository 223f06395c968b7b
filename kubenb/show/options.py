"""The table of options for people: by magic and group, each with its example, what it is for and where it ends.

In: `model.options`. Out: `OptionTable`. JSON has the rows whole, for editors and scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from kubenb.model.options import DAG, TASK, Option
from kubenb.show.shown import Shown
from kubenb.show.table import Table

MAGICS = {"%%k8s_task": TASK, "%k8s_dag": DAG}


@dataclass(frozen=True, repr=False)
class OptionTable(Shown):
    """All options of both magics."""

    def __str__(self) -> str:
        return "\n".join(line for magic, table in MAGICS.items() for line in _lines(magic, table)).lstrip("\n")

    def html(self) -> str:
        """A table a magic."""
        return "".join(table.html() for table in self._tables())

    def markdown(self) -> str:
        """A pipe table a magic: the reference in the docs is made of it."""
        return "\n\n".join(table.markdown() for table in self._tables())

    def json(self) -> Any:
        """Rows by magic."""
        return {magic: [asdict(option) for option in table.values()] for magic, table in MAGICS.items()}

    def _tables(self) -> Iterator[Table]:
        for magic, table in MAGICS.items():
            rows = tuple((f"{option.name}", _for(option), option.example, option.goes) for option in table.values())
            yield Table(magic, ("option", "what for", "example", "goes to"), rows)


def _lines(magic: str, table: dict[str, Option]) -> Iterator[str]:
    for group in dict.fromkeys(option.group for option in table.values()):
        yield f"\n{magic}: {group}"
        for option in table.values():
            if option.group == group:
                yield f"  --{option.name} {option.example}"
                yield f"      {_for(option)}  [{option.goes}]"


def _for(option: Option) -> str:
    choices = f": {', '.join(option.choices)}" if option.choices else ""
    return f"{option.help}{choices}{' (may repeat)' if option.repeats else ''}"

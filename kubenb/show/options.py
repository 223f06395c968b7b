"""The table of options for people: by magic and group, each with its example, what it is for, its default and where it
ends.

In: `model.options`. Out: `OptionTable`. JSON has the rows whole, for editors and scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from kubenb.model.options import DAG, TASK, Option
from kubenb.notebook.header import EXAMPLE, MAGIC, HeaderKind
from kubenb.show.shown import Shown
from kubenb.show.table import Table

MAGICS = {"%%k8s_task": TASK, "%k8s_dag": DAG}


@dataclass(frozen=True, repr=False)
class OptionTable(Shown):
    """All options of both magics."""

    def __str__(self) -> str:
        lines = [line for magic, table in MAGICS.items() for line in _lines(magic, table)]
        lines.append("\nTasks that are no cell, with the options of %%k8s_task:")
        lines += [line for _, example, what in _others() for line in (f"  {example}", f"      {what}")]
        return "\n".join(lines).lstrip("\n")

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
            rows = tuple(
                (option.name, _for(option), default(option), option.example, option.goes) for option in table.values()
            )
            yield Table(magic, ("option", "what for", "default", "example", "goes to"), rows)
        others = tuple((MAGIC[kind], example, what) for kind, example, what in _others())
        yield Table("Tasks that are no cell", ("magic", "example", "what it is"), others)


def _lines(magic: str, table: dict[str, Option]) -> Iterator[str]:
    for group in dict.fromkeys(option.group for option in table.values()):
        yield f"\n{magic}: {group}"
        for option in table.values():
            if option.group == group:
                yield f"  --{option.name} {option.example}"
                held = f"; {default(option)} unless set" if option.default else ""
                yield f"      {_for(option)}{held}  [{option.goes}]"


def default(option: Option) -> str:
    """What holds where nobody sets it; Airflow's own is named so, for its configuration may say otherwise."""
    return f"{option.default} (Airflow's)" if option.default and option.whose == "Airflow" else option.default


def _others() -> Iterator[tuple[HeaderKind, str, str]]:
    yield (
        "notebook",
        f"{EXAMPLE['notebook']} --param month=2",
        "A whole other notebook, a path relative to this one. param sets its parameters.",
    )
    yield "container", EXAMPLE["container"], "An image's own command, in any language. What follows -- is the command."


def _for(option: Option) -> str:
    choices = f": {', '.join(option.choices)}" if option.choices else ""
    return f"{option.help}{choices}{' (may repeat)' if option.repeats else ''}"

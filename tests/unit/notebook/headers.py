"""Headers for tests: a cell's header in one call, and every header the table allows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kubenb.model.options import DAG, ONE_TASK, TASK, Option
from kubenb.model.pipeline import Cell
from kubenb.notebook.header import Header, HeaderKind, parse_headers, target
from tests.unit.model.strategies import ANY, values


def read(source: str, number: int = 4) -> Header:
    """The one header of a cell."""
    found, loose = parse_headers(Cell(number, "code", source))
    assert not loose
    assert len(found) == 1
    return found[0]


def messages(source: str, number: int = 4) -> list[str]:
    """Every problem of a cell's headers, as shown."""
    found, loose = parse_headers(Cell(number, "code", source))
    return [str(problem) for header in found for problem in header.problems] + [str(problem) for problem in loose]


def options(kind: str) -> list[Option]:
    """What a header of this kind may hold."""
    return (
        [*DAG.values(), *(o for n, o in TASK.items() if n not in DAG and n not in ONE_TASK)]
        if kind == "dag"
        else list(TASK.values())
    )


@st.composite
def headers(draw: st.DrawFn, of: HeaderKind | None = None) -> Header:
    """Any header without problems, over the whole table."""
    kinds: list[HeaderKind] = ["task", "dag", "notebook", "container"] if of is None else [of]
    kind = draw(st.sampled_from(kinds))
    found: dict[str, Any] = {}
    for option in draw(st.lists(st.sampled_from(options(kind)), max_size=6, unique_by=lambda option: option.name)):
        if kind == "dag" and option.name == "id":
            continue
        value = values(option)
        found[option.name] = (
            tuple(draw(st.lists(value, min_size=1, max_size=3, unique_by=target))) if option.repeats else draw(value)
        )
    if kind == "container":
        found["image"] = draw(values(TASK["image"]))
    name = draw(st.sampled_from(["train", "Load_1", "a-b"] + [""] * (kind == "dag")))
    command = tuple(draw(st.lists(ANY, max_size=4))) if kind == "container" else ()
    notebook = draw(st.sampled_from(["other.ipynb", "sub dir/it's.ipynb", "a.py"])) if kind == "notebook" else None
    return Header(kind, name, found, command=command, notebook=notebook)


def meaning(header: Header) -> tuple[object, ...]:
    """What two headers share that say the same."""
    return header.kind, header.name, header.values, header.command, header.notebook

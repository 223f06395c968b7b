"""The one table of options: complete, without contradictions, and the only place that knows an option."""

from __future__ import annotations

from dataclasses import fields

import pytest

from kubenb.model.kinds import KINDS
from kubenb.model.options import DAG, ONE_TASK, TASK, DagOptions, Option, TaskOptions
from kubenb.notebook import header, printing

OPTIONS = [*TASK.values(), *DAG.values()]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_row_is_complete(option: Option) -> None:
    assert option.help
    assert not option.help.endswith(".")
    assert option.example
    assert option.goes
    assert option.group
    assert option.kind in KINDS
    assert bool(option.choices) == (option.kind == "choice")
    assert KINDS[option.kind].hint


@pytest.mark.parametrize(("table", "owner"), [(TASK, TaskOptions), (DAG, DagOptions)])
def test_a_row_is_a_field_and_unset_by_default(table: dict[str, Option], owner: type) -> None:
    defaults = {item.name: item.default for item in fields(owner)}
    assert {option.field for option in table.values()} == set(defaults)
    for name, option in table.items():
        assert name == option.name
        assert name == name.lower()
        assert defaults[option.field] == (() if option.repeats else None)


def test_what_is_said_of_options_elsewhere_names_options_of_the_table() -> None:
    assert set(TASK) >= ONE_TASK
    known = {*TASK, *DAG}
    assert set(header._SYNONYMS.values()) <= known
    assert not set(header._SYNONYMS) & set(TASK)
    for kind, names in printing.ESSENTIAL.items():
        table = DAG if kind == "dag" else TASK
        assert set(names) <= set(table)
        assert not any(table[name].repeats for name in names)

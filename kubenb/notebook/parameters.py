"""The notebook's parameters: the constants of the cell tagged `parameters`, and each `param` of the DAG.

In: the parameters cell and the `param` values. Out: `Parameter` values in order, and a problem for each line that is no constant.
The cell is read as text, never run: what it holds becomes the DAG's params. Next room: `pipeline`.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable
from typing import Any

from kubenb.model import names
from kubenb.model.names import shown
from kubenb.model.pipeline import Cell, Parameter
from kubenb.model.problems import Place, Problem
from kubenb.model.values import BadValue, KeyValue

TAG = "parameters"


def read_parameters(cell: Cell) -> tuple[tuple[Parameter, ...], tuple[Problem, ...]]:
    """The assignments of the parameters cell."""
    source, problems = _plain(cell)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        what = f"the parameters cell is not Python: {getattr(error, 'msg', None) or type(error).__name__}."
        return (), (Problem(Place(cell.number, line), what, "Correct the line.", "parameters.syntax"),)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        place = Place(cell.number, statement.lineno)
        try:
            for name, value in _assigned(statement):
                names.check_parameter(name)
                found.pop(name, None)
                found[name] = Parameter(name, value, None, place)
        except BadValue as bad:
            problems.append(Problem(place, bad.what, bad.fix, "parameters.constant"))
    return tuple(found.values()), tuple(problems)


def _plain(cell: Cell) -> tuple[str, list[Problem]]:
    """The source with kubenb's own lines emptied; other magics are problems."""
    if not any(mark in cell.source for mark in "%!"):
        return cell.source, []
    problems, lines = [], []
    for number, line in enumerate(cell.source.split("\n"), 1):
        if not line.startswith(("%", "!")):
            lines.append(line)
            continue
        lines.append("")
        if not line.startswith(("%k8s_", "%load_ext kubenb")):
            what = f"the parameters cell holds {shown(line)}."
            problems.append(
                Problem(Place(cell.number, number), what, "Move it to another cell.", "parameters.constant")
            )
    return "\n".join(lines), problems


def _assigned(statement: ast.stmt) -> Iterable[tuple[str, Any]]:
    """The names a statement of the cell binds, each with its constant; BadValue for anything else."""
    if isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ):
        return []
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return _pairs(statement.target, statement.value)
    if isinstance(statement, ast.Assign):
        return [pair for each in statement.targets for pair in _pairs(each, statement.value)]
    raise BadValue(
        f"the parameters cell holds more than constants: {shown(_first_line(statement))}.", "Move it to another cell."
    )


def _pairs(left: ast.expr, right: ast.expr) -> list[tuple[str, Any]]:
    if isinstance(left, ast.Name):
        return [(left.id, constant(right, left.id))]
    if (
        isinstance(left, (ast.Tuple, ast.List))
        and isinstance(right, (ast.Tuple, ast.List))
        and len(left.elts) == len(right.elts)
    ):
        return [pair for one, other in zip(left.elts, right.elts, strict=True) for pair in _pairs(one, other)]
    raise BadValue(
        f"the parameters cell assigns to {shown(_first_line(left))}.", "Write each parameter as NAME = CONSTANT."
    )


def constant(tree: ast.expr, name: str) -> Any:
    """The JSON value that an expression is, or BadValue."""
    try:
        value = ast.literal_eval(tree)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        fix = "Write a number, text, true or false, None, a list or a dict here, and compute in another cell."
        raise BadValue(f"parameter {shown(name)} is no constant: {shown(_first_line(tree))}.", fix) from None
    kind = _not_json(value)
    if kind:
        fix = (
            "Write a list."
            if kind in ("tuple", "set")
            else "Write text, a number, a list or a dict, and convert it in another cell."
        )
        raise BadValue(f"parameter {shown(name)} holds a {kind}, which Airflow's params can't carry.", fix)
    return value


def _not_json(value: Any) -> str:
    """The word for what JSON can't carry in the value, '' if it is all JSON."""
    if isinstance(value, str):
        return (
            "half of a surrogate pair"
            if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)
            else ""
        )
    if isinstance(value, float):
        return "" if math.isfinite(value) else "number without end"
    if value is None or isinstance(value, (bool, int)):
        return ""
    if isinstance(value, list):
        return next(filter(None, map(_not_json, value)), "")
    if isinstance(value, dict):
        return (
            next(filter(None, map(_not_json, value.values())), "")
            if all(isinstance(key, str) for key in value)
            else "dict with keys that are not text"
        )
    return type(value).__name__


def _first_line(tree: ast.AST) -> str:
    try:
        return ast.unparse(tree).split("\n")[0]
    except (ValueError, RecursionError):
        return "…"


def with_params(
    parameters: tuple[Parameter, ...], given: tuple[KeyValue, ...], place: Place
) -> tuple[tuple[Parameter, ...], tuple[Problem, ...]]:
    """The parameters with each `param` of the DAG: a template or another default for one of them, or one more."""
    found = {parameter.name: parameter for parameter in parameters}
    problems = []
    for pair in given:
        own = found.get(pair.key)
        try:
            if "{{" in pair.value:
                found[pair.key] = Parameter(
                    pair.key, own.default if own else None, pair.value, own.where if own else place
                )
                continue
            value = _given(pair)
            if own is not None and not _alike(own.default, value):
                there = f"the parameters cell (cell {own.where.cell}) has {json.dumps(own.default)[:60]}"
                what = f"param {pair.key} is {json.dumps(value)[:60]}, but {there}."
                raise BadValue(what, "Write a value of the same type.")
            found[pair.key] = Parameter(pair.key, value, None, own.where if own else place)
        except BadValue as bad:
            problems.append(Problem(place, bad.what, bad.fix, "parameters.param"))
    return tuple(found.values()), tuple(problems)


def _given(pair: KeyValue) -> Any:
    """A `param`'s value: JSON where it is JSON, else text."""
    if pair.value in ("True", "False", "None", "NaN", "Infinity", "-Infinity"):
        word = {"True": "true", "False": "false", "None": "null"}.get(pair.value)
        fix = f'Write {pair.key}={word}, or {pair.key}="{pair.value}" for text.' if word else "Write a number."
        raise BadValue(
            f"param {pair.key}={pair.value} is {'Python' if word else 'JavaScript'}'s word, not JSON's.", fix
        )
    try:
        return json.loads(pair.value)
    except (ValueError, RecursionError):
        return pair.value


def _alike(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if one is None or other is None:
        return True
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool)
    return type(one) is type(other) or (isinstance(one, numbers) and isinstance(other, numbers))

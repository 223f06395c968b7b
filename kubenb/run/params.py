"""The run's parameters: values of the command line, else the notebook's defaults, else Airflow fields with today's values.

In: the pipeline's parameters and `-p name=value` texts (or Python values). Out: a JSON-able dict, or all problems. Next
room: `local`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping

from kubenb.model.names import near
from kubenb.model.pipeline import Parameter, Pipeline
from kubenb.model.problems import NOWHERE, Problem
from kubenb.run.fields import fill


def values_for(
    pipeline: Pipeline, given: Mapping[str, object], fields: Mapping[str, str]
) -> tuple[dict[str, object], tuple[Problem, ...]]:
    """Every parameter's value for this run. `fields`: what `fields.airflow_values` says; texts in `given` are read by
    the default's type.
    """
    known = {parameter.name: parameter for parameter in pipeline.parameters}
    problems = [_unknown(name, known) for name in given if name not in known]
    values: dict[str, object] = {}
    for name, parameter in known.items():
        try:
            values[name] = read_value(given[name], parameter) if name in given else _default(parameter, fields)
        except ValueError as error:
            what, _, fix = str(error).partition("\n")
            problems.append(Problem(parameter.where, what, fix, "run.param"))
    return values, tuple(problems)


def read_value(value: object, parameter: Parameter) -> object:
    """A value from the command line as the default's type; Python values pass as they are.

    >>> read_value("2014", Parameter("year", 2013)), read_value("2014", Parameter("year", "2013"))
    (2014, '2014')
    """
    if not isinstance(value, str) or isinstance(parameter.default, str):
        return value
    found = _literal(value)
    if parameter.default is None or (found is not None and _fits(found, parameter.default)):
        return value if found is None and value not in ("None", "null") else found
    kind = type(parameter.default).__name__
    raise ValueError(
        f"Parameter {parameter.name} is {kind} ({parameter.default!r}), and {value!r} is not."
        f"\nGive one, like -p {parameter.name}={json.dumps(parameter.default)}."
    )


def _literal(text: str) -> object:
    named = {"true": True, "false": False, "null": None}
    if text in named:
        return named[text]
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        found: object = ast.literal_eval(text)
        json.dumps(found)
    except (ValueError, SyntaxError, TypeError, RecursionError):
        return None
    return found


def _fits(value: object, default: object) -> bool:
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and (isinstance(value, int) or isinstance(default, float))
    return isinstance(value, type(default))


def _default(parameter: Parameter, fields: Mapping[str, str]) -> object:
    """The notebook's own value where it has one, as the notebook would run; else the Airflow field with today's value."""
    if parameter.template is None or parameter.default is not None:
        return parameter.default
    text, unknown = fill(parameter.template, fields)
    if not unknown:
        return text
    raise ValueError(
        f"Parameter {parameter.name} comes from Airflow ({', '.join(unknown)}), which takes no part here."
        f"\nGive it: -p {parameter.name}=VALUE."
    )


def _unknown(name: str, known: Mapping[str, Parameter]) -> Problem:
    likely = near(name, known, 1)
    has = f"It has: {', '.join(known)}." if known else "Assign it in a cell tagged `parameters`."
    return Problem(
        NOWHERE,
        f"The notebook has no parameter {name}.",
        f"Did you mean {likely[0]}?" if likely else has,
        "run.unknown-param",
    )

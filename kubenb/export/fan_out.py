"""What a mapped task maps over: how many items, and who makes them. Nothing of the notebook is run to find out.

In: a task's plan and the pipeline's parameters. Out: `Items` with a count (known at export), or with the task that
makes the list at run time. Next room: `dag` writes `expand(...)`, `task_notebook` the item's and the gathering lines,
`checks` looks at both.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass

from kubenb.model.pipeline import Code, Load, Pipeline, Plan


@dataclass(frozen=True)
class Items:
    """Of a fan-out: `count` items, or the list `name` that `producer` makes (`mapped`: itself once an item); `why` neither is known."""

    count: int | None = None
    producer: str | None = None
    name: str = ""
    why: str = ""
    mapped: bool = False


def items(pipeline: Pipeline, plan: Plan) -> Items:
    """The items of a mapped task."""
    fan = plan.task.options.map
    if fan is None:
        return Items(why="it has no map.")
    try:
        tree = ast.parse(fan.source.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return Items(why=f"{fan.source} is not an expression.")
    loads = {name: step for step in plan.steps if isinstance(step, Load) for name in step.names}
    if isinstance(tree, ast.Name) and tree.id in loads:
        return Items(producer=loads[tree.id].producer, name=tree.id, mapped=loads[tree.id].items is not None)
    try:
        return Items(count=len(_values(tree, _constants(pipeline, plan))))
    except (ValueError, TypeError, OverflowError) as error:
        return Items(why=str(error))


def parameters_of(pipeline: Pipeline, plan: Plan) -> tuple[str, ...]:
    """Parameters that decide how many items there are, directly or by way of constants."""
    fan = plan.task.options.map
    names = _constants(pipeline, plan)
    given = {parameter.name for parameter in pipeline.parameters}
    stack: list[ast.AST] = [ast.parse(fan.source.strip(), mode="eval")] if fan else []
    found: dict[str, None] = {}
    seen: set[str] = set()
    while stack:
        for node in ast.walk(stack.pop()):
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                if node.id in given:
                    found[node.id] = None
                elif (value := names.get(node.id)) is not None:
                    stack.append(value)
    return tuple(found)


def _constants(pipeline: Pipeline, plan: Plan) -> dict[str, ast.expr | None]:
    """Names that the task's own code binds once, to an expression; None where it binds them more often."""
    found: dict[str, ast.expr | None] = {}
    for parameter in pipeline.parameters:
        if isinstance(parameter.default, (list, int)):
            found[parameter.name] = ast.parse(repr(parameter.default), mode="eval").body
    for step in plan.steps:
        if not isinstance(step, Code):
            continue
        try:
            statements = ast.parse(step.source).body
        except (SyntaxError, ValueError):
            continue
        for statement in statements:
            for name, value in _bound(statement):
                found[name] = None if name in found else value
    return found


def _bound(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        return [(target.id, statement.value) for target in statement.targets if isinstance(target, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value)]
    return []


def _values(tree: ast.expr | None, names: dict[str, ast.expr | None], depth: int = 0) -> range | list[object]:
    """The items of a literal, a range, or a name bound to one of them; ValueError says what it is instead."""
    if depth > 20:
        raise ValueError("its names lead in a circle.")
    if isinstance(tree, ast.Name):
        if names.get(tree.id) is None:
            raise ValueError(f"{tree.id} is not bound once, to a list of constants or a range.")
        return _values(names[tree.id], names, depth + 1)
    if isinstance(tree, (ast.List, ast.Tuple)):
        if any(isinstance(item, ast.Starred) for item in tree.elts):
            raise ValueError("it unpacks another list.")
        return list(tree.elts)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
        if tree.func.id == "range" and "range" not in names:
            return range(*(_whole(argument, names) for argument in tree.args))
        if tree.func.id in ("list", "tuple") and len(tree.args) == 1 and tree.func.id not in names:
            return _values(tree.args[0], names, depth + 1)
    raise ValueError(f"{ast.unparse(tree) if tree else 'it'} is neither a list of constants nor a range.")


def _whole(tree: ast.expr | None, names: dict[str, ast.expr | None], depth: int = 0) -> int:
    if isinstance(tree, ast.Name) and depth < 20 and names.get(tree.id) is not None:
        return _whole(names[tree.id], names, depth + 1)
    if isinstance(tree, ast.BinOp) and type(tree.op) in _SUMS and depth < 20:
        return _SUMS[type(tree.op)](_whole(tree.left, names, depth + 1), _whole(tree.right, names, depth + 1))
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub) and depth < 20:
        return -_whole(tree.operand, names, depth + 1)
    if not isinstance(tree, ast.Constant) or type(tree.value) is not int:
        raise ValueError("its range has a bound that is not a whole number written out.")
    return tree.value


_SUMS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def runtime_lists(pipeline: Pipeline) -> dict[str, list[str]]:
    """Task -> the variables whose length later mapped tasks need from it."""
    wanted: dict[str, list[str]] = {}
    for plan in pipeline.plans:
        if plan.task.options.map:
            found = items(pipeline, plan)
            if found.producer and found.name not in wanted.setdefault(found.producer, []):
                wanted[found.producer].append(found.name)
    return wanted

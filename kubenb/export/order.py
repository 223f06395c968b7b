"""Which task of a DAG file runs after which, as its text says it: `extract >> [features, other] >> train`.

In: the text of a DAG file, edited or not. Out: `Order`; None where the text does more with its tasks than assign and
chain them, so that only Airflow knows. Nothing is run. Next room: `edited`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

_MAKE = ("notebook", "task")  # the functions of a DAG file that put a task together


@dataclass
class Order:
    """By task id the `lines` that make them and their `variables`; `edges` are (upstream, downstream)."""

    lines: dict[str, int] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def after(self, task: str) -> set[str]:
        """All tasks that run after this one."""
        found: set[str] = set()
        left = [task]
        while left:
            up = left.pop()
            for one, other in self.edges:
                if one == up and other not in found:
                    found.add(other)
                    left.append(other)
        return found


def read_order(text: str) -> Order | None:
    """The order of the tasks in the file's one `with DAG(…)`."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    blocks = [node for node in tree.body if isinstance(node, ast.With)]
    if len(blocks) != 1:
        return None
    order, tasks = Order(), _tasks(blocks[0])
    if tasks is None:
        return None
    for variable, (task, line) in tasks.items():
        order.lines[task], order.variables[task] = line, variable
    chained: set[ast.AST] = set()
    for statement in ast.walk(blocks[0]):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.BinOp):
            ends = _chain(statement.value, tasks, order)
            if ends is None:
                return None
            chained.update(ast.walk(statement))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    outputs = {node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "output"}
    elsewhere = [name for name in names if name.id in tasks and name not in chained and name not in outputs]
    return None if elsewhere else order


def _tasks(block: ast.With) -> dict[str, tuple[str, int]] | None:
    """Variable -> (task id, line) of every call that is assigned in the block; None where a task is made in another way."""
    found: dict[str, tuple[str, int]] = {}
    known: set[ast.AST] = set()
    for statement in ast.walk(block):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = (_task_id(statement.value) or target.id, statement.lineno)
                    known.update(ast.walk(statement.value))
    made = {
        node: node.func.id for node in ast.walk(block) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return None if any(name in _MAKE and node not in known for node, name in made.items()) else found


def _task_id(call: ast.Call) -> str | None:
    """`task_id="train"`, or the first word of `**notebook("train")`, wherever in the call it stands."""
    for node in ast.walk(call):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "task_id" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
            if isinstance(node.func, ast.Name) and node.func.id in _MAKE and node.args:
                first = node.args[0]
                return str(first.value) if isinstance(first, ast.Constant) else None
    return None


Ends = list[str]


def _chain(node: ast.expr, tasks: dict[str, tuple[str, int]], order: Order) -> Ends | None:
    """Notes the edges of `a >> b >> c`; the tasks at its right end, None where something else stands in it."""
    if isinstance(node, ast.Name):
        return [tasks[node.id][0]] if node.id in tasks else None
    if isinstance(node, (ast.List, ast.Tuple)):
        parts = [_chain(each, tasks, order) for each in node.elts]
        return None if None in parts else [task for part in parts for task in part or []]
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.RShift, ast.LShift)):
        return None
    left, right = _chain(node.left, tasks, order), _chain(node.right, tasks, order)
    if left is None or right is None:
        return None
    first, then = (left, right) if isinstance(node.op, ast.RShift) else (right, left)
    order.edges += [(up, down) for up in first for down in then]
    return right

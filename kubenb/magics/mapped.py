"""A mapped cell in the kernel: its body runs once an item, and what it binds is then the list over all items.

The body's syntax tree is put into a `for` loop, line numbers untouched, so tracebacks, `await` and display stay
IPython's own. In: the tree of a cell and its `map`. Out: the tree with the loop; `Items`, which the loop draws from.
`local` does it in processes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kubenb.model.values import FanOut

MISSING = object()


def bound(shell: Any, body: str) -> tuple[str, ...]:
    """Names that the statements of a body bind for data: not imports, functions or classes; () where it can't be
    parsed.

    Functions' insides don't count, loops' and branches' do.
    """
    try:
        tree = ast.parse(body)
    except (SyntaxError, ValueError):
        from kubenb.notebook.dataflow.magics import put_aside

        aside = put_aside(body)  # `%time w = 3` binds w
        try:
            tree = ast.parse(shell.transform_cell(aside.text if aside else body))
        except (SyntaxError, ValueError):
            return ()
    return tuple(dict.fromkeys(_stored(tree)))


def _stored(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(
            child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Import, ast.ImportFrom)
        ):
            continue
        if isinstance(child, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            continue
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store) and child.id != "_":
            yield child.id
        yield from _stored(child)


def looped(module: ast.Module, fan_out: FanOut) -> ast.Module:
    """The cell as `for month in get_ipython().kubenb.items(lambda: SOURCE): …`."""
    body = list(module.body)
    if _stray_jumps(body):
        return module
    if body and isinstance(body[-1], ast.Expr):
        last = body[-1]
        body[-1] = ast.copy_location(ast.Expr(_call("show", last.value)), last)
    first = body[0] if body else ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    target = ast.Name(fan_out.name, ast.Store())
    source = ast.parse(fan_out.source.strip(), mode="eval").body
    for node in ast.walk(source):
        ast.copy_location(node, first)
    thunk = ast.Lambda(ast.arguments([], [], None, [], [], None, []), source)
    loop = ast.For(target, _call("items", thunk), body or [ast.Pass()], [])
    return ast.Module([ast.copy_location(loop, first)], module.type_ignores)


def _call(name: str, argument: ast.expr) -> ast.Call:
    kubenb = ast.Attribute(ast.Call(ast.Name("get_ipython", ast.Load()), [], []), "kubenb", ast.Load())
    return ast.copy_location(ast.Call(ast.Attribute(kubenb, name, ast.Load()), [argument], []), argument)


def _stray_jumps(body: list[ast.stmt]) -> bool:
    """`break` and `continue` outside a loop of the user's own: left as they are, for Python to say so."""
    try:
        compile(ast.fix_missing_locations(ast.Module(list(body), [])), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError:
        return True
    return False


def items(
    namespace: dict[str, Any], fan_out: FanOut, source: Callable[[], Iterable[Any]], names: Iterable[str]
) -> Iterator[Any]:
    """Each item in turn; every item begins with the names as they were, and at the end each name is the list over the
    items.
    """
    names = tuple(dict.fromkeys((fan_out.name, *names)))
    before = {name: namespace.get(name, MISSING) for name in names}
    gathered: dict[str, list[Any]] = {name: [] for name in names}
    for item in list(source()):
        _restore(namespace, before)
        yield item
        for name in names:
            if name not in namespace:
                raise NameError(
                    f"{name} is not bound for every item of {fan_out.source}: bind it on every way through the cell"
                )
            gathered[name].append(namespace[name])
    namespace.update(gathered)


def _restore(namespace: dict[str, Any], before: dict[str, Any]) -> None:
    for name, value in before.items():
        if value is MISSING:
            namespace.pop(name, None)
        else:
            namespace[name] = value

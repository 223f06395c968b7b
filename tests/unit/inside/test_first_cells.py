"""The short way of a first cell (`first.codes_of`): what it takes means what a syntax tree says; what it leaves only takes longer."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import pytest

from kubenb.inside.first import codes_of

PLAIN = [
    "1 + 1",
    "x = 1\nx",
    "x = 1\ny = 2",
    "import math\nmath.pi",
    "print('a')\nprint('b')",
    "x = (1 +\n2)\nx",
    "x = '''\n  1 # '''\nx",
    "for x in range(2):\n    x\nx",
    "def f():\n    1\n    return 7\n\nprint(f.__code__.co_filename, f.__code__.co_firstlineno)",
    "class A:\n    def f(self):\n        return [lambda: 1]\nA().f()[0].__code__.co_filename",
    "x = 1\n\n\n",
    "import dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int\nA(1)",
    "global z\nz = 1\nz",
    "x = 'é'\nx",
]
LEFT = [
    "x = 2; x",
    "x = 2\nx;",
    "'''a\nb'''",
    "text = '''\nx = 1 # '''",
    "if True:\n    3",
    "if True:\n    x = 3\n\n    x",
    "x = 1\n# only a comment",
    "",
    "x = \\\n  1\nx",
    "x = 1\rx",
    "x = 1\r\nx\r\n",
    "1 +",
    "x = 1\nx = = 2",
    "x = 1\n  y = 2",
    "from __future__ import annotations\nx: y = 1\n__annotations__",
    "await __import__('asyncio').sleep(0, 5)",
    "x = [i async for i in y]",
    "return 1",
    "x = 1\n  # 1",
    "x = 1;x",
    "if x: y; z\n\tw",
    "x = 1\n\x0c  2",
    "get_ipython()",
    "x = 1\n\x00",
    "@f\ndef g(): pass\n@h",
    "try:\n    pass",
    "x = [\n1,\n2]",
]


def by_tree(source: str) -> tuple[Any, dict[str, Any]]:
    """The value of a last expression, and the names: as the engine runs every other cell."""
    names: dict[str, Any] = {}
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    exec(compile(tree, "<cell 1>", "exec", dont_inherit=True), names)
    if not isinstance(last, ast.Expr):
        return None, names
    return eval(compile(ast.Expression(last.value), "<cell 1>", "eval", dont_inherit=True), names), names


def plain(names: dict[str, Any]) -> dict[str, str]:
    return {name: repr(value).partition(" at 0x")[0] for name, value in names.items() if name[:2] != "__"}


@pytest.mark.parametrize("source", PLAIN)
def test_a_plain_cell_means_what_its_tree_says(source: str) -> None:
    names: dict[str, Any] = {}
    value = None
    codes = codes_of(source, "<cell 1>")
    assert codes
    for code in codes:
        value = eval(code, names)
    wanted, others = by_tree(source)
    assert (repr(value), plain(names)) == (repr(wanted), plain(others))


@pytest.mark.parametrize("source", LEFT)
def test_a_cell_that_may_be_more_is_left_to_the_engine(source: str) -> None:
    codes: Any = ()
    with contextlib.suppress(SyntaxError, ValueError):
        codes = codes_of(source, "<cell 1>")
    assert not codes


def test_its_code_has_the_name_and_the_lines_of_the_cell() -> None:
    names: dict[str, Any] = {}
    source = "def f():\n    def g():\n        return 1\n    return g\n\nf()"
    for code in codes_of(source, "<cell 3>"):
        made = eval(code, names)
    found = [names["f"].__code__, made.__code__]
    assert [(each.co_filename, each.co_firstlineno) for each in found] == [("<cell 3>", 1), ("<cell 3>", 2)]
    assert (code.co_filename, {line for *_, line in code.co_lines() if line and line > 1}) == ("<cell 3>", {6})

"""Takes out of a module what the pod has no use for: docstrings, comments, annotations. What is left means the same.

In: a module's source. Out: shorter source, the same on every Python that can read it: positions of the syntax tree decide, its text is
never printed anew. In the pod this halves the environment and the time to the user's first line. Next room: `bundle`.
"""

from __future__ import annotations

import ast
import io
import tokenize

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Tuple

    Edit = Tuple[int, int, bytes]


def slim(source: str) -> str:
    """The shorter source.

    >>> print(slim('def f(x: int) -> int:\\n    \"\"\"Why.\"\"\"\\n    return x  # so\\n'), end="")
    def f(x):
        return x
    """
    text = _without_comments(source)
    data = text.encode("utf-8")
    starts = [0]
    for line in data.splitlines(True):
        starts.append(starts[-1] + len(line))
    edits = sorted(_edits(ast.parse(text), data, starts), reverse=True)
    for begin, end, new in edits:
        data = data[:begin] + new + data[end:]
    lines = [line.rstrip() for line in data.decode("utf-8").split("\n")]
    return "\n".join(line for line in lines if line) + "\n"


def _without_comments(source: str) -> str:
    lines = source.splitlines(True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return "".join(lines)


def _edits(tree: ast.AST, data: bytes, starts: list[int]) -> Iterator[Edit]:
    def at(line: int | None, column: int | None) -> int:
        return starts[(line or 1) - 1] + (column or 0)

    def span(node: ast.expr | ast.stmt) -> tuple[int, int]:
        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            gone = [part for at_, part in enumerate(body) if _is_idle(node, at_, part)]
            for part in gone:
                yield (
                    *span(part),
                    b"pass" if len(gone) == len(body) and part is gone[0] and not isinstance(node, ast.Module) else b"",
                )
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield span(node.target)[1], span(node.annotation)[1], b""
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield at(node.lineno, node.col_offset) + len(node.arg.encode()), span(node.annotation)[1], b""
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            begin, end = span(node.returns)
            yield data.rindex(b"->", 0, begin) - 1, end, b""


def _is_idle(owner: ast.AST, index: int, part: ast.stmt) -> bool:
    """Docstrings, bare annotations, and what only a type checker reads."""
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str):
        return index == 0 and isinstance(owner, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    if isinstance(part, ast.If) and isinstance(part.test, ast.Name):
        return part.test.id == "TYPE_CHECKING"
    if isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
        return part.targets[0].id == "TYPE_CHECKING"
    if isinstance(part, ast.ImportFrom):
        return part.module == "__future__"
    return isinstance(part, ast.AnnAssign) and part.value is None

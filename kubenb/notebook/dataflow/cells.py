"""A cell's text becomes a `CellRecord`: its statements with their lines, names and effects.

In: text. Out: the record, kept by the text, so that an edited notebook pays for the edited cell only. Syntax trees are
dropped at once. Next rooms: `forward` replays the records, `slices` cuts the text.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from kubenb.notebook.dataflow.frames import Frame
from kubenb.notebook.dataflow.magics import Magics, put_aside
from kubenb.notebook.dataflow.records import Call, CellRecord, Doubt, Kind, Unit
from kubenb.notebook.dataflow.statements import Statements

_KEPT: dict[str, CellRecord] = {}
_MOST = 30_000
_NO_MAGICS = Magics("")


def read_cell(source: str) -> CellRecord:
    """The record of a cell's text."""
    found = _KEPT.get(source)
    if found is None:
        if len(_KEPT) >= _MOST:
            _KEPT.clear()
        found = _KEPT[source] = _read(source)
    return found


def parse(source: str) -> tuple[ast.Module | None, Magics, Doubt | None]:
    """The tree of a cell's Python, its magics, and the syntax error if it has one."""
    try:
        return ast.parse(source), _NO_MAGICS, None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        failed = error
    try:
        magics = put_aside(source)
        if magics is None:
            return None, _NO_MAGICS, _syntax(failed)
        if magics.whole is not None:
            return ast.Module([], []), magics, None
        return ast.parse(magics.text), magics, None
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        failed = error
    tree = _by_ipython(source)
    return tree, _NO_MAGICS, None if tree is not None else _syntax(failed)


def _by_ipython(source: str) -> ast.Module | None:
    """What IPython makes of a text that is neither Python nor a magic we know."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return None
    try:
        text = TransformerManager().transform_cell(source)  # type: ignore[no-untyped-call]
        return ast.parse(text) if text.count("\n") == source.rstrip("\n").count("\n") + 1 else None
    except Exception:  # noqa: BLE001  IPython's own parser gives up in many ways
        return None


def _syntax(error: BaseException) -> Doubt:
    line = getattr(error, "lineno", None) or 1
    said = getattr(error, "msg", None) or str(error) or type(error).__name__
    return Doubt(line, "dataflow.syntax", f"this is not Python: {said}.", "Correct the line.")


def _read(source: str) -> CellRecord:
    lines = source.split("\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree, magics, wrong = parse(source)
    if tree is None:
        return CellRecord(lines, (), (wrong,) if wrong else ())
    if magics.whole is not None:
        sort, name = magics.whole
        kind: Kind = "magic" if sort == "python" else sort
        unit = _unit(Frame("module"), 1, 1, len(lines), kind)
        unit.root = name
        return CellRecord(lines, (unit,))
    walk = Statements(":=" in source)
    try:
        return CellRecord(lines, tuple(_units(walk, tree, lines, magics)))
    except RecursionError:
        what = "the cell's expressions are nested too deep to be read."
        return CellRecord(lines, (), (Doubt(1, "dataflow.syntax", what, "Take them apart."),))


def _units(walk: Statements, tree: ast.Module, lines: list[str], magics: Magics) -> Iterator[Unit]:
    last = 0
    for group in _groups(tree.body):
        frame = walk.frame = Frame("module")
        first_node = group[0]
        line, end = _first_line(first_node), 0
        kind: Kind = "plain"
        for node in group:
            walk.statement(node)
            end = max(end, node.end_lineno or node.lineno)
        if len(group) == 1:
            kind = _kind(first_node)
        elif all(_kind(node) in ("import", "def") for node in group):
            kind = "def"
        root = ""
        if magics.sorts:
            kind, root, end = _magic_kind(kind, magics, line, end, lines)
        if frame.made and (kind != "def" or any(type(op) is Call for op in frame.ops)):
            frame.soft.extend(frame.inner)  # what is made in a statement may be called by it
        first = line
        while first - 1 > last and lines[first - 2].startswith("#"):
            first -= 1
        unit = _unit(frame, first, line, end, kind)
        unit.root = root
        unit.keyed = frame.keyed
        last = end
        yield unit


def _magic_kind(kind: Kind, magics: Magics, line: int, end: int, lines: list[str]) -> tuple[Kind, str, int]:
    sorts = [magics.sorts[number] for number in range(line, end + 1) if number in magics.sorts]
    while end < len(lines) and lines[end - 1].endswith("\\"):
        end += 1
    for wanted in ("shell", "magic"):
        for sort, root in sorts:
            if sort == wanted:
                return sort, root, end
    if sorts and line == end and sorts[0][0] in ("setup", "nothing"):
        return sorts[0][0], sorts[0][1], end
    return kind, "", end


def _groups(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Statements that share a line stay together."""
    group: list[ast.stmt] = []
    end = -1
    for node in body:
        if group and _first_line(node) > end:
            yield group
            group = []
        group.append(node)
        end = max(end, node.end_lineno or node.lineno)
    if group:
        yield group


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", None)
    return min(node.lineno, *(each.lineno for each in decorators)) if decorators else node.lineno


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _kind(node: ast.stmt) -> Kind:
    """Whether a statement is code that later tasks take as text."""
    kind = type(node)
    if kind is ast.Import or kind is ast.ImportFrom:
        return "import"
    if kind in _DEFINITIONS:
        return "def"
    if kind is ast.Assign:
        if type(node.value) is ast.Lambda:  # type: ignore[attr-defined]
            return "def"
        return "alias" if _aliases(node) else "plain"
    return "def" if kind in (ast.If, ast.Try) and _only_definitions(node) else "plain"


def _aliases(node: ast.stmt) -> bool:
    """`mean = np.mean`, `Point = namedtuple(...)`: code where what it names is code."""
    if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Name) for target in node.targets):
        return False
    value = node.value
    while isinstance(value, ast.Attribute):
        value = value.value
    return isinstance(value, (ast.Name, ast.Call))


def _only_definitions(node: ast.stmt) -> bool:
    """`try: import x` and the like: definitions and imports, with constants at most."""
    stack: list[ast.AST] = [node]
    defines = False
    while stack:
        each = stack.pop()
        if isinstance(each, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
            defines = True
        elif isinstance(each, (ast.If, ast.Try)):
            stack += [*each.body, *each.orelse, *getattr(each, "handlers", ()), *getattr(each, "finalbody", ())]
        elif isinstance(each, ast.ExceptHandler):
            stack += each.body
        elif isinstance(each, ast.Assign):
            if not isinstance(each.value, (ast.Constant, ast.Lambda)):
                return False
        elif not isinstance(each, (ast.Pass, ast.Raise)) and not (
            isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
        ):
            return False
    return defines


def _unit(frame: Frame, first: int, line: int, end: int, kind: Kind) -> Unit:
    sure, deleted = frame.sure, frame.deleted
    binds = {name: at for name, at in frame.binds.items() if name in sure}
    if len(binds) == len(frame.binds):
        maybes: dict[str, int] = {}
    else:
        maybes = {name: at for name, at in frame.binds.items() if name not in sure and name not in deleted}
    return Unit(
        first,
        line,
        end,
        kind,
        frame.reads,
        tuple(dict.fromkeys(frame.soft)),
        binds,
        maybes,
        deleted,
        {name: held for name, held in frame.env.items() if held} if frame.binds else {},
        frame.imports,
        tuple(dict.fromkeys(frame.packages)),
        frame.ops,
        frame.made,
        tuple(frame.doubts),
        frozenset(frame.looped),
    )

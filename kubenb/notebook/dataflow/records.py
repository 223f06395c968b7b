"""What is remembered of code once its syntax tree is gone: small records, one a statement, function or class.

`statements` writes them, `cells` keeps them by the cell's text, `forward` replays them in the notebook's order.

Values are tuples of *atoms*, texts that say which objects an expression may give: `x` (what the variable x holds), `x*`
(anything reachable from there), `x/` (an element of it), `x/rows` (its attribute), `#3` and `~3` (objects made here), `$3` (what
call 3 gave, `$3.0` its first part), `@1` (parameter 1), `!` (the function itself). () is a value that nobody can change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Atoms = tuple[str, ...]
Kind = Literal["plain", "import", "def", "alias", "shell", "setup", "magic", "nothing"]


@dataclass(slots=True)
class Call:
    """One call. `root.path(...)`: `path` is '' where a name itself is called, `root` '' where no name leads the chain.

    `target`: the receiver, or what is called where `path` is ''. `effect`: what the method's name alone says (`effects`).
    """

    number: int
    root: str
    path: str
    target: Atoms
    args: tuple[Atoms, ...]
    named: tuple[tuple[str, Atoms], ...]
    effect: int
    sure: bool
    dropped: bool
    line: int


@dataclass(slots=True)
class Link:
    """From here on `inside` is reachable from `holder`."""

    holder: Atoms
    inside: Atoms


@dataclass(slots=True)
class Change:
    """These objects are changed in place."""

    atoms: Atoms
    line: int


Op = Call | Link | Change


@dataclass(slots=True)
class Doubt:
    """Something that can't be decided, or is refused: becomes a `Problem` where it matters."""

    line: int
    code: str
    what: str
    fix: str


@dataclass(slots=True, eq=False)
class Function:
    """A function, lambda or class, by what happens when it is called.

    `params`: all parameters, `plain` of them positional, from `star` on those that take the rest. `reads`: global names with the line
    that reads them, `certain` of them on every way through; `soft`: names that are read where they are there. `binds`/`maybes`: globals
    it binds, `values`: what it gives them (a class: its attributes). `ops`: what its body does; `made`: code made in it; `returns`: what
    it gives or yields. `keyed`: it looks something up by a key. `methods`, `bases` and `meta` (its metaclass) are a class's; `implicit`
    methods run without being called; `sort`: how a method is bound ('', 'class', 'static', 'property'), or whether a class is 'decorated'.
    """

    name: str
    line: int
    kind: Literal["function", "class"] = "function"
    params: tuple[str, ...] = ()
    plain: int = 0
    star: int = -1
    reads: dict[str, int] = field(default_factory=dict)
    soft: tuple[str, ...] = ()
    binds: dict[str, int] = field(default_factory=dict)
    maybes: dict[str, int] = field(default_factory=dict)
    values: dict[str, Atoms] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    returns: Atoms = ()
    made: dict[str, Function] = field(default_factory=dict)
    generator: bool = False
    methods: dict[str, Function] = field(default_factory=dict)
    bases: Atoms = ()
    meta: Atoms = ()
    implicit: bool = False
    sort: str = ""
    keyed: bool = False
    certain: frozenset[str] = frozenset()


@dataclass(slots=True)
class Unit:
    """One top-level statement (or several that share a line): what it reads, binds and changes.

    Lines count from 1 in the cell's text, `line` to `end`; `first` is `line` or a comment right above it. `reads`: names with the line,
    `soft`: names that are read where they are there; `binds`, `maybes` (on some way only) and `deletes`, with the line; `values`: what
    names get. `imports`: names with what they stand for, `packages`: what is imported. `ops`: what is done; `made`: code made here;
    `doubts`: what can't be decided. `looped`: names bound if a loop runs at least once. `root`: the package that a line magic sets up.
    `keyed`: something is looked up by a key.
    """

    first: int
    line: int
    end: int
    kind: Kind
    reads: dict[str, int]
    soft: tuple[str, ...]
    binds: dict[str, int]
    maybes: dict[str, int]
    deletes: dict[str, int]
    values: dict[str, Atoms]
    imports: dict[str, str]
    packages: tuple[str, ...]
    ops: list[Op]
    made: dict[str, Function]
    doubts: tuple[Doubt, ...]
    looped: frozenset[str]
    root: str = ""
    keyed: bool = False


@dataclass(slots=True)
class CellRecord:
    """A cell's statements, the lines of its text, and what is wrong with the text as a whole."""

    lines: list[str]
    units: tuple[Unit, ...]
    doubts: tuple[Doubt, ...] = ()

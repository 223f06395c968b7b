"""Writes notebooks for the search: a recipe (plain numbers, for hypothesis to draw and shrink) becomes cells that run.

The author runs each phrase as soon as it is written, so it knows what every name holds, and drops what raises.
In: `Recipe`. Out: `Draft`, cells as text. Next: `judge`.
"""

from __future__ import annotations

import contextlib
import io
import random
import re
import signal
import symtable
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from tests.equivalence import grammar
from tests.equivalence.picture import is_data

SLOT = re.compile(r"\{(\w+)(!)?(?::(\w+))?\}")
LIMIT = 40
OPENING = (
    "import bisect\nimport copy\nimport functools\nimport heapq\nimport math\nimport operator\nimport os\n"
    "import random\nfrom collections import Counter, defaultdict, deque\nfrom contextlib import suppress\n"
    "from dataclasses import dataclass, field, replace\n"
)
START = "n, k, xs, ys = 1, 2, [3, 1], [2]\nword, counts = 'a', {'a': 1}\n"


@dataclass(frozen=True)
class CellRecipe:
    """`role`: 0 ordinary, 1 task, 2 mapped task. Each phrase is one number."""

    role: int
    phrases: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """`flavours`: which tables of phrases are used beside the plain ones."""

    cells: tuple[CellRecipe, ...]
    flavours: tuple[str, ...] = ()
    gather: bool = True


@dataclass(frozen=True)
class Piece:
    """A cell of a draft: its statements, each as text."""

    task: str | None
    statements: tuple[str, ...]
    map: str | None = None

    @property
    def body(self) -> str:
        """The cell's code without its header."""
        return "\n".join(self.statements)

    @property
    def source(self) -> str:
        """The cell as a notebook has it."""
        if self.task is None:
            return self.body
        fan_out = f"\n#| map: item in {self.map}" if self.map else ""
        return f"%%k8s_task {self.task}{fan_out}\n{self.body}"


@dataclass(frozen=True)
class Draft:
    """A notebook as cells of text; `pickle` are the names declared for it at `%k8s_dag`."""

    cells: tuple[Piece, ...]
    pickle: tuple[str, ...] = ()

    def __str__(self) -> str:
        """All cells, as a person reads them."""
        return "\n\n".join(f"# cell {number}\n{cell.source}" for number, cell in enumerate(self.cells, 1))


KEYS = ("'a'", "'b'")
MAPPED = (
    "{n!} = item * {int}",
    "{xs!} = [item, {int}]",
    "{s!} = str(item) + {str}",
    "{d!} = {{'a': item}}",
    "{xs!} = {xs} + [item]",
    "{n!} = sum({xs}) + item",
)


class StuckError(Exception):
    """No name or expression fits a slot."""


class Author:
    """Writes one notebook, running it as it goes."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.space: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.phrases = list(grammar.TABLES["plain"])
        for flavour in recipe.flavours:
            factor = 1 if flavour == "hard" else 3
            self.phrases += [(weight * factor, phrase) for weight, phrase in grammar.TABLES[flavour]]
        self.seeded = False
        self.over = False
        self.r = random.Random(0)

    def kinds(self) -> dict[str, list[str]]:
        """Names by kind, as they are now."""
        found: dict[str, list[str]] = {"any": []}
        for name, value in self.space.items():
            if name.startswith("_"):
                continue
            for kind in kind_of(name, value):
                found.setdefault(kind, []).append(name)
            if is_data(value):
                found["any"].append(name)
        return found

    def fill(self, phrase: str, depth: int = 0, chosen: dict[str, str] | None = None) -> str:
        """The phrase with every slot filled."""
        chosen = {} if chosen is None else chosen
        kinds = self.kinds()

        def slot(match: re.Match[str]) -> str:
            kind, target, key = match.groups()
            if key and f"{kind}:{key}" in chosen:
                return chosen[f"{kind}:{key}"]
            text = self.target(kind) if target else self.word(kind, kinds, depth)
            if key:
                chosen[f"{kind}:{key}"] = text
            return text

        return SLOT.sub(slot, phrase)

    def target(self, kind: str) -> str:
        """A name to bind."""
        return self.r.choice(grammar.NAMES[kind])

    def word(self, kind: str, kinds: dict[str, list[str]], depth: int) -> str:
        """An existing name, a literal, or an expression."""
        if kind == "i":
            return str(self.r.randrange(6))
        if kind == "key":
            return self.r.choice(KEYS)
        if kind not in grammar.EXPRESSIONS:
            if not kinds.get(kind):
                raise StuckError(kind)
            return self.r.choice(kinds[kind])
        if depth >= 3 and kind == "int":
            return str(self.r.randrange(6))
        for _ in range(8):
            with contextlib.suppress(StuckError):
                return self.fill(self.r.choice(grammar.EXPRESSIONS[kind]), depth + 1)
        raise StuckError(kind)

    def statement(self, number: int) -> str | None:
        """One phrase, filled and run; None where nothing fits or it raises, or where a value has got out of hand."""
        if self.over:
            return None
        self.r = random.Random(number)
        phrase = self.r.choices([text for _, text in self.phrases], [weight for weight, _ in self.phrases])[0]
        if "random." in phrase and not self.seeded:
            phrase = "random.seed({i})" if "np." not in phrase else "np.random.seed({i})\nrandom.seed({i})"
            self.seeded = True
        try:
            text = self.fill(phrase)
        except StuckError:
            return None
        return text if self.works(text, self.space) else None

    def works(self, text: str, space: dict[str, Any]) -> bool:
        """Whether the statement runs here, and nothing gets out of hand."""
        try:
            with contextlib.redirect_stdout(io.StringIO()), alarm(0.5):
                exec(compile(text, "<draft>", "exec"), space)
        except (TimeoutError, MemoryError):
            self.over = True
        except Exception:  # noqa: BLE001
            return False
        self.over |= any(
            len(value) >= LIMIT for name, value in space.items() if name[0] != "_" and type(value) in (list, dict, str)
        )
        return not self.over

    def mapped(self, number: int) -> tuple[tuple[str, ...], str] | None:
        """The statements of a fan-out's body and its source; afterwards each name is the list over all items."""
        self.r = random.Random(number)
        source = self.r.choice(["[1, 2]", "range(3)", "[5]"])
        space = {**self.space, "item": 1}
        outer, self.space = self.space, space
        texts = []
        for _ in range(self.r.randrange(1, 4)):
            with contextlib.suppress(StuckError):
                text = self.fill(self.r.choice(MAPPED))
                if self.works(text, space):
                    texts.append(text)
        self.space = outer
        if not texts:
            return None
        gather(self.space, "\n".join(texts), source)
        return tuple(texts), source


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Ends what runs too long (a loop over a list that it lengthens) with a TimeoutError."""

    def ring(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def gather(space: dict[str, Any], body: str, source: str, item_name: str = "item") -> None:
    """Runs a fan-out's body once an item, each by itself, and binds its names to the lists over all items."""
    bound = [
        symbol.get_name() for symbol in symtable.symtable(body, "<map>", "exec").get_symbols() if symbol.is_assigned()
    ]
    made: dict[str, list[Any]] = {}
    before = dict(space)
    for item in eval(source, space):
        space[item_name] = item
        exec(compile(body, "<map>", "exec"), space)
        for name in bound:
            made.setdefault(name, []).append(space[name])
        space.clear()
        space.update(before)
    space.update(made)


def kind_of(name: str, value: object) -> Iterator[str]:
    """The kinds of slot that a name fits, by what it holds now."""
    tests: dict[str, Callable[[Any], bool]] = {
        "n": lambda v: type(v) is int and abs(v) < 10**6,
        "z": lambda v: type(v) is float,
        "s": lambda v: type(v) is str,
        "b": lambda v: type(v) is bool,
        "xs": lambda v: type(v) is list and all(type(item) is int for item in v),
        "ll": lambda v: type(v) is list and bool(v) and all(type(item) is list for item in v),
        "d": lambda v: isinstance(v, dict) and all(type(item) is int for item in v.values()),
        "dl": lambda v: isinstance(v, dict) and bool(v) and all(type(item) is list for item in v.values()),
        "t": lambda v: type(v) is tuple,
        "set": lambda v: type(v) is set,
        "q": lambda v: type(v).__name__ == "deque",
        "a": lambda v: type(v).__name__ == "ndarray" and v.ndim == 1,
        "df": lambda v: type(v).__name__ == "DataFrame",
        "ser": lambda v: type(v).__name__ == "Series",
        "o": lambda v: hasattr(v, "items") and hasattr(v, "value") and not isinstance(v, type),
    }
    for pool in "fgkhC":
        if name in grammar.NAMES[pool] and callable(value) and isinstance(value, type) == (pool == "C"):
            yield pool
    if not isinstance(value, (ModuleType, FunctionType, type)):
        yield from (kind for kind, test in tests.items() if test(value))


def travels(value: Any, depth: int = 4) -> bool:
    """Whether no function or iterator is in it, which no store carries."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return depth == 0 or all(travels(item, depth - 1) for item in value[:9])
    return not callable(value) and not hasattr(value, "__next__")


def write(recipe: Recipe) -> Draft:
    """The notebook that a recipe stands for."""
    author = Author(recipe)
    opening = OPENING + ("import numpy as np\n" if {"arrays", "frames"} & set(recipe.flavours) else "")
    opening += "import pandas as pd\n" if "frames" in recipe.flavours else ""
    exec(opening + START, author.space)
    pieces = [Piece(None, (opening.strip(),)), Piece(None, (START.strip(),))]
    for cell in recipe.cells:
        task = f"t{len(pieces)}" if cell.role else None
        if cell.role == 2 and (made := author.mapped(cell.phrases[0] if cell.phrases else 0)):
            pieces.append(Piece(task, made[0], made[1]))
            continue
        statements = tuple(text for number in cell.phrases if (text := author.statement(number)) is not None)
        if statements:
            pieces.append(Piece(task, statements))
    if recipe.gather:
        names = sorted(name for name in author.kinds()["any"] if travels(author.space[name]))
        pieces.append(Piece("last", ("everything = {" + ", ".join(f"{name!r}: {name}" for name in names) + "}",)))
    everywhere = {name for pool in grammar.NAMES.values() for name in pool} | {"everything", "crowd", "dice", "noise"}
    return Draft(tuple(pieces), tuple(sorted(everywhere)) if "objects" in recipe.flavours else ())


def random_recipe(seed: int) -> Recipe:
    """A recipe from a seed, for long runs without hypothesis."""
    r = random.Random(seed)
    roles = [r.choices([0, 1, 2], [10, 12, 1])[0] for _ in range(r.randrange(3, 11))]
    cells = tuple(CellRecipe(role, tuple(r.getrandbits(32) for _ in range(r.randrange(2, 7)))) for role in roles)
    chances = {"functions": 0.6, "objects": 0.3, "chance": 0.15, "arrays": 0.15, "frames": 0.12, "hard": 0.08}
    return Recipe(cells, tuple(name for name, chance in chances.items() if r.random() < chance), r.random() < 0.8)

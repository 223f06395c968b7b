"""Reads `grammar.txt`, the phrases that the notebooks of the search are made of; has the pools of names for them."""

from __future__ import annotations

from pathlib import Path

NAMES = {
    "n": ("n", "k", "total", "x"),
    "z": ("ratio", "rate", "x"),
    "s": ("word", "label", "x"),
    "b": ("flag", "done"),
    "xs": ("xs", "ys", "rows", "x"),
    "ll": ("grid", "pair", "box"),
    "d": ("counts", "prices", "table"),
    "dl": ("groups", "index", "box"),
    "t": ("point", "both"),
    "set": ("seen", "tags"),
    "q": ("queue",),
    "a": ("arr", "vec", "x"),
    "df": ("df", "frame"),
    "ser": ("ser", "column"),
    "o": ("obj", "node", "thing"),
    "f": ("step", "score", "twice"),
    "g": ("push", "fill"),
    "k": ("same", "wrap"),
    "h": ("tick", "now"),
    "C": ("Box", "Node"),
}
"""Kinds of names, in pools so small that redefinition is likely.

f: int -> int, g: changes a list, k: list -> list, h: () -> int.
"""

Table = list[tuple[int, str]]


def read() -> dict[str, Table]:
    """The tables of phrases by name; expressions as `expressions.int` and so on."""
    tables: dict[str, Table] = {}
    name = ""
    for line in Path(__file__).with_name("grammar.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            name = line[3:].partition(":")[0]
        elif line.startswith("# "):
            name = f"expressions.{line[2:]}"
        elif name and line:
            weight, _, phrase = line.partition(" ")
            tables.setdefault(name, []).append((int(weight), phrase.replace("⏎", "\n")))
    return tables


TABLES = read()
EXPRESSIONS = {name.partition(".")[2]: [phrase for _, phrase in table] for name, table in TABLES.items() if "." in name}

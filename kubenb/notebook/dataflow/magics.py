"""Lines that are IPython's, not Python's: put aside, line for line, so that the rest parses.

In: a cell's text. Out: Python of as many lines, and what stood on each replaced line. No IPython is needed for that; `cells`
asks it only where a text still does not parse. Next room: `cells`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Sort = Literal["shell", "setup", "magic", "nothing", "python"]


@dataclass(slots=True)
class Magics:
    """Python text of a cell, with the sort (and the package) of each line that was not Python; `whole`: the cell is one magic."""

    text: str
    sorts: dict[int, tuple[Sort, str]] = field(default_factory=dict)
    whole: tuple[Sort, str] | None = None


_LINE = re.compile(r"^(\s*)(?:([A-Za-z_][\w\s,.\[\]'\"]*?)\s*=\s*)?(!!?|%(?=[A-Za-z]))(.*)$")
_HELP = re.compile(r"^\s*(\?{1,2}\s*[\w.*%]+|[%\w.*]+\s*\?{1,2})\s*$")
_SHELL = frozenset(
    [
        "pip",
        "conda",
        "mamba",
        "uv",
        "sx",
        "system",
        "sc",
        "bash",
        "sh",
        "script",
        "cmd",
        "perl",
        "ruby",
        "writefile",
        "file",
        "!",
        "mv",
        "cp",
        "rm",
        "mkdir",
        "rmdir",
    ]
)
_OURS = re.compile(r"(k8s_\w*|k8s|load_ext\s+kubenb|reload_ext\s+kubenb)\b")
_SHOWN = frozenset(
    [
        "load_ext",
        "reload_ext",
        "autoreload",
        "who",
        "who_ls",
        "whos",
        "history",
        "hist",
        "lsmagic",
        "quickref",
        "magic",
        "pdb",
        "debug",
        "ls",
        "ll",
        "pwd",
        "cat",
        "less",
        "more",
        "man",
        "pinfo",
        "pinfo2",
        "psearch",
        "xmode",
        "pprint",
        "colors",
        "logon",
        "logoff",
        "logstart",
        "logstop",
        "tb",
        "doctest_mode",
        "automagic",
        "notebook",
        "aimport",
        "unload_ext",
        "page",
        "pdoc",
        "pfile",
        "psource",
        "pdef",
        "html",
        "javascript",
        "js",
        "latex",
        "markdown",
        "svg",
        "HTML",
        "SVG",
        "lprun",
        "mprun",
        "memit",
        "mempeak",
        "alias_magic",
        "dirs",
        "pushd",
        "popd",
        "bookmark",
    ]
)
_PYTHON = frozenset(["time", "timeit", "prun", "memit", "capture"])
_SETUP = {
    "matplotlib": "matplotlib",
    "config": "matplotlib",
    "env": "",
    "set_env": "",
    "cd": "",
    "precision": "",
    "pylab_": "matplotlib",
}
_OPTIONS = re.compile(r"^(?:\s*-\w+(?:\s+\d+)?)*\s*")


def put_aside(source: str) -> Magics | None:
    """The Python of a cell and the lines that are not; None where no line looks like a magic."""
    lines = source.split("\n")
    start = next((index for index, line in enumerate(lines) if line.strip()), 0)
    found = Magics(source)
    if lines[start].startswith("%%") and not _cell_magic(lines, start, found):
        return found
    depth, quote, index = 0, "", 0
    while index < len(lines):
        line = lines[index]
        if not depth and not quote and (span := _one(lines, index, found)):
            index += span
            continue
        depth, quote = _state(line, depth, quote)
        index += 1
    if not found.sorts:
        return None
    found.text = "\n".join(lines)
    return found


def _cell_magic(lines: list[str], start: int, found: Magics) -> bool:
    """Takes the `%%name` line off; False where the whole cell belongs to the magic."""
    words = lines[start][2:].split(None, 1)
    name = words[0] if words else "!"
    if name in _PYTHON:
        found.sorts[start + 1] = ("nothing", "")
        lines[start] = "pass"
        return True
    sort = _sort(name, words[1] if len(words) > 1 else "")[0]
    found.whole = ("shell" if name.startswith("!") else sort, name)
    return False


def _one(lines: list[str], index: int, found: Magics) -> int:
    """Replaces the magic that begins on a line; how many lines it took (0: none)."""
    line = lines[index]
    if _HELP.match(line):
        found.sorts[index + 1] = ("nothing", "")
        lines[index] = line[: len(line) - len(line.lstrip())] + "pass"
        return 1
    match = _LINE.match(line)
    if match is None:
        return 0
    indent, name, mark, rest = match.groups()
    span = 1
    while rest.endswith("\\") and index + span < len(lines):
        rest = rest[:-1] + " " + lines[index + span].strip()
        lines[index + span] = ""
        span += 1
    words = rest.split(None, 1)
    word = words[0] if words and mark == "%" else "!"
    argument = words[1] if len(words) > 1 else ""
    sort: Sort
    sort, root = ("shell", "") if mark != "%" else _sort(word, argument, rest)
    if sort == "python":
        code = _OPTIONS.sub("", argument) or "pass"
        lines[index] = f"{indent}{name} = {code}" if name else indent + code
        found.sorts.setdefault(index + 1, ("python", ""))
        return span
    found.sorts[index + 1] = (sort, root)
    reads = "; ".join(_expanded(rest))
    code = (
        f"{name} = [{reads.replace(';', ',')}]"
        if name
        else (f"[{reads.replace(';', ',')}]" if reads and sort == "shell" else "pass")
    )
    lines[index] = indent + code
    return span


def _expanded(text: str) -> list[str]:
    """Python names that IPython puts into a shell line: `{name}`, `$name`."""
    return [name for pair in re.findall(r"\{([A-Za-z_]\w*)\}|(?<![\\$])\$([a-z_]\w*)", text) for name in pair if name]


def _sort(name: str, argument: str, rest: str = "") -> tuple[Sort, str]:
    if _OURS.match(rest):
        return "nothing", "kubenb"
    if name in _PYTHON:
        return "python", ""
    if name in _SHELL:
        return "shell", ""
    if name in _SHOWN or (name in ("env", "set_env") and not argument):
        return "nothing", ""
    if name in _SETUP:
        return "setup", _SETUP[name]
    return "magic", name


def _state(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Open brackets and the open triple quote at a line's end."""
    index = 0
    while index < len(line):
        char = line[index]
        if quote:
            if char == "\\":
                index += 1
            elif line.startswith(quote, index):
                index += len(quote) - 1
                quote = ""
        elif char == "#":
            break
        elif char in "'\"":
            quote = char * 3 if line.startswith(char * 3, index) else char
            index += len(quote) - 1
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth = max(0, depth - 1)
        index += 1
    return depth, quote if len(quote) == 3 else ""

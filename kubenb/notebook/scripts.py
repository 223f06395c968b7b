"""Percent scripts (`# %%`) as cells, the way jupytext, VS Code and Spyder read them.

In: a script's text. Out: `Notebook`. Magics may stand as they are or behind `# `, as jupytext writes them;
`# %%k8s_task` (no space after the percents) belongs to its cell, or begins one where code stands above it. Next room: `header`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from kubenb.model.pipeline import Cell, Notebook
from kubenb.model.problems import Place, refuse

_MARKER = re.compile(r"#\s*%%(?:%*)(?:\s+(?P<rest>.*?))?\s*$")
_TASK_MAGIC = re.compile(r"(?:#\s*)?%%k8s_\w+")
_COMMENTED_MAGIC = re.compile(r"\s*# ?(?=%{1,2}[A-Za-z]\w)")
_COMMANDS = "cat|cd|cp|mv|rm|rmdir|mkdir|copy|echo|ls|ren"
# What jupytext writes behind a comment sign beside magics: shell and help lines, their results in a variable, bare commands,
# and comments that would be taken for one of these.
_HIDDEN = re.compile(
    r"# (?=[!?]\s*[\w.~$/{\\]|[A-Za-z_]\w*\s*=\s*(?:%{1,2}|!)[A-Za-z]|# ?(?:%{1,2}|[!?])\w"
    rf"|(?:{_COMMANDS})(?:\s+[^\s=,]|\s*$))"
)
_KIND = re.compile(r"\[(markdown|md|raw)\]", re.I)
_TAGS = re.compile(r"\btags\s*=\s*(\[[^\]]*\])")
_LANGUAGE = re.compile(r"\blanguage\s*=\s*\"([\w-]+)\"")
_QUOTE = re.compile(r"#|\\.|\"\"\"|'''|\"|'")
_ID = re.compile(r"\bid\s*=\s*\"([\w-]+)\"")
_HEADER = re.compile(r"# ---\s*\n(?:#.*\n)*?# ---\s*(?:\n|$)")


@dataclass
class _Draft:
    kind: str = "code"
    tags: tuple[str, ...] = ()
    id: str = ""
    language: str = ""
    lines: list[str] = field(default_factory=list)
    marked: bool = True


def parse_script(text: str, path: str) -> Notebook:
    """The cells of a percent script; without any marker the whole script is one cell."""
    from kubenb.notebook.cells import MOST_CELLS, unix_lines

    body = unix_lines(text.removeprefix("\ufeff"))
    header = _HEADER.match(body)
    jupytext = header is not None and "jupytext:" in header[0]
    kernel = _kernel(header[0], path) if header is not None and jupytext else "python3"
    drafts = _split(body[header.end() :] if header is not None and jupytext else body)
    if len(drafts) > MOST_CELLS:
        raise refuse(
            Place(file=path),
            f"it has {len(drafts):,} cells; kubenb reads up to {MOST_CELLS:,}.",
            "Split it.",
            "notebook.too-large",
        )
    bare = header is not None and jupytext and re.search(r"format_name: hydrogen|comment_magics: false", header[0])
    if not bare:
        for draft in drafts:
            if draft.kind == "code" and not draft.language:
                draft.lines = [_uncommented(line, jupytext) for line in draft.lines]
    cells = (_cell(draft, number) for number, draft in enumerate(drafts, 1))
    return Notebook(path, tuple(cells), kernel)


def _split(body: str) -> list[_Draft]:
    drafts = [_Draft(marked=False)]
    inside = ""  # the quotes of a text that goes on over this line
    for line in body.split("\n"):
        current = drafts[-1]
        marker = _MARKER.match(line) if line.startswith("#") and not inside else None
        if marker is not None:
            drafts.append(_draft(marker["rest"] or ""))
            continue
        if current.kind == "code" and not inside and _TASK_MAGIC.match(line) and any(map(str.strip, current.lines)):
            drafts.append(_Draft())
        drafts[-1].lines.append(line)
        if inside or '"""' in line or "'''" in line:
            inside = _quotes_after(line, inside) if current.kind == "code" and not current.language else ""
    return [draft for draft in drafts if draft.marked or any(map(str.strip, draft.lines))]


def _quotes_after(line: str, inside: str) -> str:
    """The triple quotes that are still open at the line's end, '' if none."""
    short = ""
    for match in _QUOTE.finditer(line):
        mark = match[0]
        if inside:
            inside = "" if mark == inside else inside
        elif short:
            short = "" if mark[0] == short else short
        elif mark == "#":
            break
        elif len(mark) == 3:
            inside = mark
        elif mark in ('"', "'"):
            short = mark
    return inside


def _draft(rest: str) -> _Draft:
    """A new cell from what stands behind its marker: `title [markdown] tags=["parameters"]`, or a JSON object."""
    kind = _KIND.search(rest)
    tags: object = None
    if rest.endswith("}") and "{" in rest:
        try:
            tags = json.loads(rest[rest.index("{") :]).get("tags")
        except (ValueError, RecursionError):
            tags = None
    found = _TAGS.search(rest)
    if found is not None:
        try:
            tags = json.loads(found[1].replace("'", '"'))
        except (ValueError, RecursionError):
            tags = None
    ident = _ID.search(rest)
    words = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    name = "code" if kind is None else "raw" if kind[1].lower() == "raw" else "markdown"
    language = _LANGUAGE.search(rest)
    other = language[1] if language and language[1].lower() not in ("python", "ipython") else ""
    return _Draft(name, words, ident[1] if ident else "", other)


def _cell(draft: _Draft, number: int) -> Cell:
    lines = draft.lines
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    if draft.kind == "code" and not draft.language:
        return Cell(number, "code", "\n".join(lines), draft.tags, draft.id)
    plain = [re.sub(r"^# ?", "", line) for line in lines]
    if draft.kind == "code":
        return Cell(number, "code", "\n".join([f"%%{draft.language}", *plain]), draft.tags, draft.id)
    return Cell(number, "raw" if draft.kind == "raw" else "markdown", "\n".join(plain), draft.tags, draft.id)


def _uncommented(line: str, jupytext: bool) -> str:
    """The line with its magic bare: '# %matplotlib inline' -> '%matplotlib inline'.

    Shell lines, and comments that look like magics, only where jupytext wrote the file.
    """
    if not line.lstrip().startswith("#"):
        return line
    magic = _COMMENTED_MAGIC.match(line)
    if magic is not None:
        indent = line[: len(line) - len(line.lstrip())]
        return indent + line[magic.end() :]
    hidden = _HIDDEN.match(line) if jupytext else None
    return line[hidden.end() :] if hidden else line


def _kernel(header: str, path: str) -> str:
    """The kernel that jupytext's header names, when it is a Python one."""
    from kubenb.notebook.cells import python_kernel

    name = re.search(r"^#\s+name:\s*(\S+)\s*$", header, re.M)
    language = re.search(r"^#\s+language:\s*(\S+)\s*$", header, re.M)
    spec = {"name": name[1].strip("'\"")} if name else {}
    if language:
        spec["language"] = language[1].strip("'\"")
    return python_kernel({"kernelspec": spec}, Place(file=path))

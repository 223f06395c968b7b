"""Three texts to one: what was written last, what stands there now, what is to be written. Hand edits survive, or the
place is named.

In: texts. Out: `Merged`, with the conflicts where both sides changed the same lines. Next room: `reconcile`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff


@dataclass(frozen=True)
class Conflict:
    """Lines that were changed by hand (`mine`, from line `line` of the file) and by the notebook (`theirs`).

    `base`: what both came from.
    """

    line: int
    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    base: tuple[str, ...]


@dataclass(frozen=True)
class Merged:
    """The merged text; where there are conflicts it holds `mine`."""

    text: str
    conflicts: tuple[Conflict, ...] = ()


def merge(base: str, mine: str, theirs: str) -> Merged:
    r"""Mine and theirs in one, seen from the base that both came from.

    >>> merge("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n").text
    'A\nb\nc\nD\n'
    """
    if mine in (base, theirs):
        return Merged(theirs)
    if theirs == base:
        return Merged(mine)
    from merge3 import Merge3

    conflicts, lines = [], []
    for region in Merge3(_lines(base), _lines(mine), _lines(theirs)).merge_groups():
        if region[0] == "conflict":
            _, before, ours, others = region
            by_line = _line_by_line(before, ours, others)
            if by_line is not None:
                lines += by_line
                continue
            if _taken_over(before, ours, others):
                lines += ours
                continue
            conflicts.append(Conflict(len(lines) + 1, tuple(ours), tuple(others), tuple(before)))
            lines += ours
        else:
            lines += region[1]
    return Merged("".join(lines), tuple(conflicts))


def _line_by_line(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> list[str] | None:
    """Neighbouring lines that each only one side changed: with one item a line, as in a DAG file, that is no conflict."""
    if not len(base) == len(mine) == len(theirs):
        return None
    lines = []
    for was, my, their in zip(base, mine, theirs, strict=True):
        if was not in (my, their) and my != their:
            return None
        lines.append(their if my == was else my)
    return lines


def _taken_over(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether mine holds all that is new in theirs, in order, and nothing that theirs took away: so somebody resolved
    the conflict, and what else stands there is meant.
    """
    new = [line for line in theirs if line not in base]
    left = iter(mine)
    return bool(new) and all(line in left for line in new) and not any(line in mine for line in set(base) - set(theirs))


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def meeting(name: str, conflicts: Sequence[Conflict]) -> str:
    """Only the places where both sides changed the same lines; of the notebook's side only what changed."""
    shown = []
    for found in conflicts:
        shown += [f"{name}, line {found.line}, what you wrote:\n", *(f" {line}" for line in found.mine)]
        shown.append("what the notebook now says there (- gone, + new):\n")
        changes = list(unified_diff(found.base, found.theirs, n=0))[2:]
        shown += [line for line in changes if not line.startswith("@@")]
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in shown)


def diff(name: str, before: str | None, after: str | None) -> str:
    """A unified diff; None stands for a file that is not there."""
    lines = unified_diff(
        _lines(before or ""),
        _lines(after or ""),
        f"a/{name}" if before is not None else "/dev/null",
        f"b/{name}" if after is not None else "/dev/null",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

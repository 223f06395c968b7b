"""Completion in the header of a cell: options, and the values that are known: choices, profiles, tasks, images seen,
examples.

In: IPython's completion context. Out: its matcher result. Only the lines of a header are ours; bodies keep the usual
completion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kubenb.model.options import DAG, ONE_TASK, TASK, Option

if TYPE_CHECKING:
    from kubenb.magics.session import Session

_LINE = re.compile(r"%%?(k8s_task|k8s_dag|k8s_notebook|k8s_container)\b(?P<rest>.*)$", re.DOTALL)
_BELOW = re.compile(r"#\|\s*(?P<name>[\w-]*)(?P<colon>:\s*)?(?P<value>.*)$", re.DOTALL)
_WORD = re.compile(r"\S*$")


def complete(session: Session, context: Any) -> dict[str, Any]:
    """The matcher's answer for a cursor in one of our headers; no answer elsewhere."""
    before = context.text_until_cursor
    top = _LINE.match(before)
    if top:
        return _on_line(session, context, top[1], top["rest"])
    below = _BELOW.match(before)
    magic = _magic_above(context)
    if below and magic:
        return _below(session, context, magic, below)
    return {"completions": []}


def _magic_above(context: Any) -> str | None:
    """The magic whose `#|` lines the cursor is in."""
    lines = context.full_text.split("\n")[: context.cursor_line]
    while lines and lines[-1].startswith("#|"):
        lines.pop()
    top = _LINE.match(lines[-1]) if lines else None
    return top[1] if top else None


def _table(magic: str) -> dict[str, Option]:
    if magic == "k8s_dag":
        return {**{name: option for name, option in TASK.items() if name not in ONE_TASK}, **DAG}
    return {name: option for name, option in TASK.items() if name != "param" or magic == "k8s_notebook"}


def _on_line(session: Session, context: Any, magic: str, rest: str) -> dict[str, Any]:
    word = _WORD.search(rest)
    assert word
    typed, words = word[0], rest[: word.start()].split()
    table = _table(magic)
    option = table.get(words[-1][2:]) if words and words[-1].startswith("--") else None
    if typed.startswith("--") and "=" in typed:
        name, _, value = typed.partition("=")
        option = table.get(name[2:])
        return _answer(context, _values(session, option, context) if option else (), value, "value")
    if option is not None and not typed.startswith("--"):
        return _answer(context, _values(session, option, context), typed, "value")
    more = ["--as"] if magic == "k8s_notebook" else []
    return _answer(context, [*(f"--{name}" for name in table), *more, "--help"], typed, "option")


def _below(session: Session, context: Any, magic: str, match: re.Match[str]) -> dict[str, Any]:
    table = _table(magic)
    if match["colon"] is None:
        return _answer(context, (f"{name}: " for name in table), match["name"], "option")
    option = table.get(match["name"])
    return _answer(context, _values(session, option, context) if option else (), match["value"], "value")


def _values(session: Session, option: Option, context: Any) -> Iterable[str]:
    """What may stand as an option's value here."""
    if option.choices:
        return option.choices
    if option.kind == "flag":
        return ("true", "false")
    if option.name == "profile":
        return _profiles(session)
    if option.kind == "task":
        return _seen(
            session, context, r"^%%k8s_task\s+([\w.-]+)|^%k8s_notebook\s.*--as\s+([\w.-]+)|^%k8s_container\s+([\w.-]+)"
        )
    if option.name in ("image", "namespace", "service-account", "store", "priority-class", "pool", "queue"):
        seen = _seen(session, context, rf"(?:--{option.name}[ =]+|^#\|\s*{option.name}:\s*)(\S+)")
        return dict.fromkeys((*seen, option.example))
    if option.kind == "variable":
        return (name for name in session.shell.user_ns if not name.startswith("_"))
    return (option.example,)


def _profiles(session: Session) -> Iterable[str]:
    from kubenb.magics.source import settings
    from kubenb.model.problems import KubenbError

    try:
        return sorted(settings(session.shell).profiles)
    except KubenbError:
        return ()


def _seen(session: Session, context: Any, pattern: str) -> Iterable[str]:
    """Words of that form in the cells that ran, not in this one."""
    found: dict[str, None] = {}
    for text in session.ran.values():
        if "k8s_" in text and text.strip() != context.full_text.strip():
            for match in re.finditer(pattern, text, re.MULTILINE):
                found.update(dict.fromkeys(group for group in match.groups() if group))
    return found


def _answer(context: Any, words: Iterable[str], typed: str, kind: str) -> dict[str, Any]:
    """IPython replaces `matched_fragment`, which ends at the cursor; nobody else's words are wanted here."""
    from IPython.core.completer import SimpleCompletion

    fits = [SimpleCompletion(word, type=kind) for word in words if word.startswith(typed)]
    return {"completions": fits, "matched_fragment": typed, "suppress": True, "ordered": True}

"""Airflow fields (`{{ ds }}`) in what a user typed: one rule for all of kubenb, and the escaping that keeps every
other brace as it is.

The rule goes by the place in the pod: a `{{ … }}` is an Airflow field in the value of an environment variable, in a
container task's command and in a volume's sub path (and in `param`, which ends in an environment variable). Everywhere
else text is text. In comes a text as the pod is to see it; out goes the text that Airflow's Jinja turns back into it.
Next room: `dag`, `manifest`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FIELD = re.compile(r"""\{\{(?!\{)(?:[^{}'"]|'[^'\n]*'|"[^"\n]*"|\{[^{}]*\})*\}\}""")
_JINJA_SEES = re.compile(r"\{[{%#]|\r|\n\Z")
_BRACES = re.compile(r"\{+|\r")


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text cut into (piece, is an Airflow field).

    >>> list(pieces("day={{ ds }}!"))
    [('day=', False), ('{{ ds }}', True), ('!', False)]
    """
    at = 0
    if "{{" in text:
        for match in _FIELD.finditer(text):
            if match[0][2:-2].strip(" -+"):
                if match.start() > at:
                    yield text[at : match.start()], False
                yield match[0], True
                at = match.end()
    if at < len(text):
        yield text[at:], False


def for_jinja(text: str, fields: bool = False) -> str:
    """The text that Jinja renders to `text`; with `fields`, Airflow fields in it are left for Airflow.

    >>> for_jinja("a {{ b }}")
    "a {{ '{{' }} b }}"
    >>> for_jinja("a {{ b }}", fields=True)
    'a {{ b }}'
    """
    if not _JINJA_SEES.search(text):
        return text
    parts = pieces(text) if fields else [(text, False)]
    shown = "".join(piece if field else _BRACES.sub(_as_expression, piece) for piece, field in parts)
    return shown + "{{ '' }}" if shown.endswith("\n") else shown  # Jinja eats a final newline


def _as_expression(match: re.Match[str]) -> str:
    return "{{ '%s' }}" % ("\\r" if match[0] == "\r" else match[0])


def for_kubelet(text: str) -> str:
    """The text that the kubelet turns back into `text`: it expands `$(NAME)` and reads `$$` as `$` in commands and variables.

    >>> for_kubelet("cost: $5"), for_kubelet("$(HOME)")
    ('cost: $5', '$$(HOME)')
    """
    if "$(" not in text and "$$" not in text:
        return text
    return "".join(piece if field else piece.replace("$", "$$") for piece, field in pieces(text))

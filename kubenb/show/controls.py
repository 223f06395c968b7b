"""What a task prints, made harmless for who looks at it: a log must not move the cursor, set a title or write the clipboard.

In: text from a pod. Out: the same text, colours and all, without other control sequences. Next: whatever shows it.
"""

from __future__ import annotations

import re

_STRINGS = r"\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # titles, clipboards, links: one without an end goes to the line's
_MOVES = r"\x1b\[[0-9;:?<=>!]*[ -/]*[@-ln-~]"
_SHORT = r"\x1b(?!\[)[ -/]*[0-~]"
_SINGLE = r"\x1b(?!\[[0-9;:]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]"
_CONTROL = re.compile("|".join((_STRINGS, _MOVES, _SHORT, _SINGLE)), re.MULTILINE)


def clean(text: str) -> str:
    r"""Text without control sequences, but for colours.

    >>> clean("\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07done\x1b[2J \x1bc \x9b2J over\x1b]0;title without an end")
    '\x1b[31mred\x1b[0m done  2J over'
    """
    return _CONTROL.sub("", text)

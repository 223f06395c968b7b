"""What others say at length, cut where a word ends, with an ellipsis: half a word is read as a mistake.

In: a text of an API server, a node, a registry. Out: at most so many characters of it. Pure. Next rooms: all that quote.
"""

from __future__ import annotations

LONGEST_WORD = 60  # what has no space for longer than that (a digest, an address) is cut within


def cut(text: str, most: int) -> str:
    """As it is, or its beginning.

    >>> cut("failed to create task", 21), cut("failed to create task", 18), cut("abc" * 50, 7)
    ('failed to create task', 'failed to create …', 'abcabc…')
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    word = head.rpartition(" ")[0]
    if len(head) - len(word) <= LONGEST_WORD and word:
        return f"{word.rstrip(' ,;:(')} …"
    return f"{head}…"

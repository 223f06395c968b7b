"""Label and field selectors, as LIST takes them: Airflow finds its pods again by them.

In: a pod's labels or fields, and a selector's text. Out: whether it fits. Next room: `api`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$")


def matches_labels(labels: Mapping[str, str], selector: str) -> bool:
    """Whether labels satisfy every term.

    >>> labels = {"app": "x", "tier": "1"}
    >>> [matches_labels(labels, text) for text in ("app=x", "app!=x", "tier,!gone", "app in (x, y),tier notin (2)", "gone!=1", "gone=1")]
    [True, False, True, True, True, False]
    """
    return all(_term(labels, term) for term in re.split(r",(?![^(]*\))", selector) if term.strip())


def _term(labels: Mapping[str, str], term: str) -> bool:
    found = _SET.match(term)
    if found:
        key, operator, values = found.groups()
        return (labels.get(key) in [value.strip() for value in values.split(",")]) == (operator == "in")
    if "!=" in term:
        key, value = term.split("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in term:
        key, value = re.split("==?", term, maxsplit=1)
        return labels.get(key.strip()) == value.strip()
    key = term.strip()
    return key[1:] not in labels if key.startswith("!") else key in labels


def matches_fields(thing: Mapping[str, Any], selector: str) -> bool:
    """Whether an object's fields satisfy every `path=value` term.

    >>> matches_fields({"metadata": {"name": "a"}}, "metadata.name=a"), matches_fields({"metadata": {"name": "a"}}, "metadata.name!=a")
    (True, False)
    """
    for term in filter(None, selector.split(",")):
        path, operator, value = re.split(r"(!=|==?)", term, maxsplit=1)
        found: Any = thing
        for part in path.split("."):
            found = found.get(part, "") if isinstance(found, Mapping) else ""
        if (str(found) == value) == (operator == "!="):
            return False
    return True

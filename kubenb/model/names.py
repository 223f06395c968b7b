"""Names: what a user may write, and what becomes of it in Kubernetes, Airflow and Python.

In: text. Out: the checked name, a DNS-1123 slug, a Python variable, or `BadValue` with the nearest good name.
One rule a function; `kinds` uses them for options, `notebook.pipeline` for tasks and parameters.
"""

from __future__ import annotations

import builtins
import hashlib
import keyword
import re
import unicodedata
from collections.abc import Iterable

from kubenb.model.values import BadValue

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_PLAIN = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_TASK = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_]+[A-Za-z0-9]+)*")
_DAG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_BUILTINS = frozenset(dir(builtins))

LONGEST_TASK = 63
LONGEST_DAG = 200
RESERVED_DAGS = ("airflow", "kubenb", "kubenb_runtime")


def shown(text: str, limit: int = 60) -> str:
    """Text as a message shows it: quoted, on one line, not endless."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return f"'{cut}'" if cut.isprintable() else ascii(cut)


def is_identifier(text: str) -> bool:
    """Whether it can be a Python variable: an identifier as Python normalises it, and no keyword."""
    return text.isidentifier() and not keyword.iskeyword(text) and unicodedata.normalize("NFKC", text) == text


def is_builtin(text: str) -> bool:
    """Whether Python has the name built in."""
    return text in _BUILTINS


def check_variable(text: str) -> str:
    """A Python variable's name, or BadValue."""
    if is_identifier(text):
        return text
    if keyword.iskeyword(text):
        raise BadValue(f"{shown(text)} is a Python keyword, not a variable.", f"Write a variable's name, like {text}_.")
    raise BadValue(f"{shown(text)} is not a variable's name.", _try(_words(text, "_"), "model"))


def check_parameter(text: str) -> str:
    """A parameter's name: an identifier, no keyword, no builtin, no leading underscore (those are kubenb's and IPython's)."""
    if keyword.iskeyword(text):
        raise BadValue(f"parameter {shown(text)} is a Python keyword.", f"Choose another name, like {text}_value.")
    if not is_identifier(text):
        raise BadValue(f"parameter {shown(text)} is not a Python name.", _try(_words(text, "_"), "year"))
    if is_builtin(text):
        raise BadValue(
            f"parameter {shown(text)} is a Python builtin.", f"Choose another name, like {text.strip('_')}_value."
        )
    if text.startswith("_"):
        raise BadValue(f"parameter {shown(text)} begins with an underscore.", f"Write {text.lstrip('_') or 'year'}.")
    return text


def check_task(text: str) -> str:
    """A task's name: ASCII letters, digits, - and _ inside; begins with a letter; at most 63 characters."""
    if not text:
        raise BadValue("the task has no name.", "Write one right after the magic, like train.")
    if len(text) > LONGEST_TASK:
        raise BadValue(f"task name {shown(text)} has {len(text)} characters.", f"Write at most {LONGEST_TASK}.")
    if not _TASK.fullmatch(text):
        fix = "Use letters, digits, - and _, beginning with a letter"
        raise BadValue(f"task name {shown(text)} can't be used.", f"{fix}{_hint(task_name(text))}.")
    return text


def task_name(text: str) -> str:
    """The nearest good task name, '' if nothing of the text can stay: 'My Flights (2)' -> 'my_flights_2'."""
    return re.sub(r"^[^A-Za-z]+", "", _words(text, "_"))[:LONGEST_TASK].rstrip("_-")


def check_dag_id(text: str) -> str:
    """A DAG id that Airflow takes and that can be a file's name."""
    if not text:
        raise BadValue("the DAG has no id.", "Write one, like flights.")
    if len(text) > LONGEST_DAG:
        raise BadValue(f"DAG id {shown(text)} has {len(text)} characters.", f"Write at most {LONGEST_DAG}.")
    if not _DAG.fullmatch(text) or ".." in text:
        fix = "Use letters, digits, '_', '-' and '.'"
        raise BadValue(f"DAG id {shown(text)} can't be used.", f"{fix}{_hint(_words(text, '_').strip('-_'))}.")
    if text.lower() in RESERVED_DAGS:
        raise BadValue(
            f"DAG id {shown(text)} would hide the package of that name.", f"Choose another, like {text}_dag."
        )
    return text


def check_label(text: str, what: str = "name") -> str:
    """A DNS-1123 label: lower case letters, digits and -, at most 63 characters."""
    if len(text) <= 63 and _LABEL.fullmatch(text):
        return text
    fix = "Use lower case letters, digits and '-', at most 63 characters"
    raise BadValue(f"{shown(text)} is not a {what} that Kubernetes takes.", f"{fix}{_hint(_dns(text, 63))}.")


def check_subdomain(text: str, what: str = "name") -> str:
    """A DNS-1123 subdomain: labels joined by dots, at most 253 characters."""
    if len(text) <= 253 and all(len(part) <= 63 and _LABEL.fullmatch(part) for part in text.split(".")):
        return text
    fix = "Use lower case letters, digits, '-' and '.', at most 253 characters"
    near = ".".join(filter(None, (_dns(part, 63) for part in text[:300].split("."))))
    raise BadValue(f"{shown(text)} is not a {what} that Kubernetes takes.", f"{fix}{_hint(near)}.")


def check_env(text: str) -> str:
    """An environment variable's name; KUBENB_… belongs to kubenb."""
    if not _ENV.fullmatch(text) or len(text) > 256:
        raise BadValue(f"{shown(text)} is not a variable's name.", _try(_words(text, "_")[:256], "LEVEL"))
    if text.upper().startswith("KUBENB_"):
        raise BadValue(f"{shown(text)} begins with KUBENB_, which kubenb uses itself.", "Choose another name.")
    return text


def check_key(text: str, what: str = "label key") -> str:
    """The key of a label or annotation: `name` or `prefix/name`."""
    prefix, slash, name = text.rpartition("/")
    try:
        if slash:
            check_subdomain(prefix)
    except BadValue as bad:
        raise BadValue(f"{shown(text)} is not a {what}: prefix {bad.what}", bad.fix) from None
    if not _QUALIFIED.fullmatch(name):
        fix = (
            "Use letters, digits, '-', '_' and '.', at most 63 characters, beginning and ending with a letter or digit."
        )
        raise BadValue(f"{shown(text)} is not a {what}.", fix)
    return text


def check_label_value(text: str) -> str:
    """The value of a label: empty, or at most 63 letters, digits, '-', '_', '.'."""
    if _LABEL_VALUE.fullmatch(text):
        return text
    fix = "Use letters, digits, '-', '_' and '.', at most 63 characters, beginning and ending with a letter or digit"
    raise BadValue(f"{shown(text)} is not a label's value.", f"{fix}{_hint(_words(text, '-')[:63].strip('-_'))}.")


def slug(text: str, limit: int = 63) -> str:
    """A DNS-1123 label from any text; two texts never share one (what can't be kept exactly ends in '---' and a hash).

    >>> slug("train"), slug("extract_flights"), slug("Train")
    ('train', 'extract--flights', 'train---e99c90db')
    """
    direct = text.replace("_", "--")
    if len(direct) <= limit and _PLAIN.fullmatch(text):
        return direct
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_dns(text, max(limit - 11, 0)) or 'x'}---{digest}"[-limit:]


def folded(name: str) -> str:
    """What two names share that people, file systems or variables can't tell apart: 'Train-Model' and 'train_model'."""
    return re.sub(r"[-_]+", "_", name.lower())


def variable(name: str) -> str:
    """The Python variable of a task in a DAG file: 'train-model' -> 'train_model', 'import' -> 'import_'."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"{text}_" if keyword.iskeyword(text) or keyword.issoftkeyword(text) or is_builtin(text) else text


def near(name: str, among: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The names likely meant, best first."""
    from difflib import get_close_matches

    return tuple(get_close_matches(name[:100], list(among), n=most, cutoff=0.6))


def did_you_mean(name: str, among: Iterable[str]) -> str:
    """'Did you mean a or b?' or ''."""
    found = near(name, among)
    return f"Did you mean {' or '.join(found)}?" if found else ""


def _words(text: str, joint: str) -> str:
    """ASCII letters and digits of the text, other runs replaced by `joint`; '-' and '_' stay."""
    plain = unicodedata.normalize("NFKD", text[:400]).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", joint, plain).replace("-" if joint == "_" else "_", joint).strip(joint)


def _dns(text: str, limit: int) -> str:
    return re.sub(r"-+", "-", _words(text, "-").lower())[:limit].strip("-")


def _hint(example: str) -> str:
    return f": {example}" if example else ""


def _try(candidate: str, otherwise: str) -> str:
    """'Write NAME.' with the candidate if it is a name."""
    name = candidate if is_identifier(candidate) else otherwise
    return f"Write a name, like {name}."

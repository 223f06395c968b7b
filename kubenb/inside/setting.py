"""What the pod is told: the environment contract, read once.

In: `os.environ` (KUBENB_*). Out: `Setting`, the notebook's text (its digest checked) and its cells. Next room: `start`.
Plain classes and the interpreter's own JSON scanner: dataclasses, json and re cost more than the start of Python itself.
"""

from __future__ import annotations

import binascii
import os

from .exits import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

ENGINES = ("auto", "papermill", "kubenb")
SCHEMES = ("s3", "gs", "gcs", "abs", "memory", "file")


class Setting:
    """One task's environment, by name."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Reads every small value; raises `Refused` for the first that is wrong."""
        get = env.get
        self.dag = get("KUBENB_DAG") or "dag"
        self.task = get("KUBENB_TASK") or "task"
        self.run = get("KUBENB_RUN") or "run"
        self.attempt = get("KUBENB_TRY") or "1"
        self.item = get("KUBENB_ITEM")
        self.store = get("KUBENB_STORE") or ""
        self.engine = get("KUBENB_ENGINE") or "auto"
        self.keep = get("KUBENB_KEEP") == "1"
        self.copy = get("KUBENB_NOTEBOOK_OUT") or ""
        if self.engine not in ENGINES:
            raise Refused("setup", "KUBENB_ENGINE '%s' is not an engine." % self.engine, "Use auto, papermill or kubenb.")
        scheme, mark, _ = self.store.partition("://")
        if mark and scheme not in SCHEMES:
            raise Refused("store", "store '%s' is unknown: there is no '%s://'." % (self.store, scheme), "Use a folder, pvc:NAME, s3://, gs://, abs:// or xcom.")
        if self.item is not None and not (self.item.isascii() and self.item.isdigit()):
            raise Refused("setup", "KUBENB_ITEM '%s' is not a count from 0." % self.item[:40], "Export the DAG again.")


def joined(env: Mapping[str, str], name: str) -> str | None:
    """The value of NAME, NAME_1, NAME_2 … put together; None when NAME is not set."""
    if name not in env:
        return None
    pieces, count = [env[name]], 1
    while "%s_%d" % (name, count) in env:
        pieces.append(env["%s_%d" % (name, count)])
        count += 1
    return "".join(pieces)


def notebook_text(env: Mapping[str, str]) -> str | None:
    """The notebook as it was exported; None when it lies in the store (KUBENB_NOTEBOOK_URL)."""
    packed = joined(env, "KUBENB_NOTEBOOK")
    if packed is None:
        if env.get("KUBENB_NOTEBOOK_URL"):
            return None
        raise Refused("setup", "KUBENB_NOTEBOOK is not set: there is no notebook to run.", "Export the DAG again.")
    try:
        data = binascii.a2b_base64(packed)
    except ValueError as error:
        raise Refused("setup", "KUBENB_NOTEBOOK is not base64 (%s)." % error, "Export the DAG again.") from None
    return checked(data, env.get("KUBENB_NOTEBOOK_SHA256"))


def checked(data: bytes, digest: str | None) -> str:
    """The notebook's text, if its digest is the one that was exported."""
    if digest and sha256(data) != digest.lower():
        raise Refused("setup", "the notebook is not the one that was exported: its SHA-256 differs.", "Export the DAG again.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("setup", "the notebook is not UTF-8 (%s)." % error, "Export the DAG again.") from None


def sha256(data: bytes) -> str:
    """The digest, by the interpreter's own module where it has one (hashlib loads OpenSSL first)."""
    make: Any
    try:
        from _sha2 import sha256 as make  # type: ignore[import-not-found,no-redef]
    except ImportError:
        try:
            from _sha256 import sha256 as make  # type: ignore[import-not-found,no-redef]
        except ImportError:
            from hashlib import sha256 as make
    return str(make(data).hexdigest())


class _Plain:
    """The options that the interpreter's JSON scanner asks for."""

    strict, object_hook, object_pairs_hook = False, None, None
    parse_float, parse_int, parse_constant = float, int, float


def from_json(text: str, what: str) -> Any:
    """A JSON document, without importing `json` where the interpreter's scanner can be had."""
    try:
        try:
            from _json import make_scanner

            context: Any = _Plain()
            context.memo = {}
            return make_scanner(context)(text.strip(), 0)[0]
        except ImportError:
            import json

            return json.loads(text)
    except (ValueError, StopIteration, RecursionError) as error:
        raise Refused("setup", "%s is not JSON (%s)." % (what, error or "empty"), "Export the DAG again.") from None


def parameters(env: Mapping[str, str]) -> dict[str, Any]:
    """KUBENB_PARAMS: names that Python can bind, with JSON values."""
    text = env.get("KUBENB_PARAMS") or "{}"
    if text == "{}":
        return {}
    import keyword

    values = from_json(text, "KUBENB_PARAMS (%s)" % text[:80])
    if not isinstance(values, dict):
        raise Refused("setup", "KUBENB_PARAMS is not a JSON object: %s." % text[:80], "Give parameters as {name: value}.")
    for name in values:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise Refused("setup", "%r can't be a parameter: it is not a name that Python can bind." % name[:80], "Rename the parameter.")
    return values


def code_cells(text: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The notebook and its cells, checked as far as running them needs."""
    notebook = from_json(text, "the notebook")
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Refused("setup", "the notebook has no list of cells (nbformat 4).", "Export the DAG again.")
    return notebook, cells


def source_of(cell: Mapping[str, Any]) -> str:
    """A cell's text; nbformat allows a list of lines too."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def forget_large(env: Any = os.environ) -> None:
    """Takes the notebook and the runtime out of the environment: what the user's code starts need not carry them."""
    for name in [name for name in env if name.startswith(("KUBENB_NOTEBOOK", "KUBENB_RUNTIME")) and len(env[name]) > 2000]:
        del env[name]

"""What the pod is told: the environment contract, read once.

In: `os.environ` (KUBENB_*). Out: `Setting`, the notebook's text (its digest checked) and its cells. Next room: `first`.
Plain classes: dataclasses cost more than the start of Python itself.
"""

from __future__ import annotations

import binascii
import sys

from .exits import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping

ENGINES = ("auto", "papermill", "kubenb")
AGAIN = "Export the DAG again."
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
            raise Refused(
                "setup", "KUBENB_ENGINE '%s' is not an engine." % self.engine, "Use auto, papermill or kubenb."
            )
        scheme, mark, _ = self.store.partition("://")
        if mark and scheme not in SCHEMES:
            raise Refused(
                "store",
                "store '%s' is unknown: there is no '%s://'." % (self.store, scheme),
                "Use a folder, pvc:NAME, s3://, gs://, abs:// or xcom.",
            )
        if self.item is not None and not (self.item.isascii() and self.item.isdigit()):
            raise Refused("setup", "KUBENB_ITEM '%s' is not a count from 0." % self.item[:40], AGAIN)


def prepare(job: Any, env: Any, packed: str) -> None:
    """All that `first` leaves out on its short way: checks, parameters, papermill, a notebook in many strings or in the store."""
    setting = Setting(env)
    job.parameters = parameters(env)
    job.text = _data(setting, env, packed)
    digest = env.get("KUBENB_NOTEBOOK_SHA256")
    if digest and sha256(job.text) != digest.lower():
        raise Refused("setup", "the notebook is not the one that was exported: its SHA-256 differs.", AGAIN)
    job.notebook = _notebook(job.text)
    job.cells = job.notebook["cells"]
    job.papermill = setting.engine == "papermill" or (
        setting.engine == "auto" and has("papermill", "nbclient", "ipykernel")
    )
    if job.papermill:
        from .watch import clear_place

        clear_place()
        job.begin = lambda pipes: _papermill(job)


def _papermill(job: Any) -> int:
    from .mill import run_papermill

    return run_papermill(job)


def _data(setting: Setting, env: Any, packed: str) -> bytes:
    """The notebook's bytes: from the environment, or from the store."""
    if not packed and env.get("KUBENB_NOTEBOOK_URL"):
        from .distant import notebook_from_store

        return notebook_from_store(setting, env)
    if not packed:
        raise Refused("setup", "KUBENB_NOTEBOOK is not set: there is no notebook to run.", AGAIN)
    pieces = [packed]
    while "KUBENB_NOTEBOOK_%d" % len(pieces) in env:
        pieces.append(env.pop("KUBENB_NOTEBOOK_%d" % len(pieces)))
    try:
        data = binascii.a2b_base64("".join(pieces))
    except ValueError as error:
        raise Refused("setup", "KUBENB_NOTEBOOK is not base64 (%s)." % error, AGAIN) from None
    return _unpacked(data) if data[:3] == b"BZh" else data


def _unpacked(data: bytes) -> bytes:
    """A large notebook comes compressed."""
    try:
        import bz2

        return bz2.decompress(data)
    except ImportError:
        what = "the notebook comes compressed, and this image's Python has no module bz2."
        raise Refused("engine", what, "Take an image whose Python has it, like python:3.11-slim.") from None
    except (OSError, ValueError) as error:
        raise Refused("setup", "the notebook comes compressed, and is damaged (%s)." % error, AGAIN) from None


def _notebook(data: bytes) -> dict[str, Any]:
    """The notebook, checked as far as running it needs."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("setup", "the notebook is not UTF-8 (%s)." % error, AGAIN) from None
    notebook: Any = from_json(text, "the notebook")
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) and "cell_type" in cell for cell in cells):
        raise Refused("setup", "the notebook has no list of cells (nbformat 4).", AGAIN)
    return notebook  # type: ignore[no-any-return]


def has(*names: str) -> bool:
    """Whether all packages can be found, without importing one."""
    return all(name in sys.modules or any(finder.find_spec(name, None) for finder in sys.meta_path) for name in names)


def sha256(data: bytes) -> str:
    """The digest, without OpenSSL where the interpreter has a module of its own."""
    make: Any
    try:
        from _sha2 import sha256 as make  # type: ignore[import-not-found,no-redef]
    except ImportError:
        from hashlib import sha256 as make
    return str(make(data).hexdigest())


def from_json(text: str, what: str) -> Any:
    """A JSON document."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("setup", "%s is not JSON (%s)." % (what, error), AGAIN) from None


def parameters(env: Mapping[str, str]) -> dict[str, Any]:
    """KUBENB_PARAMS: names that Python can bind, with JSON values."""
    text = env.get("KUBENB_PARAMS") or "{}"
    if text == "{}":
        return {}
    import keyword

    values = from_json(text, "KUBENB_PARAMS (%s)" % text[:80])
    if not isinstance(values, dict):
        raise Refused(
            "setup", "KUBENB_PARAMS is not a JSON object: %s." % text[:80], "Give parameters as {name: value}."
        )
    for name in values:
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
            raise Refused(
                "setup",
                "%r can't be a parameter: it is not a name that Python can bind." % name[:80],
                "Rename the parameter.",
            )
    return values

"""Notebooks and percent scripts as cells, read defensively: any bytes give a `Notebook` or a named problem, in bounded time.

In: a path, or a text with the path that tells its format. Out: `Notebook`. Nothing is run; of its folder only names are read.
JSON is read by the standard library alone (validation by schema would cost ten times the reading). Next room: `header`.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from kubenb.model.names import shown
from kubenb.model.pipeline import Cell, Notebook
from kubenb.model.problems import Place, refuse

MOST_BYTES = 100 * 2**20
MOST_CELLS = 50_000
_KERNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
_CLEAR = "Clear its outputs (Edit > Clear Outputs of All Cells), save, and try again."


def read_notebook(path: Path | str) -> Notebook:
    """The notebook or percent script at `path`; raises KubenbError with the reason where there is none."""
    place, file = Place(file=str(path)), Path(path)
    try:
        if file.is_dir() or (file.exists() and not file.is_file()):
            raise refuse(
                place,
                "this is not a file.",
                "Name a notebook (.ipynb) or a percent script (.py).",
                "notebook.not-a-file",
            )
        if file.stat().st_size > MOST_BYTES:
            _too_large(place, file.stat().st_size)
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise refuse(place, "there is no such file.", _neighbours(file), "notebook.missing") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse(
            place, f"it can't be read: {reason}.", "Check the path and its permissions.", "notebook.unreadable"
        ) from None
    notebook = parse_notebook(_decode(data, place, script=_is_script(str(path))), str(path))
    return replace(notebook, beside=_modules(file))


def _modules(file: Path) -> frozenset[str]:
    """What `import` finds in the notebook's folder when the notebook runs in Jupyter."""
    try:
        with os.scandir(file.parent) as listing:
            entries = list(listing)
    except OSError:
        return frozenset()
    found = {entry.name[:-3] for entry in entries if entry.name.endswith(".py") and entry.name != file.name}
    return frozenset(found | {entry.name for entry in entries if (Path(entry.path) / "__init__.py").is_file()})


def parse_notebook(text: str, path: str = "") -> Notebook:
    """The notebook in `text`: a percent script if `path` ends in .py, else .ipynb."""
    place = Place(file=path or None)
    if len(text) > MOST_BYTES:
        _too_large(place, len(text))
    if _is_script(path):
        from kubenb.notebook.scripts import parse_script

        return parse_script(text, path)
    return _notebook(_load(text.removeprefix("\ufeff"), place), path, place)


def _is_script(path: str) -> bool:
    return path.lower().endswith(".py")


def _too_large(place: Place, size: int) -> NoReturn:
    what = f"it has {size / 2**20:,.0f} MiB; kubenb reads up to {MOST_BYTES // 2**20}."
    raise refuse(place, what, _CLEAR, "notebook.too-large")


def _neighbours(file: Path) -> str:
    """The fix for a missing file: notebooks beside it."""
    from kubenb.model.names import near

    try:
        there = [entry.name for entry in file.parent.iterdir() if entry.suffix in (".ipynb", ".py")][:1000]
    except (OSError, ValueError):
        return "Check the path."
    likely = near(file.name, there)
    return f"Did you mean {' or '.join(likely)}?" if likely else "Check the path."


def _decode(data: bytes, place: Place, *, script: bool) -> str:
    """The file's text: UTF-8 (with or without BOM), or a script's declared encoding."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or data[:8].count(0) > 2:
        what = (
            "it is not UTF-8 text (it looks like UTF-16)."
            if data[:2] in (b"\xff\xfe", b"\xfe\xff")
            else "it is not text."
        )
        raise refuse(place, what, "Save it as UTF-8.", "notebook.encoding")
    encoding = "utf-8-sig"
    if script:
        import io
        import tokenize

        try:
            encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        except SyntaxError as error:
            raise refuse(
                place, f"its encoding is not known: {error.msg}.", "Save it as UTF-8.", "notebook.encoding"
            ) from None
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        spot = f" (byte {error.start:,})" if isinstance(error, UnicodeDecodeError) else ""
        raise refuse(
            place,
            f"it is not {encoding.removesuffix('-sig').upper()} text{spot}.",
            "Save it as UTF-8.",
            "notebook.encoding",
        ) from None


class _Doubled(ValueError):
    """A key that stands twice in one JSON object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Doubled(next(key for key in keys if keys.count(key) > 1))
    return found


def _no_constant(word: str) -> NoReturn:
    raise _Doubled(f"\0{word}")


def _load(text: str, place: Place) -> dict[str, Any]:
    """The JSON object in the text; every way it can be wrong is named."""
    again = "Save it again from Jupyter, or restore it from version control."
    if not text.strip():
        raise refuse(place, "the file is empty.", again, "notebook.json")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except _Doubled as error:
        word = str(error)
        if word.startswith("\0"):
            raise refuse(place, f"its JSON holds {word[1:]}, which is no JSON.", again, "notebook.json") from None
        raise refuse(place, f"its JSON has the key {shown(word)} twice in one place.", again, "notebook.json") from None
    except json.JSONDecodeError as error:
        if not (place.file or ".ipynb").lower().endswith(".ipynb"):
            fix = "Name a notebook (.ipynb) or a percent script (.py)."
            raise refuse(place, "it is no notebook.", fix, "notebook.not-a-notebook") from None
        cut = error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
        what = (
            f"it is cut off (line {error.lineno})."
            if cut
            else f"its JSON is broken in line {error.lineno}: {error.msg}."
        )
        raise refuse(place, what, again, "notebook.json") from None
    except RecursionError:
        raise refuse(place, "its JSON is nested too deeply.", again, "notebook.json") from None
    except ValueError as error:
        raise refuse(place, f"its JSON can't be read: {str(error).split(';')[0]}.", again, "notebook.json") from None
    if not isinstance(found, dict):
        raise refuse(place, "it is JSON, but not a notebook.", "Name a notebook (.ipynb).", "notebook.json")
    return found


def _notebook(raw: dict[str, Any], path: str, place: Place) -> Notebook:
    _check_format(raw, place)
    metadata = raw.get("metadata", {})
    kernel = python_kernel(metadata if isinstance(metadata, dict) else {}, place)
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise refuse(place, "it has no list of cells.", "Save it again from Jupyter.", "notebook.format")
    if len(cells) > MOST_CELLS:
        raise refuse(
            place, f"it has {len(cells):,} cells; kubenb reads up to {MOST_CELLS:,}.", "Split it.", "notebook.too-large"
        )
    return Notebook(path, tuple(_cell(cell, number, place) for number, cell in enumerate(cells, 1)), kernel)


def _check_format(raw: dict[str, Any], place: Place) -> None:
    major = raw.get("nbformat")
    if type(major) is int and major == 4:
        return
    if type(major) is int and 1 <= major <= 3:
        fix = "Convert it: jupyter nbconvert --to notebook --nbformat 4 --inplace NOTEBOOK."
        raise refuse(place, f"it has notebook format {major}; kubenb reads format 4.", fix, "notebook.format")
    if type(major) is int and 5 <= major <= 99:
        what = f"it has notebook format {major}, which this kubenb does not know yet."
        raise refuse(place, what, "Save it in notebook format 4, or upgrade kubenb.", "notebook.format")
    said = "does not say its notebook format" if major is None else f"says notebook format {shown(str(major), 20)}"
    raise refuse(place, f"it {said}; kubenb reads format 4.", "Save it again from Jupyter.", "notebook.format")


_OTHER_KERNELS = re.compile(
    r"(ir|julia.*|bash|scala.*|javascript|typescript|deno|r|octave|matlab|sas|xcpp.*|\.net.*|rust|go|gonb|ruby|java)",
    re.I,
)


def python_kernel(metadata: dict[str, Any], place: Place) -> str:
    """The kernel's name as a notebook's metadata has it; refused where it is none, or of another language."""
    spec, info = metadata.get("kernelspec"), metadata.get("language_info")
    spec = spec if isinstance(spec, dict) else {}
    info = info if isinstance(info, dict) else {}
    name = spec.get("name", "python3")
    if not isinstance(name, str) or not _KERNEL.fullmatch(name) or ".." in name:
        what = f"its kernel's name {shown(str(name))} is not a name."
        raise refuse(place, what, "Choose a Python kernel in Jupyter and save.", "notebook.kernel")
    for language in (spec.get("language"), info.get("name")):
        if language is not None and str(language).lower() not in ("python", "python3", "ipython"):
            _other_language(str(language), place)
    if "language" not in spec and "name" not in info and _OTHER_KERNELS.fullmatch(name):
        _other_language(name, place)
    return name


def _other_language(language: str, place: Place) -> NoReturn:
    fix = "Choose a Python kernel, or make it a task of another notebook with %k8s_container."
    raise refuse(place, f"it is written in {shown(language, 30)}; kubenb reads Python.", fix, "notebook.kernel")


def _cell(raw: object, number: int, place: Place) -> Cell:
    spot = Place(cell=number, file=place.file)
    if not isinstance(raw, dict):
        raise refuse(spot, "it is not a cell.", "Save the notebook again from Jupyter.", "notebook.cell")
    kind = raw.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        what = f"its type {shown(str(kind), 30)} is not known." if kind is not None else "it has no type."
        raise refuse(spot, what, "Make it a code, markdown or raw cell.", "notebook.cell")
    source = raw.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise refuse(spot, "its source is not text.", "Save the notebook again from Jupyter.", "notebook.cell")
    metadata = raw.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    names = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    ident = raw.get("id")
    output = _output(raw["outputs"]) if raw.get("outputs") else ""
    return Cell(number, kind, unix_lines(source), names, ident if isinstance(ident, str) else "", output)


_MOST_OUTPUT = 200_000


def _output(outputs: object) -> str:
    """What the outputs show as text, up to a bound: a stream, plain text, HTML, a traceback."""
    found: list[str] = []
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            data = output.get("data")
            texts = (
                [value for kind, value in data.items() if kind.startswith("text/")] if isinstance(data, dict) else []
            )
            for text in (output.get("text"), output.get("evalue"), output.get("traceback"), *texts):
                lines = text if isinstance(text, list) else [text]
                found += [line if line.endswith("\n") else f"{line}\n" for line in lines if isinstance(line, str)]
    return "".join(found)[:_MOST_OUTPUT]


def unix_lines(text: str) -> str:
    """The text with each line's end as Python itself reads it: one line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

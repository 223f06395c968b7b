"""A value's forms for the notebook: plain text, HTML, pictures, as its own `_repr_*_` methods give them.

In: a value. Out: an output as nbformat 4.5 has it. An error in one form leaves the others.
"""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMS = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
    ("_repr_javascript_", "application/javascript"),
    ("_repr_pdf_", "application/pdf"),
)


def output(value: Any, kind: str, count: int, metadata: Any = None) -> dict[str, Any]:
    """One `execute_result` or `display_data`."""
    data, more = forms(value)
    made: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {**more, **(metadata or {})}}
    if kind == "execute_result":
        made["execution_count"] = count
    return made


def forms(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """All forms of a value, and what is said about them."""
    data: dict[str, Any] = {"text/plain": _plain(value)}
    metadata: dict[str, Any] = {}
    if isinstance(value, type):
        return data, metadata
    for found in [_called(value, "_repr_mimebundle_")]:
        bundle, more = found if isinstance(found, tuple) else (found, {})
        data.update(bundle or {})
        metadata.update(more or {})
    for method, mime in FORMS:
        found = _called(value, method)
        if isinstance(found, tuple) and len(found) == 2:
            found, metadata[mime] = found
        if found is not None:
            data[mime] = found
    if type(value).__name__ == "Figure" and type(value).__module__ == "matplotlib.figure":
        from .figures import png

        data["image/png"] = png(value)
    return {mime: _text(held) for mime, held in data.items()}, metadata


def _text(held: Any) -> Any:
    return binascii.b2a_base64(held).decode("ascii") if isinstance(held, (bytes, bytearray, memoryview)) else held


def _plain(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return "<%s: its repr raised %s: %s>" % (type(value).__name__, type(error).__name__, error)


def _called(value: Any, method: str) -> Any:
    # On the class, and callable: objects that answer to any attribute are no forms.
    act = getattr(type(value), method, None)
    if act is None or not callable(act):
        return None
    try:
        return act(value)
    except Exception:
        return None

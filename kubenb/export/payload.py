"""The notebook and the runtime as a pod carries them: base64 in environment strings, each under the kernel's limit of
128 KiB.

Base64 can hold no brace and no dollar sign, so neither Airflow's Jinja nor the kubelet finds anything to fill in. The
notebook is not compressed: the bytes of zlib differ between its builds, and an export is the same on every machine. Next room:
`manifest`; the DAG file does the same at parse.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from kubenb.inside.bundle import bundle, strings


def sha256(text: str) -> str:
    """Hex digest of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@lru_cache(maxsize=1)
def runtime_text() -> str:
    """The runtime as it travels."""
    return bundle()


def payload(text: str) -> dict[str, str]:
    """All that carries a task's notebook into its pod."""
    return {"KUBENB_NOTEBOOK_SHA256": sha256(text), **strings("KUBENB_NOTEBOOK", text), **_runtime()}


@lru_cache(maxsize=1)
def _runtime() -> dict[str, str]:
    return strings("KUBENB_RUNTIME", runtime_text())

"""The notebook and the runtime as a pod carries them: base64 in environment strings, each under the kernel's limit of
128 KiB.

Base64 can hold no brace and no dollar sign, so neither Airflow's Jinja nor the kubelet finds anything to fill in. A
notebook that needs more than one string is compressed, by bz2: the bytes of zlib differ between its builds, and a pod is
the same on every machine; bzip2 has one form since 2010. Next room: `manifest`; the DAG file does the same at parse.
"""

from __future__ import annotations

import bz2
import hashlib
from functools import lru_cache

from kubenb.inside.bundle import bundle, strings

LARGE = 90_000  # bytes that fill one string


def sha256(text: str) -> str:
    """Hex digest of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@lru_cache(maxsize=1)
def runtime_text() -> str:
    """The runtime as it travels."""
    return bundle()


def payload(text: str) -> dict[str, str]:
    """All that carries a task's notebook into its pod."""
    return {"KUBENB_NOTEBOOK_SHA256": sha256(text), **strings("KUBENB_NOTEBOOK", carried(text)), **_runtime()}


def carried(text: str) -> bytes:
    """The notebook's bytes as they travel."""
    data = text.encode("utf-8")
    return bz2.compress(data) if len(data) > LARGE else data


@lru_cache(maxsize=1)
def _runtime() -> dict[str, str]:
    return strings("KUBENB_RUNTIME", runtime_text())

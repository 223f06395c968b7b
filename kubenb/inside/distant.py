"""A notebook too large for the environment: it lies in the store under its content's address (KUBENB_NOTEBOOK_URL).

In: the setting. Out: its text, checked against the digest. Read in a process of its own where the store is remote.
"""

from __future__ import annotations

import os

from .exits import Refused
from .stores import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

    from .setting import Setting


def notebook_from_store(setting: Setting, env: Mapping[str, str]) -> bytes:
    """The bytes at KUBENB_NOTEBOOK_URL: a path below the store, or a whole address."""
    url = env["KUBENB_NOTEBOOK_URL"]
    if not env.get("KUBENB_NOTEBOOK_SHA256"):
        raise Refused(
            "setup", "KUBENB_NOTEBOOK_SHA256 is not set, and the notebook lies in the store.", "Export the DAG again."
        )
    base, name = (
        (url.rpartition("/")[0], url.rpartition("/")[2])
        if "://" in url or url.startswith("/")
        else (setting.store, url)
    )
    if "://" not in base:
        return _read(base, name)
    inward, outward = os.pipe()
    child = os.fork()
    if not child:
        code, data = 1, b""
        try:
            os.close(inward)
            data, code = _read(base, name), 0
        except Refused as refused:
            data = str(refused).encode()
        finally:
            with os.fdopen(outward, "wb") as file:
                file.write(data)
            os._exit(code)
    os.close(outward)
    with os.fdopen(inward, "rb") as file:
        data = file.read()
    if os.waitpid(child, 0)[1]:
        raise Refused("store", data.decode() or "the notebook can't be read from %s." % url, "")
    return data


def _read(base: str, name: str) -> bytes:
    try:
        return bytes(open_store(base).read(name))
    except FileNotFoundError:
        raise Refused(
            "missing", "the notebook %s is not in the store %s." % (name, base), "Export the DAG again with this store."
        ) from None
    except OSError as error:
        raise Refused("store", "the notebook can't be read from %s (%s)." % (base, error), "Check the store.") from None

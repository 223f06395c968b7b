"""A TOML file of ours: kubenb.toml, a policy, or a pyproject.toml that may have nothing of ours.

In: a path. Out: its tables; `Unreadable` says in words why there are none. Next rooms: `settings`, `policy`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

MOST_BYTES = 2**20


class Unreadable(Exception):
    """Why a file gives no tables, as a sentence."""


def load(path: Path, needed: bytes = b"") -> Any:
    """The file's tables; {} for one that does not hold the bytes `needed`."""
    try:
        data = path.read_bytes()[: MOST_BYTES + 1]
        return _parsed(data) if needed in data else {}
    except OSError as error:
        raise Unreadable(f"it can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Unreadable(f"it is not TOML: {reason}.") from None


def table_of(path: Path, raw: Any) -> Any:
    """What of the file is ours: all of it, or [tool.kubenb] of a pyproject.toml; None where that is not there."""
    if path.name != "pyproject.toml":
        return raw
    tool = raw.get("tool")
    return tool.get("kubenb") if isinstance(tool, dict) else None


def _parsed(data: bytes) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if len(data) > MOST_BYTES:
        raise ValueError("it is longer than a megabyte")
    return tomllib.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))

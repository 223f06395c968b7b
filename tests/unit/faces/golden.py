"""Golden texts of this folder: compared, or written anew with KUBENB_GOLDEN=write."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "golden" / "faces"


def check(name: str, text: str) -> None:
    """The text is what the golden file holds."""
    path = FOLDER / name
    if os.environ.get("KUBENB_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"

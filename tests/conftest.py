"""What every test may use, and what none may see: a user's settings."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's result must not depend on who runs it: variables that steer kubenb are unset."""
    for name in list(os.environ):
        if name.startswith("KUBENB_") and name not in ("KUBENB_GOLDEN",):
            monkeypatch.delenv(name)

"""What tests of the export floor share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def a_disk_that_needs_no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that it wrote: only a power cut asks for fsync, and that takes most of the time here."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "sync", lambda: None)

"""One kernel for the tests that don't mind each other's variables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.magics.kernel import Kernel, kernel


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "kubenb.toml").write_text("[profiles.large]\ncpu = 4\n")
    with kernel(folder) as started:
        yield started

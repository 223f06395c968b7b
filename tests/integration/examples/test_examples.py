"""The example notebooks, run twice: top to bottom in one process, and by `kubenb run`; both leave the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import kubenb
from tests.integration.examples.storage import Storage, storage
from tests.integration.examples.watched import LOOKED_AT, ROOT, from_top_to_bottom, watched


@pytest.fixture(scope="module")
def bucket() -> Iterator[Storage]:
    """The storage service, with a month of flights in its bucket."""
    import pandas as pd

    flights = pd.DataFrame(
        {"carrier": ["UA", "AA", "UA", "B6"] * 50, "arr_delay": [float(number % 37) for number in range(200)]}
    )
    with storage() as service:
        service.objects["example-flights", "in/flights.csv"] = flights.to_csv(index=False).encode()
        yield service


def around(name: str, folder: Path, bucket: Storage) -> dict[str, str]:
    """The environment of both runs: a picture's place, and for the bucket its service and key."""
    env = {"LOOK": str(folder / "look.json"), "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    if name == "bucket":
        key = folder / "key.json"
        key.write_text(bucket.key)
        env |= {
            "STORAGE_EMULATOR_HOST": bucket.address,
            "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
            "GOOGLE_APPLICATION_CREDENTIALS": str(key),
        }
    if name == "options":
        env |= {"WAREHOUSE_USER": "reader", "WAREHOUSE_PASSWORD": "s3cret", "WAREHOUSE_HOST": "localhost"}
        env |= {"KUBENB_SECRET_WAREHOUSE_TLS": str(folder), "KUBENB_CONFIGMAP_LIMITS": str(folder)}
        program = folder / "archive"  # stands for the image's own command
        program.write_text("#!/bin/sh\necho archive $*\n")
        program.chmod(0o755)
        env["PATH"] = os.pathsep.join([str(folder), os.environ["PATH"]])
    return env


@pytest.mark.parametrize("name", sorted(LOOKED_AT))
def test_an_example_as_a_pipeline_leaves_what_it_leaves_as_a_notebook(
    name: str, tmp_path: Path, bucket: Storage
) -> None:
    notebook, env = watched(name), around(name, tmp_path, bucket)
    expected = from_top_to_bottom(notebook, env)
    Path(env["LOOK"]).unlink()
    results = kubenb.run(notebook, tmp_path / "out", env=env)
    assert results.run.ok, results
    assert json.loads(Path(env["LOOK"]).read_text()) == expected


@pytest.mark.parametrize("name", sorted(LOOKED_AT))
def test_an_example_is_stored_without_outputs_and_with_ids(name: str) -> None:
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())["cells"]
    assert all(cell["id"] for cell in cells)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)

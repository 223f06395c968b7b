"""The example notebooks, run twice: top to bottom in one process, and by `kubenb run`; both leave the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kubenb
from kubenb.model.pipeline import Cell, Notebook
from kubenb.notebook.cells import read_notebook
from tests.integration.examples.storage import Storage, storage

ROOT = Path(__file__).parents[3]
LOOKED_AT = {
    "flights": ["flights", "weather", "table", "known", "unseen", "by_hour", "forecast", "score", "worst", "inputs"],
    "airports": ["flights", "airlines", "here", "hourly", "busiest", "share", "table", "day", "airports"],
    "options": ["prices", "connected", "user", "middle", "spread", "limits", "odd", "third", "mean", "summary"],
    "bucket": ["flights", "airlines", "written", "source"],
}
LOOK = """%%k8s_task look
import json, os, pathlib
from tests.equivalence.picture import picture
pathlib.Path(os.environ["LOOK"]).write_text(json.dumps(picture({names})))"""


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


def watched(name: str) -> Notebook:
    """The example with one more task, which writes a picture of its variables to the file named by LOOK."""
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    names = "{" + ", ".join(f"{name!r}: {name}" for name in LOOKED_AT[name]) + "}"
    look = Cell(len(notebook.cells) + 1, "code", LOOK.format(names=names), (), "look")
    return Notebook(notebook.path, (*notebook.cells, look), notebook.kernel)


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


def from_top_to_bottom(notebook: Notebook, env: dict[str, str]) -> Any:
    """The picture after the plain run."""
    code = "from tests.integration.examples.plain import main; main()"
    sources = json.dumps([cell.source for cell in notebook.cells if cell.kind == "code"])
    subprocess.run(
        [sys.executable, "-c", code],
        input=sources,
        text=True,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
    )
    return json.loads(Path(env["LOOK"]).read_text())


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

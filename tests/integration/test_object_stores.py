"""What travels between tasks travels through s3://, gs:// and abs:// too: each by fsspec against a real server of its kind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenb.testing import notebook
from tests.integration.airflow.exported import export, pipeline_of
from tests.stores.servers import ObjectStore, object_store

ROOT = Path(__file__).parents[2]
SCHEMES = ("s3", "gs", "abs")


@pytest.fixture(scope="module", params=SCHEMES)
def store(request: pytest.FixtureRequest) -> Iterator[ObjectStore]:
    with object_store(request.param) as made:
        yield made


def in_the_runtime(store: ObjectStore, text: str, **env: str) -> str:
    """Code that runs as in a pod, with the store's variables; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, **store.env, **env, "PYTHONPATH": str(ROOT), "STORE": store.url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


CONTRACT = """
import json, os
from kubenb.inside.stores import open_store
store, seen = open_store(os.environ["STORE"] + "/contract"), {}
seen["before"] = store.exists("a/b.bin"), store.local("a/b.bin")
store.clear("a")
big = bytes(range(256)) * 40_000
store.write("a/b.bin", [memoryview(big)[:7], big[7:]])
store.write("a/_SUCCESS", [b"{}"])
store.write("ab/c.bin", [b"a neighbour whose name begins alike"])
store.write("a/empty", [])
seen["written"] = store.exists("a/b.bin"), store.read("a/b.bin") == big, len(store.read("a/empty"))
store.write("a/b.bin", [b"new"])
seen["replaced"] = store.read("a/b.bin").decode()
store.remove("a/b.bin")
seen["removed"] = store.exists("a/b.bin")
store.clear("a")
seen["cleared"] = store.exists("a/_SUCCESS"), store.exists("a/empty"), store.exists("ab/c.bin")
try:
    store.read("a/b.bin")
except FileNotFoundError as error:
    seen["missing"] = "FileNotFoundError"
print(json.dumps(seen))
"""


def test_a_store_keeps_what_it_was_given(store: ObjectStore) -> None:
    assert json.loads(in_the_runtime(store, CONTRACT)) == {
        "before": [False, None],
        "written": [True, True, 0],
        "replaced": "new",
        "removed": False,
        "cleared": [False, False, True],
        "missing": "FileNotFoundError",
    }


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(store: ObjectStore) -> None:
    scheme = store.url.partition("://")[0]
    text = """
from kubenb.inside.exits import Refused
from kubenb.inside.stores import open_store
try:
    open_store("%s://no-such-bucket/x").write("a", [b"1"])
except Refused as refused:
    print(refused)
"""
    said = in_the_runtime(store, text % scheme)
    assert f"store {scheme}://no-such-bucket/x can't be used (a: " in said
    assert "Check the bucket's name, its credentials and the network." in said


PIPELINE = (
    "%k8s_dag through --schedule @daily --start 2026-01-01 --image python:3.11 --store {url}/runs",
    "import pandas as pd",
    "%%k8s_task make\nnumbers = [1, 2, 3]\ntable = pd.DataFrame({{'n': numbers, 'word': list('abc')}})",
    "%%k8s_task add\ntotal = sum(numbers) + int(table['n'].sum())\nprint('total', total, table['word'].tolist())",
)


def test_pods_hand_values_over_and_leave_their_notebooks_in_a_store(store: ObjectStore, tmp_path: Path) -> None:
    pipeline = pipeline_of(notebook(*(cell.format(url=store.url) for cell in PIPELINE)))
    _, manifests = export(pipeline, tmp_path)
    said = ""
    for manifest in manifests.values():
        [container] = manifest["spec"]["containers"]
        told = {entry["name"]: entry["value"] for entry in container["env"] if "valueFrom" not in entry}
        filled = {"KUBENB_RUN": "r1", "KUBENB_TRY": "1", "KUBENB_PARAMS": "{}", "TMPDIR": str(tmp_path)}
        command = [sys.executable, *container["command"][1:], *container.get("args", ())]
        env = {**os.environ, **told, **store.env, **filled}
        done = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
        said += done.stdout + done.stderr
        assert done.returncode == 0, said
    assert "total 12 ['a', 'b', 'c']" in said
    left = store.names()
    assert {f"runs/through/r1/{task}/{name}" for task in manifests for name in ("_SUCCESS", "notebook.ipynb")} <= set(
        left
    )
    assert "total 12" in store.read("runs/through/r1/add/notebook.ipynb").decode()


READ_BACK = """
import json, os
from kubenb.inside.stores import open_store
from kubenb.store.reports import reports
store = open_store(os.environ["STORE"] + "/used")
cell = {"cell_type": "code", "source": "x = 1", "metadata": {"tags": ["kubenb-body"]}}
for run, place, item in (("r:1", "flights/r~3a1/train", None), ("r2", "flights/r2/score/3", 3), ("r2", "other/r2/train", None)):
    about = {"run": run, "task": place.split("/")[2]}
    store.write(place + "/notebook.ipynb", [json.dumps({"cells": [cell], "metadata": {"kubenb_run": about}}).encode()])
    store.write(place + "/usage.json", [json.dumps({"peak": 7}).encode()])
store.write("flights/r3/train/notebook.ipynb", [b"{}"])
seen = [(each.run, each.task, each.item, each.used, each.text) for each in reports(str(store), "flights", ("train", "score"))]
again = [each.run for each in reports(str(store), "flights", ("train", "score"), {("r:1", "train", None)})]
print(json.dumps([sorted(seen), again, list(reports(str(store), "nothing", ("train",)))]))
"""


def test_usage_reports_are_read_back(store: ObjectStore) -> None:
    seen, again, nothing = json.loads(in_the_runtime(store, READ_BACK))
    assert seen == [["r2", "score", 3, {"peak": 7}, "x = 1"], ["r:1", "train", None, {"peak": 7}, "x = 1"]]
    assert (again, nothing) == (["r2"], [])

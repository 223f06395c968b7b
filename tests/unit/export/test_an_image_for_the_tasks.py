"""`kubenb image`: what the tasks' code needs, pinned as it is installed; what can't be had is named, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenb import actions
from kubenb.export.image import Installed, image_files
from kubenb.model.pipeline import Pipeline
from kubenb.model.problems import KubenbError

HERE = Installed(
    {
        "pandas": ("pandas",),
        "sklearn": ("scikit-learn",),
        "google": ("google-auth", "google-cloud-storage"),
        "pyarrow": ("pyarrow",),
        "s3fs": ("s3fs",),
        "papermill": ("papermill",),
        "ipykernel": ("ipykernel",),
    },
    {
        "pandas": "2.2.3",
        "scikit-learn": "1.5.2",
        "pyarrow": "18.0.0",
        "s3fs": "2024.9",
        "papermill": "2.6",
        "ipykernel": "6.29",
    },
    "3.11",
)
DOCKERFILE = """\
# Made by `kubenb image`; made anew, it is overwritten.
FROM python:3.11-slim
COPY requirements.txt /tmp/requirements.txt
RUN python -m pip install --no-cache-dir -r /tmp/requirements.txt
USER 1000
"""


def _pipeline(tmp_path: Path, *cells: str) -> Pipeline:
    path = tmp_path / "n.py"
    path.write_text("\n\n".join(f"# %%\n{cell}" for cell in cells) + "\n")
    return actions.read(path)


def _pins(pipeline: Pipeline) -> list[str]:
    return image_files(pipeline, HERE)["requirements.txt"].splitlines()[1:]


TASK = "# %%k8s_task {name} --store {store}\n{body}"


@pytest.mark.parametrize(
    ("store", "body", "pins"),
    [
        ("pvc:data", "import json, os", []),
        ("pvc:data", "from sklearn.svm import SVC", ["scikit-learn==1.5.2"]),
        ("pvc:data", "import pandas as pd\nx = pd.read_parquet('/data/x')", ["pandas==2.2.3", "pyarrow==18.0.0"]),
        ("s3://bucket/x", "x = 1", ["s3fs==2024.9"]),
        ("pvc:data", "get_ipython()", ["ipykernel==6.29", "papermill==2.6"]),
    ],
)
def test_what_the_code_needs_is_pinned(tmp_path: Path, store: str, body: str, pins: list[str]) -> None:
    assert _pins(_pipeline(tmp_path, TASK.format(name="a", store=store, body=body))) == pins


def test_what_no_task_takes_along_is_left_out(tmp_path: Path) -> None:
    task = TASK.format(name="a", store="pvc:data", body="import pandas")
    assert _pins(_pipeline(tmp_path, "import sklearn", task)) == ["pandas==2.2.3"]


def test_the_dockerfile_runs_as_a_user_that_every_cluster_takes(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, TASK.format(name="a", store="pvc:data", body="x = 1"))
    assert image_files(pipeline, HERE)["Dockerfile"] == DOCKERFILE
    assert "FROM mine:1\n" in image_files(pipeline, HERE, "mine:1")["Dockerfile"]


def test_what_can_not_be_had_is_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    task = TASK.format(name="a", store="pvc:data", body="import mine, nowhere, google")
    with pytest.raises(KubenbError) as refused:
        image_files(_pipeline(tmp_path, task), HERE)
    assert [(each.where.task, each.what) for each in refused.value.problems] == [
        ("a", "google is a part of several packages: google-auth, google-cloud-storage."),
        ("a", "mine lies beside the notebook; no image has it."),
        ("a", "nowhere (task a imports it) is not installed here."),
    ]


def test_the_files_are_written_and_a_foreign_dockerfile_stays(tmp_path: Path) -> None:
    pipeline = _pipeline(tmp_path, TASK.format(name="a", store="pvc:data", body="import pytest"))
    for _ in range(2):
        actions.image(pipeline, tmp_path / "image")
    pinned = (tmp_path / "image/requirements.txt").read_text().splitlines()[1:]
    assert pinned == [f"pytest=={pytest.__version__}"]
    (tmp_path / "image/Dockerfile").write_text("FROM mine\n")
    with pytest.raises(KubenbError, match="is not from kubenb; it stays as it is"):
        actions.image(pipeline, tmp_path / "image")
    assert (tmp_path / "image/Dockerfile").read_text() == "FROM mine\n"

"""`exec` into a task's container in the stand-in: what a hand-over needs, without a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenb.cluster import handover
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError
from kubenb.cluster.execute import execute
from kubenb.model.problems import KubenbError
from kubenb.testing import PodApi

POD = {
    "metadata": {"name": "train"},
    "spec": {
        "containers": [
            {
                "name": "base",
                "image": "python",
                "command": ["python", "-c", "import time; time.sleep(60)"],
                "env": [{"name": "TMPDIR", "value": "/tmp"}],
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    },
}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with PodApi(tmp_path / "api") as api:
        made = Client(find_access(None, api.write_kubeconfig(tmp_path / "kubeconfig")))
        made.create("/api/v1/namespaces/default/pods", POD)
        yield made


def test_places_go_into_a_pod_and_out_of_it(client: Client, tmp_path: Path) -> None:
    place = tmp_path / "s/d/r/t"
    place.mkdir(parents=True)
    (place / "x").write_bytes(bytes(range(256)) * 10_000)
    handover.put(client, "default", "train", tmp_path / "s", ["d/r/t"], "ab12", "/tmp/store")
    handover.get(client, "default", "train", "d/r/t", "ab12", "/tmp/store", tmp_path / "back")
    assert (tmp_path / "back/d/r/t/x").read_bytes() == (place / "x").read_bytes()
    handover.release(client, "default", "train", "ab12")
    code = "import os; print(sorted(os.listdir(os.environ['TMPDIR'] + '/kubenb-ab12')))"
    said = execute(client, "default", "train", "base", ["python", "-c", code]).wait()
    assert said == b"['fetched', 'ready']\n"


def test_its_exit_code_and_what_it_said_come_back(client: Client) -> None:
    running = execute(client, "default", "train", "base", ["python", "-c", "import sys; sys.exit('no')"])
    assert (running.wait(), running.code, running.said) == (b"", 1, b"no\n")


def test_the_end_of_the_input_arrives(client: Client) -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    running = execute(client, "default", "train", "base", ["python", "-c", code], [b"x" * 100_000] * 3)
    assert (running.wait(), running.sent) == (b"300000\n", 300_000)


def test_a_folder_that_can_not_be_written_is_named(client: Client, tmp_path: Path) -> None:
    (tmp_path / "s/d").mkdir(parents=True)
    (tmp_path / "s/d/x").touch()
    with pytest.raises(KubenbError, match="the inputs can't be handed to pod train: File exists"):
        handover.put(client, "default", "train", tmp_path / "s", ["d"], "ab12", "/dev/null")


def test_a_pod_that_is_not_there_is_named(client: Client) -> None:
    with pytest.raises(ApiError, match='pods "other" not found'):
        execute(client, "default", "other", "base", ["python"])


def test_a_pod_that_ends_as_it_is_released_is_released(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = ["python", "-c", "import os; os.kill(os.getpid(), 9)"]
    monkeypatch.setattr(handover, "_command", lambda words: dies)
    handover.release(client, "default", "train", "ab12")
    client.delete("/api/v1/namespaces/default/pods/train", grace=0)
    handover.release(client, "default", "train", "ab12")

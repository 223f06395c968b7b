"""Inputs into a pod and results out of it over `exec`, under Pod Security restricted: exact, whole or not at all, again after a cut."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb.cluster import handover
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.execute import Execution, execute
from kubenb.inside import channel
from kubenb.model.problems import KubenbError

MIB = 1 << 20
pytestmark = pytest.mark.xdist_group("hand-over")  # one pod for all of them


@pytest.fixture(scope="module")
def client(kubeconfig: Path) -> Client:
    return Client(find_access(None, kubeconfig))


@pytest.fixture(scope="module")
def namespace(oracle: Any) -> Iterator[str]:
    """One for all tests here: each has a store and a token of its own."""
    name = f"kubenb-test-{secrets.token_hex(4)}"
    oracle.create_namespace({"metadata": {"name": name}})
    yield name
    oracle.delete_namespace(name, propagation_policy="Background")


@pytest.fixture
def token() -> str:
    return secrets.token_hex(8)


@pytest.fixture
def store(token: str) -> str:
    return f"/tmp/store-{token}"


@pytest.fixture(scope="module")
def pod(oracle: Any, namespace: str) -> str:
    """A running pod of an image with Python and nothing else; its /tmp holds 300 MB."""
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    oracle.patch_namespace(namespace, {"metadata": {"labels": level}})
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    container = {
        "name": "base",
        "image": "kubenb.test/python:3.11",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", "import time; time.sleep(600)"],
        "securityContext": security,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "small", "mountPath": "/small"}],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "fsGroup": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "tmp", "emptyDir": {}},
            {"name": "small", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        ],
    }
    until = time.monotonic() + 60
    while True:
        try:
            oracle.create_namespaced_pod(namespace, {"metadata": {"name": "held"}, "spec": spec})
            break
        except Exception as error:  # the namespace's service account comes a moment after it
            if "serviceaccount" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.1)
    while oracle.read_namespaced_pod("held", namespace).status.phase != "Running":
        assert time.monotonic() < until
        time.sleep(0.2)
    return "held"


def _said(client: Client, namespace: str, pod: str, code: str) -> str:
    return execute(client, namespace, pod, "base", ["python", "-c", code]).wait().decode().strip()


def _made(folder: Path, size: int) -> str:
    """A place with a large file, a small one and the marker; the large one's SHA-256."""
    place = folder / "dag/r1/train"
    (place / "kept").mkdir(parents=True)
    data = os.urandom(MIB) * (size // MIB)
    (place / "x.arrow").write_bytes(data)
    (place / "kept/ä b.txt").write_text("small")
    (place / "_SUCCESS").write_text("{}")
    return hashlib.sha256(data).hexdigest()


def test_a_hundred_megabytes_each_way(
    client: Client, namespace: str, pod: str, store: str, token: str, tmp_path: Path, record_property: Any
) -> None:
    digest = _made(tmp_path / "s", 100 * MIB)
    speeds = {}
    began = time.monotonic()
    handover.put(client, namespace, pod, tmp_path / "s", ["dag/r1/train"], token, store)
    speeds["put"] = 100 / (time.monotonic() - began)
    code = f"import hashlib; print(hashlib.sha256(open('{store}/dag/r1/train/x.arrow','rb').read()).hexdigest())"
    assert _said(client, namespace, pod, code) == digest
    assert _said(client, namespace, pod, f"import os; print(os.listdir('/tmp/kubenb-{token}'))") == "['ready']"
    began = time.monotonic()
    handover.get(client, namespace, pod, "dag/r1/train", token, store, tmp_path / "back")
    speeds["get"] = 100 / (time.monotonic() - began)
    back = tmp_path / "back/dag/r1/train"
    assert hashlib.sha256((back / "x.arrow").read_bytes()).hexdigest() == digest
    assert ((back / "kept/ä b.txt").read_text(), (back / "_SUCCESS").read_text()) == ("small", "{}")
    handover.release(client, namespace, pod, token)
    assert (
        _said(client, namespace, pod, f"import os; print(sorted(os.listdir('/tmp/kubenb-{token}')))")
        == "['fetched', 'ready']"
    )
    for way, speed in speeds.items():
        record_property(f"{way} MB/s", round(speed))
        print(f"{way}: {speed:.0f} MB/s")


def _cut_once(monkeypatch: pytest.MonkeyPatch, when: Callable[[Execution], bool]) -> list[Execution]:
    """The first connection breaks where `when` says so; all that were made."""
    made: list[Execution] = []

    def starting(*args: Any) -> Execution:
        running = execute(*args)
        made.append(running)
        if len(made) == 1:
            threading.Thread(target=_cut, args=(running, when), daemon=True).start()
        return running

    monkeypatch.setattr(handover, "execute", starting)
    return made


def _cut(running: Execution, when: Callable[[Execution], bool]) -> None:
    import socket

    while not when(running):
        time.sleep(0.001)
    running._socket.sock.shutdown(socket.SHUT_RDWR)


def test_a_cut_connection_is_made_again(
    client: Client, namespace: str, pod: str, store: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = _made(tmp_path / "s", 50 * MIB)
    made = _cut_once(monkeypatch, lambda running: running.sent > 10 * MIB)
    handover.put(client, namespace, pod, tmp_path / "s", ["dag/r1/train"], token, store)
    assert [running.code for running in made] == [None, 0]
    assert 10 * MIB < made[0].sent < 50 * MIB
    code = f"import os; print(sorted(os.listdir('{store}/dag/r1/train')))"
    assert _said(client, namespace, pod, code) == "['_SUCCESS', 'kept', 'x.arrow']"
    made = _cut_once(monkeypatch, lambda running: running.received > 10 * MIB)
    handover.get(client, namespace, pod, "dag/r1/train", token, store, tmp_path / "back")
    assert [running.code for running in made] == [None, 0]
    back = tmp_path / "back/dag/r1/train"
    assert hashlib.sha256((back / "x.arrow").read_bytes()).hexdigest() == digest
    assert sorted(path.name for path in back.iterdir()) == ["_SUCCESS", "kept", "x.arrow"]


def test_a_cut_that_stays_says_how_much_went_over(
    client: Client, namespace: str, pod: str, store: str, token: str
) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(MIB)
        running._socket.sock.shutdown(2)
        yield bytes(MIB)

    running = execute(
        client, namespace, pod, "base", ["python", "-c", "import sys; sys.stdin.buffer.read()"], endless()
    )
    with pytest.raises(Unreachable, match=r"broke after 1048[0-9]{5} bytes in and 0 bytes out"):
        running.wait()


def test_a_damaged_byte_is_noticed_and_nothing_of_it_stays(
    client: Client, namespace: str, pod: str, store: str, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made(tmp_path / "s", 2 * MIB)
    whole = channel.pack

    def damaged(folder: str, places: Any) -> Iterator[bytes]:
        for number, block in enumerate(whole(folder, places)):
            yield bytes([block[0] ^ 1]) + block[1:] if number == 5 else block

    monkeypatch.setattr(channel, "pack", damaged)
    with pytest.raises(KubenbError, match=r"x\.arrow differs from what was sent: its SHA-256 is another"):
        handover.put(client, namespace, pod, tmp_path / "s", ["dag/r1/train"], token, store)
    code = f"import os; print([n for at in os.walk('{store}') for n in at[2] if n[0] in 'x.'], os.path.exists('/tmp/kubenb-{token}'))"
    assert _said(client, namespace, pod, code) == "[] False"


def test_a_full_disk_in_the_pod_is_named(
    client: Client, namespace: str, pod: str, store: str, token: str, tmp_path: Path
) -> None:
    _made(tmp_path / "s", 8 * MIB)
    with pytest.raises(KubenbError, match=r"No space left|the disk is full in the pod"):
        handover.put(client, namespace, pod, tmp_path / "s", ["dag/r1/train"], token, "/small")


def test_exit_codes_and_standard_error_come_back(
    client: Client, namespace: str, pod: str, store: str, token: str
) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)"
    running = execute(client, namespace, pod, "base", ["python", "-c", code])
    assert (running.wait(), running.code, running.said) == (b"out\n", 7, b"err\n")


def test_what_can_not_be_executed_is_said(client: Client, namespace: str, pod: str, store: str, token: str) -> None:
    with pytest.raises(ApiError, match='pods "other" not found') as refused:
        execute(client, namespace, "other", "base", ["python"])
    assert refused.value.status == 404

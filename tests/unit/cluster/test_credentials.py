"""Who asks: every way of a kubeconfig, and what happens when it has expired."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb.cluster import paths
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError, Unreachable
from tests.faults import Answer, Faulty, Request, status
from tests.unit.cluster.authority import Authority

Write = Callable[[dict[str, Any]], Client]


class Door:
    """Lets in who says the word."""

    def __init__(self) -> None:
        self.word = "Bearer good"
        self.server = Faulty(self)

    def __call__(self, request: Request) -> Answer:
        if request.headers.get("authorization") != self.word:
            return status(401, "Unauthorized", "Unauthorized")
        return Answer(200, dict(request.headers))


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    with made.server:
        yield made


@pytest.fixture
def kubeconfig(door: Door, tmp_path: Path) -> Callable[[dict[str, Any]], Path]:
    def write(user: dict[str, Any]) -> Path:
        config = {
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
            "clusters": [{"name": "lab", "cluster": {"server": door.server.url}}],
            "users": [{"name": "me", "user": user}],
        }
        path = tmp_path / "config"
        path.write_text(json.dumps(config))
        return path

    return write


@pytest.fixture
def client(kubeconfig: Callable[[dict[str, Any]], Path]) -> Write:
    return lambda user: Client(find_access(kubeconfig=kubeconfig(user)))


def program(folder: Path, *, ends: float | None = None, more: str = "") -> dict[str, Any]:
    """An exec plugin that hands out good1, good2, … and counts in a file."""
    path, count = folder / "login.py", folder / "count"
    path.write_text(
        "import json, os, pathlib, sys, datetime as d\n"
        f"count = pathlib.Path({str(count)!r})\n"
        "n = int(count.read_text()) + 1 if count.exists() else 1\n"
        "count.write_text(str(n))\n"
        "asked = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "assert asked['kind'] == 'ExecCredential' and os.environ['FOR'] == 'tests' and sys.argv[1:] == ['get', 'token']\n"
        f"status = {{'token': f'good{{n}}'}}\n"
        f"ends = {ends!r}\n"
        "if ends is not None:\n"
        "    at = d.datetime.now(d.timezone.utc) + d.timedelta(seconds=ends)\n"
        "    status['expirationTimestamp'] = at.strftime('%Y-%m-%dT%H:%M:%SZ')\n"
        f"{more}\n"
        "print(json.dumps({'apiVersion': asked['apiVersion'], 'kind': 'ExecCredential', 'status': status}))\n"
    )
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [
                "-c",
                "import sys, runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])",
                str(path),
                "get",
                "token",
            ],
            "env": [{"name": "FOR", "value": "tests"}],
        }
    }


STATIC = {
    "token": ({"token": "good"}, "Bearer good"),
    "basic": ({"username": "me", "password": "pä:ss"}, "Basic " + base64.b64encode("me:pä:ss".encode()).decode()),
    "token file before token": ({"tokenFile": "word", "token": "bad"}, "Bearer from-file"),
    "auth-provider": (
        {"auth-provider": {"name": "gcp", "config": {"access-token": "old-style", "expiry": "2100-01-01T00:00:00Z"}}},
        "Bearer old-style",
    ),
}


@pytest.mark.parametrize(("user", "word"), STATIC.values(), ids=STATIC.keys())
def test_each_kind_of_user_says_its_word(
    door: Door, client: Write, tmp_path: Path, user: dict[str, Any], word: str
) -> None:
    (tmp_path / "word").write_text("from-file\n")
    door.word = word
    assert client(user).get(paths.VERSION)


def test_f04_a_token_file_that_was_renewed_is_read_again_after_a_401(door: Door, client: Write, tmp_path: Path) -> None:
    (tmp_path / "word").write_text("good")
    asking = client({"tokenFile": "word"})
    asking.get(paths.VERSION)
    door.word = "Bearer better"
    (tmp_path / "word").write_text("better")
    assert asking.get(paths.VERSION)
    assert len(door.server.requests) == 3


def test_a_program_is_asked_once_and_again_after_a_401(door: Door, client: Write, tmp_path: Path) -> None:
    asking, door.word = client(program(tmp_path, ends=3600)), "Bearer good1"
    asking.get(paths.VERSION)
    asking.get(paths.VERSION)
    assert (tmp_path / "count").read_text() == "1"
    door.word = "Bearer good2"  # F04: revoked before its time
    asking.get(paths.VERSION)
    assert (tmp_path / "count").read_text() == "2"


def test_f04_a_token_is_replaced_before_it_ends(
    door: Door, client: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, door.word = client(program(tmp_path, ends=600)), "Bearer good1"
    asking.get(paths.VERSION)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 550)
    door.word = "Bearer good2"
    asking.get(paths.VERSION)
    assert len(door.server.requests) == 2  # without a 401


def test_f04_a_new_login_that_changed_the_kubeconfig_is_seen(
    door: Door, client: Write, kubeconfig: Callable[[dict[str, Any]], Path]
) -> None:
    asking = client({"token": "good"})
    asking.get(paths.VERSION)
    door.word = "Bearer fresh"
    kubeconfig({"token": "fresh"})
    assert asking.get(paths.VERSION)


def test_f04_credentials_that_stay_wrong_are_said_and_not_tried_for_ever(
    door: Door, client: Write, tmp_path: Path
) -> None:
    door.word = "Bearer another"
    for user in ({"token": "good"}, program(tmp_path), {}):
        door.server.requests.clear()
        with pytest.raises(ApiError) as caught:
            client(user).get(paths.VERSION)
        assert "the credentials are missing, wrong or have expired" in caught.value.problem().what
        assert "Log in again" in caught.value.problem().fix
        assert len(door.server.requests) <= 2


BROKEN = {
    "fails": ("sys.exit('no session: run `login`')", "no session: run `login`"),
    "prints nonsense": ("print('hello')", "printed no ExecCredential"),
}


@pytest.mark.parametrize(("more", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_program_that_gives_no_token_is_quoted(client: Write, tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(Unreachable) as caught:
        client(program(tmp_path, more=more)).get(paths.VERSION)
    assert said in caught.value.problem().what
    assert caught.value.hopeless


def test_a_program_that_is_not_there_gives_its_hint(client: Write) -> None:
    with pytest.raises(Unreachable, match="brew install cloud-login"):
        client({"exec": {"command": "no-such-login", "installHint": "brew install cloud-login"}}).get(paths.VERSION)


def test_a_program_may_give_a_client_certificate_and_another_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server sees who shows which."""
    authority = Authority()
    certificate, key = (text.decode() for text in authority.certificate("robot"))
    more = f"status = {{'clientCertificateData': {certificate!r}, 'clientKeyData': {key!r}, **status}}\ndel status['token']"
    with Faulty(lambda request: Answer(200, {}), authority.server(tmp_path)) as server:
        spec = program(tmp_path, ends=600, more=more)
        data = base64.b64encode(authority.pem).decode()
        config = {
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
            "clusters": [{"name": "lab", "cluster": {"server": server.url, "certificate-authority-data": data}}],
            "users": [{"name": "me", "user": spec}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        asking = Client(find_access(kubeconfig=tmp_path / "config"))
        asking.get(paths.VERSION)
        first = asking.transport._connections()
        assert asking.transport._connections() is first
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + 700)
        asking.get(paths.VERSION)
        assert asking.transport._connections() is not first  # the old certificate is not shown again


def test_acting_as_somebody_else_is_never_left_out(door: Door, client: Write) -> None:
    seen = client({"token": "good", "as": "robot", "as-groups": ["team"]}).get(paths.VERSION)
    assert (seen["impersonate-user"], seen["impersonate-group"]) == ("robot", "team")
    with pytest.raises(Unreachable, match="several groups"):
        client({"token": "good", "as": "robot", "as-groups": ["a", "b"]}).get(paths.VERSION)

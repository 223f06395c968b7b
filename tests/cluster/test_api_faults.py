"""The real API server, through a proxy that breaks what passes: nothing is lost, nothing is made twice, and every fault has its words."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kubenb.cluster import client as room
from kubenb.cluster import marks, paths, watching
from kubenb.cluster.access import Access, find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.logs import follow
from kubenb.cluster.pods import Taken, create
from kubenb.cluster.watching import Seen, watch_pods
from tests.cluster.pods import ended
from tests.faults import Answer, Fault, Faulty, Request, Upstream, status

Part = dict[str, Any]
TALK = """
import sys, time
for n in range({lines}):
    print(f'line {{n}} €☃', flush=True)
    time.sleep({pause})
sys.stdout.write('the end')
"""

pytestmark = pytest.mark.xdist_group("api-faults")  # what is made once for the module is made once


def said(lines: int) -> str:
    """What TALK prints: its last line has no newline."""
    return "".join(f"line {n} €☃\n" for n in range(lines)) + "the end"


def pod(namespace: str, program: str, name: str = "", token: str = "ours") -> Part:
    name = name or f"talk-{secrets.token_hex(4)}"
    base = {
        "name": "base",
        "image": "kubenb.test/python:3.11",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", program],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {marks.RUN: name},
            "annotations": {marks.TOKEN: token},
        },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [base],
            "automountServiceAccountToken": False,
        },
    }


@pytest.fixture(scope="module")
def access(kubeconfig: Path) -> Access:
    return find_access(None, kubeconfig)


@pytest.fixture(scope="module")
def namespace(oracle: Any) -> Iterator[str]:
    """One for all tests here: each pod has a name of its own."""
    name = f"kubenb-test-{secrets.token_hex(4)}"
    oracle.create_namespace({"metadata": {"name": name}})
    while not oracle.list_namespaced_service_account(name, field_selector="metadata.name=default").items:
        time.sleep(0.05)
    yield name
    oracle.delete_namespace(name, propagation_policy="Background")


def behind(access: Access) -> tuple[Faulty, Client]:
    """The proxy before the real API server, and a client that knows only the proxy."""
    proxy = Faulty(Upstream(access))
    plain = replace(access, server=proxy.url, ca=None, certificate=None, key=None, user={}, files=())
    return proxy, Client(plain)


@pytest.fixture
def broken(access: Access) -> Iterator[tuple[Faulty, Client]]:
    proxy, client = behind(access)
    with proxy:
        client.get(paths.VERSION)
        yield proxy, client


def after(seconds: float, call: Callable[[], object]) -> threading.Timer:
    """It does not keep the tests from ending."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


class Followed(threading.Thread):
    """A log, followed aside."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        super().__init__(daemon=True)
        self.of = (client, namespace, name)
        self.text = b""
        self.start()

    def run(self) -> None:
        for block in follow(*self.of):
            self.text += block

    def whole(self) -> str:
        self.join(120)
        assert not self.is_alive()
        return self.text.decode()


@dataclass
class Watched:
    """A pod, watched aside until it ends or goes."""

    client: Client
    namespace: str
    name: str
    stop: threading.Event = field(default_factory=threading.Event)
    seen: list[Seen] = field(default_factory=list)

    def until(self, end: Callable[[Seen], bool]) -> list[Seen]:
        late = threading.Event()

        def expire() -> None:
            late.set()
            self.stop.set()

        timer = after(120, expire)
        for each in watch_pods(self.client, self.namespace, f"{marks.RUN}={self.name}", self.stop):
            self.seen.append(each)
            if end(each):
                break
        timer.cancel()
        assert not late.is_set()
        return self.seen


def over(seen: Seen) -> bool:
    return bool(seen.pod and seen.pod["status"].get("phase") == "Succeeded")


# --- a minute without an API server, while the other tests run


@dataclass
class Away:
    """A run that loses its API server for a minute."""

    log: Followed
    seen: list[Seen]
    watcher: threading.Thread
    proxy: Faulty


@pytest.fixture(scope="module", autouse=True)
def minute_away(access: Access, namespace: str) -> Iterator[Away]:
    proxy, client = behind(access)
    with proxy:
        made = create(client, pod(namespace, TALK.format(lines=140, pause=0.5)))
        name = made["metadata"]["name"]
        watched = Watched(client, namespace, name)
        watcher = threading.Thread(target=watched.until, args=(over,), daemon=True)
        watcher.start()
        log = Followed(client, namespace, name)
        while log.text.count(b"\n") < 2:
            time.sleep(0.05)
        proxy.refuse()
        after(60, proxy.accept)
        yield Away(log, watched.seen, watcher, proxy)
        watched.stop.set()
        watcher.join(10)


# --- a log that the node rotates, meanwhile too


BURST = """
import time
def say(first, last):
    for n in range(first, last):
        print(f'line {n} ' + 'x' * 100, flush=n % 100 == 99)
say(0, 100)
time.sleep(4)
say(100, 12_000)
time.sleep(13)
say(12_000, 12_100)
"""


def burst(first: int, last: int) -> str:
    return "".join(f"line {n} {'x' * 100}\n" for n in range(first, last))


@dataclass
class Rotated:
    """One pod's log, followed all the time, and by one that is cut off while the node rotates it."""

    name: str
    whole: Followed
    cut: Followed


@pytest.fixture(scope="module", autouse=True)
def rotated(access: Access, namespace: str) -> Iterator[Rotated]:
    proxy, client = behind(access)
    with proxy:
        name = create(client, pod(namespace, BURST))["metadata"]["name"]
        made = Rotated(name, Followed(Client(access), namespace, name), Followed(client, namespace, name))
        while made.cut.text.count(b"\n") < 100:
            time.sleep(0.05)
        proxy.refuse()
        after(20, proxy.accept)
        yield made


# --- making a pod


def test_f06_a_pod_whose_reply_is_lost_is_adopted_and_there_is_one(
    broken: tuple[Faulty, Client], oracle: Any, namespace: str
) -> None:
    proxy, client = broken
    proxy.add(Fault("POST", "lose", times=2))
    made = create(client, pod(namespace, "pass", "lost-reply"))
    there = oracle.list_namespaced_pod(namespace, label_selector=f"{marks.RUN}=lost-reply").items
    assert [each.metadata.uid for each in there] == [made["metadata"]["uid"]]


def test_f07_another_s_pod_of_that_name_is_left_alone(
    broken: tuple[Faulty, Client], oracle: Any, namespace: str
) -> None:
    theirs = oracle.create_namespaced_pod(namespace, pod(namespace, "pass", "theirs", token="another's"))
    with pytest.raises(Taken):
        create(broken[1], pod(namespace, "pass", "theirs"))
    assert oracle.read_namespaced_pod("theirs", namespace).metadata.uid == theirs.metadata.uid


ONCE = {
    "F08 429 with Retry-After": Fault("POST", "answer", times=2, answer=Answer(429, b"{}", {"Retry-After": "1"})),
    "F09 503": Fault("POST", "answer", times=4, answer=status(503, "ServiceUnavailable", "")),
    "F09 six bad gateways in a row": Fault("POST", "answer", times=6, answer=Answer(502, b"<html>bad gateway</html>")),
    "F10 a new leader of etcd": Fault("POST", "answer", times=2, answer=status(500, "", "etcdserver: leader changed")),
}


@pytest.mark.parametrize("fault", ONCE.values(), ids=ONCE.keys())
def test_a_create_outlives(broken: tuple[Faulty, Client], namespace: str, fault: Fault) -> None:
    proxy, client = broken
    proxy.add(replace(fault))
    assert create(client, pod(namespace, "pass"))["metadata"]["uid"]
    assert proxy.pending() == 0


def test_f01_a_server_that_refuses_is_named_soon(access: Access) -> None:
    proxy, client = behind(access)
    proxy.refuse()
    begun = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        client.get(paths.VERSION)
    assert time.monotonic() - begun < 5
    assert proxy.url in caught.value.problem().what
    assert f"context {access.context}" in caught.value.problem().what


def test_f03_the_authority_of_another_cluster_is_named(access: Access) -> None:
    from tests.unit.cluster.authority import Authority

    with pytest.raises(Unreachable, match="authority that is not known"):
        Client(replace(access, ca=Authority().pem)).get(paths.VERSION)


# --- rights


VERBS = {
    "F05 create": ("create", lambda client, ns: create(client, pod(ns, "pass"))),
    "F05 list": ("list", lambda client, ns: client.list(paths.pods(ns))),
    "F05 watch": ("watch", lambda client, ns: next(client.watch(paths.pods(ns), timeoutSeconds=1).lines(), None)),
    "F05 get": ("get", lambda client, ns: client.get(paths.pods(ns, "none"))),
    "F05 patch": ("patch", lambda client, ns: client.patch(paths.pods(ns, "none"), {})),
    "F05 delete": ("delete", lambda client, ns: client.delete(paths.pods(ns, "none"))),
    "F05 log": ("get", lambda client, ns: list(follow(client, ns, "none", gone_on=lambda: True))),
}


@pytest.mark.parametrize(("verb", "ask"), VERBS.values(), ids=VERBS.keys())
def test_a_right_that_is_missing_is_named(
    access: Access, oracle: Any, namespace: str, verb: str, ask: Callable[..., object]
) -> None:
    robot = Client(replace(access, user={**access.user, "as": f"system:serviceaccount:{namespace}:nobody"}))
    with pytest.raises(ApiError) as caught:
        ask(robot, namespace)
    problem = caught.value.problem()
    assert f"cannot {verb} resource" in problem.what
    assert "kubenb rbac" in problem.fix


def test_f05_a_role_revoked_in_the_middle_is_named(
    access: Access, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RELIST", 0.5)
    admin, path = Client(access), f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    name = f"revoked-{secrets.token_hex(2)}"
    admin.create(
        f"{path}/roles",
        {"metadata": {"name": name}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]},
    )
    subject = {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    admin.create(f"{path}/rolebindings", {"metadata": {"name": name}, "subjects": [subject], "roleRef": role})
    user = Client(replace(access, user={**access.user, "as": name}))
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            user.list(paths.pods(namespace))
            break
        except ApiError:
            time.sleep(0.1)
    stop = threading.Event()
    after(0.3, lambda: admin.delete(f"{path}/rolebindings/{name}"))
    after(30, stop.set)
    with pytest.raises(ApiError) as caught:
        for _ in watch_pods(user, namespace, "a=b", stop):
            pass
    assert 'resource "pods"' in caught.value.problem().what


def test_f04_a_token_that_ends_is_read_again_from_its_file(
    access: Access, oracle: Any, namespace: str, tmp_path: Path
) -> None:
    review = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}

    def token() -> str:
        oracle.create_namespaced_service_account(namespace, {"metadata": {"name": "robot"}})
        ask = {"spec": {"audiences": [], "expirationSeconds": 600}}
        path = paths.core(namespace, "serviceaccounts", "robot", "token")
        return str(Client(access).create(path, ask)["status"]["token"])

    file = tmp_path / "token"
    file.write_text(token())
    robot = Client(
        replace(access, certificate=None, key=None, user={"tokenFile": str(file)}, folder=tmp_path, files=())
    )
    first = robot.create(review, body)["status"]["userInfo"]
    oracle.delete_namespaced_service_account("robot", namespace)  # its tokens end with it
    old = Client(replace(access, certificate=None, key=None, user={"token": file.read_text()}, files=()))
    file.write_text(token())
    until = time.monotonic() + 30  # the API server remembers a good token for ten seconds
    while time.monotonic() < until:
        try:
            old.create(review, body)
            time.sleep(0.3)
        except ApiError:
            break
    second = robot.create(review, body)["status"]["userInfo"]
    assert first["username"] == second["username"]
    assert first["uid"] != second["uid"]


# --- watching


def too_old(proxy: Faulty) -> None:
    """The next watch asks for what the real API server has forgotten."""
    ask = proxy.backend
    done: list[Request] = []

    def backend(request: Request) -> Answer:
        if request.kind == "watch" and not done:
            done.append(request)
            request = replace(
                request,
                target=request.target.replace(
                    f"resourceVersion={request.query['resourceVersion']}", "resourceVersion=1"
                ),
            )
        return ask(request)

    proxy.backend = backend


WATCHES: dict[str, Callable[[Faulty], object]] = {
    "F11 closed by the server each second": lambda proxy: proxy.add(Fault("watch", "clock", times=99, seconds=1.0)),
    "F11 reset": lambda proxy: proxy.add(Fault("watch", "reset", times=3, after=1)),
    "F12 410 of the real server": too_old,
    "F13 half-open": lambda proxy: proxy.add(Fault("watch", "stall", times=2)),
    "F14 cut in the middle of an event": lambda proxy: proxy.add(
        *(Fault("watch", "end", after=at) for at in (100, 700, 1500))
    ),
}


@pytest.mark.parametrize("break_it", WATCHES.values(), ids=WATCHES.keys())
def test_a_pod_is_seen_to_end_over_a_watch_that_breaks(
    broken: tuple[Faulty, Client], namespace: str, break_it: Callable[[Faulty], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "QUIET", 1.0)
    proxy, client = broken
    break_it(proxy)
    made = create(client, pod(namespace, "import time; time.sleep(1)"))
    seen = Watched(client, namespace, made["metadata"]["name"]).until(over)
    versions = [int(each.pod["metadata"]["resourceVersion"]) for each in seen if each.pod]
    assert versions == sorted(set(versions))  # nothing twice, nothing backwards
    assert sum(request.kind == "watch" for request in proxy.requests) > 1


def test_f16_a_pod_deleted_while_the_server_was_away_is_gone(
    broken: tuple[Faulty, Client], oracle: Any, namespace: str
) -> None:
    proxy, client = broken
    name = create(client, pod(namespace, "import time; time.sleep(600)"))["metadata"]["name"]
    watched = Watched(client, namespace, name)

    def gone(seen: Seen) -> bool:
        if seen.pod and len(watched.seen) == 1:
            proxy.refuse()
            oracle.delete_namespaced_pod(name, namespace, grace_period_seconds=0)
            proxy.accept()
        return bool(seen.name) and seen.pod is None

    assert watched.until(gone)[-1] == Seen(name, None)
    assert Followed(client, namespace, name).whole() == ""


def test_f15_five_seconds_without_a_server_lose_nothing(broken: tuple[Faulty, Client], namespace: str) -> None:
    proxy, client = broken
    name = create(client, pod(namespace, TALK.format(lines=80, pause=0.1)))["metadata"]["name"]
    log = Followed(client, namespace, name)
    while log.text.count(b"\n") < 5:
        time.sleep(0.02)
    proxy.refuse()
    after(5, proxy.accept)
    seen = Watched(client, namespace, name).until(over)
    assert any(each.away and "can't be reached" in each.why for each in seen)
    assert log.whole() == said(80)


# --- logs


def test_f17_a_log_reset_in_the_middle_of_lines_and_letters_comes_whole(
    broken: tuple[Faulty, Client], namespace: str
) -> None:
    proxy, client = broken
    proxy.add(
        *(Fault("log", "reset", after=60 + 37 * n) for n in range(12)),
        Fault("log", "cut", after=900),
        Fault("log", "end", after=1400),
    )
    name = create(client, pod(namespace, TALK.format(lines=150, pause=0.02)))["metadata"]["name"]
    assert Followed(client, namespace, name).whole() == said(150)
    assert proxy.pending() == 0


def test_f22_lines_written_at_once_are_each_shown_once(broken: tuple[Faulty, Client], namespace: str) -> None:
    """A thousand lines in one write have few times of their own."""
    proxy, client = broken
    program = "import sys; sys.stdout.write(''.join(f'{n % 3}\\n' for n in range(1000)))"
    name = create(client, pod(namespace, program))["metadata"]["name"]
    proxy.add(*(Fault("log", "reset", after=3000 * n) for n in range(1, 9)))
    assert Followed(client, namespace, name).whole() == "".join(f"{n % 3}\n" for n in range(1000))


def test_f19_f20_f23_a_log_is_followed_from_before_its_start_and_after_its_end(
    access: Access, oracle: Any, namespace: str
) -> None:
    client = Client(access)
    name = create(client, pod(namespace, TALK.format(lines=3, pause=0.01)))["metadata"]["name"]
    early = Followed(client, namespace, name).whole()  # F20: there is no container yet
    ended(oracle, namespace, name)
    late = b"".join(follow(client, namespace, name)).decode()  # F23
    assert early == late == said(3)  # F19: its last line has no newline


def test_f21_a_long_line_and_bytes_that_are_no_text_come_as_they_are(access: Access, namespace: str) -> None:
    client = Client(access)
    program = "import sys; sys.stdout.buffer.write(b'x' * 900_000 + b'\\n' + bytes(range(11, 256)) + b'\\n')"
    name = create(client, pod(namespace, program))["metadata"]["name"]
    log = Followed(client, namespace, name)
    log.join(60)
    assert log.text == b"x" * 900_000 + b"\n" + bytes(range(11, 256)) + b"\n"


def test_f24_a_clock_that_is_wrong_here_changes_nothing(
    broken: tuple[Faulty, Client], namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, client = broken
    real, looks = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * (next(looks) % 3 - 1))
    proxy.add(*(Fault("log", "reset", after=200 * n) for n in range(1, 4)))
    name = create(client, pod(namespace, TALK.format(lines=40, pause=0.02)))["metadata"]["name"]
    log = Followed(client, namespace, name)
    Watched(client, namespace, name).until(over)
    assert log.whole() == said(40)


def test_f18_a_log_is_followed_over_its_rotation_and_what_a_break_lost_is_said(
    rotated: Rotated, oracle: Any, namespace: str
) -> None:
    assert rotated.whole.whole() == burst(0, 12_100)
    cut = rotated.cut.whole()
    if oracle.read_namespaced_pod_log(rotated.name, namespace).startswith("line 0 "):
        assert cut == burst(0, 12_100)
        pytest.skip("this cluster's nodes rotate logs above 1 MiB only: the gap can't be made here")
    before, gap, later = cut.partition("[kubenb: lines after ")
    assert before == burst(0, 100)
    said_so, _, rest = later.partition("\n")
    assert gap
    assert said_so.endswith("are missing: the node rotated the log away while the connection was lost]")
    assert burst(0, 12_100).endswith(rest)
    assert rest.endswith(burst(12_000, 12_100))


def test_f15_a_minute_without_a_server_loses_nothing(minute_away: Away, oracle: Any, namespace: str) -> None:
    assert minute_away.log.whole() == said(140)
    minute_away.watcher.join(60)
    assert over(minute_away.seen[-1])
    assert any(each.away for each in minute_away.seen)

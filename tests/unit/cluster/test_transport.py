"""TLS, proxies and names, and what is said where they fail."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenb.cluster import paths, transport
from kubenb.cluster.access import Access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import Unreachable
from kubenb.cluster.proxies import proxy_for
from tests.faults import Answer, Faulty, Request
from tests.unit.cluster.authority import Authority
from tests.unit.cluster.scripted import always, asking


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def secure(authority: Authority, tmp_path: Path) -> Iterator[Faulty]:
    with Faulty(always({"kind": "Status"}), authority.server(tmp_path)) as made:
        yield made


def test_the_cluster_s_own_authority_is_trusted(secure: Faulty, authority: Authority) -> None:
    assert asking(secure, ca=authority.pem).get(paths.VERSION) == {"kind": "Status"}


def test_a_client_certificate_is_shown(secure: Faulty, authority: Authority) -> None:
    certificate, key = authority.certificate("me")
    assert asking(secure, ca=authority.pem, certificate=certificate, key=key).get(paths.VERSION)


def test_a_server_that_nobody_vouches_for_is_asked_where_the_kubeconfig_says_so_without_a_warning(
    secure: Faulty,
) -> None:
    assert asking(secure, insecure=True).get(paths.VERSION)  # warnings are errors here


def test_the_name_in_the_certificate_may_be_given(authority: Authority, tmp_path: Path) -> None:
    with Faulty(always({}), authority.server(tmp_path, "inside")) as server:
        assert asking(server, ca=authority.pem, server_name="inside").get(paths.VERSION) == {}


CERTIFICATES = {
    "F03 unknown authority": (
        "localhost",
        1,
        "somebody",
        "signed by an authority that is not known",
        "certificate-authority",
    ),
    "F03 another cluster's authority": (
        "localhost",
        1,
        "kubernetes",
        "signed by an authority that is not known",
        "certificate-authority",
    ),
    "F03 expired": ("localhost", -1, "", "its certificate has expired", "who runs the cluster"),
    "F03 another name": ("elsewhere", 1, "", "its certificate is for another name", "tls-server-name"),
}


@pytest.mark.parametrize(("name", "days", "other", "what", "fix"), CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_a_certificate_that_is_wrong_is_named_and_not_tried_again(
    authority: Authority, tmp_path: Path, name: str, days: int, other: str, what: str, fix: str
) -> None:
    connections = []
    with Faulty(always({}), authority.server(tmp_path, name, days)) as server:
        serve = server._one
        server._one = lambda sock: (connections.append(sock), serve(sock))[1]  # type: ignore[func-returns-value, method-assign]
        with pytest.raises(Unreachable) as caught:
            asking(server, ca=Authority(other).pem if other else authority.pem).get(paths.VERSION)
    problem = caught.value.problem()
    assert what in problem.what
    assert fix in problem.fix
    assert caught.value.hopeless
    assert len(connections) == 1


def test_f02_a_name_that_nobody_knows_is_said_at_once() -> None:
    with pytest.raises(Unreachable) as caught:
        Client(Access("lab", "https://no-such-host.invalid:6443")).get(paths.VERSION)
    assert caught.value.problem().what == (
        "the API server https://no-such-host.invalid:6443 of context lab can't be reached: its name is not known."
    )
    assert caught.value.hopeless


def test_f02_a_name_server_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(transport, "CONNECT", 0.1)
    monkeypatch.setattr(transport, "_name", lambda host: asked.wait(30))
    with pytest.raises(Unreachable, match=r"the name lab\.example was not found"):
        Client(Access("lab", "https://lab.example")).get(paths.VERSION, patience=0.0)
    asked.set()


def test_https_asked_of_a_server_that_speaks_plainly_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Unreachable) as caught:
            Client(Access("lab", f"https://127.0.0.1:{listener.getsockname()[1]}")).get(paths.VERSION)
    assert caught.value.fix == "Check the server in the kubeconfig: is it https?"


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(Unreachable, match="its address can't be read"):
        Client(Access("lab", "https://[::1")).get(paths.VERSION)


# --- proxies


@pytest.mark.parametrize("where", ["kubeconfig", "environment"])
def test_requests_go_through_the_proxy_that_is_named_with_its_password(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Faulty(lambda request: Answer(200, {"seen": request.target})) as proxy:
        url = proxy.url.replace("//", "//me:p%40ss@")
        if where == "environment":
            monkeypatch.setenv("HTTP_PROXY", url)
        access = Access("lab", "http://cluster.example:6443", proxy=url if where == "kubeconfig" else None)
        assert Client(access).get("/version") == {"seen": "http://cluster.example:6443/version"}
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="


def test_a_tunnel_is_asked_for_where_the_server_speaks_tls() -> None:
    def refuse(request: Request) -> Answer:
        return Answer(407, b"")

    with Faulty(refuse) as proxy, pytest.raises(Unreachable) as caught:
        Client(Access("lab", "https://cluster.example:6443", proxy=proxy.url.replace("//", "//me:secret@"))).get(
            "/version", patience=0.0
        )
    assert [(r.method, r.target) for r in proxy.requests] == [("CONNECT", "cluster.example:6443")]
    assert "the proxy does not let it through" in caught.value.what
    assert "secret" not in str(caught.value.problem())


ENVIRONMENTS = {
    "none": ("https://c.example", {}, None),
    "HTTPS_PROXY": ("https://c.example", {"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
    "without a scheme": ("https://c.example", {"https_proxy": "p:3128"}, "http://p:3128"),
    "for another scheme": ("https://c.example", {"HTTP_PROXY": "http://p:3128"}, None),
    "NO_PROXY host": ("https://c.example", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "c.example"}, None),
    "NO_PROXY domain": ("https://c.example", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": ".example"}, None),
    "NO_PROXY range": ("https://10.1.2.3:6443", {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "10.0.0.0/8"}, None),
    "NO_PROXY other range": (
        "https://10.1.2.3:6443",
        {"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "192.168.0.0/16,nonsense/x"},
        "http://p:3128",
    ),
    "this machine": ("https://127.0.0.1:6443", {"HTTPS_PROXY": "http://p:3128"}, None),
    "this machine by name": ("https://localhost:6443", {"HTTPS_PROXY": "http://p:3128"}, None),
}


@pytest.mark.parametrize(("server", "env", "proxy"), ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_the_proxy_is_the_one_that_kubectl_would_take(
    server: str, env: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(Access("lab", server)) == proxy


def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    with pytest.raises(Unreachable) as caught:
        Client(Access("lab", "https://c.example", proxy="socks5://127.0.0.1:1080")).get("/version", patience=0.0)
    assert caught.value.fix == "pip install PySocks."


def test_nothing_heavy_is_imported_for_a_request() -> None:
    code = (
        "import sys; from tests.faults import Faulty; from tests.unit.cluster.scripted import always, asking\n"
        "with Faulty(always({})) as server: asking(server).get('/version')\n"
        "print([n for n in ('kubernetes', 'requests', 'websocket', 'pandas', 'IPython', 'papermill') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

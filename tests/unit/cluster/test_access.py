"""Kubeconfigs: which cluster, and what is said where there is none."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.cluster import access
from kubenb.cluster.access import find_access
from kubenb.model.problems import KubenbError


def config(name: str = "lab", server: str = "https://lab.example:6443/", **more: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": f"{name}-c", "user": f"{name}-u", "namespace": "data"}}],
        "clusters": [{"name": f"{name}-c", "cluster": {"server": server, **more}}],
        "users": [{"name": f"{name}-u", "user": {"token": name}}],
    }


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    return tmp_path


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_the_current_context_of_the_home_folder(home: Path) -> None:
    write(home / ".kube/config", config())
    found = find_access()
    assert (found.context, found.server, found.namespace, found.user) == (
        "lab",
        "https://lab.example:6443",
        "data",
        {"token": "lab"},
    )


def test_several_files_are_one_kubeconfig_and_the_first_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = write(home / "one", config()), write(home / "two", {**config("far"), "current-context": "far"})
    again = write(home / "three", config("lab", "https://other.example"))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, (one, home / "missing", two, again))))
    assert find_access().server == "https://lab.example:6443"
    assert find_access("far").user == {"token": "far"}


def test_files_beside_the_kubeconfig_are_read_and_data_in_it_too(home: Path) -> None:
    held = config(**{"certificate-authority": "ca.pem"})
    held["users"][0]["user"] = {
        "client-certificate-data": base64.b64encode(b"CERT").decode(),
        "client-key": "keys/me.pem",
    }
    write(home / "k/ca.pem", "CA")
    write(home / "k/keys/me.pem", "KEY")
    found = find_access(kubeconfig=write(home / "k/config", held))
    assert (found.ca, found.certificate, found.key) == (b"CA", b"CERT", b"KEY")


def test_in_a_pod_its_own_account_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("token", "namespace", "ca.crt"):
        write(home / "account" / name, name)
    monkeypatch.setattr(access, "POD", home / "account")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    found = find_access()
    assert (found.context, found.server, found.namespace, found.ca) == (
        "in-cluster",
        "https://[fd00::1]:443",
        "namespace",
        b"ca.crt",
    )


NONE = {
    "no kubeconfig": (None, None, "there is no kubeconfig at", "Set KUBECONFIG"),
    "no such context": (config(), "lba", "has no context lba", "lab"),
    "none current": ({**config(), "current-context": ""}, None, "no context is current; there are lab", "use-context"),
    "no cluster": ({**config(), "clusters": []}, None, "names the cluster 'lab-c', which is not there", "Mend"),
    "no user": ({**config(), "users": None}, None, "names the user 'lab-u', which is not there", "Mend"),
    "no server": (config(server=""), None, "has no server", "Mend"),
    "no YAML": ("a: [", None, "can't be read", "Mend"),
    "a list": ("[1]", None, "is no kubeconfig", "right file"),
    "a missing file": (
        config(**{"certificate-authority": "gone.pem"}),
        None,
        "certificate-authority can't be read",
        "log in again",
    ),
}


@pytest.mark.parametrize(("content", "context", "what", "fix"), NONE.values(), ids=NONE.keys())
def test_where_there_is_no_access_the_reason_and_the_way_are_said(
    home: Path, content: Any, context: str | None, what: str, fix: str
) -> None:
    if content is not None:
        write(home / ".kube/config", content)
    with pytest.raises(KubenbError) as caught:
        find_access(context)
    (problem,) = caught.value.problems
    assert what in problem.what
    assert fix in problem.fix


WORDS = ("name", "user", "cluster", "context", "server", "token")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["lab", "lab-c", "lab-u", "https://x"]),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(WORDS), each),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("current-context", "contexts", "clusters", "users"), JSON)))
def test_any_kubeconfig_gives_an_access_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "config"
    path.write_text(json.dumps({**config(), **content}))
    try:
        assert find_access(kubeconfig=path).server.startswith("http")
    except KubenbError:
        return

"""The stand-in behaves as the clients need it: asked with the real Kubernetes client."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb.standin import Image
from kubenb.testing import PodApi

kubernetes = pytest.importorskip("kubernetes")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[PodApi]:
    with PodApi(tmp_path, secrets={"db": {"password": "hunter2"}}, configmaps={"limits": {"max": "7"}}) as served:
        yield served


@pytest.fixture
def client(api: PodApi, tmp_path: Path) -> Iterator[Any]:
    made = kubernetes.config.new_client_from_config(str(api.write_kubeconfig(tmp_path / "config")))
    yield kubernetes.client.CoreV1Api(made)
    made.rest_client.pool_manager.clear()
    made.close()


def pod(script: str, name: str = "p", **base: Any) -> dict[str, Any]:
    spec = base.pop("spec", {})
    container = {"name": "base", "image": "python:3.11", "command": ["python", "-c", script], **base}
    return {"metadata": {"name": name, "labels": {"task": name}}, "spec": {"containers": [container], **spec}}


def end(client: Any, name: str = "p") -> Any:
    for _ in range(400):
        found = client.read_namespaced_pod(name, "default")
        if found.status.phase in ("Succeeded", "Failed"):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} did not end")


def logs(client: Any, name: str = "p", **options: Any) -> str:
    response = client.read_namespaced_pod_log(name, "default", _preload_content=False, **options)
    with contextlib.closing(response):
        return str(response.read().decode())


def test_a_pod_runs_its_command_and_reports_how_it_ended(client: Any) -> None:
    client.create_namespaced_pod("default", pod("print('hello'); raise SystemExit(3)"))
    status = end(client).status.container_statuses[0].state.terminated
    assert (status.exit_code, status.reason) == (3, "Error")
    assert logs(client) == "hello\n"


def test_a_name_is_taken_once(client: Any) -> None:
    client.create_namespaced_pod("default", pod("pass"))
    with pytest.raises(kubernetes.client.ApiException) as refused:
        client.create_namespaced_pod("default", pod("pass"))
    assert refused.value.status == 409


def test_a_followed_log_comes_as_it_is_written(client: Any) -> None:
    client.create_namespaced_pod(
        "default", pod("import time\nfor i in range(3): print(i, flush=True); time.sleep(0.1)")
    )
    assert logs(client, follow=True) == "0\n1\n2\n"
    assert client.read_namespaced_pod("p", "default").status.phase == "Succeeded"


def test_a_log_is_read_from_a_time_on_without_loss(client: Any) -> None:
    client.create_namespaced_pod("default", pod("for i in range(5): print(i)"))
    end(client)
    lines = logs(client, timestamps=True).splitlines()
    assert [line.split()[1] for line in lines] == ["0", "1", "2", "3", "4"]
    assert logs(client, tail_lines=2) == "3\n4\n"


def test_environment_comes_from_values_secrets_config_maps_and_fields(client: Any) -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)$(A) $$(A) $(NONE)"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        {"name": "MAX", "valueFrom": {"configMapKeyRef": {"name": "limits", "key": "max"}}},
        {"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    script = "import os; print(*(os.environ[n] for n in ('B', 'PASSWORD', 'MAX', 'ME')), sep='|'); print('HOME' in os.environ)"
    client.create_namespaced_pod("default", pod(script, env=env))
    end(client)
    assert logs(client) == "11 $(A) $(NONE)|hunter2|7|p\nFalse\n"


def test_what_is_mounted_is_found_under_the_path_that_the_pod_names(client: Any, tmp_path: Path) -> None:
    volumes = [
        {"name": "store", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "key", "secret": {"secretName": "db", "items": [{"key": "password", "path": "sub/key.json"}]}},
        {"name": "home", "emptyDir": {}},
    ]
    mounts = [
        {"name": "store", "mountPath": "/kubenb/store", "subPath": "nested"},
        {"name": "key", "mountPath": "/keys", "readOnly": True},
        {"name": "home", "mountPath": "/home/kubenb"},
    ]
    env = [
        {"name": "OUT", "value": "/kubenb/store/x"},
        {"name": "KEY", "value": "/keys/sub/key.json"},
        {"name": "HOME", "value": "/home/kubenb"},
    ]
    script = """
import os, pathlib
pathlib.Path(os.environ["OUT"]).write_text(open(os.environ["KEY"]).read())
print(os.path.isdir(os.environ["HOME"]))
"""
    client.create_namespaced_pod("default", pod(script, env=env, volumeMounts=mounts, spec={"volumes": volumes}))
    assert end(client).status.phase == "Succeeded", logs(client)
    assert (tmp_path / "pvc" / "data" / "nested" / "x").read_text() == "hunter2"
    assert logs(client) == "True\n"


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"secretKeyRef": {"name": "gone", "key": "k"}}, 'secret "gone" not found'),
        ({"secretKeyRef": {"name": "db", "key": "gone"}}, "couldn't find key gone in secret default/db"),
    ],
)
def test_a_missing_secret_keeps_the_pod_waiting_with_the_kubelets_words(
    client: Any, env: dict[str, Any], said: str
) -> None:
    client.create_namespaced_pod("default", pod("pass", env=[{"name": "X", "valueFrom": env}]))
    found = client.read_namespaced_pod("p", "default")
    waiting = found.status.container_statuses[0].state.waiting
    assert (found.status.phase, waiting.reason, waiting.message) == ("Pending", "CreateContainerConfigError", said)
    events = client.list_namespaced_event("default", field_selector="involvedObject.name=p").items
    assert [event.message for event in events] == [f"Error: {said}"]


def test_lists_are_chosen_by_labels_and_a_patch_changes_them(client: Any) -> None:
    for name in ("a", "b"):
        client.create_namespaced_pod("default", pod("pass", name))
    client.patch_namespaced_pod("a", "default", {"metadata": {"labels": {"seen": "True"}}})
    chosen = client.list_namespaced_pod("default", label_selector="task in (a, b),seen!=True").items
    assert [item.metadata.name for item in chosen] == ["b"]


def test_deleting_a_pod_ends_it_with_sigterm_first(client: Any, api: PodApi) -> None:
    script = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\nprint('up', flush=True)\ntime.sleep(60)"
    client.create_namespaced_pod("default", pod(script))
    while logs(client) != "up\n":
        time.sleep(0.02)
    client.delete_namespaced_pod("p", "default")
    assert client.list_namespaced_pod("default").items == []
    assert api.gone[0].containers[0].exit_code == 143


def test_a_deadline_fails_the_pod(client: Any) -> None:
    client.create_namespaced_pod("default", pod("import time; time.sleep(60)", spec={"activeDeadlineSeconds": 1}))
    found = end(client)
    assert (found.status.phase, found.status.reason) == ("Failed", "DeadlineExceeded")


def test_an_environment_string_that_linux_refuses_fails_the_container_not_the_api(client: Any) -> None:
    client.create_namespaced_pod("default", pod("pass", env=[{"name": "BIG", "value": "x" * 131_072}]))
    status = end(client).status.container_statuses[0].state.terminated
    assert (status.exit_code, status.reason) == (128, "StartError")


def test_the_last_log_lines_become_the_termination_message_where_the_policy_says_so(client: Any) -> None:
    client.create_namespaced_pod(
        "default", pod("raise SystemExit('kubenb: a failed')", terminationMessagePolicy="FallbackToLogsOnError")
    )
    assert end(client).status.container_statuses[0].state.terminated.message == "kubenb: a failed\n"


def test_airflows_sidecar_is_read_and_ended_over_exec(client: Any) -> None:
    from kubernetes.stream import stream

    side = {
        "name": "airflow-xcom-sidecar",
        "image": "alpine",
        "volumeMounts": [{"name": "xcom", "mountPath": "/airflow/xcom"}],
    }
    script = "import os; open(os.environ['KUBENB_AIRFLOW_XCOM'] + '/return.json', 'w').write('[1, 2]')"
    made = pod(script, volumeMounts=side["volumeMounts"], spec={"volumes": [{"name": "xcom", "emptyDir": {}}]})
    made["spec"]["containers"].append(side)
    client.create_namespaced_pod("default", made)
    while client.read_namespaced_pod("p", "default").status.container_statuses[0].state.running:
        time.sleep(0.02)
    ask = {"container": side["name"], "stdout": True, "stderr": True, "tty": False, "_preload_content": False}
    reading = stream(
        client.connect_get_namespaced_pod_exec,
        "p",
        "default",
        command=["/bin/sh", "-c", "cat /airflow/xcom/return.json"],
        stdin=False,
        **ask,
    )
    reading.run_forever(timeout=5)
    assert reading.read_all() == "[1, 2]"
    reading.sock.shutdown()
    assert client.read_namespaced_pod("p", "default").status.phase == "Running"
    ending = stream(client.connect_get_namespaced_pod_exec, "p", "default", command=["/bin/sh"], stdin=True, **ask)
    ending.write_stdin("kill -2 $(pgrep -u $(id -u) -f 'sh')\n")
    ending.run_forever(timeout=5)
    ending.sock.shutdown()
    assert end(client).status.phase == "Succeeded"


def test_a_command_without_a_websocket_is_not_run(client: Any, api: PodApi) -> None:
    client.create_namespaced_pod("default", pod("import time; time.sleep(60)"))
    connection = http.client.HTTPConnection("127.0.0.1", int(api.url.rsplit(":", 1)[1]))
    with contextlib.closing(connection):
        connection.request("GET", "/api/v1/namespaces/default/pods/p/exec?command=ls")
        answer = connection.getresponse()
        assert (answer.status, b"Upgrade request required" in answer.read()) == (400, True)


def test_what_a_container_left_running_ends_with_it(api: PodApi, client: Any) -> None:
    script = "import subprocess as s; print(s.Popen(['sleep', '60']).pid, flush=True)"
    client.create_namespaced_pod("default", pod(script))
    assert end(client).status.phase == "Succeeded"
    [line] = api.known[0].containers[0].log.lines()
    with contextlib.suppress(FileNotFoundError):
        assert "Z" in Path(f"/proc/{int(line.text)}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_image_sets_what_containers_inherit_and_may_replace_theirs(tmp_path: Path) -> None:
    def own(metadata: Any, values: Any) -> dict[str, str]:
        return {"PLACE": f"/data/{metadata['name']}"} if "PLACE" in values else {}

    image = Image(environment={"PATH": "/bin", "OF_IMAGE": "1"}, own=own)
    script = "import os; print(os.environ['OF_IMAGE'], os.environ['PLACE'], 'HOME' in os.environ)"
    mounted: Any = {
        "volumeMounts": [{"name": "v", "mountPath": "/data"}],
        "env": [{"name": "PLACE", "value": "/data/x"}],
    }
    with PodApi(tmp_path, image=image) as served:
        served.create("default", pod(script, spec={"volumes": [{"name": "v", "emptyDir": {}}]}, **mounted))
        container = served.known[0].containers[0]
        assert container.wait(20)
        assert container.log.lines()[0].text == b"1 /data/p False\n"

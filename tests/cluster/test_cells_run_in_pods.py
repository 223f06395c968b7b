"""`%%k8s_task --run pod`: the cell as if it ran here: its log, its variables, its pictures, its cause when it fails; and nothing left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb import actions
from kubenb.model.measured import digest_of
from kubenb.run import measures
from tests.cluster.pods import left
from tests.cluster.test_before_a_run import Person, without
from tests.integration.magics.kernel import Kernel, kernel

PLAIN, PANDAS = "kubenb.test/python:3.11", "kubenb.test/papermill:1"


@pytest.fixture
def notebook(here: Path, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that knows the cluster, with an image and an earlier task."""
    with kernel(tmp_path, KUBECONFIG=str(here)) as started:
        assert started.run(f"%k8s_dag x --image {PLAIN} --memory 128Mi").status == "ok"
        assert started.run("%%k8s_task make\nrows = [1, 2, 3]\nwords = {'a': b'x'}").status == "ok"
        yield started


def test_what_the_cell_makes_is_in_the_kernel_and_nothing_is_left_in_the_cluster(
    notebook: Kernel, oracle: Any, namespace: str
) -> None:
    reply = notebook.run(
        "%%k8s_task train --run pod\nimport os\n\ndef half(x):\n    return x / 2\n\nrows.append(4)\ntotal = sum(rows)\n"
        "node = os.environ.get('KUBENB_RUN')\nprint('hello', total)\nhalf(total)"
    )
    assert reply.status == "ok", reply.err + "".join(reply.tracebacks)
    assert "hello 10\n5.0\n" in reply.out
    assert "train: done in a pod, in " in reply.out
    assert "peak memory" in reply.out
    assert "-> total, node, rows" in reply.out or "rows" in reply.out
    assert notebook.value("(total, rows, half(9), words, node.startswith('pod-'))") == (
        10,
        [1, 2, 3, 4],
        4.5,
        {"a": b"x"},
        True,
    )
    assert left(oracle, namespace) == []
    assert oracle.list_namespaced_secret(namespace).items == []
    assert [each.metadata.name for each in oracle.list_namespaced_config_map(namespace).items] == ["kube-root-ca.crt"]


def test_a_frame_and_a_table_come_back_as_they_are(notebook: Kernel) -> None:
    notebook.run("import pandas as pd\nprices = pd.DataFrame({'day': [1, 2], 'price': [1.5, 2.5]})")
    reply = notebook.run(f"%%k8s_task table --run pod --image {PANDAS} --memory 512Mi\ntwice = prices * 2\ntwice")
    assert reply.status == "ok", reply.err + "".join(reply.tracebacks)
    assert any("<table" in str(shown.get("text/html", "")) for shown in reply.shown)
    assert notebook.value("twice.to_dict('list')") == {"day": [2, 4], "price": [3.0, 5.0]}


FAILURES = [
    pytest.param(
        "", "x = 1\ny = rows[10]", ['File "cell 4 of the notebook (bad)", line 3', "IndexError"], id="the cell raises"
    ),
    pytest.param(
        "--memory 64Mi",
        "z = []\nfor i in range(100):\n    z.append(bytearray(10_000_000))",
        ["OOMKilled: limit 64Mi, peak 64Mi in line 4 of the cell. Try --memory 128Mi."],
        id="F33 the cell needs more memory than it has",
    ),
    pytest.param(
        "--memory 256Mi",
        "import os\nos.kill(os.getpid(), 9)",
        ["killed (SIGKILL, exit code 137), and not for its memory: peak ", "Mi of 256Mi", "sent that signal"],
        id="F34 the cell kills itself",
    ),
    pytest.param(
        "--memory 1Mi",
        "x = 1",
        ["1Mi is too little to start the container.", "try --memory 64Mi."],
        id="F33 nothing starts with so little",
    ),
    pytest.param(
        "--volume 'pvc:noclaim -> /data'",
        "x = 1",
        ["there is no volume claim noclaim in the namespace."],
        id="F28 a claim is not there",
    ),
    pytest.param(
        "--image nowhere.test/none:1 --image-pull-policy Never",
        "x = 1",
        ["is not on the node"],
        id="F27 the image is not there",
    ),
    pytest.param(
        "",
        "import nothere",
        [f"The image {PLAIN} has no nothere", "`kubenb image` writes"],
        id="the image lacks a module",
    ),
    pytest.param("--secret absent/key=KEY", "x = 1", ["there is no secret absent"], id="F28 a secret is not there"),
]


@pytest.mark.parametrize(("options", "body", "said"), FAILURES)
def test_a_failure_is_named(
    notebook: Kernel, oracle: Any, namespace: str, options: str, body: str, said: list[str]
) -> None:
    options = options.replace("absent/key=KEY", "'absent/key -> KEY'")
    reply = notebook.run(f"%%k8s_task bad --run pod {options}\n{body}")
    assert reply.status == "error"
    text = reply.out + reply.err + "\n".join(reply.tracebacks)
    assert [word for word in said if word not in text] == [], text
    assert left(oracle, namespace) == []


def test_an_interrupt_ends_the_pod_and_says_so(notebook: Kernel, oracle: Any, namespace: str) -> None:
    pid = notebook.value("__import__('os').getpid()")

    def interrupt() -> None:
        while not oracle.list_namespaced_pod(namespace, field_selector="status.phase=Running").items:
            time.sleep(0.1)
        os.kill(pid, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    reply = notebook.run("%%k8s_task long --run pod\nimport time\ntime.sleep(300)")
    assert reply.status == "error"
    assert "interrupted: ending the pod" in reply.out
    assert "task long was interrupted: ended by the interrupt; its pod is deleted" in reply.err
    assert left(oracle, namespace) == []
    assert notebook.value("len(rows)") == 3


ENDED = [
    pytest.param("--timeout 3s", "time.sleep(300)", "it ran longer than its timeout of 3 s", id="its time"),
    pytest.param(
        "--storage 50Mi",
        "open('/tmp/big', 'wb').write(bytes(200_000_000))\ntime.sleep(300)",
        "evicted: it wrote more than its limit of 50Mi",
        id="F35 the node evicts it",
    ),
]


@pytest.mark.parametrize(("options", "body", "said"), ENDED)
def test_a_pod_that_is_ended_from_outside_fails_the_cell_with_its_cause(
    notebook: Kernel, oracle: Any, namespace: str, options: str, body: str, said: str
) -> None:
    reply = notebook.run(f"%%k8s_task ended --run pod {options}\nimport time\nprint('begun')\n{body}\nafter = 1")
    text = reply.out + reply.err + "\n".join(reply.tracebacks)
    assert reply.status == "error", text
    assert said in text
    assert "begun" in reply.out
    assert left(oracle, namespace) == []


def test_a_pod_that_somebody_deletes_fails_the_cell(notebook: Kernel, oracle: Any, namespace: str) -> None:
    def delete() -> None:
        while not oracle.list_namespaced_pod(namespace, field_selector="status.phase=Running").items:
            time.sleep(0.1)
        time.sleep(1)
        [pod] = oracle.list_namespaced_pod(namespace).items
        oracle.delete_namespaced_pod(pod.metadata.name, namespace, grace_period_seconds=5)

    threading.Thread(target=delete, daemon=True).start()
    reply = notebook.run("%%k8s_task gone --run pod\nimport time\ntime.sleep(120)\nafter = 1")
    text = reply.out + reply.err + "\n".join(reply.tracebacks)
    assert reply.status == "error", text
    assert "deleted" in text
    assert left(oracle, namespace) == []


def test_who_may_not_fetch_results_is_told_so_and_the_pod_keeps_them(
    here: Path, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    ana = Person(oracle, namespace, here)
    ana.may(str(actions.rbac("user", namespace, f"serviceaccount:{namespace}/ana")))
    ana.may_only(without(without(ana.rules, "create", "pods/exec"), "get", "pods/exec"))
    with kernel(tmp_path, KUBECONFIG=str(ana.config)) as started:
        started.run(f"%k8s_dag x --image {PLAIN} --memory 128Mi")
        reply = started.run("%%k8s_task fetched --run pod\nfound = 1")
        text = reply.out + reply.err + "\n".join(reply.tracebacks)
        assert reply.status == "error", text
        assert "pods/exec" in text
        assert "keeps them for a while: %k8s_attach x-fetched-" in text
    assert len(left(oracle, namespace)) == 1


def test_a_mapped_task_that_was_left_to_itself_comes_back_as_lists(
    notebook: Kernel, oracle: Any, namespace: str
) -> None:
    reply = notebook.run("%%k8s_task each --run pod --detach true\n#| map: row in rows\nsquare = row * row")
    assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
    reply = notebook.run("%k8s_attach each")
    assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
    assert "each: done" in reply.out
    assert ", 3 items" in reply.out
    assert notebook.value("square") == [1, 4, 9]
    assert left(oracle, namespace) == []


def test_an_interrupted_attach_loses_nothing(notebook: Kernel, oracle: Any, namespace: str) -> None:
    """Whenever it comes: the pod keeps its results, or they are in the kernel."""
    pid = notebook.value("__import__('os').getpid()")
    notebook.run("%%k8s_task det --run pod --detach true\nimport time\ntime.sleep(4)\nfound = [1] * 2_000_000")
    tries = 0
    for wait in (0.5, 1.5, 2.0, 0.3, 0.2, 0.4, 0.6, 60):
        interrupt = threading.Timer(wait, os.kill, (pid, signal.SIGINT))
        interrupt.start()
        reply = notebook.run("%k8s_attach det")
        interrupt.cancel()
        tries += 1
        if reply.status == "ok" and "det runs on" not in reply.out:
            break
        said = reply.out + reply.err + "".join(reply.tracebacks)  # before the pod was found an interrupt is just that
        assert "det runs on" in said or "KeyboardInterrupt" in said, said
    assert notebook.value("len(found)") == 2_000_000, tries
    assert left(oracle, namespace) == []


def test_a_task_in_a_namespace_of_its_own_is_found_without_naming_it(
    notebook: Kernel, here: Path, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    import yaml

    config = yaml.safe_load(here.read_text())
    for context in config["contexts"]:
        context["context"]["namespace"] = "default"
    away = tmp_path / "away"
    away.write_text(yaml.safe_dump(config))
    with kernel(tmp_path, KUBECONFIG=str(away)) as another:
        another.run(f"%k8s_dag x --image {PLAIN} --memory 128Mi --namespace {namespace}")
        reply = another.run("%%k8s_task det --run pod --detach true\nfound = 7")
        assert f"%k8s_attach det --namespace {namespace} brings its results" in reply.out
        assert "det" in another.run("%k8s_runs").plain[-1]
        reply = another.run("%k8s_attach det")
        assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
        assert another.value("found") == 7
    assert left(oracle, namespace) == []


def test_a_detached_task_is_found_again_by_another_kernel(
    notebook: Kernel, here: Path, tmp_path: Path, oracle: Any, namespace: str
) -> None:
    body = "import time\nprint('begun')\ntime.sleep(3)\nfound = sum(rows)"
    reply = notebook.run(f"%%k8s_task det --run pod --detach true\n{body}")
    assert reply.status == "ok", reply.err
    assert "det runs on by itself." in reply.out
    with kernel(tmp_path, KUBECONFIG=str(here)) as another:
        assert "det" in another.run("%k8s_runs").plain[-1]
        reply = another.run("%k8s_attach det")
        assert reply.status == "ok", reply.err + "".join(reply.tracebacks)
        assert "begun" in reply.out
        assert another.value("found") == 6
    assert left(oracle, namespace) == []
    (record,) = measures.of_task("det", "", digest_of(body))
    assert (record.how, record.end, record.asked.memory_limit) == ("pod", "done", 128 << 20)
    assert 0 < (record.peak or 0) < 128 << 20


def test_one_item_of_a_fan_out_is_attached_to(notebook: Kernel, oracle: Any, namespace: str) -> None:
    reply = notebook.run(
        "%%k8s_task each --run pod --detach true\n#| map: row in rows\nimport time\ntime.sleep(2)\nsquare = row * row"
    )
    assert reply.status == "ok", reply.out + reply.err + "".join(reply.tracebacks)
    reply = notebook.run("%k8s_attach each[2]")
    assert reply.status == "ok", reply.err + "".join(reply.tracebacks)
    assert "each[2]: done" in reply.out
    assert notebook.value("square") == 9
    notebook.run("%k8s_stop each")
    assert left(oracle, namespace) == []


def test_a_started_task_is_stopped_by_name(notebook: Kernel, oracle: Any, namespace: str) -> None:
    notebook.run("%%k8s_task det --run pod --detach true\nimport time\ntime.sleep(300)")
    assert "you asked for it" in notebook.run("%k8s_stop det").plain[-1]
    assert left(oracle, namespace) == []
    assert "There are none." in notebook.run(f"%k8s_runs -n {namespace}").plain[-1]


def test_progress_bars_stay_readable(notebook: Kernel) -> None:
    reply = notebook.run(
        "%%k8s_task bar --run pod\nimport sys, time\nfor i in range(5):\n    sys.stderr.write(f'\\r{i}0%'); sys.stderr.flush()\n"
        "    time.sleep(0.4)\n"
        "print('\\nend')"
    )
    assert reply.status == "ok", reply.err
    assert "\r20%" in reply.out or "\r30%" in reply.out
    assert "\x1e" not in reply.out


def test_a_killed_kernels_pod_is_ended_by_gc(notebook: Kernel, here: Path, oracle: Any, namespace: str) -> None:
    from kubenb.cluster import marks
    from kubenb.cluster.access import find_access
    from kubenb.cluster.client import Client
    from kubenb.cluster.runs import started, sweep

    pid = notebook.value("__import__('os').getpid()")

    def kill() -> None:
        while not oracle.list_namespaced_pod(namespace).items:
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    notebook.client.execute("%%k8s_task long --run pod\nimport time\ntime.sleep(300)")
    until = time.monotonic() + 30
    while not oracle.list_namespaced_pod(namespace).items and time.monotonic() < until:
        time.sleep(0.1)
    client = Client(find_access(None, here))
    (found,) = started(client)
    assert sweep(client, [found]) == []  # its starter may yet be heard of
    old = {"metadata": {"annotations": {marks.HEARTBEAT: "2020-01-01T00:00:00Z"}}}
    oracle.patch_namespaced_pod(found.name, namespace, old)
    ((ended, why),) = sweep(client, started(client))
    assert ended.name == found.name
    assert why.startswith("who started it was last seen ")
    assert left(oracle, namespace) == []

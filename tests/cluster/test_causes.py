"""Every way in which a pod ends badly, or never begins, made on the real cluster at once, and named by its diagnosis.

What is said word for word is in `tests/unit/cluster/causes.txt`, from recorded pods; here is that a real one gets there.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubenb import actions
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.diagnosis import State, state
from tests.cluster.causes import CAUSES, IMAGE, REFUSALS, Cause, Refusal, Stage, registry

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("causes")]
TRIED = tuple(each for each in CAUSES if not each.slow)


def reached(cause: Cause, states: list[State]) -> bool:
    """Its words were said, and its end has come where it has one."""
    ends = {each.problem.code for each in states if each.problem and each.final}
    says = not cause.says or any(re.search(cause.says, each.words) for each in states)
    return says and (f"pod.{cause.code}" in ends if cause.code else bool(cause.says))


@pytest.fixture(scope="module")
def client(kubeconfig: Path) -> Client:
    return Client(find_access(kubeconfig=kubeconfig))


@pytest.fixture(scope="module")
def told(client: Client, oracle: Any) -> Iterator[dict[str, list[State]]]:
    """What was said of each pod, step by step, until each was there; at most a minute and a half."""
    namespace = f"kubenb-test-{secrets.token_hex(4)}"
    oracle.create_namespace({"metadata": {"name": namespace}})
    states: dict[str, list[State]] = {each.name: [] for each in TRIED}
    with registry() as address:
        stage = Stage(client, namespace, address, TRIED)
        try:
            stage.begin()
            until = time.monotonic() + 90
            while time.monotonic() < until and not all(reached(each, states[each.name]) for each in TRIED):
                for name, seen in stage.look().items():
                    found = state(seen.pod, seen.events, seen.now)
                    if found not in states[name]:
                        states[name].append(found)
                time.sleep(0.5)
            yield states
        finally:
            stage.end()
            oracle.delete_namespace(namespace, propagation_policy="Background")


@pytest.mark.parametrize("cause", TRIED, ids=lambda each: each.name)
def test_a_real_pod_that_ends_so_has_its_cause_named(cause: Cause, told: dict[str, list[State]]) -> None:
    assert reached(cause, told[cause.name]), "\n".join(map(str, told[cause.name]))
    wrong = {each.problem.code for each in told[cause.name] if each.problem and each.final} - {f"pod.{cause.code}"}
    assert wrong <= {"pod.child-oom"} if cause.name == "child-killed-main-survives" else not wrong


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.name)
def test_a_pod_that_the_api_server_does_not_take_has_its_limit_named(refusal: Refusal, client: Client) -> None:
    namespace = refusal.prepare(client)
    try:
        problem = refusal.ask(client, namespace).problem()
        assert re.search(refusal.says, str(problem))
        assert client.list(f"/api/v1/namespaces/{namespace}/pods") == []
    finally:
        client.delete(f"/api/v1/namespaces/{namespace}")


def test_a_task_that_lost_a_process_for_want_of_memory_says_so_though_it_went_well(
    here: Path, context: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(here))
    notebook = tmp_path / "greedy.py"
    notebook.write_text(
        f"# %%\n# %k8s_dag greedy --image {IMAGE}\n\n# %%\n# %%k8s_task parts --memory 96Mi\n"
        "import subprocess\nimport sys\n\n"
        "greedy = 'x = []\\nwhile True: x.append(bytearray(4 << 20))'\n"
        "code = subprocess.run([sys.executable, '-c', greedy]).returncode\n"
    )
    results = actions.run(notebook, tmp_path / "out", on=context)
    assert results.ok, str(results)
    assert "parts  done in " in str(results)
    assert "; warning: a child process was killed for want of memory" in str(results)
    last = (tmp_path / "out" / "parts.log").read_text().splitlines()[-1]
    assert last.startswith("kubenb: parts done in ")
    assert last.endswith("; warning: 1 of its processes was killed for want of memory (limit 96 MiB)")

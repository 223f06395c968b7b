"""Which started pods nobody waits for any more, and which pod a name means."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kubenb.cluster import marks
from kubenb.cluster.diagnosis import state
from kubenb.cluster.runs import Started, named, stale, started, sweep

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=timezone.utc)


def pod(
    name: str,
    task: str,
    *,
    quiet: float = 0,
    age: float = 10,
    item: int | None = None,
    phase: str = "Running",
    notes: dict[str, str] | None = None,
) -> dict[str, Any]:
    about = {"dag": "d", "run": f"run-{name}", "task": task, "item": item}
    annotations = {
        marks.HEARTBEAT: stamp(NOW - timedelta(seconds=quiet)),
        marks.TIME_TO_LIVE: "300",
        marks.ABOUT: json.dumps(about),
        **(notes or {}),
    }
    return {
        "metadata": {
            "name": name,
            "namespace": "data",
            "uid": f"uid-{name}",
            "creationTimestamp": stamp(NOW - timedelta(seconds=age)),
            "labels": {marks.MANAGED: "kubenb", marks.RUN: f"run-{name}", marks.OWNER: "ana"},
            "annotations": annotations,
        },
        "spec": {"containers": [{"name": "base"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "base", "state": {"running": {}}}]},
    }


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


class Pods:
    """A client that knows pods, and what was deleted."""

    namespace = "data"

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods, self.deleted, self.asked = pods, [], ""  # type: ignore[var-annotated]

    def list(self, path: str, labelSelector: str) -> list[dict[str, Any]]:  # noqa: N803 - the API's word
        self.asked = f"{path}?{labelSelector}"
        return list(self.pods)

    def delete(self, path: str, grace: int, uid: str) -> None:
        self.deleted.append((path, uid))


def seen(made: dict[str, Any]) -> Started:
    return Started(made, json.loads(made["metadata"]["annotations"][marks.ABOUT]), state(made, (), NOW), 10.0)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        pytest.param(pod("a", "t", quiet=10), "", id="its starter was seen a moment ago"),
        pytest.param(pod("a", "t", quiet=299), "", id="its starter may have been away"),
        pytest.param(pod("a", "t", quiet=301), "who started it was last seen 301 s ago", id="its starter is gone"),
        pytest.param(
            pod("a", "t", quiet=9999, notes={marks.DETACHED: "true"}), "", id="it was left to itself on purpose"
        ),
        pytest.param(
            pod("a", "t", notes={marks.HEARTBEAT: "soon"}), "it has no heartbeat", id="its heartbeat can't be read"
        ),
    ],
)
def test_a_pod_is_stale_when_nobody_waits_for_it(made: dict[str, Any], why: str) -> None:
    assert stale(seen(made), NOW) == why


def test_a_sweep_ends_the_stale_ones_by_their_uid_and_no_other() -> None:
    client = Pods(pod("old", "t", quiet=400), pod("new", "t"))
    found = started(client, now=NOW)  # type: ignore[arg-type]
    ended = sweep(client, found, NOW)  # type: ignore[arg-type]
    assert [each.name for each, _ in ended] == ["old"]
    assert client.deleted == [("/api/v1/namespaces/data/pods/old", "uid-old")]


def test_only_pods_of_runs_are_looked_at() -> None:
    client = Pods()
    started(client, owner="ana", now=NOW)  # type: ignore[arg-type]
    assert (
        client.asked == "/api/v1/namespaces/data/pods?app.kubernetes.io/managed-by=kubenb,kubenb/run,kubenb/owner=ana"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("train", ["b", "a"]), ("score[3]", ["c"]), ("score", ["c"]), ("run-a", ["a"]), ("b", ["b"]), ("nobody", [])],
)
def test_a_name_is_a_task_a_pod_or_a_run(name: str, expected: list[str]) -> None:
    client = Pods(pod("a", "train", age=5), pod("b", "train", age=50), pod("c", "score", item=3, age=1))
    assert [each.name for each in named(started(client, now=NOW), name)] == expected  # type: ignore[arg-type]

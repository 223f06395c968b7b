"""What a pod does, and why it failed: over pods recorded from a real cluster, and over what one node can't produce, by hand.

`causes/` holds each pod's way as the API server told it (`python -m tests.cluster.causes` records them anew); `causes.txt`
is what is said of each step (KUBENB_GOLDEN=write writes it).
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from kubenb.cluster.diagnosis import State, state
from kubenb.cluster.errors import ApiError
from kubenb.cluster.refusals import fits_later
from kubenb.model.problems import Severity
from tests.cluster.causes import CAUSES, FIXTURES, REFUSALS, Cause

Part = dict[str, Any]
SAID = Path(__file__).with_name("causes.txt")
REFUSED = Path(__file__).with_name("refusals.json")
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=timezone.utc)
MI = 2**20


def way(name: str) -> list[Part]:
    return list(json.loads((FIXTURES / f"{name}.json").read_text()))


def at(step: Part, told: Part | None = None) -> State:
    return state(step["pod"], step["events"], datetime.fromisoformat(step["now"]), told)


def line(found: State) -> str:
    mark = "cluster ended it; " if found.cluster else ""
    words = f"  {found.words}{' (final)' if found.final else ''}"
    return f"{words}\n    {mark}{found.problem.code}: {found.problem}" if found.problem else words


def text(name: str) -> str:
    return "\n".join([name, *dict.fromkeys(line(at(step)) for step in way(name))])


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    whole = "\n\n".join(text(each.name) for each in CAUSES) + "\n"
    if os.environ.get("KUBENB_GOLDEN") == "write":
        SAID.write_text(whole)
    return {part.partition("\n")[0]: part.rstrip("\n") for part in SAID.read_text().split("\n\n")}


@pytest.mark.parametrize("cause", CAUSES, ids=lambda each: each.name)
def test_each_recorded_pod_is_told_in_words_and_ends_with_its_cause(cause: Cause, said: dict[str, str]) -> None:
    assert text(cause.name) == said[cause.name]
    reached = [at(step) for step in way(cause.name)]
    codes = {found.problem.code for found in reached if found.problem and found.problem.severity is Severity.ERROR}
    ends = {"deleted-slowly": {"pod.deleted"}}.get(cause.name, {f"pod.{cause.code}"} if cause.code else set())
    assert codes == ends
    if cause.says:
        assert any(re.search(cause.says, found.words) for found in reached)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda each: each.name)
def test_what_is_final_stays_final_and_nothing_raw_is_shown(cause: Cause) -> None:
    finals = [at(step).final for step in way(cause.name)]
    assert finals == sorted(finals)
    shown = text(cause.name)
    for raw in ("rpc error", "containerd task", "{", "uid", "OCI runtime", "_analytics("):
        assert raw not in shown, shown


@pytest.mark.parametrize(
    "name", ["image-busy", "claim-unbound", "cpu", "memory", "cpu-and-memory", "gpu", "selector", "taint"]
)
def test_what_may_still_come_is_waited_for(name: str) -> None:
    assert not any(at(step).final for step in way(name))


@pytest.mark.parametrize("name", ["image-refused", "image-unknown-tag", "image-private"])
def test_an_image_is_given_up_after_its_second_failure_and_not_before(name: str) -> None:
    def failures(step: Part) -> int:
        return sum(e.get("count", 1) for e in step["events"] if e["message"].startswith("Failed to pull image"))

    steps = [step for step in way(name) if at(step).words != "starting"]
    assert {at(step).final for step in steps if failures(step) < 2} == {False}
    assert any(at(step).final for step in steps if failures(step) == 2)


def test_without_the_right_to_see_events_an_image_is_given_up_once_the_node_backs_off() -> None:
    ends = [state(step["pod"], (), NOW) for step in way("image-unknown-tag")]
    assert [found.problem.what for found in ends if found.problem][-1:] == [
        "image registry.example.com/missing/notebook:9 can't be pulled: the registry has no such image or tag."
    ]


def test_a_claim_that_is_not_there_ends_it_once_the_scheduler_has_stayed_with_that() -> None:
    step = way("claim-missing")[-1]
    (condition,) = step["pod"]["status"]["conditions"]
    since = datetime.fromisoformat(condition["lastTransitionTime"].replace("Z", "+00:00"))

    def after(seconds: float) -> State:
        return state(step["pod"], step["events"], since + timedelta(seconds=seconds))

    hint = "there is no volume claim absent in the namespace. Make it, or mend the name in `#| volume:` or --store"
    assert after(1) == after(-3600) == State(f"waiting for a node: {hint}")
    ends = after(6)
    assert ends.final
    assert str(ends.problem).endswith(f"{hint}.")
    condition["message"] = condition["message"].replace(" not found", " is being deleted")
    assert not after(600).final


def test_a_sandbox_that_fails_for_want_of_memory_is_tried_again_unless_the_limit_is_tiny() -> None:
    step = way("memory-too-little")[-1]
    (failed,) = [each for each in step["events"] if each["reason"] == "FailedCreatePodSandBox"]

    def told(limit: str, count: int, message: str = failed["message"]) -> bool:
        failed.update(count=count, message=message)
        step["pod"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = limit
        return at(step).final

    assert (told("1Mi", 1), told("64Mi", 1), told("64Mi", 2)) == (True, False, True)
    stopped = 'Failed to create pod sandbox: failed to start sandbox container task "4": cannot start a stopped process'
    assert (told("2Mi", 1, stopped), told("2Mi", 2, stopped), told("64Mi", 9, stopped)) == (False, True, False)
    failed["message"] = "Failed to create pod sandbox: " + "the network of the node is not ready yet " * 9
    assert at(step).words.endswith(" …)")


# --- what the runtime said last

SIGKILL = {"ended": 137, "kind": "killed", "what": "the kernel died"}
SENT = (
    "Its own code, or something outside the pod, sent that signal: "
    "look for os.kill, subprocesses and libraries that end processes, or run it again."
)
SENT_AT = "Its own code, or something outside the pod, sent that signal: look at line 4, or run it again."


@pytest.mark.parametrize(
    ("name", "told", "what", "fix"),
    [
        ("memory-limit", {"peak": 47 * MI, "line": 3}, "OOMKilled: limit 48Mi, peak 47Mi in line 3 of the cell.", "Try --memory 128Mi."),
        ("memory-limit", {"peak": 60 * MI}, "OOMKilled: limit 48Mi, peak 48Mi.", "Try --memory 128Mi."),
        ("memory-limit", {"line": 2}, "OOMKilled: limit 48Mi, in line 2 of the cell.", "Try --memory 128Mi."),
        ("running", {"ended": 137, "kind": "killed", "peak": 1024 * MI, "limit": 1024 * MI, "line": 3, "what": "the kernel died"},
         "OOMKilled: limit 1.0Gi, peak 1.0Gi in line 3 of the cell.", "Try --memory 1536Mi."),
        ("running", {**SIGKILL, "peak": 950 * MI, "limit": 1024 * MI}, "OOMKilled: limit 1.0Gi, peak 950Mi.", "Try --memory 1536Mi."),
        ("running", {**SIGKILL, "peak": 26 * MI, "limit": 256 * MI, "oom": 1}, "OOMKilled: limit 256Mi, peak 26Mi.", "Try --memory 512Mi."),
        ("running", {**SIGKILL, "peak": 26 * MI, "limit": 256 * MI},
         "killed (SIGKILL, exit code 137), and not for its memory: peak 26Mi of 256Mi.", SENT),
        ("running", {**SIGKILL, "peak": 256 * MI, "limit": 256 * MI, "oom": 0, "line": 4},  # what it read from files counts too
         "killed (SIGKILL, exit code 137), and not for its memory: peak 256Mi of 256Mi in line 4 of the cell.", SENT_AT),
        ("running", {**SIGKILL, "peak": 26 * MI, "oom": 0}, "killed (SIGKILL, exit code 137), and not for its memory: peak 26Mi.", SENT),
        ("running", {**SIGKILL, "peak": 26 * MI}, "killed (SIGKILL, exit code 137).", SENT),
        ("exit-137", {"peak": 60 * MI, "limit": 64 * MI}, "OOMKilled: limit 64Mi, peak 60Mi.", "Try --memory 128Mi."),
        ("exit-137", {"peak": 26 * MI, "limit": 64 * MI},
         "exit code 137: the container was killed (SIGKILL), and not for its memory limit.",
         "Something outside ended it, or the node ran out of memory: run it again."),
        ("finalizer", {"peak": 60 * MI, "limit": 64 * MI},
         "the pod was deleted by someone while it ran. The cluster shows it until kubenb.test/hold lets it go.", "Run it again."),
        ("running", {"ended": 1, "kind": "user", "what": "ValueError in cell 2"}, "ValueError in cell 2", ""),
        ("running", {"ended": 1, "kind": "user", "what": "BrokenProcessPool in cell 2.", "oom": 2, "limit": 96 * MI},
         "BrokenProcessPool in cell 2; a process that it had started was killed for want of memory (limit 96Mi).", "Try --memory 192Mi."),
        ("finalizer", {"ended": 1, "kind": "user", "what": "ValueError in cell 2"}, "ValueError in cell 2", ""),
    ],
)  # fmt: skip
def test_what_the_runtime_said_makes_the_cause_exact(name: str, told: Part, what: str, fix: str) -> None:
    found = at([step for step in way(name) if step["pod"]][-1], told).problem
    assert found is not None
    assert (found.what, found.fix) == (what, fix)


def test_a_task_that_lost_a_process_for_want_of_memory_is_done_with_a_warning() -> None:
    found = at(way("running")[-1], {"ended": 0, "kind": "done", "oom": 1, "limit": 128 * MI})
    assert (found.words, found.final) == ("done", True)
    assert found.problem is not None
    assert found.problem.severity is Severity.WARNING
    assert "killed for want of memory (limit 128Mi): its results may lack a part" in found.problem.what


@pytest.mark.parametrize("name", ["running", "finalizer", "preempted"])
def test_a_task_that_had_ended_well_is_done_whatever_became_of_its_pod(name: str) -> None:
    step = [step for step in way(name) if step["pod"]][-1]
    assert at(step, {"ended": 0, "kind": "done"}) == State("done", True)


# --- what the documentation shows

SHOWN = Path(__file__).parents[3] / "docs" / "pods.md"
TOLD: tuple[tuple[str, Part], ...] = (
    ("memory-limit", {"peak": 60 * MI, "line": 4}),
    ("running", {**SIGKILL, "peak": 26 * MI, "limit": 256 * MI, "line": 4, "oom": 0}),
)


def test_the_words_that_the_documentation_shows_are_the_programs_own() -> None:
    table = SHOWN.read_text().partition("| what happened | what is said |\n|---|---|\n")[2].partition("\n\n")[0]
    said = [line(at(step, told)) for name, told in TOLD for step in way(name)[-1:]]
    said += [line(at(step)).replace("absent", "NAME") for each in CAUSES for step in way(each.name)]
    words = {str(ApiError(**each).problem()) for each in json.loads(REFUSED.read_text()).values()}
    for found in said:
        words |= {part.strip() for part in re.split(r"\n|pod\.[a-z-]+: ", found)}
    for row in table.splitlines():
        shown = row.split(" | ", 1)[1].removesuffix(" |").strip("`").replace("\\|", "|")
        pattern = ".*".join(map(re.escape, shown.split("…")))
        assert any(re.fullmatch(pattern, each) for each in words), shown


# --- what one node can't produce, from the API's documentation


def pod(phase: str = "Failed", **status: Any) -> Part:
    condition = status.pop("condition", None)
    conditions = [
        {"type": kind, "status": "True", "reason": reason} for kind, reason in ([condition] if condition else [])
    ]
    spec = {"nodeName": "n1", "containers": [{"name": "base", "image": "team/notebook:1"}]}
    metadata = {"name": "train-1", "namespace": "analytics", **status.pop("metadata", {})}
    return {"metadata": metadata, "spec": spec, "status": {"phase": phase, "conditions": conditions, **status}}


def held(reason: str, message: str = "") -> Part:
    return pod(
        "Pending", containerStatuses=[{"name": "base", "state": {"waiting": {"reason": reason, "message": message}}}]
    )


def ended(code: int, **more: Any) -> Part:
    return pod(
        containerStatuses=[{"name": "base", "state": {"terminated": {"exitCode": code, "reason": "Error"}}}], **more
    )


def event(reason: str, message: str = "", count: int = 1) -> Part:
    return {"reason": reason, "message": message, "count": count, "lastTimestamp": "2026-11-23T20:00:00Z"}


AGAIN = "Run it again; a retry is safe, as results count only when all are saved."
LOW = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. "
    "Container base was using 3000Mi, request is 1Gi, has larger consumption of memory. "
)
BY_HAND = {
    "the node is lost, and its pods are moved away": (
        ended(137, condition=("DisruptionTarget", "DeletionByTaintManager")),
        "the cluster ended the pod: its node became unfit (a taint was set, or the node no longer answers).", AGAIN,
    ),
    "the node is gone for good": (
        pod(condition=("DisruptionTarget", "DeletionByPodGC")), "the cluster ended the pod: its node is gone.", AGAIN,
    ),
    "a node is drained": (
        ended(143, condition=("DisruptionTarget", "EvictionByEvictionAPI")),
        "the cluster ended the pod: it was evicted (a node is being emptied, or someone asked for it).", AGAIN,
    ),
    "the node shuts down": (
        ended(0, reason="Terminated", message="Pod was terminated in response to imminent node shutdown."),
        "the cluster ended the pod: its node shut down.", AGAIN,
    ),
    "the node is shutting down already": (
        pod(reason="NodeShutdown", message="Pod was rejected as the node is shutting down."),
        "the cluster ended the pod: its node is shutting down.", AGAIN,
    ),
    "the node ran out of memory": (
        ended(137, reason="Evicted", message=LOW, condition=("DisruptionTarget", "TerminationByKubelet")),
        "the pod was evicted: the node ran out of memory; the task used 3000Mi and had asked for 1Gi.",
        "Run it again; ask for what it needs: --memory 4608Mi.",
    ),
    "the node ran out of disk": (
        pod(reason="Evicted", message="The node was low on resource: ephemeral-storage. "),
        "the pod was evicted: the node ran out of ephemeral-storage.", "Run it again; ask for what it needs: --storage AMOUNT.",
    ),
    "the kubelet had no room after all": (
        pod(reason="OutOfcpu", message="Node didn't have enough resource: cpu"),
        "the node did not take the pod after all (OutOfcpu).", "Run it again.",
    ),
    "the state is not known": (
        pod("Unknown", reason="NodeLost"), "the cluster ended the pod: its node no longer answers.", AGAIN,
    ),
    "a signal without a row of its own": (
        ended(134), "exit code 134: the process ended by SIGABRT.", "Its log may say why.",
    ),
    "the init container of an old kubelet": (
        held("RunContainerError", '… container process caused: exec: "python": executable file not found in $PATH: unknown'),
        "the container can't be started: the image has no program \"python\".", "Take an --image that has Python.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_what_one_node_can_not_produce_is_named_too(name: str) -> None:
    given, what, fix = BY_HAND[name]
    found = state(given, (), NOW)
    assert found.problem is not None
    assert (found.final, found.problem.what, found.problem.fix) == (True, what, fix)
    assert found.cluster == ("exit code" not in what and "can't be started" not in what)


@pytest.mark.parametrize(
    ("events", "what"),
    [
        ((), "the pod was deleted by someone while it ran."),
        ((event("Killing"),), "the pod was deleted by someone while it ran."),
        ((event("Preempted"),), "the cluster ended the pod: a pod of higher priority took its place."),
        (
            (event("TaintManagerEviction"),),
            "the cluster ended the pod: its node became unfit (a taint was set, or the node no longer answers).",
        ),
        ((event("Evicted"),), "the cluster ended the pod: its node put it out."),
    ],
)  # fmt: skip
def test_a_pod_that_is_gone_has_its_cause_from_its_events(events: tuple[Part, ...], what: str) -> None:
    found = state(None, events, NOW)
    assert found.problem is not None
    assert (found.words, found.final, found.cluster, found.problem.what) == ("gone", True, True, what)


def test_a_running_pod_whose_node_no_longer_answers_is_not_given_up() -> None:
    """Recorded: a node that stopped to report, with a toleration of 8 s for it; then it was taken out of the cluster."""
    said = list(dict.fromkeys(line(at(step)) for step in way("node-lost")))
    assert said == [
        "  running",
        "  running, but its node no longer answers",
        "  failed (final)\n    cluster ended it; pod.disrupted: the cluster ended the pod: "
        f"its node became unfit (a taint was set, or the node no longer answers). {AGAIN}",
        "  gone (final)\n    cluster ended it; pod.disrupted: the cluster ended the pod: "
        f"its node became unfit (a taint was set, or the node no longer answers). {AGAIN}",
    ]


PULL = 'Failed to pull image "team/notebook:1": '


@pytest.mark.parametrize(
    ("said", "transient"),
    [
        ("toomanyrequests: You have reached your pull rate limit", True),
        ("unexpected status from HEAD request to https://r.example.com/v2/: 503 Service Unavailable", True),
        ("received unexpected HTTP status: 502 Bad Gateway", True),
        ("dial tcp 10.0.0.1:443: i/o timeout", True),
        ("read tcp 10.0.0.2:1->10.0.0.1:443: read: connection reset by peer", True),
        ("net/http: TLS handshake timeout", True),
        ("manifest for team/notebook:1 not found: manifest unknown", False),
        ("pull access denied, repository does not exist or may require authorization", False),
        ("unauthorized: authentication required", False),
        ("dial tcp: lookup registry.example.com: no such host", False),
        ("x509: certificate signed by unknown authority", False),
    ],
)
def test_trouble_of_a_registry_is_waited_for_and_a_refusal_is_not(said: str, transient: bool) -> None:
    found = state(held("ImagePullBackOff"), (event("Failed", PULL + said, 3),), NOW)
    assert found.final is not transient
    assert ("the registry has trouble" in found.words) is transient


def test_numbers_in_an_images_name_are_not_taken_for_the_registrys_answer() -> None:
    waits = held("ImagePullBackOff")
    waits["spec"]["containers"][0]["image"] = "api/429/timeout:503"
    said = 'Failed to pull image "api/429/timeout:503": failed to resolve reference "api/429/timeout:503": not found'
    assert state(waits, (event("Failed", said, 2),), NOW).final


@pytest.mark.parametrize("reason", ["CreateContainerConfigError", "CreateContainerError"])
def test_what_passes_by_itself_is_no_failure(reason: str) -> None:
    for message in ("failed to sync secret cache: timed out waiting for the condition", "context deadline exceeded"):
        assert not state(held(reason, message), (), NOW).final


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: ml}, 2 Insufficient nvidia.com/gpu. preemption: 0/3 …",
            "0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: ml}, 2 Insufficient nvidia.com/gpu. "
            "Ask for fewer with --gpu, or wait until others have ended",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. preemption: 0/2 nodes are available: "
            "2 Preemption is not helpful for scheduling.",
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. "
            "Ask for less with --cpu, or wait until others have ended. Nodes are closed for maintenance: wait",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/2 nodes are available: "
            "1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
            "0/2 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. "
            "Ask for less with --cpu and --memory, or wait until others have ended",
        ),
        (
            "0/1 nodes are available: 1 Insufficient ephemeral-storage. preemption: 0/1 nodes are available: "
            "1 Preemption is not helpful for scheduling.",
            "0/1 nodes are available: 1 Insufficient ephemeral-storage. "
            "No node that it may run on has that much, however long it waits: ask for less with --storage",
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: ml}.",
            "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: ml}. "
            "A taint keeps it off a node; `#| toleration: dedicated=ml` lets it run there",
        ),
        (
            "0/4 nodes are available: 4 Too many pods.",
            "0/4 nodes are available: 4 Too many pods. The nodes are full: wait until others have ended",
        ),
        ("no nodes available to schedule pods", "no nodes available to schedule pods"),
    ],
)  # fmt: skip
def test_the_schedulers_reason_is_said_with_what_helps(message: str, words: str) -> None:
    waits = pod("Pending")
    del waits["spec"]["nodeName"]
    waits["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    ]
    assert state(waits, (), NOW) == State(f"waiting for a node: {words}")


# --- what the API server does not take


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: each.name)
def test_a_recorded_refusal_names_the_limit_and_what_to_change(refusal: Any, refusals_said: dict[str, str]) -> None:
    found = ApiError(**json.loads(REFUSED.read_text())[refusal.name]).problem()
    assert str(found) == refusals_said[refusal.name]
    assert re.search(refusal.says, str(found))
    assert found.fix


@pytest.fixture(scope="module")
def refusals_said() -> dict[str, str]:
    path = REFUSED.with_suffix(".txt")
    if os.environ.get("KUBENB_GOLDEN") == "write":
        recorded = json.loads(REFUSED.read_text())
        path.write_text("".join(f"{name}: {ApiError(**recorded[name]).problem()}\n" for name in recorded))
    return dict(each.split(": ", 1) for each in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("status", "message", "what"),
    [
        (
            500,
            'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post '
            '"https://policy.ops.svc:443/check?timeout=10s": context deadline exceeded',
            "a policy check of the cluster (check.example.com) does not work: it did not answer in time.",
        ),
        (
            500,
            'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post '
            '"https://policy.ops.svc:443/check": dial tcp 10.0.0.9:443: connect: connection refused',
            "a policy check of the cluster (check.example.com) does not work: connection refused.",
        ),
        (
            403,
            'admission webhook "validate.kyverno.svc" denied the request: images must come from registry.example.com.',
            "a policy of the cluster (validate.kyverno.svc) forbids this pod: images must come from registry.example.com.",
        ),
        (
            403,
            'pods "train-1" is forbidden: unable to create new content in namespace old because it is being terminated',
            "the namespace old is being deleted.",
        ),
        (404, 'namespaces "analytcs" not found', "there is no namespace analytcs in the cluster."),
    ],
)
def test_a_refusal_that_was_not_recorded_is_named_too(status: int, message: str, what: str) -> None:
    found = ApiError(status, "", message).problem()
    assert found.what == what
    assert found.fix


@pytest.mark.parametrize(
    ("asked", "used", "hard", "fix"),
    [
        ("requests.memory=512Mi", "requests.memory=768Mi", "requests.memory=1Gi",
         "Ask for less with --memory, or wait until others have ended."),
        ("requests.memory=3Gi", "requests.memory=0", "requests.memory=1Gi", "It never will: ask for at most 1Gi with --memory."),
        (
            "limits.memory=3Gi,requests.cpu=1,requests.memory=3Gi",
            "limits.memory=0,requests.cpu=2,requests.memory=0",
            "limits.memory=2Gi,requests.cpu=2,requests.memory=1Gi",
            "It never will: ask for at most 1Gi with --memory.",
        ),
        (
            "requests.cpu=8,requests.memory=3Gi",
            "requests.cpu=0,requests.memory=0",
            "requests.cpu=4,requests.memory=1Gi",
            "It never will: ask for at most 4 with --cpu and 1Gi with --memory.",
        ),
        ("requests.nvidia.com/gpu=1", "requests.nvidia.com/gpu=0", "requests.nvidia.com/gpu=0",
         "It never will: take another namespace with --namespace. Ask who runs the cluster for more."),
        ("pods=1", "pods=2", "pods=2", "Wait until others have ended, or end your own (`kubenb runs`, `kubenb stop`)."),
    ],
)  # fmt: skip
def test_a_quota_that_could_never_hold_the_task_is_not_waited_for(asked: str, used: str, hard: str, fix: str) -> None:
    message = f'pods "a" is forbidden: exceeded quota: team, requested: {asked}, used: {used}, limited: {hard}'
    found = ApiError(403, "Forbidden", message).problem()
    assert found.fix == fix
    assert fits_later(message) is ("never" not in fix)

"""The ways in which a pod ends badly, or never begins, that one node can produce: each as the pod that gets there.

`test_causes` makes them all on the real cluster and asks `kubenb.cluster.diagnosis`; `python -m tests.cluster.causes`
records them for `tests/unit/cluster/test_diagnosis.py`, which needs no cluster.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kubenb.cluster import paths
from kubenb.cluster.access import find_access
from kubenb.cluster.client import Client
from kubenb.cluster.errors import ApiError

Part = dict[str, Any]
IMAGE = "kubenb.test/python:3.11"
FIXTURES = Path(__file__).parents[1] / "unit" / "cluster" / "causes"
PORT = 31_977  # a port of the node, taken and wanted: a reason to preempt that touches no pod but ours


def python(code: str) -> list[str]:
    return ["python", "-c", code]


FILL = "x = []\nwhile True: x.append(bytearray(4 << 20))"
CHILD = (
    "import os, subprocess, sys, time\n"
    f"code = subprocess.run([sys.executable, '-c', {FILL!r}]).returncode\n"
    "print('child', code, flush=True)\n"
)
SIGNAL = "import os; os.kill(os.getpid(), %d)"
TERM = "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(143))\ntime.sleep(600)"


@dataclass(frozen=True)
class Cause:
    """A pod, and the code of the problem that its diagnosis ends with; `says`: words while it waits, where it never ends."""

    name: str
    code: str = ""
    says: str = ""
    command: list[str] = field(default_factory=lambda: python("import time; time.sleep(600)"))
    container: Part = field(default_factory=dict)
    spec: Part = field(default_factory=dict)
    metadata: Part = field(default_factory=dict)
    delete: int | None = None  # deleted with this grace once it runs
    slow: bool = False  # the node looks only once a minute: recorded, not tested each time

    def pod(self, registry: str, suffix: str) -> Part:
        """Its manifest."""
        base = {
            "name": "base",
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "command": self.command,
            "terminationMessagePolicy": "FallbackToLogsOnError",
        }
        spec = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            **self.spec,
            "containers": [{**base, **self.container}],
        }
        text = json.dumps(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, **self.metadata}, "spec": spec}
        )
        port = str(PORT - int(suffix or "0", 16) % 1000)  # its own in each run, as runs share a node
        return dict(json.loads(text.replace("REGISTRY", registry).replace("SUFFIX", suffix).replace(str(PORT), port)))


def limits(**amounts: str) -> Part:
    named = {name.replace("_", "-"): amount for name, amount in amounts.items()}
    return {"resources": {"requests": named, "limits": named}}


def asks(**amounts: str) -> Part:
    return {"resources": {"requests": dict(amounts)}}


def env(kind: str, name: str, key: str) -> Part:
    return {"env": [{"name": "VALUE", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key}}}]}


def init(command: list[str], **more: Any) -> Part:
    return {"initContainers": [{"name": "fetch", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command,
                                "terminationMessagePolicy": "FallbackToLogsOnError", **more}]}  # fmt: skip


def volume(source: Part, path: str = "/data") -> tuple[Part, Part]:
    """(of the container, of the spec)"""
    return {"volumeMounts": [{"name": "data", "mountPath": path}]}, {"volumes": [{"name": "data", **source}]}


def _with_volume(name: str, code: str, source: Part, says: str = "", **more: Any) -> Cause:
    container, spec = volume(source)
    return Cause(name, code, says, container=container | more.pop("container", {}), spec=spec, **more)


CAUSES = (
    # F25, F26, F27: the image
    Cause("image-refused", "image", container={"image": "127.0.0.1:1/team/notebook:1"}),
    Cause("image-unknown-tag", "image", container={"image": "REGISTRY/missing/notebook:9"}),
    Cause("image-private", "image", container={"image": "REGISTRY/private/notebook:1"}),
    Cause("image-busy", says="the registry has trouble", container={"image": "REGISTRY/busy/notebook:1"}),
    Cause("image-slow", "image", "pulling image|asked for again|tried once more", container={"image": "REGISTRY/slow/notebook:1"}),
    Cause("image-name", "image-name", container={"image": "Not An:Image"}),
    Cause("image-never", "image-never", container={"image": "kubenb.test/absent:1", "imagePullPolicy": "Never"}),
    # F28: what it names
    Cause("secret-missing", "missing", container=env("secret", "absent", "token")),
    Cause("secret-key-missing", "missing-key", container=env("secret", "there", "absent")),
    Cause("configmap-missing", "missing", container=env("configMap", "absent", "level")),
    Cause("configmap-key-missing", "missing-key", container=env("configMap", "there", "absent")),
    _with_volume("secret-volume-missing", "missing", {"secret": {"secretName": "absent"}}),
    _with_volume("configmap-volume-missing", "missing", {"configMap": {"name": "absent"}}),
    _with_volume("secret-volume-key", "missing-key",
                 {"secret": {"secretName": "there", "items": [{"key": "absent", "path": "x"}]}}),
    Cause("root-forbidden", "config", spec={"securityContext": {"runAsNonRoot": True}}),
    # F29: what it runs
    Cause("command-missing", "cannot-start", command=["/no/such/program"]),
    Cause("command-not-executable", "cannot-start", command=["/etc/hostname"]),
    Cause("folder-missing", "cannot-start", container={"workingDir": "/proc/1/nowhere"}),
    Cause("memory-too-little", "too-little-memory", container=limits(memory="1Mi")),
    Cause("memory-too-little-for-the-second", "too-little-memory", container=limits(memory="1Mi"), spec=init(python("x = 1"))),
    # F30: the node
    Cause("cpu", says=r"sk for less with --cpu(?! and)", container=asks(cpu="64")),
    Cause("memory", says="sk for less with --memory", container=asks(memory="900Gi")),
    Cause("cpu-and-memory", says=r"sk for less with --cpu and --memory\b",
          container=asks(cpu="64", memory="900Gi")),
    Cause("gpu", says="sk for fewer with --gpu", container=limits(**{"nvidia.com/gpu": "1"})),
    Cause("selector", says="node affinity/selector", spec={"nodeSelector": {"pool": "absent"}}),
    Cause("taint", says="taint", spec={"nodeSelector": {"kubenb.test/fake": "SUFFIX"}}),
    _with_volume("claim-missing", "missing", {"persistentVolumeClaim": {"claimName": "absent"}}),
    _with_volume("claim-unbound", "", {"persistentVolumeClaim": {"claimName": "unbound"}}, "claim"),
    # F32: init containers
    Cause("init-failed", "init-failed", spec=init(python("print('no such bucket'); raise SystemExit(3)"))),
    Cause("init-memory", "init-oom", spec=init(python(FILL), **limits(memory="48Mi"))),
    Cause("init-command", "cannot-start", spec=init(["/no/such/program"])),
    # F33, F34, F36: how it ended
    Cause("memory-limit", "oom", command=python(FILL), container=limits(memory="48Mi")),
    Cause("memory-limit-of-a-child", "oom", command=python(CHILD + "sys.exit(9 if code else 0)"), container=limits(memory="64Mi")),
    Cause("child-killed-main-survives", says="done", command=python(CHILD), container=limits(memory="64Mi")),
    Cause("exit-1", "failed", command=python("raise ValueError('3 rows lack a price')")),
    Cause("exit-137", "failed", command=python("raise SystemExit(137)")),
    Cause("exit-143", "failed", command=["sh", "-c", "kill -TERM $$$$; sleep 5; exit 143"]),
    Cause("exit-139", "failed", command=["sh", "-c", "python -c 'import ctypes; ctypes.string_at(0)'; exit $?"]),
    Cause("exit-0", says="done", command=python("print('done')")),
    Cause("running", says="running"),
    # F35, F37, F43
    Cause("deadline", "deadline", spec={"activeDeadlineSeconds": 3}),
    Cause("storage-limit", "evicted", command=python("open('/var/tmp/x', 'wb').write(bytes(40 << 20)); import time; time.sleep(600)"),
          container=limits(ephemeral_storage="20Mi")),
    _with_volume("folder-limit", "evicted", {"emptyDir": {"sizeLimit": "10Mi"}}, slow=True,
                 command=python("open('/data/x', 'wb').write(bytes(40 << 20)); import time; time.sleep(600)")),
    Cause("preempted", "disrupted", container={"ports": [{"containerPort": 80, "hostPort": PORT}]},
          spec={"priorityClassName": "kubenb-low-SUFFIX"}),
    Cause("finalizer", "deleted", metadata={"finalizers": ["kubenb.test/hold"]}, delete=0),
    Cause("deleted-slowly", says="is being ended", command=["sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"],
          spec={"terminationGracePeriodSeconds": 40}, delete=40),
    Cause("stopped", "deleted", command=python(TERM), metadata={"finalizers": ["kubenb.test/hold"]}, delete=5),
)  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """A pod that the API server does not take, in a namespace with these labels and this object in it."""

    name: str
    says: str
    container: Part = field(default_factory=dict)
    spec: Part = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    beside: tuple[str, Part] | None = None

    def prepare(self, client: Client) -> str:
        """The namespace."""
        namespace = f"kubenb-test-{secrets.token_hex(4)}"
        client.create("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": self.labels}})
        ready(client, namespace)
        if self.beside:
            kind, spec = self.beside
            made = client.create(paths.core(namespace, kind), {"metadata": {"name": "bounds"}, "spec": spec})
            until = time.monotonic() + 20
            while kind == "resourcequotas" and not made.get("status", {}).get("hard") and time.monotonic() < until:
                time.sleep(0.1)
                made = client.get(paths.core(namespace, kind, "bounds"))
        return namespace

    def ask(self, client: Client, namespace: str) -> ApiError:
        """What it says."""
        pod = Cause("refused", container=self.container, spec=self.spec).pod("", "")
        try:
            client.create(paths.pods(namespace), pod)
        except ApiError as error:
            return error
        raise AssertionError(f"{self.name}: the API server took it")


# F31
REFUSALS = (
    Refusal("quota", r"asked for 2Gi of requests.memory.*of 1Gi.*ask for at most 1Gi with --memory\.$", limits(memory="2Gi", cpu="1"),
            beside=("resourcequotas", {"hard": {"requests.memory": "1Gi", "pods": "10"}})),
    Refusal("quota-pods", "pods", beside=("resourcequotas", {"hard": {"pods": "0"}})),
    Refusal("quota-needs-requests", "--memory", beside=("resourcequotas", {"hard": {"requests.memory": "1Gi", "limits.cpu": "1"}})),
    Refusal("limit-range-most", "--memory", limits(memory="2Gi"),
            beside=("limitranges", {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]})),
    Refusal("limit-range-least", "--cpu", asks(cpu="10m"),
            beside=("limitranges", {"limits": [{"type": "Container", "min": {"cpu": "100m"}}]})),
    Refusal("pod-security", "runAsNonRoot", spec={"hostNetwork": True}, labels={"pod-security.kubernetes.io/enforce": "restricted"}),
    Refusal("service-account", "service-account", spec={"serviceAccountName": "absent"}),
    Refusal("priority-class", "priority-class", spec={"priorityClassName": "absent"}),
    Refusal("runtime-class", "runtime-class", spec={"runtimeClassName": "absent"}),
    Refusal("invalid", "spec", asks(cpu="2") | {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
)  # fmt: skip


def ready(client: Client, namespace: str) -> None:
    """A new namespace takes no pods before its default account is there."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if client.list(paths.core(namespace, "serviceaccounts"), fieldSelector="metadata.name=default"):
            return
        time.sleep(0.05)


@dataclass
class Seen:
    """What the cluster says of one of them."""

    pod: Part | None
    events: list[Part]
    now: datetime


class Stage:
    """A namespace with all of them in it, and what they need beside them."""

    def __init__(self, client: Client, namespace: str, registry: str, causes: tuple[Cause, ...]) -> None:
        self.client, self.namespace, self.registry, self.causes = client, namespace, registry, causes
        self.suffix = secrets.token_hex(3)
        self.waits_to_be_deleted = {each.name: each.delete for each in causes if each.delete is not None}
        self.preemptor_due = any(each.name == "preempted" for each in causes)

    def begin(self) -> None:
        """Makes everything."""
        ready(self.client, self.namespace)
        make, space = self.client.create, self.namespace
        make(paths.core(space, "secrets"), {"metadata": {"name": "there"}, "stringData": {"token": "x"}})
        make(paths.core(space, "configmaps"), {"metadata": {"name": "there"}, "data": {"level": "x"}})
        claim = {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
        }
        make(paths.core(space, "persistentvolumeclaims"), {"metadata": {"name": "unbound"}, "spec": claim})
        for name, value in (("low", -10), ("high", 10)):
            body = {"metadata": {"name": f"kubenb-{name}-{self.suffix}"}, "value": value}
            make("/apis/scheduling.k8s.io/v1/priorityclasses", body)
        taint = {"key": "dedicated", "value": "ml", "effect": "NoSchedule"}
        labels = {"kubenb.test/fake": self.suffix}
        make(
            "/api/v1/nodes",
            {"metadata": {"name": f"fake-{self.suffix}", "labels": labels}, "spec": {"taints": [taint]}},
        )
        for each in self.causes:
            make(paths.pods(space), each.pod(self.registry, self.suffix))

    def look(self) -> dict[str, Seen]:
        """Everything as it is now; ends and pushes away what is due."""
        pods = {each["metadata"]["name"]: each for each in self.client.list(paths.pods(self.namespace))}
        events = self.client.list(paths.events(self.namespace))
        now = datetime.now(timezone.utc)
        for name, grace in [*self.waits_to_be_deleted.items()]:
            if pods[name]["status"].get("phase") == "Running":
                self.client.delete(paths.pods(self.namespace, name), grace)
                del self.waits_to_be_deleted[name]
        if self.preemptor_due and pods["preempted"]["status"].get("phase") == "Running":
            self.preemptor_due = False
            ports = {"ports": [{"containerPort": 80, "hostPort": PORT}]}
            high = Cause("preemptor", container=ports, spec={"priorityClassName": "kubenb-high-SUFFIX"})
            self.client.create(paths.pods(self.namespace), high.pod(self.registry, self.suffix))
        return {
            each.name: Seen(
                pods.get(each.name),
                [e for e in events if (e.get("involvedObject") or {}).get("name") == each.name],
                now,
            )
            for each in self.causes
        }

    def end(self) -> None:
        """Leaves nothing outside the namespace, and nothing that holds it."""
        for name in ("low", "high"):
            self.client.delete(f"/apis/scheduling.k8s.io/v1/priorityclasses/kubenb-{name}-{self.suffix}")
        self.client.delete(f"/api/v1/nodes/fake-{self.suffix}")
        for pod in self.client.list(paths.pods(self.namespace)):
            name = pod["metadata"]["name"]
            if pod["metadata"].get("finalizers"):
                self.client.patch(paths.pods(self.namespace, name), {"metadata": {"finalizers": None}})
            self.client.delete(paths.pods(self.namespace, name), 0)


class _Registry(BaseHTTPRequestHandler):
    """/v2/missing: no such tag; /v2/private: log in; /v2/busy: too many requests; /v2/slow: answers late."""

    def do_GET(self) -> None:
        status, code = 404, "MANIFEST_UNKNOWN"
        if self.path.startswith("/v2/private"):
            status, code = 401, "UNAUTHORIZED"
        elif self.path.startswith("/v2/busy"):
            status, code = 429, "TOOMANYREQUESTS"
        elif self.path.startswith("/v2/slow"):
            time.sleep(6)
        body = json.dumps({"errors": [{"code": code, "message": code.lower(), "detail": {}}]}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@contextmanager
def registry() -> Iterator[str]:
    """An image registry on this machine that has no image, each in its own way."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# --- recording


def _mark(seen: Seen) -> str:
    """What makes a step of a pod's way worth keeping."""
    if seen.pod is None:
        return "gone"
    status, metadata = seen.pod["status"], seen.pod["metadata"]
    held = [
        each.get("state") for kind in ("initContainerStatuses", "containerStatuses") for each in status.get(kind, ())
    ]
    short = [[(key, (value or {}).get("reason")) for key, value in (state or {}).items()] for state in held]
    conditions = [each.get("reason") for each in status.get("conditions", ())]
    pulls = [
        each.get("count")
        for each in seen.events
        if each.get("message", "").startswith(("Failed to pull", "Pulling image"))
    ]
    return json.dumps([status.get("phase"), short, conditions, bool(metadata.get("deletionTimestamp")), pulls])


def record(client: Client, seconds: float) -> None:
    """Writes each one's way as JSON: a list of {now, pod, events}."""
    namespace = f"kubenb-record-{secrets.token_hex(3)}"
    client.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    ways: dict[str, dict[str, Part]] = {}
    with registry() as address:
        stage = Stage(client, namespace, address, CAUSES)
        try:
            stage.begin()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                for name, seen in stage.look().items():
                    step = {
                        "now": seen.now.isoformat(),
                        "pod": _trimmed(seen.pod),
                        "events": [_trimmed(e) for e in seen.events],
                    }
                    ways.setdefault(name, {})[_mark(seen)] = step
                time.sleep(0.7)
        finally:
            stage.end()
            client.delete(f"/api/v1/namespaces/{namespace}")
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES.parent / "refusals.json").write_text(json.dumps(refusals(client), indent=1) + "\n")
    for name, way in ways.items():
        steps = ",\n".join(json.dumps(step, separators=(",", ":")) for step in way.values())
        text = f"[\n{steps}\n]".replace(address, "registry.example.com")
        (FIXTURES / f"{name}.json").write_text(
            text.replace(stage.suffix, "f00d").replace(namespace, "analytics") + "\n"
        )


def refusals(client: Client) -> dict[str, Part]:
    """What the API server says to each."""
    said = {}
    for each in REFUSALS:
        namespace = each.prepare(client)
        try:
            error = each.ask(client, namespace)
        finally:
            client.delete(f"/api/v1/namespaces/{namespace}")
        said[each.name] = {
            "status": error.status,
            "reason": error.reason,
            "message": error.message.replace(namespace, "analytics"),
            "details": error.details,
        }
    return said


def _trimmed(part: Part | None) -> Part | None:
    """Without managedFields, which nobody reads."""
    if part is None:
        return None
    metadata = {key: value for key, value in part["metadata"].items() if key != "managedFields"}
    return {**part, "metadata": metadata}


if __name__ == "__main__":
    try:
        record(Client(find_access()), float(sys.argv[1]) if len(sys.argv) > 1 else 90)
    except ApiError as error:
        sys.exit(str(error))

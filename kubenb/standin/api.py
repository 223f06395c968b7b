"""The stand-in itself: the pods that there are, and the server that answers for them.

In: the requests of a real client (Airflow's KubernetesPodOperator, any other). Out: pods that are processes of this machine.
It knows create, get, list (with selectors), patch, delete, logs (followed, since, tail, with times), events, and the `exec` that Airflow
reads an XCom with. It schedules nothing, has no images, no roles and no quotas: what it shows is that the clients, the manifests
and what runs in the pod fit together; not that a cluster would take them.

    with PodApi(tmp_path, secrets={"db": {"password": "x"}}) as api:
        config = api.write_kubeconfig(tmp_path / "kubeconfig")
        ...
        assert [pod.phase for pod in api.pods.values()] == ["Succeeded"]
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import threading
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from kubenb.standin.container import Image, Spec
from kubenb.standin.logs import now
from kubenb.standin.pod import Pod
from kubenb.standin.requests import Handler
from kubenb.standin.volumes import Objects, Surroundings


class ApiError(Exception):
    """An answer that is a Status object."""

    def __init__(self, code: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


class PodApi:
    """Serves while used as a context manager; `root` holds the claims (`root/pvc/<claim>`, or `claims/<claim>`), pods' other volumes are
    gone with them.

    `image` stands for the image: its `python` runs commands that start with `python`, its `environment` is what every container
    inherits, its `own` replaces variables of a container. `pods` are those that exist, by (namespace, name); `gone` those that were
    deleted; `known` all of them, as they came; `calls` is every request as ('POST', '/api/v1/…').
    """

    def __init__(
        self,
        root: Path,
        *,
        secrets: Objects | None = None,
        configmaps: Objects | None = None,
        python: str = sys.executable,
        image: Image | None = None,
        claims: Path | None = None,
    ) -> None:
        # Not below `root`: a socket's path has room for 107 characters, and a test's folder may need most of them.
        self._pods = Path(tempfile.mkdtemp(prefix="pods-"))
        self.around = Surroundings(claims or root / "pvc", self._pods, secrets or {}, configmaps or {})
        self.image = image or Image(python)
        self.pods: dict[tuple[str, str], Pod] = {}
        self.gone: list[Pod] = []
        self.known: list[Pod] = []
        self.calls: list[tuple[str, str]] = []
        self.lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None

    def __enter__(self) -> PodApi:
        handler = type("_Handler", (Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.shutdown()
        self._server.server_close()
        for pod in self.pods.values():
            pod.stop(grace=0)
        shutil.rmtree(self._pods, ignore_errors=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server, "use it as a context manager: with PodApi(...) as api"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def write_kubeconfig(self, path: Path, namespace: str = "default") -> Path:
        """A kubeconfig whose one context, `stand-in`, is this; JSON, which is YAML."""
        context = {"cluster": "stand-in", "user": "nobody", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "stand-in",
            "clusters": [{"name": "stand-in", "cluster": {"server": self.url}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "stand-in", "context": context}],
        }
        path.write_text(json.dumps(config, indent=1))
        return path

    def create(self, namespace: str, manifest: Any) -> Spec:
        """POST of a pod."""
        metadata = manifest.setdefault("metadata", {})
        metadata["namespace"] = namespace
        if not metadata.get("name"):
            metadata["name"] = f"{metadata.get('generateName', 'pod-')}{len(self.gone) + len(self.pods):05d}"
        key = (namespace, metadata["name"])
        with self.lock:
            if key in self.pods:
                raise ApiError(HTTPStatus.CONFLICT, "AlreadyExists", f'pods "{key[1]}" already exists')
            self.pods[key] = Pod(manifest, self.around, self.image)
            self.known.append(self.pods[key])
            return self.pods[key].show()

    def pod(self, namespace: str, name: str) -> Pod:
        """The pod, or 404."""
        found = self.pods.get((namespace, name))
        if found is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "NotFound", f'pods "{name}" not found')
        return found

    def delete(self, namespace: str, name: str, grace: float | None) -> Spec:
        """DELETE of a pod: its containers are ended, its own folders removed."""
        pod = self.pod(namespace, name)
        pod.stop(grace)
        shown = pod.show()
        with self.lock:
            self.pods.pop((namespace, name), None)
            self.gone.append(pod)
        shown["metadata"]["deletionTimestamp"] = now()
        shutil.rmtree(pod.folder, ignore_errors=True)
        return shown

    def events(self) -> list[Spec]:
        """Why pods wait, as the kubelet would say it."""
        with self.lock:
            waiting = [pod for pod in self.pods.values() if pod.refusal]
        return [
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{pod.metadata['name']}.1", "namespace": pod.metadata["namespace"]},
                "involvedObject": {"kind": "Pod", "name": pod.metadata["name"], "uid": pod.metadata["uid"]},
                "type": "Warning",
                "reason": "Failed",
                "message": f"Error: {pod.refusal}",
                "count": 1,
                "firstTimestamp": pod.metadata["creationTimestamp"],
                "lastTimestamp": pod.metadata["creationTimestamp"],
            }
            for pod in waiting
        ]

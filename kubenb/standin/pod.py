"""One pod of the stand-in: its folders, its containers, its status.

In: the object as the client sent it. Out: the object as the API server gives it back, while and after it runs. Next room: `api`.
"""

from __future__ import annotations

import copy
import threading
import uuid
from typing import Any

from kubenb.standin.container import CannotStart, Container, Image, Spec, XComSidecar, seconds
from kubenb.standin.logs import now
from kubenb.standin.volumes import Surroundings, environment, mounts, volume_folder

SIDECAR = "airflow-xcom-sidecar"
XCOM = "/airflow/xcom"
DEFAULT_GRACE = 30


class Pod:
    """Starts at once."""

    def __init__(self, manifest: Spec, around: Surroundings, image: Image) -> None:
        self.object = copy.deepcopy(manifest)
        self.metadata: Spec = self.object.setdefault("metadata", {})
        self.metadata.update(uid=str(uuid.uuid4()), creationTimestamp=seconds(now()), resourceVersion="1")
        self.spec: Spec = self.object["spec"]
        self.folder = around.pods / self.metadata["uid"][:8]
        self.containers: list[Container | XComSidecar] = []
        self.refusal: CannotStart | None = None
        self.reason: str | None = None
        self._started = seconds(now())
        try:
            self._start(around, image)
        except CannotStart as refusal:
            self.refusal = refusal
        if self.spec.get("activeDeadlineSeconds") and not self.refusal:
            threading.Thread(target=self._deadline, args=(self.spec["activeDeadlineSeconds"],), daemon=True).start()

    def _start(self, around: Surroundings, image: Image) -> None:
        folders = {
            volume["name"]: volume_folder(volume, self.folder, around) for volume in self.spec.get("volumes") or ()
        }
        for spec in self.spec["containers"]:
            paths = mounts(spec, folders)
            if spec["name"] == SIDECAR:
                self.containers.append(XComSidecar(spec, paths[XCOM]))
                continue
            values = environment(spec, self.metadata, around)
            if XCOM in paths:
                # The one path that a task's runtime knows without being told; a process can't have it at that place.
                values["KUBENB_AIRFLOW_XCOM"] = XCOM
            self.containers.append(Container(spec, values, paths, image, image.own(self.metadata, values)))

    def _deadline(self, seconds_left: float) -> None:
        base = self.containers[0]
        if isinstance(base, Container) and not base.wait(seconds_left):
            self.reason = "DeadlineExceeded"
            self.stop()

    def container(self, name: str | None) -> Container | XComSidecar | None:
        """The named container, or the first."""
        return next((found for found in self.containers if name in (None, "", found.name)), None)

    def stop(self, grace: float | None = None) -> None:
        """Ends all containers, after the pod's grace period at the latest."""
        wait = self.spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE) if grace is None else grace
        for container in self.containers:
            container.stop(wait)

    @property
    def phase(self) -> str:
        """The API's word for where it stands."""
        if self.refusal:
            return "Pending"
        codes = [container.exit_code for container in self.containers]
        if None in codes and self.reason is None:
            return "Running"
        return "Failed" if any(codes) or self.reason else "Succeeded"

    def show(self) -> Spec:
        """The object with its status, as GET answers."""
        running = self.phase == "Running"
        ready = [
            {"type": kind, "status": str(running)}
            for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
        ]
        status: Spec = {
            "phase": self.phase,
            "startTime": self._started,
            "conditions": ready,
            "podIP": "127.0.0.1",
            "hostIP": "127.0.0.1",
            "containerStatuses": [self._waiting(spec) for spec in self.spec["containers"]]
            if self.refusal
            else [container.status() for container in self.containers],
        }
        if self.reason:
            status["reason"] = self.reason
        return {"apiVersion": "v1", "kind": "Pod", **self.object, "status": status}

    def _waiting(self, spec: Spec) -> Spec:
        assert self.refusal
        waiting = {"reason": self.refusal.reason, "message": str(self.refusal)}
        return {
            "name": spec["name"],
            "image": spec.get("image", ""),
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"waiting": waiting},
        }

    def patch(self, change: Any) -> None:
        """A merge patch, as labels and annotations need it."""
        _merge(self.object, change)
        self.metadata["resourceVersion"] = str(int(self.metadata["resourceVersion"]) + 1)


def _merge(target: Any, change: Any) -> None:
    for key, value in change.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value

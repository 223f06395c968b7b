"""One pod of a run, from its making to its end: made, given its inputs, listened to, its results fetched, and deleted.

In: a manifest, what to carry in and out, the cluster. Out: `PodWork`, which puts itself on a queue when it has printed something
and when it is over. Each pod has two threads: one minds it, one follows its log (`pod_log`); what they touch is this pod alone.
Where the API server is away the pod is left alone and waited for. Next rooms: `kubenb.cluster` for each step; `pods`, which
starts this.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubenb.cluster import marks, paths, pods
from kubenb.cluster.diagnosis import State, state
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.readings import Reading
from kubenb.cluster.refusals import fits_later
from kubenb.cluster.watching import Seen
from kubenb.model.problems import NOWHERE, KubenbError, Problem, refuse
from kubenb.run.pod_log import PodLog
from kubenb.run.pod_manifest import SUFFIX, pod_name
from kubenb.run.work import Work

if TYPE_CHECKING:
    from kubenb.cluster.client import Client
    from kubenb.run.hub import Hub

Part = dict[str, Any]
TICK = 0.5
ASK_EVENTS = 2.0  # seconds between two questions why a pod waits
HEARTBEAT = 30.0
ENDING = 15.0  # seconds for a pod that was told to end
ROOM = 600.0  # seconds to wait for others to leave room in a quota
NAMES = 3  # tries for a name that nobody has
LAST_LINES = 60.0  # seconds for what is left of the log of a container that has ended


@dataclass(frozen=True)
class Carry:
    """What goes in and out through the pod's own folder: places below the store, by their relative paths.

    `store`: where the pod has its store; `into`: the store on this machine.
    """

    store: str
    into: Path
    inputs: tuple[str, ...] = ()
    place: str = ""


@dataclass(eq=False)
class PodWork(Work):
    """A pod that was started, or will be. `detach`: it is left to itself once it has its inputs."""

    client: Client = field(kw_only=True)
    hub: Hub = field(kw_only=True)
    manifest: Part = field(kw_only=True)
    ended: queue.SimpleQueue[Work] = field(kw_only=True)
    carry: Carry | None = field(kw_only=True, default=None)
    detach: bool = field(kw_only=True, default=False)
    written: Callable[[str, int], tuple[int, int] | None] | None = field(kw_only=True, default=None)
    there: bool = field(kw_only=True, default=False)  # it was made before: attach to it

    def __post_init__(self) -> None:
        """Nothing is known yet."""
        metadata = self.manifest["metadata"]
        self.pod_name, self.namespace = str(metadata["name"]), str(metadata["namespace"])
        self.token = str(metadata["annotations"][marks.TOKEN])
        self.pod: Part | None = None
        self.told: Part = {}  # the last marker of the runtime in the pod: memory, peak, line
        self.finished: Part | None = None  # its last one: exit code and kind
        self.words = "asking for a pod"
        self.gone = self.left = self.made = False
        self.keeps = False  # its results could not be fetched now, and it has them still
        self.released = False  # its results are here: it need not keep them
        self._parting = threading.Lock()
        self.inbox: queue.SimpleQueue[Seen | Part] = queue.SimpleQueue()
        self.stopping = threading.Event()
        self.over = threading.Event()
        self._events: tuple[float, Sequence[Part]] = (0.0, ())
        self._supplied = self.carry is None or not self.carry.inputs
        self._log: PodLog | None = None
        self._unread = False  # printed since the run last looked

    # --- what a face asks

    @property
    def state(self) -> tuple[str, int | None, int | None]:
        """What it does now, in words; memory as the runtime in the pod last said it."""
        return self.words, self.told.get("memory"), self.told.get("limit")

    @property
    def lost(self) -> tuple[bool, int | None]:
        """As the kubelet has it of the container, and the runtime's markers of the peak."""
        ended = Reading(self.pod, (), datetime.now(timezone.utc), {}).terminated if self.pod is not None else None
        return (ended or {}).get("reason") == "OOMKilled", self.told.get("peak")

    @property
    def bar(self) -> str:
        """The last progress bar that it showed."""
        return self._log.bar if self._log else ""

    def lines(self, final: bool = False) -> Iterator[str]:
        """Lines printed since the last call."""
        self._unread = False
        return super().lines(final)

    # --- its life

    def start(self) -> PodWork:
        """In a thread of its own."""
        threading.Thread(target=self._mind, name=f"kubenb-{self.name}", daemon=True).start()
        return self

    def leave(self) -> bool:
        """Nobody waits for it here any more; the pod lives on with its results. False where they are here already."""
        with self._parting:
            self.left = not self.released
        self.stopping.set()
        return self.left

    def _mind(self) -> None:
        try:
            self._live()
        except KubenbError as error:
            self.why = str(error)
        except (ApiError, Unreachable) as error:
            self.why = str(error.problem())
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits must hear of it, and the pod must go
            self.why = f"{type(error).__name__}: {error}"
        finally:
            self.over.set()
            if self.made and not self.left and not self.keeps:
                self.gone = self.delete()
                if not self.gone:
                    self.remark = f"pod {self.pod_name} in namespace {self.namespace} stays: it could not be deleted."
            self.hub.leave(self.pod_name)
            self.stopped = time.monotonic()
            self.ended.put(self)

    def _live(self) -> None:
        self.pod = self._looked_at() if self.there else self._make()
        self.made = True
        self.hub.join(self.pod_name, self.inbox)
        threading.Thread(target=self._beat, name=f"kubenb-{self.name}-beat", daemon=True).start()
        while not self.stopping.is_set():
            self._take(TICK)
            now = self._state()
            self.words = now.words
            if self._bound():
                self._listen()
            if self._started():
                self._listen().running.set()
                self._supply()
                if self.detach and self._supplied:
                    self.left = True
                    return None
            if self.finished is not None:
                return self._fetch()
            if now.final:
                return self._ended(now)
        return None

    def _make(self) -> Part:
        """The pod; another name where somebody else's pod has it."""
        for _ in range(NAMES):
            try:
                return self._once_there_is_room()
            except pods.Taken:
                self.pod_name = pod_name(
                    {"metadata": {"name": self.pod_name[: -SUFFIX - 1]}}, secrets.token_hex(SUFFIX // 2)
                )
                self.manifest["metadata"]["name"] = self.pod_name
        raise refuse(
            NOWHERE, f"pods named like {self.pod_name} are there already, and not ours.", "Run it again.", "pod.taken"
        )

    def _once_there_is_room(self) -> Part:
        """Made; where others take up a quota, as soon as they leave. A pod counts for seconds after it has ended."""
        until = time.monotonic() + ROOM
        while True:
            try:
                return pods.create(self.client, self.manifest)
            except ApiError as error:
                if error.status != 403 or not fits_later(error.message) or time.monotonic() > until:
                    raise
                self.words = f"waiting for room: {error.problem().what.rstrip('.')}"
            if self.stopping.wait(ASK_EVENTS):
                raise refuse(NOWHERE, "it was ended before there was room for it.", "", "pod.ended")

    def _looked_at(self) -> Part | None:
        """As it is now: a watch says nothing of a pod that went before."""
        try:
            return self.client.get(paths.pods(self.namespace, self.pod_name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _take(self, seconds: float) -> None:
        """What was seen since; waits for the first thing."""
        with contextlib.suppress(queue.Empty):
            found: Seen | Part = self.inbox.get(timeout=seconds) if seconds else self.inbox.get_nowait()
            while True:
                if isinstance(found, dict):
                    self._heard(found)
                elif not found.away:
                    self.pod = found.pod
                found = self.inbox.get_nowait()

    def _heard(self, told: Part) -> None:
        if "unheard" in told:
            raise refuse(NOWHERE, str(told["unheard"]), "`kubenb rbac` prints the Role that a run needs.", "pod.log")
        if "ended" in told:
            self.finished = told
        else:
            self.told = told
        place = (
            self.written(str(told["id"]), int(told["line"]))
            if self.written and told.get("line") and told.get("id")
            else None
        )
        if place:
            told["cell"], told["line"] = place

    def _state(self) -> State:
        if self.hub.away:
            why = f" ({self.hub.why})" if self.hub.why else ""
            return State(f"the API server of {self.client.context} can't be asked{why}: trying again, the pod goes on")
        return state(self.pod, self._why_it_waits(), datetime.now(timezone.utc), self.told)

    def _why_it_waits(self) -> Sequence[Part]:
        """The pod's events, asked while it does not run, and once more when it is gone: they may know why."""
        at, events = self._events
        if not self._started() and (self.pod is None or time.monotonic() - at > ASK_EVENTS):
            with contextlib.suppress(ApiError, Unreachable):
                events = self.client.list(
                    paths.events(self.namespace), fieldSelector=f"involvedObject.name={self.pod_name}"
                )
            self._events = time.monotonic(), events
        return events

    def _bound(self) -> bool:
        return self.pod is not None and bool(self.pod["spec"].get("nodeName"))

    def _started(self) -> bool:
        """Its log may say so before its status does."""
        return bool(self.told) or (
            self.pod is not None and Reading(self.pod, (), datetime.now(timezone.utc), {}).started
        )

    def _supply(self) -> None:
        """Its inputs, once."""
        if self._supplied or self.carry is None:
            return
        from kubenb.cluster import handover

        self.words = "handing over its inputs"
        handover.put(
            self.client, self.namespace, self.pod_name, self.carry.into, self.carry.inputs, self.token, self.carry.store
        )
        self._supplied = True

    def _beat(self) -> None:
        """The pod shows that somebody waits for it; and we see it afresh, whatever a watch did not say."""
        path = paths.pods(self.namespace, self.pod_name)
        while not self.over.wait(HEARTBEAT):
            note = {"metadata": {"annotations": {marks.HEARTBEAT: stamp()}}}
            try:
                found: Part | None = self.client.get(path) if self.left or self.there else self.client.patch(path, note)
            except ApiError as error:
                if error.status != 404:
                    continue
                found = None
            except Unreachable:
                continue
            self.inbox.put(Seen(self.pod_name, found))

    def _listen(self) -> PodLog:
        """To its log, from the first time on."""
        if self._log is None:
            at = self.namespace, self.pod_name
            self._log = PodLog(self.client, at, self.token, self.log, self.over, self.inbox.put, self._wrote)
            self._log.listen()
        return self._log

    def _wrote(self) -> None:
        if not self._unread:
            self._unread = True
            self.ended.put(self)

    # --- its end

    def _fetch(self) -> None:
        """Its results and its notebook, then it may go. Results that can't be had now stay in the pod for a while."""
        assert self.finished is not None
        from kubenb.cluster import handover

        self.words = "fetching its results"
        at = self.client, self.namespace, self.pod_name
        try:
            if self.carry is not None and self.carry.place:
                handover.get(*at, self.carry.place, self.token, self.carry.store, self.carry.into, self._is_over)
        except (KubenbError, ApiError, Unreachable):
            if self._ends_soon():
                return self._ended(self._state())
            self.keeps = not self.stopping.is_set()
            self.fix = f"The pod {self.pod_name} keeps them for a while: %k8s_attach {self.pod_name} fetches them."
            raise
        if self.finished.get("kind") == "stopped" and self._ends_soon():
            return self._ended(self._state())
        self.code = int(self.finished["ended"])
        with self._parting:
            if self.left:
                return None
            self.released = True
        with contextlib.suppress(KubenbError, ApiError, Unreachable):  # they are here: it may hold on, or be deleted
            handover.release(*at, self.token)
        if self.code:
            found = state(self.pod, (), datetime.now(timezone.utc), {**self.told, **self.finished})
            self._because(found.problem)
        return None

    def _is_over(self) -> bool:
        """It is gone or has ended, so nothing more comes out of it."""
        self._take(0)
        return self.pod is None or Reading(self.pod, (), datetime.now(timezone.utc), {}).terminated is not None

    def _ends_soon(self) -> bool:
        """Whether the cluster is ending it: what it stopped for stands in its status a moment later."""
        assert self.finished is not None
        until = time.monotonic() + (ENDING if self.finished.get("kind") == "stopped" else 0)
        while not self._is_over() and time.monotonic() < until:
            self._take(TICK)
        return self._is_over()

    def _ended(self, now: State) -> None:
        """It ended without a word from the runtime: killed whole, evicted, deleted, never started, or no notebook task."""
        if self._started():
            self._listen().running.set()
        if self._log is not None:
            self._log.last_lines(LAST_LINES)
        if self.pod is not None:
            self.code = Reading(self.pod, (), datetime.now(timezone.utc), {}).exit_code
        self._because(now.problem)
        if not self.code and self.finished is not None and self.carry is not None:
            self.why = self.why or f"its pod {self.pod_name} is over, and its results went with it."

    def _because(self, problem: Problem | None) -> None:
        """The cause, and what to do."""
        if problem is not None:
            self.why, self.fix = f"{problem.what} {problem.fix}".strip(), problem.fix

    def delete(self, grace: int = 1) -> bool:
        """True where the API server took it."""
        try:
            uid = str(((self.pod or {}).get("metadata") or {}).get("uid", ""))
            self.client.delete(paths.pods(self.namespace, self.pod_name), grace=grace, uid=uid)
        except ApiError as error:
            return error.status == 409  # another pod has the name now: ours is gone
        except Unreachable:
            return False
        return True


def stamp() -> str:
    """Now, as Kubernetes writes times."""
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"

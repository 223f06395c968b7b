"""One watch for all pods of a run in a namespace: what is seen of each goes to who minds it.

In: the cluster's `watch_pods`. Out: `Seen` values in the inboxes that joined; `away` while the API server does not answer.
Next room: `pod_work`.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from kubenb.cluster import paths
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.watching import Seen, watch_pods

if TYPE_CHECKING:
    from kubenb.cluster.client import Client


AGAIN = 5.0  # seconds until it is asked again, where pods may not be looked at


class Hub:
    """Starts watching when the first pod joins."""

    def __init__(self, client: Client, namespace: str, selector: str) -> None:
        self.client, self.namespace, self.selector = client, namespace, selector
        self.away, self.why = False, ""
        self._inboxes: dict[str, queue.SimpleQueue[Any]] = {}
        self._known: dict[str, Seen] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def join(self, pod: str, inbox: queue.SimpleQueue[Any]) -> None:
        """From now on what is seen of the pod goes there; what is known already, at once."""
        with self._lock:
            self._inboxes[pod] = inbox
            if pod in self._known:
                inbox.put(self._known[pod])
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="kubenb-watch", daemon=True)
                self._thread.start()

    def leave(self, pod: str) -> None:
        """Nobody minds it any more."""
        with self._lock:
            self._inboxes.pop(pod, None)

    def close(self) -> None:
        """Stops watching."""
        self._stop.set()

    def _watch(self) -> None:
        """A right that was revoked in the middle is waited for like a server that is away: the pods go on."""
        while not self._stop.is_set():
            try:
                self._look()
                for seen in watch_pods(self.client, self.namespace, self.selector, self._stop):
                    self._take(seen)
            except (ApiError, Unreachable) as error:
                self.away, self.why = True, error.problem().what.rstrip(".")
                self._stop.wait(AGAIN)

    def _look(self) -> None:
        """What went while nobody could look; a watch that begins anew would not say."""
        found = self.client.list(paths.pods(self.namespace), labelSelector=self.selector)
        names = {str(pod["metadata"]["name"]) for pod in found}
        with self._lock:
            missing = [name for name, seen in self._known.items() if seen.pod is not None and name not in names]
        for name in missing:
            self._take(Seen(name, None))
        self.away = False

    def _take(self, seen: Seen) -> None:
        self.away, self.why = seen.away, seen.why
        if seen.away or not seen.name:
            return
        with self._lock:
            self._known[seen.name] = seen
            inbox = self._inboxes.get(seen.name)
        if inbox is not None:
            inbox.put(seen)

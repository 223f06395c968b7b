"""The Kubernetes API, asked in plain JSON: what is asked, is tried again where that can help, and comes back as dicts.

In: an `Access`, paths from `paths`, query names as the API has them. Out: dicts, lists, streams; or `ApiError` and
`Unreachable`. Several threads may use one client. Next rooms: `retry` judges, `transport` sends.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from kubenb.cluster.access import Access, find_access
from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.retry import TOLD, judge, pause
from kubenb.cluster.streams import ENDER, Stream
from kubenb.cluster.transport import Transport

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Part = dict[str, Any]
PATIENCE = 20.0  # seconds of tries, unless a caller says otherwise
FIRST_PATIENCE = 4.0  # before the server has answered once: a wrong address should be said soon
PAGE = 500
NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"  # of each object only its metadata comes
QUIET = 65.0  # a watch has a bookmark about every minute: longer silence is a dead connection


class Client:
    """One API server, as one user."""

    def __init__(self, access: Access) -> None:
        self.access, self.context, self.namespace = access, access.context, access.namespace
        self.transport = Transport(access)

    # --- objects

    def get(self, path: str, *, patience: float | None = None, **query: Any) -> Part:
        """One object."""
        return self._json("GET", path, query, patience=patience)

    def list(self, path: str, *, accept: str = "", patience: float | None = None, **query: Any) -> list[Part]:
        """All items, page by page. `accept`: NAMES, where nothing else of them should be seen."""
        items: list[Part] = []
        first = page = {"limit": PAGE, **query}
        while True:
            try:
                found = self._json("GET", path, page, patience=patience, accept=accept)
            except ApiError as error:
                if error.status != 410 or page is first:
                    raise
                items, page = [], first  # the snapshot of which these were pages is gone: from the beginning
                continue
            items += found.get("items") or []
            more = (found.get("metadata") or {}).get("continue")
            if not more:
                return items
            page = {**first, "continue": more}

    def create(self, path: str, body: Part, *, patience: float | None = None, **query: Any) -> Part:
        """Makes an object. Tried again like all: give it a name, and look whose it is after a 409."""
        return self._json("POST", path, query, body, patience=patience)

    def patch(self, path: str, body: Part, *, patience: float | None = None, **query: Any) -> Part:
        """A merge patch."""
        return self._json("PATCH", path, query, body, "application/merge-patch+json", patience)

    def delete(
        self, path: str, grace: int | None = None, *, uid: str = "", patience: float | None = None
    ) -> Part | None:
        """Deletes; None where it was not there. `uid`: that very object, or a 409."""
        body: Part = {"apiVersion": "v1", "kind": "DeleteOptions"}
        body |= {"gracePeriodSeconds": grace} if grace is not None else {}
        body |= {"preconditions": {"uid": uid}} if uid else {}
        try:
            return self._json("DELETE", path, {}, body, patience=patience)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    # --- streams

    def watch(self, path: str, *, stop: threading.Event | None = None, **query: Any) -> Stream:
        """Changes, one JSON object a line; ends when the server ends it. The caller asks again."""
        return self.stream(path, read=QUIET, stop=stop, watch="true", allowWatchBookmarks="true", **query)

    def stream(self, path: str, *, read: float = QUIET, stop: threading.Event | None = None, **query: Any) -> Stream:
        """Bytes as they come, until `stop` is set. Not tried again: only the caller knows where it was."""
        response = self._answer("GET", path, query, None, "", read, stop)
        return Stream(response, self.transport.socket(), self.transport.lost)

    # --- one request

    def _json(
        self,
        method: str,
        path: str,
        query: Part,
        body: Part | None = None,
        kind: str = "application/json",
        patience: float | None = None,
        accept: str = "",
    ) -> Part:
        most = PATIENCE if patience is None else patience
        most = most if self.transport.answered else min(most, FIRST_PATIENCE)
        begun, attempt, renewed = time.monotonic(), 0, False
        while True:
            try:
                response = self._answer(method, path, query, body, kind, accept=accept)
                return self._read(response)
            except (ApiError, Unreachable) as error:
                verdict = judge(error)
                wait = pause(attempt, error)
                told = isinstance(error, ApiError) and error.retry_after is not None and patience is None
                until = begun + (most + TOLD if told else most)
                if verdict == "renew" and not renewed:
                    renewed = True
                    if self.transport.renew():
                        continue
                if verdict != "again" or time.monotonic() + wait > until:
                    raise
                attempt += 1
                time.sleep(wait)

    def _answer(
        self,
        method: str,
        path: str,
        query: Part,
        body: Part | None,
        kind: str,
        read: float = 30.0,
        stop: threading.Event | None = None,
        accept: str = "",
    ) -> BaseHTTPResponse:
        target = path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": kind} if data is not None else {}
        headers |= {"Accept": accept} if accept else {}
        response = self.transport.send(method, target, data, headers, read, stop)
        if response.status >= 300:
            ENDER.forget(self.transport.socket())
            raise self._refusal(response, f"{method} {path}")
        return response

    def _read(self, response: BaseHTTPResponse) -> Part:
        from urllib3.exceptions import HTTPError

        try:
            text = response.read()
            response.release_conn()
            found = json.loads(text) if text else {}
        except (HTTPError, OSError) as error:
            raise self.transport.lost(error) from None
        except ValueError:
            raise self._strange(response.status) from None
        if not isinstance(found, dict):
            raise self._strange(response.status)
        return found

    def _refusal(self, response: BaseHTTPResponse, asked: str) -> ApiError | Unreachable:
        try:
            status = self._read(response)
        except Unreachable:
            status = {}
        asks = response.headers.get("Retry-After") or (status.get("details") or {}).get("retryAfterSeconds")
        after = float(str(asks)) if str(asks or "").isdigit() else None
        reason = str(status.get("reason") or response.reason or "").replace(" ", "")
        message = str(status.get("message") or response.reason or "no reason given")
        return ApiError(response.status, reason, message, status.get("details") or {}, after, asked)

    def _strange(self, status: int) -> Unreachable:
        what = f"what answers there ({status}) does not speak as an API server"
        return Unreachable(
            self.access.server, self.context, what, "Check the server in the kubeconfig, and proxies.", status < 300
        )


def connect(context: str | None = None) -> Client:
    """The client of a context of the user's kubeconfig."""
    return Client(find_access(context))

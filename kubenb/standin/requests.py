"""The HTTP side of the stand-in: paths, verbs, streams and the API's form of an error, so that `api` knows pods alone.

In: one request. Out: one answer, or a log that is sent as it grows. Next room: `api`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from kubenb.standin import websocket
from kubenb.standin.container import CannotStart, Spec, XComSidecar
from kubenb.standin.logs import Line
from kubenb.standin.selectors import matches_fields, matches_labels

if TYPE_CHECKING:
    from kubenb.standin.api import PodApi
    from kubenb.standin.pod import Pod

_PODS = re.compile(
    r"^/api/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<kind>pods|events)(?:/(?P<name>[^/]+)(?:/(?P<part>log|exec|status))?)?$"
)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    api: PodApi
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: `api.calls` has every request."""

    def do_GET(self) -> None:
        """Get, list, logs, exec."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Create; exec, as some clients ask for it."""
        self._answer("POST")

    def do_PATCH(self) -> None:
        """Merge patch."""
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        """Delete."""
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        from kubenb.standin.api import ApiError

        address = urlsplit(self.path)
        self.query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.api.calls.append((method, address.path))
        try:
            self._route(method, address.path, json.loads(body) if body else None)
        except ApiError as error:
            status = {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "message": str(error),
                "reason": error.reason,
                "code": error.code,
            }
            self._send(status, error.code)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _route(self, method: str, path: str, body: Any) -> None:
        from kubenb.standin.api import ApiError

        found = _PODS.match(path)
        if path == "/version":
            return self._send({"major": "1", "minor": "33", "gitVersion": "v1.33.0-standin"})
        if not found:
            raise ApiError(HTTPStatus.NOT_FOUND, "NotFound", f"the stand-in serves pods and events only, not {path}")
        namespace, kind, name, part = found.group("namespace", "kind", "name", "part")
        if "watch" in self.query:
            raise ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", "the stand-in has no watch; list again")
        if kind == "events":
            return self._list("EventList", self.api.events())
        if name is None:
            if method == "POST":
                return self._send(self.api.create(namespace, body), HTTPStatus.CREATED)
            pods = list(self.api.pods.values())
            return self._list("PodList", [pod.show() for pod in pods if namespace in (None, pod.metadata["namespace"])])
        pod = self.api.pod(namespace, name)
        if part == "log":
            return self._log(pod)
        if part == "exec":
            return self._exec(pod)
        if method == "DELETE":
            grace = (body or {}).get("gracePeriodSeconds", self.query.get("gracePeriodSeconds"))
            return self._send(self.api.delete(namespace, name, None if grace is None else float(grace)))
        if method == "PATCH":
            pod.patch(body)
        return self._send(pod.show())

    def _send(self, answer: Spec, code: HTTPStatus = HTTPStatus.OK) -> None:
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _list(self, kind: str, items: Iterable[Spec]) -> None:
        labels, fields = self.query.get("labelSelector", ""), self.query.get("fieldSelector", "")
        chosen = [
            item
            for item in items
            if matches_labels(item["metadata"].get("labels") or {}, labels) and matches_fields(item, fields)
        ]
        self._send({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "1"}, "items": chosen})

    def _log(self, pod: Pod) -> None:
        from kubenb.standin.api import ApiError

        container = pod.container(self.query.get("container"))
        if container is None:
            text = f'container "{self.query.get("container") or "base"}" in pod "{pod.metadata["name"]}" is waiting to start'
            raise ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", text)
        follow = self.query.get("follow") in ("true", "True", "1")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        lines: Iterable[Line] = container.log.follow() if follow else container.log.lines()
        for line in self._chosen(lines, follow):
            self._chunk(
                (f"{line.time} ".encode() if self.query.get("timestamps") in ("true", "True") else b"") + line.text
            )
        self._chunk(b"")

    def _chosen(self, lines: Iterable[Line], follow: bool) -> Iterable[Line]:
        since = self.query.get("sinceTime")
        if "sinceSeconds" in self.query:
            since = (datetime.now(timezone.utc) - timedelta(seconds=float(self.query["sinceSeconds"]))).isoformat()
        if since:
            earliest = _time(since)
            lines = (line for line in lines if _time(line.time) >= earliest)
        if "tailLines" in self.query and not follow:
            count = int(self.query["tailLines"])
            lines = list(lines)[-count:] if count else []
        return lines

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _exec(self, pod: Pod) -> None:
        from kubenb.standin.api import ApiError

        container = pod.container(self.query.get("container"))
        command = parse_qs(urlsplit(self.path).query).get("command", [])
        if "Sec-WebSocket-Key" not in self.headers:
            raise ApiError(HTTPStatus.BAD_REQUEST, "BadRequest", "Upgrade request required")
        if container is None:
            raise ApiError(
                HTTPStatus.BAD_REQUEST, "BadRequest", f"pod {pod.metadata['name']} does not have a host assigned"
            )
        if isinstance(container, XComSidecar):
            self._upgrade(websocket.PROTOCOL)
            websocket.serve_exec(command, container, self.rfile, self.wfile)
            return
        try:
            process = container.execute(command)
        except CannotStart as error:
            raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, error.reason, str(error)) from None
        offered = self.headers.get("Sec-WebSocket-Protocol", "")
        self._upgrade(websocket.LATEST if websocket.LATEST in offered else websocket.PROTOCOL)
        websocket.serve_process(process, self.rfile, self.wfile)

    def _upgrade(self, protocol: str) -> None:
        self.close_connection = True
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers["Sec-WebSocket-Key"]))
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))

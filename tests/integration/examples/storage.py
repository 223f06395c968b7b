"""A stand-in of Google Cloud Storage on loopback, for the example that reads a bucket with a service-account key.

It hands out a token only for an assertion that the key has signed, and answers only those who bring that token,
so a run that succeeds has really used the key. Objects lie in memory.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

EMAIL = "reader@example-project.iam.gserviceaccount.com"


@dataclass
class Storage:
    """`objects` by (bucket, name); `address` is for STORAGE_EMULATOR_HOST, `key` a service-account key file's text."""

    address: str = ""
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    refused: int = 0
    private: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    @property
    def key(self) -> str:
        pem = self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        names = {
            "type": "service_account",
            "project_id": "example-project",
            "client_email": EMAIL,
            "client_id": "1",
            "private_key_id": "1",
        }
        return json.dumps({**names, "private_key": pem.decode(), "token_uri": f"{self.address}/token"})

    def token_for(self, assertion: str) -> str:
        """A token, if the assertion (a JWT) was signed by the key; raises InvalidSignature if not."""
        signed, _, signature = assertion.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        self.private.public_key().verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        token = secrets.token_urlsafe(16)
        self.tokens.add(token)
        return token


@contextmanager
def storage() -> Iterator[Storage]:
    """The service, running."""
    state = Storage()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Service,), {"state": state}))
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Service(BaseHTTPRequestHandler):
    """The part of the JSON API that gcsfs uses: token, objects' list, metadata, download and upload."""

    state: Storage
    protocol_version = "HTTP/1.1"
    uploads: dict[str, tuple[str, str, bytes]] = {}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not self.known():
            return
        if found := re.fullmatch(r"(/download)?/storage/v1/b/([^/]+)/o/(.+)", url.path):
            bucket, name = unquote(found[2]), unquote(found[3])
            data = self.state.objects.get((bucket, name))
            if data is None:
                self.send(404, {"error": {"code": 404, "message": f"No such object: {bucket}/{name}"}})
            elif found[1] or query.get("alt") == "media":
                self.send_data(data)
            else:
                self.send(200, described(bucket, name, data))
        elif found := re.fullmatch(r"/storage/v1/b/([^/]+)/o", url.path):
            self.send(200, self.listing(unquote(found[1]), query))
        elif found := re.fullmatch(r"/storage/v1/b/([^/]+)", url.path):
            self.send(
                200, {"kind": "storage#bucket", "name": unquote(found[1]), "location": "EU", "storageClass": "STANDARD"}
            )
        else:
            self.send(404, {"error": {"code": 404, "message": self.path}})

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = self.body()
        if url.path == "/token":
            assertion = parse_qs(body.decode())["assertion"][0]
            self.send(
                200, {"access_token": self.state.token_for(assertion), "expires_in": 3600, "token_type": "Bearer"}
            )
            return
        if not self.known():
            return
        found = re.fullmatch(r"/upload/storage/v1/b/([^/]+)/o", url.path)
        if not found:
            self.chunk(body)
            return
        bucket = unquote(found[1])
        if query["uploadType"] == "resumable":
            place = secrets.token_hex(8)
            self.uploads[place] = (bucket, query.get("name") or json.loads(body)["name"], b"")
            self.send(200, {}, {"Location": f"{self.state.address}/resumable/{place}"})
            return
        name, data = multipart(body)
        self.state.objects[bucket, name] = data
        self.send(200, described(bucket, name, data))

    def chunk(self, body: bytes) -> None:
        """The next bytes of a resumable upload; the object is there once they are all."""
        place = self.path.partition("?")[0].rpartition("/")[2]
        if place not in self.uploads:
            self.send(404, {"error": {"code": 404, "message": self.path}})
            return
        bucket, name, before = self.uploads[place]
        data = before + body
        if self.headers["Content-Range"].endswith("/*"):
            self.uploads[place] = (bucket, name, data)
            self.send(308, b"", {"Range": f"bytes=0-{len(data) - 1}"})
        else:
            self.state.objects[bucket, name] = data
            self.send(200, described(bucket, name, data))

    def body(self) -> bytes:
        """The request's body, whole or in chunks."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def known(self) -> bool:
        """Whether the request brings a token of ours; answers 401 if not."""
        if self.headers.get("Authorization", "").removeprefix("Bearer ") in self.state.tokens:
            return True
        self.state.refused += 1
        self.send(401, {"error": {"code": 401, "message": "no token that a key was signed for"}})
        return False

    def listing(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        """Objects below a prefix, folders named once."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        items, folders = [], set()
        for (owner, name), data in sorted(self.state.objects.items()):
            if owner == bucket and name.startswith(prefix):
                rest = name[len(prefix) :]
                if delimiter and delimiter in rest:
                    folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                else:
                    items.append(described(bucket, name, data))
        return {"kind": "storage#objects", "items": items, "prefixes": sorted(folders)}

    def send_data(self, data: bytes) -> None:
        """The bytes, or the range asked for."""
        status, headers = 200, {}
        if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            start, end = int(found[1]), min(int(found[2] or len(data) - 1), len(data) - 1)
            headers = {"Content-Range": f"bytes {start}-{end}/{len(data)}"}
            status, data = 206, data[start : end + 1]
        self.send(status, data, headers)

    def send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # gcsfs asks for a listing and for metadata at once, and drops the slower one
            self.end_headers()
            self.wfile.write(data)


def described(bucket: str, name: str, data: bytes) -> dict[str, Any]:
    """An object's metadata."""
    times = dict.fromkeys(("timeCreated", "updated"), "2026-01-01T00:00:00.000Z")
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "size": str(len(data)),
        "generation": "1",
        "storageClass": "STANDARD",
        **times,
    }


def multipart(body: bytes) -> tuple[str, bytes]:
    """The object's name and its bytes, out of a multipart upload."""
    boundary = body.partition(b"\n")[0].strip()
    _, described_as, content, _ = body.split(boundary, 3)
    name: str = json.loads(described_as.split(b"\n\n" if b"\r\n\r\n" not in described_as else b"\r\n\r\n", 1)[1])[
        "name"
    ]
    separator = b"\r\n\r\n" if b"\r\n\r\n" in content[:200] else b"\n\n"
    data = content.split(separator, 1)[1]
    return name, data[:-2] if data.endswith(b"\r\n") else data.removesuffix(b"\n")

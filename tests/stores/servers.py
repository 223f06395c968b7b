"""Starts an object store: moto (s3), gcp-storage-emulator (gs) or azurite (abs), a process with one empty bucket, in memory.

In: the scheme, and the address to listen on (loopback, or one that the pods of the test cluster reach). Out: `ObjectStore`, with what a
task's environment needs. Next room: the tests that take one.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AZURITE = ROOT / ".cache" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
BUCKET = "kubenb-test"
PATIENCE = 60


@dataclass(frozen=True)
class ObjectStore:
    """`url` is a bucket of its own; `env` is what points fsspec at the server, by its own variables."""

    url: str
    env: dict[str, str] = field(repr=False)

    def read(self, path: str) -> bytes:
        """An object's bytes, read in a process of its own: what is set here stays as it is."""
        code = "import sys, fsspec; u = sys.argv[1].replace('abs://', 'abfs://'); sys.stdout.buffer.write(fsspec.open(u).open().read())"
        done = subprocess.run(
            [sys.executable, "-c", code, f"{self.url}/{path}"], env={**os.environ, **self.env}, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def names(self) -> list[str]:
        """The objects that are there, below the url."""
        code = (
            "import sys, fsspec; u = sys.argv[1].replace('abs://', 'abfs://'); fs, path = fsspec.url_to_fs(u);"
            "print('\\n'.join(name[len(path) + 1 :] for name in fs.find(path)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, self.url], env={**os.environ, **self.env}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()


@contextmanager
def object_store(scheme: str, host: str = "127.0.0.1") -> Iterator[ObjectStore]:
    """The server of a scheme, running until the end."""
    port = _free_port(host)
    command, env, make_bucket = _SERVERS[scheme](host, port)
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=os.path.sep
    )
    try:
        _wait(process, host, port)
        make_bucket()
        yield ObjectStore(f"{scheme}://{BUCKET}", env)
    finally:
        process.kill()
        process.communicate()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as server:
        return int(server.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], host: str, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the store's server ended: {process.communicate()[0].decode()}")
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


Made = tuple[list[str], dict[str, str], Callable[[], object]]


def _s3(host: str, port: int) -> Made:
    address = f"http://{host}:{port}"
    env = {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", host, "-p", str(port)]
    return command, env, lambda: _ask("PUT", f"{address}/{BUCKET}")


def _gs(host: str, port: int) -> Made:
    address = f"http://{host}:{port}"
    env = {"STORAGE_EMULATOR_HOST": address, "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
    start = "from gcp_storage_emulator.server import create_server as c; import sys; c(sys.argv[1], int(sys.argv[2]), True).run()"
    command = [sys.executable, "-W", "ignore", "-c", start, host, str(port)]
    return command, env, lambda: _ask("POST", f"{address}/storage/v1/b?project=test", {"name": BUCKET})


def _abs(host: str, port: int) -> Made:
    node = shutil.which("node")
    if node is None or not AZURITE.exists():
        raise RuntimeError("Azure's store is not set up: install Node.js, then run `make stores`.")
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    parts = {
        "DefaultEndpointsProtocol": "http",
        "AccountName": "kubenb",
        "AccountKey": key,
        "BlobEndpoint": f"http://{host}:{port}/kubenb",
    }
    connection = ";".join(f"{name}={value}" for name, value in parts.items())
    env = {"AZURE_STORAGE_CONNECTION_STRING": connection, "AZURITE_ACCOUNTS": f"kubenb:{key}"}
    command = [node, str(AZURITE), "--blobHost", host, "--blobPort", str(port), "--inMemoryPersistence", "--loose"]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]

    def make_bucket() -> None:
        from azure.storage.blob import BlobServiceClient

        with BlobServiceClient.from_connection_string(connection) as client:
            client.create_container(BUCKET)

    return command, env, make_bucket


def _ask(method: str, url: str, body: Any = None) -> None:
    data = b"" if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        answer.read()


_SERVERS: dict[str, Callable[[str, int], Made]] = {"s3": _s3, "gs": _gs, "abs": _abs}

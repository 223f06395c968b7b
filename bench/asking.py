"""The API server: the first request of a session, and a log followed. On loopback; no cluster takes part."""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.magic import SHELL
from bench.measure import Row, Rows, bare_python, process, workplace

LINES = 300_000

SERVER = """
import sys, time
from pathlib import Path
from tests.faults import Answer, Faulty
from tests.unit.cluster.authority import Authority

stamp = "2026-05-04T10:00:%02d.%09dZ line %d, of about a hundred bytes with its time, as programs write them\\n"
log = "".join(stamp % (n // 10_000, n % 10_000, n) for n in range(int(sys.argv[2]))).encode()
ended = {"status": {"phase": "Succeeded"}}

def answer(request):
    if request.kind == "log":
        return Answer(200, (log[at:at + 65536] for at in range(0, len(log), 65536)))
    return Answer(200, ended)

folder, authority = Path(sys.argv[1]), Authority()
with Faulty(answer, authority.server(folder)) as secure, Faulty(answer) as plain:
    (folder / "ca.pem").write_bytes(authority.pem)
    print(secure.url, plain.url, flush=True)
    sys.stdin.read()
"""

# What a kernel has done before: its user's first request should not be felt.
FIRST = (
    SHELL
    + """
import ipykernel.kernelapp
shell.run_line_magic("load_ext", "kubenb")
start = time.process_time()
from kubenb.cluster.client import connect
connect().get("/version")
first = time.process_time() - start
print(json.dumps(first))
"""
)

FOLLOW = """
import http.client, json, sys, time
from kubenb.cluster.access import Access
from kubenb.cluster.client import Client
from kubenb.cluster.logs import follow

url, lines = sys.argv[1], int(sys.argv[2])
client = Client(Access("lab", url))
client.get("/version")

def raw():
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("GET", "/api/v1/namespaces/lab/pods/train/log")
    response, rest, count = connection.getresponse(), b"", 0
    while data := response.read1(65536):
        *whole, rest = (rest + data).split(b"\\n")
        count += len(whole)
    connection.close()
    return count

def ours():
    return sum(block.count(b"\\n") for block in follow(client, "lab", "train"))

def spent(call):
    start = time.process_time()
    assert call() == lines
    return time.process_time() - start

spent(raw), spent(ours)
print(json.dumps([[spent(raw), spent(ours)] for _ in range(5)]))
"""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, str]]:
    """Its two addresses, https and http; a process of its own, as its CPU is not ours."""
    command = [sys.executable, "-c", SERVER, str(folder), str(LINES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            secure, plain = server.stdout.readline().split()
            yield secure, plain
        finally:
            server.communicate("")


def kubeconfig(folder: Path, url: str) -> Path:
    data = base64.b64encode((folder / "ca.pem").read_bytes()).decode()
    config = {
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "clusters": [{"name": "lab", "cluster": {"server": url, "certificate-authority-data": data}}],
        "users": [{"name": "me", "user": {"token": "any"}}],
    }
    path = folder / "config"
    path.write_text(json.dumps(config))
    return path


def rows(slow: bool) -> Rows:
    with workplace() as folder, serving(folder) as (secure, plain):
        env = {**os.environ, "KUBECONFIG": str(kubeconfig(folder, secure))}
        first = [json.loads(process([sys.executable, "-c", FIRST], env)[2].splitlines()[-1]) for _ in range(5)]
        yield Row(
            "first request of a kernel to an API server",
            statistics.median(first),
            bare_python(),
            "python -c pass",
            60 / 12,
        )
        pairs = json.loads(process([sys.executable, "-c", FOLLOW, plain, str(LINES)])[2].splitlines()[-1])
        floor, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        note = f"{LINES / ours / 1e3:,.0f} klines a CPU second"
        yield Row(f"a log of {LINES:,} lines followed", ours, floor, "raw stream, split", 7_000 / 2_000, note=note)

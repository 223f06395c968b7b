"""Ctrl-C while the API is asked: at once, wherever it waits."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ASK = """
import socket, sys, threading
from pathlib import Path
from kubenb.cluster import transport
from kubenb.cluster.access import Access
from kubenb.cluster.client import Client
from kubenb.cluster.logs import follow
from kubenb.cluster.watching import watch_pods
from tests.faults import Answer, Fault, Faulty, status
from tests.unit.cluster.scripted import OnePod, always, asking

server = Faulty(always({"metadata": {"resourceVersion": "1"}, "items": []}))
client, stop = asking(server), threading.Event()
client.get("/version")
def waits():
    print("waits", flush=True)
"""

PLACES = {
    "for an answer": "server.add(Fault('', 'stall')); waits(); client.get('/version')",
    "in an answer": "server.add(Fault('', 'stall', after=5)); waits(); client.get('/version')",
    "between tries": (
        "busy = status(429, '', '', details={'retryAfterSeconds': 50})\n"
        "server.add(Fault('', 'answer', times=99, answer=busy)); waits(); client.get('/version')"
    ),
    "for a lost server": "server.refuse(); waits(); client.get('/version', patience=60.0)",
    "for a handshake": (
        "silent = socket.create_server(('127.0.0.1', 0)); waits()\n"
        "Client(Access('lab', f'https://127.0.0.1:{silent.getsockname()[1]}')).get('/version')"
    ),
    "for a name": (
        "transport._name = lambda host: threading.Event().wait(60); transport.CONNECT = 60; waits()\n"
        "Client(Access('lab', 'https://lab.example')).get('/version')"
    ),
    "for a login program": (
        "waits(); Client(Access('lab', server.url, user={'exec': {'command': 'sleep', 'args': ['60']}})).get('/version')"
    ),
    "in a watch": "server.add(Fault('watch', 'stall')); waits(); list(watch_pods(client, 'lab', 'a=b', stop))",
    "in a log": "server.add(Fault('log', 'stall', times=9)); waits(); list(follow(client, 'lab', 'train'))",
    "in a log's middle": (
        "pod = OnePod([('2026-05-04T10:00:00.000000001Z', 'line\\n')] * 9)\n"
        "pod.server.add(Fault('log', 'stall', after=70, times=2)); waits()\n"
        "list(follow(asking(pod.server), 'lab', 'train'))"
    ),
}


@pytest.mark.parametrize("waiting", PLACES.values(), ids=PLACES.keys())
def test_an_interrupt_ends_the_wait(waiting: str, tmp_path: Path) -> None:
    """Each of these would take 5 s at the least; other people's processes may slow ours, so half of that is allowed."""
    with subprocess.Popen(
        [sys.executable, "-c", ASK + waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"waits\n"
        time.sleep(0.3)
        assert process.poll() is None, process.stderr.read().decode()
        pressed = time.monotonic()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        process.wait()
        took = time.monotonic() - pressed
    assert "KeyboardInterrupt" in said
    assert took < 2.5

"""Runs a call in a process of its own and brings its answer back: all start from one clean state, none without an end."""

from __future__ import annotations

import functools
import gc
import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable
from typing import Any

SECONDS = 30
CPU_SECONDS = 10
MEMORY = 4 << 30
"""Held by the kernel in the child: a loop in C hears no signal, and one that lengthens a list takes the machine with it."""


class DiedError(Exception):
    """The process ended, or took too long, without an answer."""


def in_fork(call: Callable[[], Any], cpu_seconds: int = CPU_SECONDS) -> Any:
    """What `call` returns in a child with a fresh `__main__`; what it raises comes back as `DiedError`."""
    settle()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(answer(call, writing, cpu_seconds))
    os.close(writing)
    try:
        data = read_all(reading)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not data:
        raise DiedError("the process ended without an answer, or took too long")
    fine, value = pickle.loads(data)
    if not fine:
        raise DiedError(value)
    return value


@functools.cache
def settle() -> None:
    """Once: so that no child copies pages only to look through what all share."""
    gc.collect()
    gc.freeze()


def read_all(reading: int) -> bytes:
    """All that the child wrote; nothing if it takes too long."""
    parts: list[bytes] = []
    end = time.monotonic() + SECONDS
    while select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
        part = os.read(reading, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return b""


def answer(call: Callable[[], Any], writing: int, cpu_seconds: int) -> int:
    """The child's life: quiet, with a fresh `__main__`."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        result = (True, call())
    except BaseException:  # noqa: BLE001
        result = (False, traceback.format_exc(limit=-4))
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(pickle.dumps(result))
    return 0

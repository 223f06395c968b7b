"""A task's inputs into its pod and its results out of it, where the two machines share no volume.

In: places below a store's folder on this machine. Out: the same below the pod's, or back. Over `exec`: values lie neither in etcd nor
in the cluster's log collectors, any size streams, and each file's SHA-256 is checked. What breaks is sent again, which is safe: a
file shows up whole or not at all. In the pod runs the text of `kubenb.inside.channel`; here the same module packs and unpacks.
"""

from __future__ import annotations

import base64
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from kubenb.cluster.errors import ApiError, Unreachable
from kubenb.cluster.execute import Execution, execute
from kubenb.cluster.retry import judge, pause
from kubenb.inside import channel
from kubenb.model.problems import NOWHERE, KubenbError, refuse

if TYPE_CHECKING:
    from kubenb.cluster.client import Client

CONTAINER = "base"
PATIENCE = 240.0  # seconds of tries: an API server that is away for a minute or two costs no results
DAMAGES = 4
KILLED = 137


def put(
    client: Client, namespace: str, pod: str, folder: Path, names: Iterable[str], token: str, store_path: str
) -> None:
    """Places below `folder` into the pod's store; then its runtime begins."""
    wanted = tuple(names)

    def act() -> Execution:
        def blocks() -> Iterator[bytes]:
            for block in channel.pack(str(folder), wanted):
                if running.said:  # it wants no more
                    return
                yield block

        running = execute(client, namespace, pod, CONTAINER, _command(["put", store_path, token]), blocks())
        try:
            running.wait()
        except channel.Damaged as error:
            raise refuse(NOWHERE, f"the inputs can't be read: {error}.", "Run it again.", "handover.source") from None
        return running

    _again(act, f"the inputs can't be handed to pod {pod}")


def get(
    client: Client,
    namespace: str,
    pod: str,
    place: str,
    token: str,
    store_path: str,
    into: Path,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """A place of the pod's store, below `into`. What lay there of an earlier try is gone. `over()`: the pod has ended, so another
    try will not help.
    """

    def act() -> Execution:
        shutil.rmtree(into / channel.checked(place), ignore_errors=True)
        running = execute(client, namespace, pod, CONTAINER, _command(["get", store_path, place, token]))
        try:
            channel.unpack(running, str(into), place)
        except channel.Damaged as error:
            if running.code is None:
                running.wait()
            if not running.code:
                raise _Broken(f"what came is damaged: {error}") from None
        except OSError as error:
            running.close()
            what = f"the results of pod {pod} can't be written: {error.strerror} ({error.filename or into})."
            raise refuse(NOWHERE, what, "Make room, or take another folder.", "handover.disk") from None
        running.wait()
        return running

    _again(act, f"the results of pod {pod} can't be fetched", over)


def release(client: Client, namespace: str, pod: str, token: str) -> None:
    """The pod's runtime may end. It does so at once, and the command that told it with it: that, and a pod that is over, is no failure."""

    def act() -> Execution:
        running = execute(client, namespace, pod, CONTAINER, _command(["done", token]))
        running.wait()
        running.code = 0 if running.code == KILLED else running.code
        return running

    try:
        _again(act, f"pod {pod} can't be told that its results are fetched")
    except ApiError as error:
        if error.status != 404 and "not found" not in error.message:
            raise


class _Broken(Exception):
    """Worth another try."""


def _again(act: Callable[[], Execution], what: str, over: Callable[[], bool] = lambda: False) -> None:
    until, attempt, damages = time.monotonic() + PATIENCE, 0, 0
    while True:
        try:
            running = act()
            code, said = running.code, running.said.decode("utf-8", "replace").strip()
            if code != channel.DAMAGED:
                break
            raise _Broken(said)
        except (ApiError, Unreachable) as error:
            if judge(error) != "again" or time.monotonic() > until or over():
                raise
            time.sleep(pause(attempt, error))
        except _Broken as error:
            damages += 1
            if damages == DAMAGES or over():
                raise refuse(NOWHERE, f"{what}: {error}.", "Check the network.", "handover.damaged") from None
            time.sleep(pause(attempt, error))
        attempt += 1
    if code:
        raise _failed(what, code, said)


def _failed(what: str, code: int, said: str) -> KubenbError:
    if code == channel.FULL:
        fix = "Give the task more `storage`."
        return refuse(NOWHERE, f"{what}: {said or 'the disk is full'} in the pod.", fix, "handover.disk")
    if code in (126, 127):
        return refuse(NOWHERE, f"{what}: its image has no `python`.", "Take an image with Python.", "handover.python")
    return refuse(
        NOWHERE,
        f"{what}: {said.splitlines()[-1] if said else f'exit code {code}'}.",
        "Run it again.",
        "handover.failed",
    )


def _command(words: Sequence[str]) -> list[str]:
    return ["python", "-c", _program(), *words]


@lru_cache(maxsize=1)
def _program() -> str:
    """The other end as a short text: it travels in a request's address, and some proxies take 8 KB of that."""
    from kubenb.inside.slim import slim

    source = Path(channel.__file__).read_text(encoding="utf-8")
    packed = base64.b64encode(zlib.compress(slim(source).encode(), 9)).decode()
    return f"import zlib,base64;exec(zlib.decompress(base64.b64decode('{packed}')))"

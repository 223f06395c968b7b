"""A real kernel and what it answers: texts by stream, displays, the error, the reply's status."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Reply:
    """What came of one cell."""

    status: str = ""
    out: str = ""
    err: str = ""
    shown: list[dict[str, Any]] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    @property
    def plain(self) -> list[str]:
        return [str(data.get("text/plain", "")) for data in self.shown]


class Kernel:
    """An ipykernel behind its client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, code: str, cell_id: str | None = None) -> Reply:
        reply = Reply()

        def take(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                if content["name"] == "stdout":
                    reply.out += content["text"]
                else:
                    reply.err += content["text"]
            elif kind in ("execute_result", "display_data"):
                reply.shown.append(content["data"])
            elif kind == "error":
                reply.tracebacks.append(COLOURS.sub("", "\n".join(content["traceback"])))

        reply.status = self.client.execute_interactive(code, output_hook=take, timeout=60)["content"]["status"]
        reply.err = COLOURS.sub("", reply.err)
        return reply

    def value(self, expression: str) -> Any:
        """A name's value, where its repr is a literal."""
        import ast

        return ast.literal_eval(self.run(expression).plain[-1])

    def complete(self, code: str) -> list[str]:
        reply = self.client.complete(code, reply=True, timeout=30)["content"]
        return [code[: reply["cursor_start"]] + match for match in reply["matches"]]


@contextmanager
def kernel(folder: Path, **environment: str) -> Iterator[Kernel]:
    """A fresh kernel in a folder, with kubenb loaded."""
    from jupyter_client.manager import start_new_kernel

    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **environment}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=env)
    try:
        started = Kernel(client)
        assert started.run("%load_ext kubenb").status == "ok"
        yield started
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

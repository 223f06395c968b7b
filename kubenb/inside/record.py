"""The executed notebook, put together in the watching process while the cells run, and saved at most once a second.

In: what was printed, and messages from the engine. Out: nbformat 4.5 JSON. It never depends on the process that runs the cells:
when that is gone, everything it said until then is here.
"""

from __future__ import annotations

import codecs
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 4_000_000  # characters of printed text kept at each end of a cell
MANY = 1000


class Record:
    """The notebook as it is now."""

    def __init__(self, notebook: dict[str, Any], about: dict[str, Any]) -> None:
        """Starts without outputs."""
        self.notebook, self.cells = notebook, notebook["cells"]
        self.count, self.changed = 0, True
        self.cell: dict[str, Any] = {"outputs": []}
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self.decoders = {name: codecs.getincrementaldecoder("utf-8")("replace") for name in ("stdout", "stderr")}
        notebook["metadata"] = {**(notebook.get("metadata") or {}), "kubenb_run": about}
        self.shift = 0
        for cell in self.cells:
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None

    def start(self, number: int) -> None:
        """The next cell begins."""
        self.cell, self.changed = self.cells[number + self.shift], True
        self.count += 1
        self.cell["execution_count"] = self.count
        self.cell["outputs"] = []

    def start_first(self) -> None:
        """The first code cell: it begins without a word."""
        for number, cell in enumerate(self.cells):
            if cell.get("cell_type") == "code":
                return self.start(number)
        return None

    def add(self, after: int, source: str) -> None:
        """A cell of ours: the parameters of this run."""
        made = {
            "cell_type": "code",
            "id": "injected-parameters",
            "metadata": {"tags": ["injected-parameters"]},
            "source": source,
        }
        self.cells.insert(after + self.shift + 1, {**made, "outputs": [], "execution_count": None})
        self.shift, self.changed = self.shift + 1, True

    def printed(self, name: str, data: bytes) -> None:
        """Bytes from standard output or error."""
        text = self.decoders[name].decode(data)
        if not text:
            return
        self.changed = True
        outputs = self.cell["outputs"]
        found = outputs[-1] if outputs and outputs[-1].get("name") == name else None
        if found is None and len(outputs) > MANY:
            # Beyond all reading: no longer a piece for each turn between the two streams.
            found = next((output for output in reversed(outputs) if output.get("name") == name), None)
        if found is None:
            found = {"output_type": "stream", "name": name, "text": Printed()}
            outputs.append(found)
        found["text"].add(text)

    def show(self, output: dict[str, Any]) -> None:
        """A display, a result, or an error; displays with an id are updated where they stand."""
        self.changed = True
        kind = output.pop("output_type")
        name = str((output.pop("transient", None) or {}).get("display_id") or "")
        if kind == "clear_output":
            self.cell["outputs"].clear()
            return
        if kind == "update_display_data":
            for old in self.shown.get(name, ()):
                old.update(data=output["data"], metadata=output["metadata"])
            return
        made = {"output_type": kind, **output}
        if name:
            self.shown.setdefault(name, []).append(made)
        self.cell["outputs"].append(made)

    def text(self) -> bytes:
        """The notebook as a file."""
        return (json.dumps(self.notebook, indent=1, default=_written) + "\n").encode("ascii")


class Printed:
    """Printed text that grows; beyond a bound its middle is left out."""

    def __init__(self) -> None:
        """Empty."""
        self.head: list[str] = []
        self.tail: list[str] = []
        self.first, self.last, self.lost = 0, 0, 0

    def add(self, text: str) -> None:
        """More of it."""
        if self.first < MOST:
            self.head.append(text)
            self.first += len(text)
            return
        self.tail.append(text)
        self.last += len(text)
        while self.last - len(self.tail[0]) > MOST:
            gone = len(self.tail.pop(0))
            self.last -= gone
            self.lost += gone

    def whole(self) -> list[str]:
        """All lines, as nbformat lists them."""
        middle = "\n[kubenb: %d characters left out here; the log has them]\n" % self.lost if self.lost else ""
        self.head = ["".join(self.head)]
        return (self.head[0] + middle + "".join(self.tail)).splitlines(True)


def _written(held: Any) -> Any:
    return held.whole() if isinstance(held, Printed) else str(held)

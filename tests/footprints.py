"""Tasks whose footprint is known, as a notebook, at any size: advice is held against them, as processes and as pods."""

from __future__ import annotations

from pathlib import Path

from kubenb import actions
from kubenb.model.quantities import parse_quantity

MIB = 2**20
CHILD = "import sys; held = sys.stdin.buffer.read() * 2"
TASKS = {
    "copies": "held = bytearray(data) * 3",
    "children": "import subprocess, sys\n"
    f"kids = [subprocess.Popen([sys.executable, '-c', {CHILD!r} + '; import time; time.sleep(1.5)'], stdin=-1) for _ in range(2)]\n"
    "for kid in kids:\n    kid.stdin.write(data)\n    kid.stdin.close()\n"
    "for kid in kids:\n    kid.wait()",
    "native": "import mmap\nheld = mmap.mmap(-1, 150 << 20)\nheld.write(data[:1] * (150 << 20))",
    "squares": "import time\nheld = bytearray(len(data) ** 2 // (32 << 20))\ntime.sleep(0.3)",
}
SEEN, NEXT = (16, 32, 48), 64  # MiB of input


def notebook(folder: Path, *, image: str = "python:3.11-slim") -> Path:
    """One task that makes the input, and those above, each with far more memory than it needs."""
    cells = [
        f"# %%\n# %k8s_dag footprints --image {image} --engine kubenb",
        '# %% tags=["parameters"]\nsize = 1',
        "# %%\n# %%k8s_task make --cpu 50m --memory 512Mi\ndata = b'x' * (size << 20)",
        *(f"# %%\n# %%k8s_task {name} --cpu 100m\n#| memory: 2Gi\n{body}" for name, body in TASKS.items()),
    ]
    path = folder / "footprints.py"
    path.write_text("\n\n".join(cells) + "\n")
    return path


def run(path: Path, size: int, **where: str) -> None:
    """The whole notebook with an input of so many MiB; everything has to end well."""
    done = actions.run(path, path.parent / "out", {"size": size}, fresh=True, **where)  # type: ignore[arg-type]
    assert done.ok, str(done)


def wasted(path: Path) -> dict[str, float]:
    """Of each task, the share of its memory limit that its newest run left unused."""
    found = {}
    for name in TASKS:
        newest = actions.usage(path, name).runs[0][1][0]
        assert newest.done
        assert newest.peak is not None
        assert newest.asked.memory_limit is not None
        found[name] = 1 - newest.peak / newest.asked.memory_limit
    return found


def advised(path: Path) -> dict[str, int]:
    """What is advised for the next size, written into the notebook; in bytes."""
    found = actions.advise(path, size=f"{NEXT}Mi")
    actions.write_advice(found)
    return {each.task: int(parse_quantity(each.memory or "0")) for each, _ in found.found}

"""A small notebook for every command, and the command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kubenb.testing.notebooks import code, save

ROOT = Path(__file__).parents[3]
CELLS = (
    "%load_ext kubenb\n%k8s_dag small --engine kubenb --owner ana --store pvc:work",
    code("n = 3\nname = 'ana'", "parameters"),
    "import math\n\ndef double(x):\n    return 2 * x",
    "%%k8s_task extract --cpu 500m\n#| memory: 1Gi\nrows = [double(k) for k in range(n)]\nprint('rows', rows)",
    "%%k8s_task train\ntotal = math.fsum(rows)",
    "%%k8s_task report --env LEVEL=info\nprint(name, 'total', total)",
)
BROKEN = (*CELLS[:4], "%%k8s_task train --memory 4G1\ntotal = math.fsum(rows)", CELLS[5])
FAILING = (*CELLS[:4], "%%k8s_task train\ntotal = 1 / 0", CELLS[5])


def small(folder: Path, *cells: object) -> Path:
    return save(folder / "small.ipynb", *(cells or CELLS))  # type: ignore[arg-type]


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def kubenb(*words: str | Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "kubenb", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env={**environment(), **more}, check=False, timeout=120
    )

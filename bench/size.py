"""What `pip install kubenb` puts beside a Jupyter: distributions, and bytes on disk."""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from bench.measure import Row, Rows

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

JUPYTER = ("jupyterlab", "notebook", "jupyter-server", "ipykernel", "ipywidgets", "nbconvert")
BYTES, COUNT = 122e6, 34


def closure(names: tuple[str, ...]) -> dict[str, Distribution]:
    """The distributions that these bring along, as far as they are installed here."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        waiting += [wanted for line in found[name].requires or [] if (wanted := needed(line))]
    return found


def needed(requirement: str) -> str | None:
    """The name in a requirement, unless an extra or another system asks for it."""
    name = re.match(r"[\w.-]+", requirement)
    marker = requirement.partition(";")[2]
    elsewhere = "extra" in marker or re.search(
        r"""(sys_platform|platform_system|os_name)\s*==\s*["'](win32|Windows|nt|darwin|emscripten)""", marker
    )
    return None if elsewhere or name is None else name.group()


def weight(found: Distribution) -> int:
    """Bytes on disk, compiled files left out."""
    total = 0
    for path in found.files or []:
        located = path.locate()
        if path.suffix != ".pyc" and located.exists():  # type: ignore[attr-defined]
            total += located.stat().st_size  # type: ignore[attr-defined]
    return total


def rows(slow: bool) -> Rows:
    with open("pyproject.toml", "rb") as file:
        core = tomllib.load(file)["project"]["dependencies"]
    ours = closure(tuple(wanted for line in core if (wanted := needed(line))))
    jupyter = closure(JUPYTER)
    beside = {name: found for name, found in ours.items() if name not in jupyter}
    yield Row(
        "install of the core, distributions beside Jupyter's",
        len(beside),
        COUNT,
        "the bar",
        1.0,
        unit="",
        note=", ".join(sorted(beside)),
    )
    yield Row(
        "install of the core, all it brings",
        sum(map(weight, ours.values())) / 1e6,
        BYTES / 1e6,
        "the bar",
        1.0,
        unit="MB",
        note=f"{len(ours)} distributions",
    )

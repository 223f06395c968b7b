"""The runtime as text: what an export puts into a pod's environment, and the few lines that start it there.

In: this package's own sources. Out: `files()` (file name -> text, for the folder beside the task notebooks), `bundle()`
(all of them as one text), `BOOT` (for `python -c`) and `strings()` (a text as environment values). Next room: `boot`, in the pod.
The same bytes everywhere: sorted names, sources as they are, no compression (its bytes differ between builds of zlib).
"""

from __future__ import annotations

import binascii
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict

# One environment string may hold 128 KiB with its name; base64 grows by a third and is cut here.
LONGEST = 120_000

BOOT = (
    "import os,binascii as b;t=b.a2b_base64(''.join(os.environ.get('KUBENB_RUNTIME'+k,'')for k in"
    "['']+['_%d'%i for i in range(1,64)])).decode();exec(t[t.index('#: boot.py'):].split('\\n#: ')[0],dict(text=t))"
)


def files() -> Dict[str, str]:
    """Every module of the runtime: file name -> text, sorted by name."""
    folder = os.path.dirname(os.path.abspath(__file__))
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name != "bundle.py":
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                found[name] = file.read().replace("\r\n", "\n")
    return found


def bundle() -> str:
    """All modules as one text: for each a line `#: name.py`, then its source.

    >>> bundle().startswith("#: __init__.py")
    True
    """
    modules = files()
    for name, source in modules.items():
        if "\n#: " in "\n" + source or not source.endswith("\n"):
            raise ValueError("%s holds a line that starts with '#: ' or does not end in a newline." % name)
    return "".join("#: %s\n%s" % pair for pair in modules.items())


def strings(name: str, text: str) -> Dict[str, str]:
    """`text` as environment values: base64 in NAME, NAME_1, NAME_2 …, each short enough for one string.

    >>> strings("KUBENB_NOTEBOOK", "{}")
    {'KUBENB_NOTEBOOK': 'e30='}
    """
    data = binascii.b2a_base64(text.encode("utf-8"), newline=False).decode("ascii")
    pieces = [data[at : at + LONGEST] for at in range(0, len(data), LONGEST)] or [""]
    return {name + ("_%d" % index if index else ""): piece for index, piece in enumerate(pieces)}

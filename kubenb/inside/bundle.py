"""The runtime as text: what an export puts into a pod's environment, and the few lines that start it there.

In: this package's own sources. Out: `files()` (file name -> text, for the folder beside the task notebooks), `bundle()`
(all of them as one text), `BOOT` (for `python -c`) and `strings()` (a text as environment values). Next room: `first`, in the pod.
The same bytes everywhere, though the bytes of zlib differ between its builds: what travels is compressed once, when the runtime changes,
and lies in the package as `bundle.txt`.
"""

from __future__ import annotations

import binascii
import os

# One environment string may hold 128 KiB with its name; base64 grows by a third and is cut here.
LONGEST = 120_000

# The modules that a plain cell needs come first, and fit into HEAD characters: the rest is decoded only where it is used.
FIRST = ("first", "finder", "__init__", "engine")
HEAD = 16_000
STORED = "bundle.txt"
APART = ("bundle.py", "slim.py", "channel.py")  # not part of it: the first two make it, the last one comes by `exec`

# The interpreter's own modules come from where it keeps them: quicker, and no file of the working folder stands in for one.
BOOT = (
    "import sys,os;p=sys.path;sys.path=[d for d in p if d.endswith('lib-dynload')]or p;import binascii as b;"
    "t=b.a2b_base64(os.environ['KUBENB_RUNTIME'][:%d]).decode();n='kubenb_runtime.first';"
    "m=sys.modules[n]=type(os)(n);m.__package__='kubenb_runtime';m.text=t;m.path=p;exec(t[:t.index('\\n#: ')],m.__dict__)"
    % HEAD
)


def files() -> dict[str, str]:
    """Every module of the runtime as it is written: file name -> text, sorted by name."""
    folder = os.path.dirname(os.path.abspath(__file__))
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and name not in APART:
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                found[name] = file.read().replace("\r\n", "\n")
    return found


def bundle() -> str:
    """What travels: the first modules as they are, and behind a line `#: rest` the others, compressed, in base64.

    >>> bundle().startswith("#: first")
    True
    """
    modules = files()
    stamp = _stamp(modules)
    try:
        with open(
            os.path.join(os.path.dirname(os.path.abspath(__file__)), STORED), encoding="ascii", newline=""
        ) as file:
            first, _, text = file.read().partition("\n")
    except OSError:
        first, text = "", ""
    return text if first == stamp else pack(made(modules))


def _stamp(modules: dict[str, str]) -> str:
    import hashlib

    return hashlib.sha256("".join("%s\0%s\0" % pair for pair in modules.items()).encode("utf-8")).hexdigest()


def pack(text: str) -> str:
    """The text of all modules in the form that travels."""
    import zlib

    head, mark, rest = text.partition("\n#: " + FIRST[-1] + "\n")
    last, mark_of_rest, rest = rest.partition("\n#: ")
    data = zlib.compress((mark_of_rest[1:] + rest).encode("ascii"), 9)
    return head + mark + last + "\n#: rest\n" + binascii.b2a_base64(data, newline=False).decode("ascii") + "\n"


def unpack(text: str) -> str:
    """The text of all modules again."""
    import zlib

    head, _, rest = text.rpartition("\n#: rest\n")
    return head + "\n" + zlib.decompress(binascii.a2b_base64(rest)).decode("ascii")


def made(modules: dict[str, str]) -> str:
    """All modules as one text, without docstrings, comments and annotations: for each a line `#: name`, then its source.

    `python -m kubenb.inside.bundle` stores it packed, since this takes a tenth of a second.
    """
    from .slim import slim

    names = [*FIRST, *sorted(name[:-3] for name in modules if name[:-3] not in FIRST)]
    text = ""
    for name in names:
        short = slim(modules[name + ".py"])
        if "\n#: " in "\n" + short or not short.isascii():
            raise ValueError(
                "%s.py holds a line that starts with '#: ', or text that is not ASCII outside of comments." % name
            )
        text += "#: %s\n%s" % (name, short)
        if name == FIRST[-1] and len(text) * 4 // 3 + 8 > HEAD:
            raise ValueError("the first modules need %d characters of base64, more than HEAD." % (len(text) * 4 // 3))
    return text


def store() -> None:
    """Writes the stored bundle anew."""
    modules = files()
    with open(
        os.path.join(os.path.dirname(os.path.abspath(__file__)), STORED), "w", encoding="ascii", newline=""
    ) as file:
        file.write(_stamp(modules) + "\n" + pack(made(modules)))


def strings(name: str, text: str | bytes) -> dict[str, str]:
    """A text or bytes as environment values: base64 in NAME, NAME_1, NAME_2 …, each short enough for one string.

    >>> strings("KUBENB_NOTEBOOK", "{}")
    {'KUBENB_NOTEBOOK': 'e30='}
    """
    data = binascii.b2a_base64(text.encode("utf-8") if isinstance(text, str) else text, newline=False).decode("ascii")
    pieces = [data[at : at + LONGEST] for at in range(0, len(data), LONGEST)] or [""]
    return {name + ("_%d" % index if index else ""): piece for index, piece in enumerate(pieces)}


if __name__ == "__main__":
    store()

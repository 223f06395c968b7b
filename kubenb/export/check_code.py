"""Rules of the code: secrets in clear, prompts nobody can answer, files of this machine, cells that need IPython.
Nothing is run.

In: the pipeline. Out: problems with cell and line. Next room: `checks`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kubenb.export.secrets import find_secrets, known_shapes, named_secret
from kubenb.model.pipeline import Code, Pipeline, Plan
from kubenb.model.problems import Place, Problem, Severity

_RECIPE = (
    "Put it into a Kubernetes secret and write `#| secret: NAME/KEY -> VARIABLE` under the task's first line; "
    'the code then reads os.environ["VARIABLE"]. Change the secret, for others may have seen it. '
    "If it is none, end the line with `# kubenb: no secret`."
)


def secrets(pipeline: Pipeline) -> Iterator[Problem]:
    """Secrets in clear in any code cell, and in options that come from elsewhere."""
    for cell in pipeline.notebook.cells:
        if cell.kind == "code":
            for line, kind in find_secrets(cell.source):
                yield Problem(Place(cell.number, line), f"this looks like {kind}, in clear.", _RECIPE, "secret.clear")
            for kind in known_shapes(cell.output):
                fix = "Clear the cell's output and save. Change the secret, for others may have seen it."
                yield Problem(Place(cell.number), f"the cell's output shows {kind}.", fix, "secret.output")
    for plan in pipeline.plans:
        task = plan.task
        if task.where.file or task.kind == "notebook":
            for line, kind in find_secrets(task.body):
                yield Problem(
                    Place(task.where.cell, 1, task.name),
                    f"line {line} of {task.notebook or task.name} looks like {kind}, in clear.",
                    _RECIPE,
                    "secret.clear",
                )
        if not task.origins.get("env", "cell").startswith("cell"):
            for pair in task.options.env:
                if named_secret(pair.key, pair.value) or find_secrets(pair.value):
                    where = task.origins.get("env", "")
                    yield Problem(
                        task.header,
                        f"variable {pair.key} (from {where}) looks like a secret, in clear.",
                        _RECIPE,
                        "secret.clear",
                    )


@dataclass(frozen=True)
class Use:
    """A call that matters here: `what` it does (read, write, prompt), with which file, in which line of its source."""

    what: str
    target: str
    line: int


def prompts(pipeline: Pipeline) -> Iterator[Problem]:
    """`input()` in a pod waits for nobody."""
    for plan in pipeline.plans:
        for place, call in _calls(plan):
            if call.what == "prompt":
                yield Problem(
                    place,
                    f"{call.target} asks somebody, and in a pod nobody answers.",
                    "Make it a parameter, or a secret.",
                    "code.prompt",
                )


def files(pipeline: Pipeline) -> Iterator[Problem]:
    """Files that a pod does not have: written by another task, or lying on this machine."""
    written: dict[str, str] = {}
    told: set[tuple[str, str]] = set()
    for plan in pipeline.plans:
        own: set[str] = set()
        for place, call in _calls(plan):
            if call.what == "write":
                own.add(call.target)
                written.setdefault(call.target, plan.task.name)
            if (
                call.what != "read"
                or call.target in own
                or (call.target, plan.task.name) in told
                or _mounted(plan, call.target)
            ):
                continue
            told.add((call.target, plan.task.name))
            maker = written.get(call.target)
            if maker and maker != plan.task.name:
                what = f"{call.target} is written by task {maker}, and tasks share no disk."
                fix = "Hand the value over in a variable, or put the file on a volume (volume: pvc:NAME -> /data) or in a bucket."
            else:
                what = f"{call.target} is a file of this machine; the task's pod has none of it."
                fix = "Read it from a bucket or a volume (volume: pvc:NAME -> /data), or build it into the image."
            yield Problem(place, what, fix, "code.file", Severity.WARNING)


def modules(pipeline: Pipeline) -> Iterator[Problem]:
    """Imports of modules that lie beside the notebook: a pod has them only if its image has."""
    told: set[str] = set()
    for plan in pipeline.plans:
        for name in sorted({*plan.modules} & pipeline.notebook.beside - told):
            told.add(name)
            what = f"{name} lies beside the notebook; the task's process has it only if its image has."
            fix = f"Install {name} in the image, or move what it defines into a cell."
            yield Problem(plan.task.header, what, fix, "code.module", Severity.WARNING)


def _mounted(plan: Plan, path: str) -> bool:
    options = plan.task.options
    folders = [volume.path for volume in options.volume]
    folders += [value.path for value in (*options.secret, *options.configmap) if value.path]
    return any(
        path.startswith(folder.rstrip("/") + "/")
        for folder in (*folders, "/tmp", "/dev", "/proc", "/etc", "/sys", "/usr", "/opt", "/app")
    )


_MAGIC = re.compile(r"^\s*(?:[%!]\S|\w[\w, ]*=\s*[%!]\s*\w)|\bget_ipython\(|^[^#'\"\n]*\w\?\??\s*$", re.MULTILINE)
_SHELL = re.compile(r"^[^#'\"\n]*\bget_ipython\(", re.MULTILINE)


def ipython(pipeline: Pipeline) -> Iterator[Problem]:
    """Cells with magics, `!commands` or `get_ipython()` need IPython in the image; said once for the pipeline."""
    needing = [plan.task for plan in pipeline.plans if _needs_ipython(plan)]
    if needing:
        names = ", ".join(task.name for task in needing[:5])
        what = f"{names} {'use' if len(needing) > 1 else 'uses'} magics, !commands or get_ipython(), so the image must have IPython."
        yield Problem(needing[0].header, what, "See that it has, or write plain Python.", "code.ipython", Severity.NOTE)


def _needs_ipython(plan: Plan) -> bool:
    sources = [step.source for step in plan.steps if isinstance(step, Code)]
    return plan.task.kind != "container" and any(_magic(source) for source in (*sources, plan.task.body))


@lru_cache(maxsize=8192)
def _magic(source: str) -> bool:
    found = _MAGIC.search(source)
    return found is not None and (_SHELL.search(source) is not None or _plain(source) is None)


def _calls(plan: Plan) -> Iterator[tuple[Place, Use]]:
    """The calls of all that the task runs, with their places in the notebook."""
    for step in plan.steps:
        if isinstance(step, Code):
            yield from _placed(step.source, step.where, plan.task.name)
    if plan.task.kind != "container":
        yield from _placed(plan.task.body, plan.task.where, plan.task.name)


def _placed(source: str, where: Place, task: str) -> Iterable[tuple[Place, Use]]:
    return ((Place(where.cell, (where.line or 1) + call.line - 1, task, where.file), call) for call in _found(source))


_LOOK = re.compile(r"open|input|getpass|read_|to_|load|save|dump|Path|imread|imsave|breakpoint|glob")


@lru_cache(maxsize=8192)
def _found(source: str) -> tuple[Use, ...]:
    """All calls that matter, by reading the source; equal sources are read once."""
    if not _LOOK.search(source):
        return ()
    tree = _plain(source)
    if tree is None:
        tree = _plain(re.sub(r"^(\s*)(?:[%!?].*|[\w, ]+=\s*[%!].*)$", r"\1pass", source, flags=re.MULTILINE))
    if tree is None:
        return ()
    return tuple(call for node in ast.walk(tree) if isinstance(node, ast.Call) for call in _call(node))


@lru_cache(maxsize=1024)
def _plain(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


_READERS = re.compile(
    r"(?:read_(?!sql|html|clipboard|gbq|text|bytes|until)\w+|imread|loadtxt|genfromtxt|fromfile|from_csv|listdir|scandir)\Z"
)
_PLAIN_READERS = frozenset(
    [
        "read_csv",
        "read_parquet",
        "read_excel",
        "read_json",
        "read_table",
        "read_pickle",
        "read_feather",
        "imread",
        "loadtxt",
        "genfromtxt",
    ]
)
_WRITERS = re.compile(
    r"(?:to_(?:csv|parquet|feather|excel|json|pickle|hdf|stata|html|xml|orc|markdown|latex)|savefig|imsave|imwrite|savetxt|savez(?:_compressed)?|tofile|save_model|write_image|write_html)\Z"
)
_ANY_PATH = re.compile(r"(?![a-zA-Z][a-zA-Z0-9+.-]*:)[^\n\0{}]{1,300}\Z")


def _call(node: ast.Call) -> Iterator[Use]:
    function = node.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    owner = function.value if isinstance(function, ast.Attribute) else None
    first = node.args[0] if node.args else None
    if (name in ("input", "breakpoint") and owner is None) or name == "getpass":
        yield Use("prompt", f"{name}()", node.lineno)
    elif name == "open" and (
        owner is None or (isinstance(owner, ast.Name) and owner.id in ("gzip", "io", "bz2", "lzma", "codecs"))
    ):
        yield from _path(first, _mode(node, 1), node.lineno)
    elif _path_of(owner) and name in ("open", "read_text", "read_bytes", "write_text", "write_bytes"):
        what = _mode(node, 0) if name == "open" else name.partition("_")[0]
        yield from _path(_path_of(owner), what, node.lineno)
    elif _READERS.match(name) and (owner is not None or name in _PLAIN_READERS):
        yield from _path(first, "read", node.lineno)
    elif _WRITERS.match(name):
        yield from _path(first, "write", node.lineno)
    elif name in ("load", "save") and isinstance(owner, ast.Name) and owner.id in ("np", "numpy", "joblib", "torch"):
        yield from _path(
            node.args[-1] if name == "save" and owner.id == "torch" and len(node.args) > 1 else first,
            {"load": "read", "save": "write"}[name],
            node.lineno,
        )
    elif name == "dump" and isinstance(owner, ast.Name) and owner.id == "joblib" and len(node.args) > 1:
        yield from _path(node.args[1], "write", node.lineno)


def _mode(node: ast.Call, at: int) -> str:
    mode = (
        node.args[at]
        if len(node.args) > at
        else next((item.value for item in node.keywords if item.arg == "mode"), None)
    )
    text = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "r"
    return "write" if any(letter in text for letter in "wax") else "read"


def _path_of(owner: ast.expr | None) -> ast.expr | None:
    """The argument of `Path(…)`."""
    if isinstance(owner, ast.Call) and owner.args:
        function = owner.func
        if (isinstance(function, ast.Name) and function.id == "Path") or (
            isinstance(function, ast.Attribute) and function.attr == "Path"
        ):
            return owner.args[0]
    return None


def _path(tree: ast.expr | None, what: str, line: int) -> Iterator[Use]:
    """A path written out; `gs://…` and the like are no files of a machine."""
    if (
        isinstance(tree, ast.Constant)
        and isinstance(tree.value, str)
        and _ANY_PATH.match(tree.value)
        and not tree.value.lstrip().startswith(("{", "[", "<"))
    ):
        yield Use(what, tree.value, line)

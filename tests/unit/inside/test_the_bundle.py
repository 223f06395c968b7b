"""The runtime as text: the same on every machine, small enough, meaning what its sources mean, on every Python that may meet it."""

from __future__ import annotations

import ast
import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kubenb.inside
from kubenb.inside import bundle as packing
from kubenb.inside.bundle import BOOT, HEAD, LONGEST, bundle, files, strings
from kubenb.inside.slim import slim
from tests.unit.inside.pods import IMPORT, run

HOME = Path(kubenb.inside.__file__).parent


def test_the_stored_bundle_is_that_of_the_sources() -> None:
    stored = (HOME / packing.STORED).read_text()
    assert packing.unpack(stored.partition("\n")[2]) == packing.made(files()), "run: python -m kubenb.inside.bundle"
    assert bundle() == stored.partition("\n")[2]


def test_without_the_stored_bundle_it_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bundle()
    monkeypatch.setattr(packing, "STORED", "nothing.txt")
    assert packing.unpack(bundle()) == packing.unpack(before)


def test_it_fits_and_no_template_engine_finds_anything_in_it() -> None:
    made = strings("KUBENB_RUNTIME", bundle())
    assert all(len(name) + len(value) + 2 < 128 * 1024 for name, value in made.items())
    assert sum(map(len, made.values())) < 2 * LONGEST
    assert base64.b64decode("".join(made.values())).decode() == bundle()
    assert not any(mark in BOOT for mark in ("{", "}", "$(", "\n"))


def test_the_first_modules_are_whole_in_the_head() -> None:
    head = base64.b64decode(strings("KUBENB_RUNTIME", bundle())["KUBENB_RUNTIME"][:HEAD]).decode()
    named = re.findall(r"^#: (\w+)$", head, re.MULTILINE)
    assert named[: len(packing.FIRST)] == list(packing.FIRST)
    assert len(named) > len(packing.FIRST)


class Bare(ast.NodeTransformer):
    """A tree without what `slim` takes out."""

    def visit(self, node: ast.AST) -> ast.AST:
        node = self.generic_visit(node)
        for name in ("annotation", "returns"):
            if isinstance(node, (ast.arg, ast.FunctionDef)) and hasattr(node, name):
                setattr(node, name, None)
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            made = ast.Assign(targets=[node.target], value=node.value, type_comment=None)
            return ast.copy_location(made, node)
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [part for at, part in enumerate(body) if not self.idle(node, at, part)]
            node.body = kept or ([] if isinstance(node, ast.Module) else [ast.Pass()])  # type: ignore[attr-defined]
        return node

    def idle(self, owner: ast.AST, at: int, part: ast.stmt) -> bool:
        text = ast.unparse(part) if isinstance(part, (ast.Assign, ast.If, ast.ImportFrom)) else ""
        doc = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
        bare = isinstance(part, ast.AnnAssign) and part.value is None
        return (doc and at == 0) or bare or text.startswith(("TYPE_CHECKING = ", "if TYPE_CHECKING", "from __future__"))


@pytest.mark.parametrize("name", sorted(files()))
def test_the_shortened_module_means_the_same(name: str) -> None:
    source = files()[name]
    expected = ast.dump(Bare().visit(ast.parse(source)))
    assert ast.dump(ast.parse(slim(source))) == expected


@pytest.mark.parametrize("name", sorted(files()))
def test_a_module_imports_only_the_standard_library_and_its_neighbours(name: str) -> None:
    """Third-party packages only inside functions, or in the rooms that are imported when such a value is met."""
    rooms = {"arrays.py": {"numpy"}, "columns.py": {"numpy", "pandas"}, "frames.py": {"numpy", "pandas"}}
    rooms["backend.py"] = {"matplotlib"}
    found = set()
    for node in ast.parse(files()[name]).body:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    assert found - set(sys.stdlib_module_names) <= rooms.get(name, set())


def found(version: str) -> str | None:
    """A Python of this machine that runs: on PATH, or where pyenv keeps them."""
    kept = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob(f"versions/{version}.*/bin/python")
    for python in (shutil.which(f"python{version}"), *map(str, sorted(kept))):
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            return python
    return None


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_a_task_runs_on_every_python_that_an_image_may_have(tmp_path: Path, version: str) -> None:
    python = found(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine; `make check` holds the runtime to 3.8 by its text")
    cells = (
        "import datetime, decimal, enum\nclass E(enum.Enum):\n    A = 1\nx = [1, (2.5, {3})]\nx.append(x)",
        "y = {'e': E.A, 'd': decimal.Decimal('1.10'), 't': datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)}",
        IMPORT,
        "_kubenb.save({'x': x, 'y': y, 'b': b'a' * 9000})",
    )
    told = {"python": python, "PYTHONWARNINGS": "default"}
    first = run(tmp_path, *cells, **told)
    assert first.code == 0, first.err
    take = "x, y, b = _kubenb.load('extract', 'x', 'y', 'b', readonly=True)\nprint(x[:2], x[2] is x, y, len(b))"
    take += "\nawait __import__('asyncio').sleep(0)"
    second = run(tmp_path, cells[0].partition("x =")[0], IMPORT, take, "1/0", KUBENB_TASK="train", **told)
    assert second.out == (
        "[1, (2.5, {3})] True {'e': <E.A: 1>, 'd': Decimal('1.10'), "
        "'t': datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)} 9000\n"
    )
    assert (second.code, "ZeroDivisionError" in second.last) == (1, True)


def test_the_package_beside_a_notebook_works_as_a_plain_folder(tmp_path: Path) -> None:
    package = tmp_path / "kubenb_runtime"
    package.mkdir()
    for name, text in files().items():
        (package / name).write_text(text)
    code = "import kubenb_runtime as _kubenb\nx = [1]\n_kubenb.save({'x': x})\nprint(_kubenb.load('train', 'x'))"
    env = {**os.environ, "JPY_SESSION_NAME": "train.ipynb"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[1]\n", "")

"""An export has the same bytes on every machine: whatever the hash seed, time zone, locale, folder and day."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXPORT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from kubenb.export.files import export_files
from kubenb.export.manifest import manifest
from tests.golden.test_exports import every_option, made
total = hashlib.sha256()
for one in (every_option(), made("flights"), made("options"), made("airports")):
    for name, text in sorted(export_files(one).items()):
        total.update(f"{name}\\0{text}\\0".encode())
    for plan in one.plans:
        total.update(repr(manifest(one, plan, "x")).encode())
print(total.hexdigest())
"""
MACHINES = [
    ("this one", {}, {}),
    ("another hash seed", {"PYTHONHASHSEED": "1"}, {}),
    ("and another", {"PYTHONHASHSEED": "4242"}, {}),
    ("far east, in C", {"TZ": "Asia/Tokyo", "LC_ALL": "C", "LANG": "C"}, {}),
    (
        "without UTF-8",
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"},
        {},
    ),
    ("optimised, another home", {"PYTHONOPTIMIZE": "2", "HOME": "/nonexistent", "USER": "someone"}, {}),
    ("another folder", {}, {"cwd": "/"}),
]


@pytest.fixture(scope="module")
def digests() -> dict[str, str]:
    running = {}
    for name, variables, where in MACHINES:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LC_", "LANG", "TZ"))}
        command = [sys.executable, "-c", EXPORT, str(ROOT)]
        running[name] = subprocess.Popen(
            command, env={**env, **variables}, stdout=subprocess.PIPE, text=True, cwd=where.get("cwd", ROOT)
        )
    return {name: process.communicate()[0].strip() for name, process in running.items()}


@pytest.mark.parametrize("name", [name for name, *_ in MACHINES])
def test_an_export_has_the_same_bytes_on_every_machine(name: str, digests: dict[str, str]) -> None:
    assert len(digests[name]) == hashlib.sha256().digest_size * 2
    assert digests[name] == digests["this one"]


def test_an_export_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kubenb.export.checks import check\nfrom kubenb.export.files import export_files\nimport kubenb.delivery\n"
        "from tests.unit.export.pipelines import flights\ncheck(flights())\nexport_files(flights())\n"
        "heavy = set('yaml merge3 cronsim cron_descriptor nbformat IPython papermill pandas rich kubernetes click jinja2'.split())\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

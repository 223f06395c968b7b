"""`import kubenb`: the verbs are there by name, nothing heavy is imported, rooms with a verb's name answer calls."""

from __future__ import annotations

import subprocess
import sys

import pytest

import kubenb

HEAVY = "pandas papermill nbformat yaml rich kubernetes click IPython airflow pyarrow numpy tomllib merge3 cronsim cron_descriptor"


def said(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "what",
    [
        "import kubenb",
        "import kubenb; dir(kubenb); kubenb.__version__",
        "import kubenb.actions",
        "import kubenb.magics",
    ],
)
def test_nothing_heavy_is_imported(what: str) -> None:
    assert said(f"{what}; import sys; print([name for name in {HEAVY.split()} if name in sys.modules])") == "[]"


def test_public_names_are_these() -> None:
    verbs = "advise capacity check config cost doctor export gc graph image logs options plan rbac read rehearse run runs stop usage"
    assert kubenb.__all__ == ["KubenbError", "Problem", *verbs.split(), "write_advice"]
    assert [name for name in kubenb.__all__ if not hasattr(kubenb, name)] == []


def test_a_room_with_a_verbs_name_answers_calls() -> None:
    imported = "import kubenb, kubenb.run.local, kubenb.export.ids as ids"
    code = f"{imported}; print(kubenb.run.local.__name__, ids.__name__, callable(kubenb.run), callable(kubenb.export))"
    assert said(code) == "kubenb.run.local kubenb.export.ids True True"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'kubenb' has no attribute 'exprot'"):
        kubenb.exprot  # noqa: B018

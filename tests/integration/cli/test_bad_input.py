r"""The bad-input matrix, through the command line: every row is refused with its place and a fix, or comes back letter for letter.

`B01` to `B48` are rows of the matrix that kubenb is built against. A row is a notebook (its cells, or the file's bytes) and what must
come of it: REFUSED with these words, an export with a WARNING of these words, or EXACT. Exact means: the DAG file that was written is
run, and the task's code is read back from the pod that it makes. Whatever the row, nothing of the notebook runs, no file is left half
written, and no traceback is shown. What has no command line is named at the end, with the test that has it.
"""

from __future__ import annotations

import base64
import bz2
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from kubenb.cli.start import kubenb
from kubenb.testing.notebooks import code, notebook
from tests.unit.export.stand_in import Dag, parse, pod_of

ROOT = Path(__file__).parents[3]
MOST_SECONDS = 30  # an input may be refused late, never hang
REFUSED, WARNING, EXACT = "refused", "warning", "exact"


@dataclass(frozen=True)
class Row:
    """`cells` are a notebook's, or `cells` is the whole file; `says` are words of the problem."""

    number: str
    what: str
    cells: Sequence[Any] | bytes | str
    comes: str = EXACT
    says: str = ""


def body(text: str) -> list[Any]:
    return ["%%k8s_task a\n" + text]


def raw(**changes: Any) -> bytes:
    return json.dumps({**json.loads(notebook("%%k8s_task a\nx = 1")), **changes}).encode()


def option(line: str) -> list[Any]:
    return [f"%%k8s_task a\n#| {line}\nx = 1"]


def patch(text: str) -> list[Any]:
    return ["%%k8s_task a\n#| pod:\n" + "".join(f"#|   {line}\n" for line in text.split("\n")) + "x = 1"]


def output(text: str) -> list[Any]:
    shown = [{"output_type": "stream", "name": "stdout", "text": [text]}]
    return [{**code("%%k8s_task a\nx = 1"), "outputs": shown}]


KEY = "AKIA" + "IOSFODNN7EXAMPLX"
DEEP = b'{"cells": ' + b"[" * 100_000
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nspec: [*b, *b]"
AMOUNTS = {"a": "1Gi", "b": "1G", "c": "1e9", "d": "1500M"}
HOSTILE = '"""\nimport os; os.system("touch ran")\n"""'
# fmt: off
ROWS = [
    # what Jinja would read
    Row("B01", "a field", body('s = "{{ ds }}"')),
    Row("B02", "a block", body('s = "{% if x %}"')),
    Row("B03", "a comment", body('s = "{# x #}"')),
    Row("B04", "the end of raw", body('s = "{% endraw %}{{ 1 }}{% raw %}"')),
    Row("B05", "a variable", body('s = "{{ var.value.x }} {{{ y }}} {{ \'"')),
    Row("B06", "newlines at the end", body('s = """a\n\n\n"""\n\n')),
    # what Python and files would read
    Row("B07", "quotes of three", body("s = '''a\"\"\"b'''\nt = \"\"\"c'd''e\"\"\"")),
    Row("B08", "quotes mixed", body("s = 'a\"b' + \"c'd\" + r'\\\\'")),
    Row("B09", "a backslash at a line's end", body("s = 1 + \\\n    2\nt = 'a\\\\'")),
    Row("B10", "NUL", body("s = 'a\0b'"), REFUSED, "'\\x00', which no Python file takes"),
    Row("B11", "CRLF", body("s = 1\r\nt = 2\r\nu = 3")),
    Row("B12", "half of a surrogate pair", body("s = '\ud800'"), REFUSED, "'\\ud800', which no Python file takes"),
    Row("B13", "a coding cookie", body("# -*- coding: latin-1 -*-\ns = 'é'")),
    Row("B14", "a BOM before the file", b"\xef\xbb\xbf" + notebook("%%k8s_task a\nx = 1").encode()),
    Row("B15", "line separators", body("s = 'a\u2028b\u2029c\x85d\x0ce'")),
    Row("B16", "a hidden change of direction", body("s = 'a\u202eb'"), WARNING, "read in another order"),
    # names
    Row("B17", "a task called as a keyword", ["%%k8s_task class\nx = 1"]),
    Row("B17", "a task called as a module of the file", ["%%k8s_task json\nx = 1"]),
    Row("B17", "a task without a name", ["%%k8s_task\nx = 1"], REFUSED, "the task's name is missing"),
    Row("B17", "a task's name of code", ["%%k8s_task a;import os\nx = 1"], REFUSED, "can't be used"),
    Row("B17", "a task's name of 300 letters", [f"%%k8s_task {'a' * 300}\nx = 1"], REFUSED, "300 characters"),
    Row("B17", "a task's name of another script", ["%%k8s_task größe\nx = 1"], REFUSED, "größe"),
    Row("B17", "a task's name that begins with a digit", ["%%k8s_task 1a\nx = 1"], REFUSED, "1a"),
    Row("B18", "a DAG's name of code", ["%k8s_dag 'a\"; import os'", *body("x = 1")], REFUSED, "DAG id"),
    Row("B18", "a DAG's name of a path", ["%k8s_dag ../x", *body("x = 1")], REFUSED, "'../x'"),
    Row("B18", "a DAG's name that hides a package", ["%k8s_dag airflow", *body("x = 1")], REFUSED, "airflow"),
    Row("B18", "a DAG's name of 300 letters", [f"%k8s_dag {'a' * 300}", *body("x = 1")], REFUSED, "300 characters"),
    Row("B19", "a parameter called as a keyword", ["%k8s_dag --param class=1", *body("x = 1")], REFUSED, "class"),
    Row("B19", "a parameter called as a built-in", [code("list = 1", "parameters"), *body("x = 1")], REFUSED, "is a Python builtin"),
    Row("B19", "a parameter's name of code", ["%k8s_dag --param 'a;b=1'", *body("x = 1")], REFUSED, "'a;b'"),
    Row("B20", "names equal as pods", ["%%k8s_task a-b\nx = 1", "%%k8s_task a_b\ny = 1"], REFUSED, "differs from task a-b only in"),
    Row("B20", "one name twice", ["%%k8s_task a\nx = 1", "%%k8s_task a\ny = 1"], REFUSED, "a second time"),
    # text beside the code
    Row("B21", "code in Markdown", [f"# %% [markdown]\n{HOSTILE}", *body("x = 1")]),
    Row("B22", "code in a tag", [code("y = 2", HOSTILE, "a\nimport os"), *body("x = 1")]),
    Row("B23", "code in a description", [f"%k8s_dag --description '{HOSTILE}'".replace("\n", " "), *body("x = 1")]),
    Row("B23", "code in a block of text", [f"%%k8s_task a\n#| description: |\n#|   {HOSTILE}".replace("\nimp", "\n#|   imp")
                                            .replace('\n"""', '\n#|   """') + "\nx = 1"]),
    Row("B24", "code in metadata", raw(metadata={"title": HOSTILE, "kernelspec": {"name": "python3", "display_name": HOSTILE}})),
    # what the pod is made of
    Row("B25", "an image with a blank", option("image: a b"), REFUSED, "holds a space"),
    Row("B25", "an image that would expand", option("image: a$(x)"), REFUSED, "is not an image's name"),
    Row("B25", "an image of a field", option("image: '{{ var.value.image }}'"), REFUSED, "image"),
    Row("B26", "a service account of code", option("service-account: a;b"), REFUSED, "service-account"),
    Row("B26", "a namespace in capitals", option("namespace: Prod"), REFUSED, "at most 63 characters: prod"),
    Row("B27", "a folder of the host", option("volume: hostpath:/ -> /x"), REFUSED, "volume"),
    Row("B27", "a folder of the host by patch", patch("spec: {volumes: [{name: h, hostPath: {path: /}}]}"), WARNING, "(hostPath)"),
    Row("B27", "privileged", patch("spec: {containers: [{securityContext: {privileged: true}}]}"), WARNING, "privileged"),
    Row("B27", "the host's network", patch("spec: {hostNetwork: true}"), WARNING, "hostNetwork"),
    # the file
    Row("B28", "a kernel's name of a path", raw(metadata={"kernelspec": {"name": "../../x", "language": "python"}}), REFUSED, "'../../x'"),
    Row("B29", "another language", raw(metadata={"language_info": {"name": "julia"}}), REFUSED, "written in 'julia'"),
    Row("B30", "format 3", raw(nbformat=3), REFUSED, "Convert it: jupyter nbconvert"),
    Row("B30", "format 5", raw(nbformat=5), REFUSED, "upgrade kubenb"),
    Row("B30", "no format", raw(nbformat=None), REFUSED, "does not say its notebook format"),
    Row("B31", "cut off", raw()[:-30], REFUSED, "it is cut off"),
    Row("B31", "empty", b"", REFUSED, "the file is empty"),
    Row("B32", "a key twice", raw()[:-1] + b', "cells": []}', REFUSED, "the key 'cells' twice"),
    Row("B32", "nested 100,000 deep", DEEP, REFUSED, "nested too deeply"),
    Row("B32", "200 MB", b"\0" * 0, REFUSED, "kubenb reads up to 100"),
    Row("B33", "NaN", raw()[:-1] + b', "x": NaN}', REFUSED, "holds NaN, which is no JSON"),
    Row("B33", "UTF-16", notebook("x = 1").encode("utf-16"), REFUSED, "it looks like UTF-16"),
    # YAML
    Row("B34", "an object of Python", patch("!!python/object/apply:os.system [touch ran]"), REFUSED, "uses a YAML tag"),
    Row("B34", "a bomb of aliases", patch(BOMB), REFUSED, "uses a YAML alias"),
    Row("B34", "nested 50,000 deep", option("pod: " + "[" * 50_000), REFUSED, "nested too deeply"),
    Row("B35", "a tab", patch("spec:\n\thostNetwork: true"), REFUSED, "not YAML"),
    Row("B35", "no", patch("metadata: {labels: {eu: no}}"), REFUSED, "YAML reads no as false"),
    Row("B35", "an octal as a label", patch("metadata: {labels: {a: 0755}}"), REFUSED, "to 493, which is no text"),
    Row("B35", "an exponent", patch("spec: {activeDeadlineSeconds: 1e3}"), REFUSED, "1e3 is a number to some readers"),
    Row("B35", "a time of day", patch("metadata: {annotations: {at: 1:30}}"), REFUSED, "YAML reads 1:30 as the number 90"),
    Row("B35", "null", patch("spec: {containers: null}"), REFUSED, "takes away"),
    Row("B35", "a date", patch("metadata: {annotations: {day: 2026-01-31}}"), REFUSED, "YAML reads 2026-01-31 as a date"),
    Row("B35", "a key twice", patch("spec: {hostNetwork: true, hostNetwork: false}"), REFUSED, "stands twice"),
    Row("B35", "a key that is no text", patch("metadata: {labels: {1: a}}"), REFUSED, "the key 1 is no text"),
    Row("B35", "an anchor alone", patch("metadata: {labels: {a: &x b}}")),
    Row("B35", "words in quotes", patch("metadata: {annotations: {a: 'no', b: '1:30', c: '2026-01-31', d: '0755'}}")),
    # amounts
    Row("B36", "binary and decimal", [f"%%k8s_task {name}\n#| memory: {text}\nx_{name} = 1" for name, text in AMOUNTS.items()]),
    Row("B36", "a share of a core", ["%%k8s_task a --cpu 0.1\nx = 1", "%%k8s_task b --cpu 100m\ny = 1"]),
    Row("B36", "a negative one", option("memory: -1"), REFUSED, "memory"),
    Row("B36", "a blank in it", option("memory: 1 Gi"), REFUSED, "memory '1 Gi' is not a quantity"),
    Row("B36", "nan", option("cpu: nan"), REFUSED, "cpu 'nan' is not"),
    Row("B36", "bytes too few to start", option("memory: 1e3"), REFUSED, "memory"),
    Row("B37", "a request over its limit", [*option("cpu: 2\n#| cpu-limit: 1")], REFUSED, "cpu 2 is more than cpu-limit 1"),
    # the environment
    Row("B38", "a variable's name with a dash", option("env: A-B=1"), REFUSED, "A-B"),
    Row("B38", "a value of 2 MB", option("env: A=" + "x" * 2_000_000), REFUSED, "A"),
    Row("B39", "a value that is a secret", option("env: DB_PASSWORD=hunter22"), REFUSED, "looks like a password"),
    Row("B39", "a value that would expand", option("env: A=$(HOME) $$ {{")),
    Row("B40", "a cell of 300 kB", body(f's = "{"x" * 300_000}"')),
    Row("B40", "a cell of 2 MB that compresses", body(f's = "{"x" * 2_000_000}"')),
    Row("B40", "a cell of 2 MB that does not", body(f's = "{Random(1).randbytes(1_000_000).hex()}"'), REFUSED, "KiB as a pod carries it"),
    # secrets
    Row("B41", "in the code", body(f"key = '{KEY}'"), REFUSED, "looks like an AWS access key"),
    Row("B41", "in an ordinary cell", [f"key = '{KEY}'", *body("print(key)")], REFUSED, "looks like an AWS access key"),
    Row("B42", "in an output", output(f"key: {KEY}\n"), REFUSED, "output shows an AWS access key"),
    Row("B42", "in %env", body("%env DB_PASSWORD=hunter22"), REFUSED, "looks like a password"),
    Row("B42", "in !curl", body("!curl -u ana:hunter22 https://x"), REFUSED, "looks like a password"),
    # paths
    Row("B44", "a notebook outside the project", ["%k8s_notebook ../outside.ipynb --as a"], REFUSED, "outside the project"),
    Row("B44", "an absolute path", ["%k8s_notebook /etc/passwd.ipynb --as a"], REFUSED, "outside the project"),
    Row("B45", "a link out of the project", ["%k8s_notebook link.ipynb --as a"], REFUSED, "outside the project"),
    Row("B45", "a path with NUL", ["%k8s_notebook 'a\0b.ipynb' --as a"], REFUSED, "no Python file takes"),
    # IPython
    Row("B46", "get_ipython()", body("get_ipython().system('true')"), WARNING, "IPython"),
    Row("B46", "an unknown magic", ["%frobnicate x", *body("x = 1")], REFUSED, "%frobnicate can do what can't be seen"),
    Row("B46", "a shell line in an ordinary cell", ["!pip install x", *body("x = 1")], REFUSED, "a shell line in an ordinary cell"),
    Row("B46", "await at the top", body("import asyncio\nawait asyncio.sleep(0)")),
    Row("B46", "a prompt", body("x = input('?')"), REFUSED, "in a pod nobody answers"),
    # the flow of data
    Row("B47", "a name deleted", [*body("x = 1\ndel x"), "%%k8s_task b\nprint(x)"], REFUSED, "x"),
    Row("B47", "a star import", ["from math import *", *body("print(pi)")], REFUSED, "does not say which names it binds"),
    Row("B47", "globals()", body("globals()['x'] = 1"), REFUSED, "gives access to every name"),
    Row("B47", "exec", body("t = str(1)\nexec(t)"), REFUSED, "runs code that can't be read here"),
    Row("B48", "a cycle", ["%%k8s_task a\n#| after: b\nx = 1", "%%k8s_task b\n#| after: a\ny = 1"], REFUSED, "wait for each other"),
    Row("B48", "10,000 cells", [*(f"v{n} = {n}" for n in range(10_000)), *body("x = v9999")]),
    Row("B48", "1,000 tasks", [f"%%k8s_task t{n}\nx{n} = {f'x{n - 1}' if n else 0}" for n in range(1_000)]),
]
# fmt: on
# What the command line never meets, and the test that has it.
ELSEWHERE = {
    "B43": ("a pickle that somebody else wrote", "tests/unit/inside/test_the_hand_over.py", "their SHA-256 differs"),
}


def written(row: Row, folder: Path) -> Path:
    path = folder / "bad.ipynb"
    if row.what == "200 MB":
        with path.open("wb") as file:
            file.truncate(200 * 2**20)
    elif isinstance(row.cells, bytes):
        path.write_bytes(row.cells)
    else:
        assert not isinstance(row.cells, str)
        store = () if "store" in str(row.cells)[:200] else ("#| store: pvc:data",)
        cells = list(row.cells)
        if len(cells) > 1 and not any(str(cell).startswith("%k8s_dag") for cell in cells):
            cells.insert(0, "%k8s_dag bad\n" + "\n".join(store))
        path.write_text(notebook(*cells), encoding="utf-8")
    return path


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.number} {row.what}" for row in ROWS])
def test_a_bad_input_is_refused_or_comes_back_exactly(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".git").mkdir()
    (tmp_path / "outside.ipynb").write_text(notebook("x = 1"))
    (project / "link.ipynb").symlink_to(tmp_path / "outside.ipynb")
    monkeypatch.chdir(project)
    path = written(row, project)
    start = time.process_time()
    done = CliRunner().invoke(kubenb, ["check", path.name])
    export = CliRunner().invoke(kubenb, ["export", path.name, "--to", "dags"])
    assert time.process_time() - start < MOST_SECONDS
    said = done.output + done.stderr
    assert isinstance(done.exception, (SystemExit, type(None))), done.exception
    assert "Traceback" not in said
    assert not (project / "ran").exists()
    if row.comes == REFUSED:
        assert (done.exit_code, export.exit_code) == (1, 1)
        assert row.says in said
        assert not (project / "dags").exists()
        return
    assert (done.exit_code, export.exit_code) == (0, 0), said
    assert row.says in said
    came_back(path, project / "dags")


def came_back(path: Path, folder: Path) -> None:
    """Every task's body, as it reaches its pod, is the notebook's."""
    files = {
        name.relative_to(folder).as_posix(): name.read_text("utf-8")
        for name in folder.rglob("*")
        if name.is_file() and ".kubenb" not in name.parts
    }
    dag = parse(files, folder.parent / "again")
    wanted = {
        words[1]: text
        for cell in json.loads(path.read_bytes().decode("utf-8-sig"))["cells"]
        if (words := cell["source"].split())
        and words[0] == "%%k8s_task"
        and (text := below(cell["source"])) is not None
    }
    assert wanted
    assert {name: carried(dag, name) for name in dag.tasks} == wanted


def below(source: str) -> str:
    """The code under a header, with the line ends that Python sees."""
    lines = source.replace("\r\n", "\n").split("\n")[1:]
    while lines and lines[0].startswith("#|"):
        lines.pop(0)
    return "\n".join(lines)


def carried(dag: Dag, task: str) -> str:
    env = {item["name"]: item.get("value") for item in pod_of(dag.tasks[task])["spec"]["containers"][0]["env"]}
    parts = [env[name] for name in sorted(env, key=len) if name.startswith("KUBENB_NOTEBOOK") and "SHA" not in name]
    text = base64.b64decode("".join(str(part) for part in parts))
    cells = json.loads(bz2.decompress(text) if text.startswith(b"BZh") else text)["cells"]
    (found,) = ["".join(cell["source"]) for cell in cells if cell["id"] == "body"]
    return found


def test_every_row_of_the_matrix_is_here_or_is_named() -> None:
    numbers = {row.number for row in ROWS} | set(ELSEWHERE)
    assert numbers == {f"B{number:02}" for number in range(1, 49)}
    for _, path, word in ELSEWHERE.values():
        assert word in (ROOT / path).read_text()

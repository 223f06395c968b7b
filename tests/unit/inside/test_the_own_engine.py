"""Cells in a process of their own, started as a pod would: what is printed, shown, raised, and what the notebook keeps."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kubenb.inside.bundle import BOOT
from tests.unit.inside import pods
from tests.unit.inside.pods import IMPORT, Ended, run


def streams(outputs: list[Any]) -> list[tuple[str, str]]:
    return [(output["name"], "".join(output["text"])) for output in outputs if output["output_type"] == "stream"]


def test_a_task_runs_and_leaves_its_place_complete(tmp_path: Path) -> None:
    ended = run(tmp_path, "x = 20", "print('hello')\nx + 1", IMPORT, "_kubenb.save({'x': x})")
    assert (ended.code, ended.out) == (0, "hello\n21\n")
    assert ended.last.startswith("kubenb: extract done in ")
    assert sorted(path.name for path in ended.place.iterdir()) == [
        "_SUCCESS",
        "notebook.ipynb",
        "outputs.json",
        "usage.json",
    ]
    used = ended.read("usage.json")
    assert used["peak"] > 1_000_000
    assert used["cpu"] > 0
    assert used["out"] > 0
    assert ended.read("_SUCCESS")["digest"]


def test_the_executed_notebook_is_nbformat(tmp_path: Path) -> None:
    nbformat: Any = pytest.importorskip("nbformat")

    code = "import sys\nprint('a')\nprint('b', file=sys.stderr)\nprint('c')\n{'k': 1}"
    ended = run(tmp_path, "x = 1", code, "1/0", "'never'")
    nbformat.validate(nbformat.reads((ended.place / "notebook.ipynb").read_text(), as_version=4))
    kinds = [[output["output_type"] for output in ended.outputs(number)] for number in (1, 2, 3, 4)]
    assert kinds[0] == kinds[3] == []
    assert kinds[2] == ["error"]
    assert kinds[1][-1] == "execute_result"
    assert "".join(text for name, text in streams(ended.outputs(2)) if name == "stdout") == "a\nc\n"
    assert [cell["execution_count"] for cell in ended.notebook["cells"]] == [1, 2, 3, None]


def test_cells_live_in_the_real_main(tmp_path: Path) -> None:
    cells = (
        "import pickle, sys\nclass Point:\n    def __init__(self): self.x = 1\np = Point()",
        "print(__name__, Point.__module__, sys.modules['__main__'].p is p, pickle.loads(pickle.dumps(p)).x)",
        "print(sorted(name for name in globals() if not name.startswith('__')))",
    )
    assert run(tmp_path, *cells).out == "__main__ __main__ True 1\n['Point', 'p', 'pickle', 'sys']\n"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("1 + 1", "2"),
        ("1 + 1;", None),
        ("x = 1", None),
        ("None", None),
        ("if True:\n    5", None),
        ("'a'\n", "'a'"),
        ("_ = 3\n_", "3"),
        ("import asyncio\nawait asyncio.sleep(0, 'woke')", "'woke'"),
        ("async def f(): return 4\nx = await f()\nx", "4"),
        ("from __future__ import annotations\ndef f(a: nothing): return f.__annotations__\nf(1)", "{'a': 'nothing'}"),
    ],
)
def test_the_last_expression_is_shown(tmp_path: Path, source: str, shown: str | None) -> None:
    ended = run(tmp_path, source)
    assert ended.code == 0, ended.err
    results = [o["data"]["text/plain"] for o in ended.outputs(1) if o["output_type"] == "execute_result"]
    assert results == ([shown] if shown else [])


def test_future_imports_hold_for_later_cells(tmp_path: Path) -> None:
    cells = ("from __future__ import annotations", "def f(a: nothing): pass\nf.__annotations__")
    assert run(tmp_path, *cells).out == "{'a': 'nothing'}\n"


def test_rich_forms_are_kept(tmp_path: Path) -> None:
    code = (
        "class Rich:\n"
        "    def _repr_html_(self): return '<b>x</b>'\n"
        "    def _repr_png_(self): return b'png'\n"
        "    def _repr_svg_(self): raise ValueError\n"
        "    def __repr__(self): return 'plain'\n"
        "class Any:\n"
        "    def __getattr__(self, name): return lambda *a: 'no'\n"
        "    def __repr__(self): raise ValueError('no repr')\n"
        "display(Rich(), Any())\n"
        "Rich"
    )
    first, second, third = run(tmp_path, code).outputs(1)
    assert first["data"] == {
        "text/plain": "plain",
        "text/html": "<b>x</b>",
        "image/png": base64.b64encode(b"png").decode() + "\n",
    }
    assert list(second["data"]) == ["text/plain"]
    assert third["data"] == {"text/plain": "<class '__main__.Rich'>"}


def test_figures_are_pictures_at_the_end_of_their_cell(tmp_path: Path) -> None:
    cells = (
        "%matplotlib inline\nimport matplotlib.pyplot as plt",
        "plt.plot([1, 2])\nprint('drawn')",
        "fig, ax = plt.subplots()\nplt.show()\nprint('after')",
        "print(plt.get_fignums())",
    )
    ended = run(tmp_path, *cells)
    assert ended.code == 0, ended.err
    shapes = [[list(o.get("data", {"text": 1})) for o in ended.outputs(number)] for number in (2, 3, 4)]
    assert shapes == [
        [["text"], ["text/plain", "image/png"]],
        [["text/plain", "image/png"], ["text"]],
        [["text"]],
    ]


def test_what_c_code_and_children_print_is_kept_in_order(tmp_path: Path) -> None:
    code = "import os, subprocess, sys\nprint('one')\nsys.stdout.flush()\nos.write(1, b'two\\n')\n"
    code += "subprocess.run(['echo', 'three'])\nprint('four')"
    ended = run(tmp_path, code)
    assert streams(ended.outputs(1)) == [("stdout", "one\ntwo\nthree\nfour\n")]
    assert ended.out.startswith("one\ntwo\nthree\nfour\n")


def test_any_text_can_be_printed(tmp_path: Path) -> None:
    code = (
        "import sys\nprint('\\ud800 \\u2028 \\x00 🙂')\nsys.stdout.buffer.write(b'\\xff\\xfe\\n')\nsys.stdout.flush()"
    )
    ended = run(tmp_path, code)
    assert ended.code == 0
    assert streams(ended.outputs(1)) == [("stdout", "\\ud800 \u2028 \x00 🙂\n\ufffd\ufffd\n")]


def test_printing_can_not_forge_a_message(tmp_path: Path) -> None:
    code = "import os\nprint('end 0 0')\nprint('error 0 2\\n{}')\nos.write(1, b'show 0 3\\nxxx')"
    ended = run(tmp_path, code, "1/0")
    assert ended.code == 1
    assert "show 0 3\nxxx" in streams(ended.outputs(1))[0][1]


def test_a_flood_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    code = "for n in range(400_000): print('%030d' % n)"
    text = streams(run(tmp_path, code).outputs(1))[0][1]
    assert text.startswith("%030d\n" % 0)
    assert text.endswith("%030d\n" % 399_999)
    assert "characters left out here" in text
    assert len(text) < 9_000_000


def test_an_error_shows_the_users_lines_and_no_other(tmp_path: Path) -> None:
    cells = ("def f(x):\n    return 1 / x", "print('before')\n\nf(0)", "print('never')")
    ended = run(tmp_path, *cells)
    assert ended.code == 1
    assert ended.last == (
        "kubenb: extract failed: ZeroDivisionError: division by zero in cell 1, line 2. The traceback is above."
    )
    trace = ended.err[: ended.err.index("kubenb:")]
    assert 'File "<cell 2>", line 3, in <module>\n    f(0)' in trace
    assert 'File "<cell 1>", line 2, in f\n    return 1 / x' in trace
    assert "kubenb" not in trace
    error = ended.outputs(2)[-1]
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert "\n".join(error["traceback"]).strip() == trace.strip()
    assert not (ended.place / "_SUCCESS").exists()
    assert "never" not in ended.out


def test_an_error_with_a_cause_shows_both(tmp_path: Path) -> None:
    code = "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('bad') from error"
    ended = run(tmp_path, code)
    assert "KeyError: 'a'" in ended.err
    assert "direct cause" in ended.err
    assert "ValueError: bad in cell 1, line 4" in ended.last


def test_an_error_names_the_cell_that_the_code_was_taken_from(tmp_path: Path) -> None:
    text = json.loads(pods.notebook("f = lambda x: 1 / x", "f(0)"))
    for cell, name in zip(text["cells"], ("cell-4", "body"), strict=True):
        cell["id"] = name
    env = pods.environment(json.dumps(text), tmp_path)
    done = subprocess.run([sys.executable, "-c", BOOT], env=env, capture_output=True, text=True)
    assert "division by zero in cell 1, line 1 (taken from cell 4 of the notebook)." in done.stderr


def test_source_is_at_hand_for_inspect(tmp_path: Path) -> None:
    code = "import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))"
    assert run(tmp_path, code).out == "def f():\n    return 1\n\n"


@pytest.mark.parametrize(
    ("source", "code", "text"),
    [
        ("x = (", 1, "SyntaxError: '(' was never closed in cell 1, line 1."),
        ("raise KeyboardInterrupt", 130, "it was interrupted in cell 1, line 1."),
        ("raise MemoryError", 1, "out of memory in cell 1, line 1. Give the task more `memory`."),
        (
            "import sys\nsys.exit(0)",
            1,
            "cell 1, line 2 ended the notebook with sys.exit(0), before its outputs were saved",
        ),
        ("exit()", 1, "cell 1, line 1 ended the notebook with sys.exit(), before its outputs were saved"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", 1, "E: (its message can't be shown)"),
        ("import os\nos._exit(0)", 72, "cell 1 ended the process with exit code 0 (os._exit or the like)"),
        ("import os\nos.abort()", 72, "the process crashed in cell 1 (SIGABRT)."),
        (
            "import os\nos.kill(os.getpid(), 9)",
            137,
            "the process was killed (SIGKILL), most often for memory: its peak",
        ),
        ("import os\nos.closerange(3, 200)", 72, "the user's code closed the pipes through which it is watched"),
    ],
)
def test_every_end_is_named(tmp_path: Path, source: str, code: int, text: str) -> None:
    ended = run(tmp_path, source)
    assert (ended.code, text in ended.last) == (code, text in ended.last), ended.last
    assert text in ended.last
    assert ended.notebook["metadata"]["kubenb_run"]["state"] != "done"


def test_parameters_come_after_their_cell_and_show_in_the_notebook(tmp_path: Path) -> None:
    told = {"year": 2014, "names": ["a", "é"], "deep": {"x": None, "y": 1.5}, "on": True}
    cells = ("year = 2013\nnames = []", "print(year, names, deep, on)")
    ended = run(tmp_path, *cells, tags={1: "parameters"}, KUBENB_PARAMS=json.dumps(told))
    assert ended.out == "2014 ['a', 'é'] {'x': None, 'y': 1.5} True\n"
    made = ended.notebook["cells"][1]
    assert made["metadata"]["tags"] == ["injected-parameters"]
    assert made["source"].startswith("# Parameters\nyear = 2014\n")


def test_parameters_without_a_cell_come_first(tmp_path: Path) -> None:
    ended = run(tmp_path, "print(year)", KUBENB_PARAMS='{"year": 7}')
    assert ended.out == "7\n"
    assert ended.notebook["cells"][1]["outputs"]


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"KUBENB_PARAMS": "{year: 1}"}, "KUBENB_PARAMS ({year: 1}) is not JSON"),
        ({"KUBENB_PARAMS": "[1]"}, "KUBENB_PARAMS is not a JSON object"),
        ({"KUBENB_PARAMS": '{"a;import os": 1}'}, "'a;import os' can't be a parameter"),
        ({"KUBENB_PARAMS": '{"class": 1}'}, "'class' can't be a parameter"),
        ({"KUBENB_NOTEBOOK": "!!"}, "the notebook is not the one that was exported"),
        ({"KUBENB_NOTEBOOK_SHA256": "0" * 64}, "the notebook is not the one that was exported"),
        ({"KUBENB_NOTEBOOK": ""}, "KUBENB_NOTEBOOK is not set"),
        ({"KUBENB_ENGINE": "spark"}, "KUBENB_ENGINE 'spark' is not an engine"),
        ({"KUBENB_ITEM": "-1"}, "KUBENB_ITEM '-1' is not a count"),
        ({"KUBENB_STORE": "ftp://x"}, "there is no 'ftp://'"),
        ({"TMPDIR": "/nowhere/at/all"}, "no temporary folder can be made"),
    ],
)
def test_a_wrong_environment_is_refused_before_anything_runs(tmp_path: Path, told: dict[str, str], text: str) -> None:
    ended = run(tmp_path, "print('ran')", **told)
    assert text in ended.last, ended.err
    assert ended.code in (64, 70)
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1


def test_a_cell_of_ipython_runs_in_the_same_names(tmp_path: Path) -> None:
    cells = (
        "x = 5\ndef f(): return 1 / 0",
        "%env KUBENB_X=7\n!echo {x}\n!echo $KUBENB_X\nfiles = !echo a b\nprint(files)",
        "from IPython.display import HTML, display\ndisplay(HTML('<i>y</i>'))\nx + 1",
        "y = x\nclass K: pass\nprint(K.__module__, __name__)",
        "f()",
    )
    ended = run(tmp_path, *cells, PYTHONWARNINGS="default")
    assert ended.code == 1
    assert streams(ended.outputs(2)) == [("stdout", "env: KUBENB_X=7\n5\n7\n['a b']\n")]
    assert [o["output_type"] for o in ended.outputs(3)] == ["display_data", "execute_result"]
    assert ended.outputs(3)[0]["data"]["text/html"] == "<i>y</i>"
    assert streams(ended.outputs(4)) == [("stdout", "__main__ __main__\n")]
    assert "ZeroDivisionError: division by zero in cell 1, line 2" in ended.last
    assert 'File "<cell 5>", line 1' in ended.err
    assert "interactiveshell" not in ended.err


def test_without_ipython_a_magic_is_named(tmp_path: Path) -> None:
    hide = "import sys\nsys.path[:] = [path for path in sys.path if 'site-packages' not in path]"
    ended = run(tmp_path, hide, "%matplotlib inline\nprint('fine')", "x = 1\n!ls")
    assert ended.out == "fine\n"
    assert ended.code == 73
    assert (
        "cell 3 uses `!ls`, which needs IPython, and this image does not have it. Add `pip install ipython`"
        in ended.last
    )


def test_a_forked_child_can_print_and_display(tmp_path: Path) -> None:
    code = "import os\npid = os.fork()\nif not pid:\n    print('child')\n    display('shown')\n    os._exit(0)\n"
    code += "os.waitpid(pid, 0)\nprint('parent')"
    ended = run(tmp_path, code, "print('next')")
    assert ended.code == 0
    assert streams(ended.outputs(1)) == [("stdout", "child\n'shown'\nparent\n")]
    assert streams(ended.outputs(2)) == [("stdout", "next\n")]


def test_what_runs_at_exit_runs_before_the_last_line(tmp_path: Path) -> None:
    ended = run(tmp_path, "import atexit\natexit.register(print, 'bye');")
    assert ended.out == "bye\n"
    assert ended.code == 0


def test_a_child_left_behind_does_not_hold_the_task(tmp_path: Path) -> None:
    ended = run(tmp_path, "import subprocess\nprint(subprocess.Popen(['sleep', '100']).pid)")
    os.kill(int(ended.out), signal.SIGKILL)
    assert ended.code == 0


def test_users_children_do_not_inherit_the_payload(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "import os\nprint([n for n in os.environ if n.startswith('KUBENB_') and len(os.environ[n]) > 200])"
    )
    assert ended.out == "[]\n"


def test_a_retry_begins_with_an_empty_place(tmp_path: Path) -> None:
    first = run(tmp_path, IMPORT, "_kubenb.save({'x': 1})")
    assert (first.place / "_SUCCESS").exists()
    second = run(tmp_path, "1/0", KUBENB_TRY="2")
    assert sorted(path.name for path in second.place.iterdir()) == ["notebook.ipynb", "usage.json"]
    assert second.notebook["metadata"]["kubenb_run"]["try"] == "2"


def test_the_notebook_goes_to_a_second_path_too(tmp_path: Path) -> None:
    ended = run(tmp_path, "1", KUBENB_NOTEBOOK_OUT=str(tmp_path / "copy" / "extract.ipynb"))
    assert json.loads((tmp_path / "copy" / "extract.ipynb").read_text()) == ended.notebook


def test_two_tasks_hand_over(tmp_path: Path) -> None:
    one = "rows = [1, (2, 'x')]\nclass Point:\n    x = 1\np = Point()"
    first = run(tmp_path, one, IMPORT, "_kubenb.save({'rows': rows, 'p': p}, pickle=['p'])")
    assert first.code == 0, first.err
    take = "rows, p = _kubenb.load('extract', 'rows', 'p', readonly=['rows'])\nprint(rows, type(p) is Point, p.x)"
    second = run(tmp_path, "class Point:\n    x = 1", IMPORT, take, "_kubenb.save({})", KUBENB_TASK="train")
    assert second.out == "[1, (2, 'x')] True 1\n"
    used = second.read("usage.json")
    assert used["in"] > 0


def test_a_refusal_in_a_cell_has_its_own_code_and_no_traceback(tmp_path: Path) -> None:
    ended = run(tmp_path, IMPORT, "x = _kubenb.load('other', 'x')")
    assert ended.code == 65
    assert ended.last.startswith("kubenb: extract failed: other has not finished in run r1")
    assert ended.err.count("\n") == 1
    undeclared = run(tmp_path, IMPORT, "class M: pass", "_kubenb.save({'m': {'a': [M()]}})")
    assert undeclared.code == 69
    assert "m['a'][0] is a __main__.M. Write `#| pickle: m`" in undeclared.last


@pytest.mark.parametrize("engine", ["kubenb", "papermill"])
def test_a_changed_input_is_found_even_where_nothing_is_saved(tmp_path: Path, engine: str) -> None:
    assert run(tmp_path, IMPORT, "_kubenb.save({'x': [1]})").code == 0
    told = {"KUBENB_TASK": "train", "KUBENB_ENGINE": engine, "PYTHONWARNINGS": "default"}
    ended = run(tmp_path, IMPORT, "x = _kubenb.load('extract', 'x', readonly=True)", "x.append(2)", **told)
    assert (ended.code, "x, which came from extract, was changed in place" in ended.last) == (67, True), ended.last
    assert not (ended.place / "_SUCCESS").exists()


def test_a_caught_refusal_of_load_does_not_end_the_task(tmp_path: Path) -> None:
    code = "try:\n    x = _kubenb.load('other', 'x')\nexcept Exception as error:\n    print(type(error).__name__)"
    ended: Ended = run(tmp_path, IMPORT, code, "1/0")
    assert ended.code == 1
    assert "ZeroDivisionError" in ended.last

"""`--run local`: the cell in its own process, as packaged; inputs from the kernel, variables back into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.magics.kernel import Kernel, kernel


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel that ran a notebook's first cells here."""
    with kernel(tmp_path_factory.mktemp("local")) as started:
        for cell in (
            "%k8s_dag small --engine kubenb",
            "import os\nkernel_pid = os.getpid()\nfactor = 10\ndef scaled(x):\n    return x * factor",
            "%%k8s_task extract\nrows = [1, 2, 3]\nairports = ['JFK', 'LGA']",
        ):
            assert started.run(cell).status == "ok"
        yield started


def test_it_runs_elsewhere_and_its_variables_come_back(ready: Kernel) -> None:
    reply = ready.run(
        "%%k8s_task train --run local\ntotal = scaled(sum(rows))\nelsewhere = os.getpid()\nprint('total', total)"
    )
    assert (reply.status, reply.err) == ("ok", "")
    assert "total 60\n" in reply.out
    assert "train: done in its own process, in " in reply.out
    assert reply.out.strip().endswith("-> total, elsewhere")
    assert ready.value("total, elsewhere != kernel_pid") == (60, True)


def test_a_change_in_place_comes_back(ready: Kernel) -> None:
    ready.run("%%k8s_task grow --run local\nrows.append(4)")
    assert ready.value("rows") == [1, 2, 3, 4]
    ready.run("rows.pop()")


def test_a_mapped_cell_is_a_process_an_item(ready: Kernel) -> None:
    reply = ready.run('%%k8s_task each --run local --map "airport in airports"\nlower = airport.lower()')
    assert reply.status == "ok", reply.err
    assert "2 items" in reply.out
    assert ready.value("lower") == ["jfk", "lga"]


def test_a_mapped_cells_lists_are_in_the_items_order(ready: Kernel) -> None:
    body = "import time\nif m == 1:\n    time.sleep(1.5)\ndouble = m * 2"
    assert ready.run(f'%%k8s_task ordered --run local --map "m in [1, 2, 3]"\n{body}').status == "ok"
    assert ready.value("double") == [2, 4, 6]


def test_what_cant_come_back_is_told(ready: Kernel) -> None:
    reply = ready.run("%%k8s_task made --run local\nkept = 1\nopen_file = open('/dev/null')")
    assert reply.status == "ok"
    assert ready.value("kept") == 1
    assert "open_file stayed there: " in reply.out


def test_a_failure_is_shown_where_it_is_and_fails_the_cell_once(ready: Kernel) -> None:
    reply = ready.run("%%k8s_task broken --run local\nx = 1\nbroken = x / 0")
    assert reply.status == "error"
    assert reply.tracebacks == []
    assert "broken = x / 0" in reply.out
    assert reply.err.startswith("UsageError: task broken failed: ZeroDivisionError: division by zero")


def test_an_input_that_the_kernel_does_not_have_is_named(ready: Kernel) -> None:
    ready.run("%%k8s_task early\nlost = 1")
    ready.run("get_ipython().user_ns.pop('lost')")
    reply = ready.run("%%k8s_task late --run local\nfound = lost")
    assert reply.status == "error"
    assert "lost comes from early, and is not in this kernel. Run the cell of early first." in reply.err


def test_an_input_that_cant_travel_is_named_with_the_line_to_paste(ready: Kernel) -> None:
    ready.run("%%k8s_task early\nclass Model: pass\nmodel = Model()")
    reply = ready.run("%%k8s_task late --run local\nfound = model")
    assert reply.status == "error"
    assert "Write `#| pickle: model`" in reply.err


def test_a_profile_or_the_settings_may_say_where_cells_run(ready: Kernel) -> None:
    ready.run("open('kubenb.toml', 'w').write('[profiles.apart]\\nrun = \"local\"\\n')\nimport time; time.sleep(1.1)")
    reply = ready.run("%%k8s_task apart --profile apart\npid_there = os.getpid()")
    assert "done in its own process" in reply.out
    assert ready.value("pid_there != kernel_pid") is True
    ready.run("os.unlink('kubenb.toml')")

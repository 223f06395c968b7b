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


def test_the_global_generator_goes_on_where_the_task_stopped(ready: Kernel) -> None:
    ready.run("import random\nrandom.seed(1)")
    ready.run("%%k8s_task seeded --run local\nrandom.seed(4)\nfirst = random.random()")
    assert ready.value("random.random() == [random.seed(4), random.random(), random.random()][2]") is True
    ready.run("random.seed(7)")
    ready.run("%%k8s_task apart_from_it --run local\nuntouched = 1")
    assert ready.value("random.random() == [random.seed(7), random.random()][1]") is True


def test_other_names_of_a_changed_object_follow_and_parts_of_it_are_named(ready: Kernel) -> None:
    ready.run("a = [1]\nb = a\nbox = {'a': a}\napart = [1]")
    reply = ready.run("%%k8s_task follow --run local\na.append(2)")
    assert ready.value("a, b, a is b, apart") == ([1, 2], [1, 2], True, [1])
    assert "  box still holds the old data: it shared data with a. Run the cell that makes it again." in reply.out
    assert "apart still" not in reply.out
    ready.run("a = [1]\nb = a\ndel box")
    reply = ready.run("%%k8s_task follow --run local\na.append(2)\na = [9]")
    assert ready.value("a, b") == ([9], [1])
    assert "  b still holds the old data: it was the same object as a." in reply.out
    ready.run("del a, b")


def test_functions_classes_and_imports_of_the_body_are_here_too(ready: Kernel) -> None:
    body = (
        "import math\nlimit = 7\ndef below(x, most=limit):\n    return math.floor(min(x, most))\n"
        "class Node:\n    size = 3\nnode = Node()\nif limit:\n    def inner(): pass"
    )
    reply = ready.run(f"%%k8s_task coded --run local\n#| pickle: node\n{body}")
    assert (reply.status, reply.err) == ("ok", "")
    assert ready.value("below(99.5), node.size, type(node) is Node, math.ceil(0.5)") == (7, 3, True, 1)
    assert "  inner stayed there: defined inside another statement. Write it in a cell of its own." in reply.out


def test_a_variable_that_lacks_a_pickle_names_the_line(ready: Kernel) -> None:
    reply = ready.run("%%k8s_task unpickled --run local\nclass Thing: pass\nthing = Thing()")
    assert "thing stayed there: " in reply.out
    assert "Write `#| pickle: thing` under the task's first line" in reply.out


def test_what_cant_come_back_is_told(ready: Kernel) -> None:
    reply = ready.run("%%k8s_task made --run local\nkept = 1\nopen_file = open('/dev/null')")
    assert reply.status == "ok"
    assert ready.value("kept") == 1
    assert "open_file stayed there: " in reply.out


def test_a_failure_is_shown_where_it_is_and_fails_the_cell_once(ready: Kernel) -> None:
    reply = ready.run("%%k8s_task broken --run local\nx = 1\nbroken = x / 0")
    assert reply.status == "error"
    assert reply.out.count("----> 2 broken = x / 0") == 1 or reply.out.count("    broken = x / 0") == 1
    assert reply.out.rstrip().endswith("ZeroDivisionError: division by zero")
    last = reply.tracebacks[0].splitlines()
    assert last[0] == "broken failed in its own process"
    assert last[1].startswith("Its executed notebook: ")
    assert (len(reply.tracebacks), len(last), reply.err) == (1, 2, "")


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

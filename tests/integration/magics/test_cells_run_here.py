"""A task's cell run here is a plain cell, measured: display, await, tracebacks and errors are as they always are."""

from __future__ import annotations

import re

import pytest

from tests.integration.magics.kernel import Kernel

LINE = re.compile(r"^train: done in [\d.]+ m?s, peak memory \d+ MiB, cpu [\d.]+ m?s( -> .*)?$", re.MULTILINE)


def test_the_last_expression_is_shown_and_one_line_of_measures_stands_below(shared: Kernel) -> None:
    reply = shared.run("%%k8s_task train --cpu 500m\n#| memory: 1Gi\nrows = [1, 2]\ntotal = sum(rows)\ntotal * 2")
    assert (reply.status, reply.plain, reply.err) == ("ok", ["6"], "")
    assert LINE.fullmatch(reply.out.strip())
    assert reply.out.strip().endswith("-> rows, total")
    assert shared.value("rows, total") == ([1, 2], 3)


@pytest.mark.parametrize("above", ["\n\n", "  "])
def test_blank_lines_and_an_indent_above_change_nothing(shared: Kernel, above: str) -> None:
    assert LINE.fullmatch(shared.run(f"{above}%%k8s_task train\n{above.strip(chr(10))}x = 1").out.strip())


def test_await_works_at_the_top_level(shared: Kernel) -> None:
    reply = shared.run("%%k8s_task train\nimport asyncio\nasync def f():\n    return 5\nawaited = await f()\nawaited")
    assert (reply.status, reply.plain) == ("ok", ["5"])


def test_magics_and_shell_lines_of_the_body_work(shared: Kernel) -> None:
    reply = shared.run("%%k8s_task train\n%time y = 3\n!echo shell")
    assert reply.status == "ok"
    assert "shell" in reply.out
    assert "Wall time" in reply.out
    assert reply.out.strip().endswith("-> y")


BROKEN = "%%k8s_task broken\ndef f(x):\n    return 1 / x\na = 5\n\nf(0)\nb = 3"


def test_an_error_has_one_traceback_with_the_arrow_in_the_users_line(shared: Kernel) -> None:
    reply = shared.run(BROKEN)
    assert reply.status == "error"
    (traceback,) = reply.tracebacks
    assert "----> 6 f(0)" in traceback
    assert "----> 3     return 1 / x" in traceback
    assert "kubenb" not in traceback
    assert re.search(r"^broken: failed in ", reply.out, re.MULTILINE)


def test_a_syntax_error_has_the_users_line_number(shared: Kernel) -> None:
    (traceback,) = shared.run("%%k8s_task train\nx = 1\ny = = 2").tracebacks
    assert "line 3" in traceback


REFUSED = [
    (
        "%%k8s_task bad --cpus 2 --memory 4G1\nx = 3",
        "UsageError: line 1 (bad): unknown option --cpus. Did you mean --cpu? Try: %%k8s_task bad --cpu 2 --memory 4G1\n"
        "line 1 (bad): memory '4G1' is not a quantity. Write 4Gi or 4096Mi.",
    ),
    (
        "%%k8s_task\nx = 1",
        "UsageError: line 1: the task's name is missing. Write it like %%k8s_task train --memory 4Gi.",
    ),
    (
        "# a comment\n%%k8s_task train\nx = 1",
        "UsageError: line 2: a comment stands above %%k8s_task."
        " Move the comment below line 1: %%k8s_task comes first in its cell.",
    ),
    (
        "%k8s_task train",
        "UsageError: %k8s_task stands with one percent sign. Write two, on the cell's first line: %%k8s_task train",
    ),
    (
        "%%k8s_task train --run pod\nx = 1",
        "UsageError: there is no kubeconfig at nowhere. Set KUBECONFIG, or log in to a cluster as for kubectl.",
    ),
    (
        "%k8s_dag flights --schedul @daily",
        "UsageError: line 1: unknown option --schedul. Did you mean --schedule or --scheduler? Try: %k8s_dag flights --schedule @daily",
    ),
    ("%k8s_graph --what", "UsageError: unknown option --what. It takes none."),
    ("%k8s_export", "UsageError: %k8s_export needs the folder of DAGs. Write %k8s_export dags/"),
    ("%k8s_graph nowhere.ipynb", "UsageError: "),
]


@pytest.mark.parametrize(("cell", "text"), REFUSED)
def test_what_is_wrong_fails_the_cell_once_and_quietly(shared: Kernel, cell: str, text: str) -> None:
    reply = shared.run(cell)
    assert reply.status == "error"
    assert reply.tracebacks == []
    assert reply.err.strip().startswith(text)
    assert reply.out == ""


def test_a_refused_cell_does_not_run(shared: Kernel) -> None:
    shared.run("%%k8s_task train --cpus 2\nnever_made = 1")
    assert shared.value("'never_made' in globals()") is False


def test_braces_and_dollars_are_kept(shared: Kernel) -> None:
    shared.run("ds = 'x'")
    assert shared.run("%k8s_dag flights --param 'day={{ ds }}'").status == "ok"
    assert shared.run("%%k8s_task train --description 'costs $ds {ds}'\nz = '{{ ds }} $ds'").status == "ok"
    assert shared.value("z") == "{{ ds }} $ds"


def test_a_mapped_cell_runs_once_an_item_and_gathers_lists(shared: Kernel) -> None:
    shared.run("base = 10")
    reply = shared.run('%%k8s_task scores --map "m in [1, 2, 3]"\nscore = m * base\nscore')
    assert (reply.status, reply.plain) == ("ok", ["10", "20", "30"])
    assert shared.value("m, score, base") == ([1, 2, 3], [10, 20, 30], 10)


def test_an_item_does_not_see_what_another_left(shared: Kernel) -> None:
    shared.run("seen = 'before'")
    shared.run('%%k8s_task scores --map "m in [1, 2]"\nold = seen\nseen = m')
    assert shared.value("old, seen") == (["before", "before"], [1, 2])


def test_a_mapped_cell_may_await_and_points_at_the_failing_line(shared: Kernel) -> None:
    reply = shared.run('%%k8s_task scores --map "m in [1, 2]"\nimport asyncio\nawait asyncio.sleep(0)\nt = 1 / (m - 2)')
    (traceback,) = reply.tracebacks
    assert "----> 4 t = 1 / (m - 2)" in traceback


def test_break_outside_the_users_own_loop_is_an_error(shared: Kernel) -> None:
    (traceback,) = shared.run('%%k8s_task scores --map "m in [1, 2]"\nbreak').tracebacks
    assert "'break' outside loop" in traceback


def test_help_has_examples_from_the_table(shared: Kernel) -> None:
    text = shared.run("%%k8s_task --help").out
    assert "%%k8s_task train --cpu 2 --memory 4Gi" in text
    assert "  --toleration dedicated=ml:NoSchedule\n" in text
    assert shared.run("%k8s_dag --help").out.startswith("%k8s_dag [ID] [--option value …]")
    assert "%k8s_export DIR" in shared.run("%k8s").out


def test_a_task_that_runs_cells_is_measured_once(shared: Kernel) -> None:
    reply = shared.run("%%k8s_task train\nr = get_ipython().run_cell('q = 1').success\nr")
    assert reply.plain == ["True"]
    assert reply.out.count("done in") == 1


def test_a_cell_run_by_other_code_runs_too_and_fails_once(shared: Kernel) -> None:
    assert shared.run("get_ipython().run_cell_magic('k8s_task', 'train', 'w = 3\\nw')").plain == ["3"]
    reply = shared.run("get_ipython().run_cell_magic('k8s_task', 'train', '1 / 0')")
    assert reply.status == "error"
    assert reply.err.strip() == "UsageError: task train failed: see above"


def test_loading_twice_changes_nothing_and_unloading_takes_all_out(shared: Kernel) -> None:
    shared.run("%load_ext kubenb\n%reload_ext kubenb")
    assert shared.run("%%k8s_task train\nx = 1").out.count("done in") == 1
    shared.run("%unload_ext kubenb")
    assert "not found" in shared.run("%%k8s_task train\nx = 1").err
    shared.run("%load_ext kubenb")
    assert shared.run("%%k8s_task train\nx = 1").status == "ok"

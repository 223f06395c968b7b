"""From cells to tasks: roles, defaults, the DAG's line, other notebooks, and what is wrong with the whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kubenb.notebook.dataflow
from kubenb.model.pipeline import Cell, Edge, Notebook, Pipeline, Plan, Reason, Task
from kubenb.model.problems import Place, Problem
from kubenb.notebook.pipeline import read_pipeline
from kubenb.notebook.settings import EMPTY, Settings, parse_settings
from tests.unit.model.strategies import PATIENT


@dataclass
class Dataflow:
    """Stands for dataflow, which has tests of its own: keeps what it is given, and gives what a test says."""

    cells: list[Any] = field(default_factory=list)
    shell_lines: str = ""
    edges: tuple[Edge, ...] = ()
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Any, ...] = ()
    plans: tuple[Plan, ...] = ()

    def analyse(self, cells: Sequence[Any], shell_lines: str) -> Dataflow:
        self.cells, self.shell_lines = list(cells), shell_lines
        self.plans = tuple(Plan(cell.task) for cell in cells if cell.task is not None)
        return self


@pytest.fixture(autouse=True)
def dataflow(monkeypatch: pytest.MonkeyPatch) -> Dataflow:
    stand_in = Dataflow()
    monkeypatch.setattr(kubenb.notebook.dataflow, "analyse", stand_in.analyse)
    return stand_in


def read(*sources: str | tuple[str, str], settings: Settings = EMPTY, path: str = "flights.ipynb") -> Pipeline:
    """The pipeline of these code cells; a pair is (source, tag)."""
    cells = [
        Cell(
            number,
            "code",
            source if isinstance(source, str) else source[0],
            () if isinstance(source, str) else source[1:],
        )
        for number, source in enumerate(sources, 1)
    ]
    return read_pipeline(Notebook(path, tuple(cells)), settings)


def tasks(pipeline: Pipeline) -> list[Task]:
    return [plan.task for plan in pipeline.plans]


def said(pipeline: Pipeline) -> list[str]:
    return [str(problem) for problem in pipeline.problems]


def test_each_cell_has_its_role_in_the_notebooks_order(dataflow: Dataflow) -> None:
    found = read(
        "%load_ext kubenb\n%k8s_dag flights --schedule @daily --shell-lines keep",
        "import pandas",
        ("year = 2013", "parameters"),
        "%%k8s_task load --cpu 1\nx = year",
        "",
        "y = x\n%k8s_container copy --image a:1 -- run\n#| after: load\nz = 3",
    )
    assert said(found) == []
    assert [
        (cell.number, cell.role, cell.source, cell.line, cell.task and cell.task.name) for cell in dataflow.cells
    ] == [
        (3, "parameters", "year = 2013", 1, None),
        (1, "ordinary", "%load_ext kubenb\n%k8s_dag flights --schedule @daily --shell-lines keep", 1, None),
        (2, "ordinary", "import pandas", 1, None),
        (4, "task", "x = year", 2, "load"),
        (6, "ordinary", "y = x", 1, None),
        (6, "task", "", 4, "copy"),
        (6, "ordinary", "z = 3", 4, None),
    ]
    assert dataflow.shell_lines == "keep"
    assert (found.dag.id, found.dag.schedule, found.dag_where) == ("flights", "@daily", Place(1, 2))


def test_a_task_has_its_text_its_place_and_every_default() -> None:
    settings = parse_settings({"task": {"image": "base:1"}, "profiles": {"large": {"memory": "16Gi"}}}, "kubenb.toml")
    found = read(
        "%k8s_dag f --namespace ml --task-timeout 1h",
        "%%k8s_task train --cpu 2 --profile large\n#| retries: 3\nx = 1\n",
        settings=settings,
    )
    (task,) = tasks(found)
    assert found.dag_origins == {"id": "cell 1", "task-timeout": "cell 1"}
    assert (task.name, task.kind, task.body, task.where) == ("train", "cell", "x = 1\n", Place(2, 3, "train"))
    options = task.options
    assert (options.cpu, options.memory, options.image, options.namespace, options.timeout) == (
        "2",
        "16Gi",
        "base:1",
        "ml",
        None,
    )
    assert task.origins == {
        "cpu": "cell 2", "profile": "cell 2", "retries": "cell 2", "memory": "kubenb.toml [profiles.large]",
        "namespace": "%k8s_dag, cell 1", "image": "kubenb.toml [task]",
    }  # fmt: skip


def test_a_notebook_without_task_cells_is_one_task(dataflow: Dataflow) -> None:
    dataflow.problems = (Problem(Place(1, 4, "My_flights_2"), "y is odd.", "Fix.", "x"),)
    found = read(
        "%load_ext kubenb\n\nx = 1",
        ("year = 2013", "parameters"),
        "%k8s_dag daily\n#| retries: 1\n",
        "y = x\nz = y",
        path="a/My flights (2).ipynb",
    )
    (task,) = tasks(found)
    assert (task.name, task.body, found.dag.id) == ("My_flights_2", "x = 1\n\ny = x\nz = y", "daily")
    assert [cell.role for cell in dataflow.cells] == ["parameters", "task"]
    assert said(found) == ["cell 4, line 2 (My_flights_2): y is odd. Fix."]


def test_a_notebook_without_code_says_so() -> None:
    assert said(read("%load_ext kubenb")) == [
        "flights.ipynb: the notebook has no code. Write %%k8s_task NAME on a cell's first line."
    ]
    assert said(read())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "notebook"),
        ("日本.ipynb", "notebook"),
        ("1.ipynb", "notebook"),
        ("x/class.py", "class"),
        ("a\\b.ipynb", "b"),
    ],
)
def test_any_file_name_gives_a_task_name(path: str, name: str) -> None:
    assert tasks(read("x = 1", path=path))[0].name == name


def test_parameters_are_read_and_filled() -> None:
    found = read(
        ("year = 2013\nday = '2013-01-01'", "parameters"),
        "%k8s_dag f --param 'day={{ ds }}' --param extra=1",
        "%%k8s_task a\nx = extra",
    )
    assert [(each.name, each.default, each.template) for each in found.parameters] == [
        ("year", 2013, None), ("day", "2013-01-01", "{{ ds }}"), ("extra", 1, None),
    ]  # fmt: skip
    assert said(found) == []


def test_a_parameter_that_only_the_dag_has_is_bound_before_all(dataflow: Dataflow) -> None:
    read("%k8s_dag f --param extra=1", "%%k8s_task a\nx = extra")
    assert (dataflow.cells[0].role, dataflow.cells[0].source) == ("parameters", "extra = None")
    read(("year = 1", "parameters"), "%k8s_dag f --param extra=1", "%%k8s_task a\nx = extra")
    assert (dataflow.cells[0].role, dataflow.cells[0].source) == ("parameters", "year = 1\nextra = None")


def test_after_makes_edges_beside_those_of_the_data(dataflow: Dataflow) -> None:
    made = Reason("x", Place(1), Place(2))
    dataflow.edges = (Edge("a", "b", (made,)),)
    found = read("%%k8s_task a\n1", "%%k8s_task b\n#| after: a\n2", "%%k8s_task c\n#| after: a, b\n3")
    assert [(edge.upstream, edge.downstream, [reason.variable for reason in edge.reasons]) for edge in found.edges] == [
        ("a", "b", ["x", None]), ("a", "c", [None]), ("b", "c", [None]),
    ]  # fmt: skip
    assert found.edges[1].reasons == (Reason(None, Place(1, 2, "a"), Place(3, 3, "c"), "after"),)


WRONG: list[tuple[str, list[str | tuple[str, str]], list[str]]] = [
    ("a name twice", ["%%k8s_task a\n1", "%%k8s_task a\n2"],
     ["cell 2, line 1 (a): task a is there a second time (first in cell 1). Choose another name, like a_2."]),
    ("names alike", ["%%k8s_task a-b\n1", "%%k8s_task A_b\n2"],
     ["cell 2, line 1 (A_b): task A_b differs from task a-b only in case or in - and _. "
      "Choose a name that differs in letters: pods and files could not tell them apart."]),
    ("after a task that is not there", ["%%k8s_task load\n1", "%%k8s_task b\n#| after: laod\n2"],
     ["cell 2, line 2 (b): after names 'laod', which is no task of this notebook. Did you mean load?"]),
    ("after a task far from all", ["%%k8s_task load\n1", "%%k8s_task b\n#| after: zzz\n2"],
     ["cell 2, line 2 (b): after names 'zzz', which is no task of this notebook. The tasks are load, b."]),
    ("after itself", ["%%k8s_task load\n#| after: load\n1"],
     ["cell 1, line 2 (load): task load is to run after itself. Leave it out of after."]),
    ("a cycle", ["%%k8s_task a\n#| after: c\n1",
                 "%%k8s_task b\n#| after: a\n2", "%%k8s_task c\n#| after: b\n3", "%%k8s_task d\n#| after: c\n4"],
     ["cell 1, line 3 (a): the tasks wait for each other: a -> b -> c -> a. Take one of them out of after."]),
    ("two DAG lines", ["%k8s_dag a", "%k8s_dag b", "%%k8s_task a\n1"],
     ["cell 2, line 1: %k8s_dag stands here a second time (first in cell 1, line 1). Keep one line."]),
    ("two parameters cells", [("a = 1", "parameters"), ("b = 1", "parameters"), "%%k8s_task a\n1"],
     ["cell 2: this is a second cell tagged parameters. Keep one."]),
    ("parameters below a task", ["%%k8s_task a\n1", ("b = 1", "parameters")],
     ["cell 2: the parameters cell stands below a task. Move it above the first task: every task begins with it."]),
    ("a task tagged parameters", [("%%k8s_task a\n1", "parameters"), "%%k8s_task b\n1"],
     ["cell 1, line 1 (a): a task's cell is tagged parameters. Take the tag off, or move the parameters to a cell of their own."]),
    ("request over limit", ["%%k8s_task a --memory 1G --memory-request 1Gi --cpu 2 --cpu-limit 1500m\n1"],
     ["cell 1, line 1 (a): memory-request 1Gi is more than memory 1G, the limit. Write at most 1G, or leave it out.",
      "cell 1, line 1 (a): cpu 2 is more than cpu-limit 1500m. Write at most 1500m."]),
    ("a request without limit", ["%%k8s_task a --memory-request 1Gi\n1"],
     ["cell 1, line 1 (a): memory-request stands without memory, the limit. Write memory: 1Gi, or more."]),
    ("a limit over the DAG's", ["%k8s_dag f --cpu-limit 1", "%%k8s_task a --cpu 2\n1"],
     ["cell 2, line 1 (a): cpu 2 is more than cpu-limit 1. Write at most 1."]),
    ("a variable twice",
     ["%%k8s_task a\n#| env: X=1\n#| secret: db/x -> X\n#| google-key: gcp\n#| env: GOOGLE_APPLICATION_CREDENTIALS=1\n1"],
     ["cell 1, line 2 (a): variable GOOGLE_APPLICATION_CREDENTIALS is set by google-key and by env. Keep one.",
      "cell 1, line 3 (a): variable X is set by env and by secret. Keep one."]),
    ("a folder twice", ["%%k8s_task a\n#| volume: pvc:d -> /data\n#| secret: s -> /data/\n1"],
     ["cell 1, line 3 (a): folder /data is mounted by volume and by secret. Choose another folder for one of them."]),
    ("items without map", ["%%k8s_task a\n#| max-parallel: 2\n1"],
     ["cell 1, line 2 (a): max-parallel stands without map. Write map: NAME in ITEMS, or leave it out."]),
    ("an item over the limit", ['%%k8s_task a --cpu-limit 1\n#| map: m in [1]\n#| item-resources: [{"cpu": 2}]\n1'],
     ["cell 1, line 3 (a): item 1 has cpu 2, more than cpu-limit 1. Write at most 1."]),
    ("a container with pickle", ["%k8s_container a --image x:1 --pickle m -- run"],
     ["cell 1, line 1 (a): pickle means nothing for an image's own command. Leave it out."]),
    ("an end before its start", ["%k8s_dag f --start 2026-02-01 --end 2026-01-01", "%%k8s_task a\n1"],
     ["cell 1, line 1: end 2026-01-01 is before start 2026-02-01. Write a later day."]),
    ("in-cluster and a context", ["%k8s_dag f --in-cluster --context prod", "%%k8s_task a\n1"],
     ["cell 1, line 1: context 'prod' is set, and in-cluster too. Keep one: a context names a cluster of the kubeconfig."]),
    ("no time at all", ["%k8s_dag f --timeout 0s", "%%k8s_task a --timeout 0s\n1"],
     ["cell 1, line 1: timeout 0 would end every run at once. Write a time, like 6h.",
      "cell 2, line 1 (a): timeout 0 would end every run at once. Write a time, like 2h."]),
    ("NUL", ["x = 1\ny = '\0'", "%%k8s_task a\n1"],
     ["cell 1, line 2: the cell holds the character '\\x00', which no Python file takes. Delete it."]),
    ("half a pair", ["%%k8s_task a\ny = '\ud800'", "%%k8s_task b\n1"],
     ["cell 1, line 2: the cell holds the character '\\ud800', which no Python file takes. Delete it."]),
    ("a hidden direction", ["%%k8s_task a\n\ny = '\u202e'"],
     ["cell 1, line 3: the hidden character '\\u202e' makes the line read in another order than it runs. "
      "Delete it, or write it as an escape."]),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "expected"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_with_the_whole_is_said(cells: list[str | tuple[str, str]], expected: list[str]) -> None:
    assert said(read(*cells)) == expected


def test_a_notebook_named_like_a_package_needs_an_id() -> None:
    assert said(read("x = 1", path="a/Airflow.ipynb")) == [
        "a/Airflow.ipynb: DAG id 'Airflow' would hide the package of that name. Write %k8s_dag Airflow_dag."
    ]
    assert said(read("%k8s_dag flights", "x = 1", path="a/Airflow.ipynb")) == []


def test_problems_of_settings_come_along() -> None:
    settings = parse_settings({"task": {"cpus": 1}}, "kubenb.toml")
    assert said(read("x = 1", settings=settings)) == ["kubenb.toml: [task] cpus is not an option. Did you mean cpu?"]


def write(path: Path, *sources: str | tuple[str, str]) -> None:
    cells = [
        {"cell_type": "code", "source": source if isinstance(source, str) else source[0],
         "metadata": {} if isinstance(source, str) else {"tags": [source[1]]}}
        for source in sources
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


def test_another_notebook_is_a_task_with_all_its_code(tmp_path: Path) -> None:
    write(
        tmp_path / "sub" / "other.ipynb",
        "import os",
        ("year = 2000\nextra = 5", "parameters"),
        "%k8s_graph\nmodel = year + extra",
    )
    here = str(tmp_path / "main.ipynb")
    found = read(
        ("year = 2013", "parameters"), "%k8s_notebook sub/other.ipynb --as train --memory 4Gi\n#| out: model", path=here
    )
    (task,) = tasks(found)
    assert said(found) == []
    assert (task.kind, task.notebook, task.options.memory, task.options.out) == (
        "notebook", (tmp_path / "sub" / "other.ipynb").as_posix(), "4Gi", ("model",),
    )  # fmt: skip
    assert task.body == "import os\n\nextra = 5\n\nmodel = year + extra"


@pytest.mark.parametrize(
    "line", ["%%k8s_container x", "%%k8s_dag d", "%%k8s_tsk a", "%k8s_task a", "x = 1\n%%k8s_task a"]
)
def test_a_line_that_is_none_of_our_magics_is_named_once(line: str) -> None:
    (problem,) = read(f"{line}\ny = 2", "%%k8s_task b\nprint(y)").problems
    assert problem.code.startswith("header.")


PARAM = "%k8s_notebook other.py --as train"
OTHER = '# %% tags=["parameters"]\nyear = 2012\nname = "a"\n# %%\nprint(year, name)\n'


@pytest.mark.parametrize(
    ("line", "body"),
    [
        ("--param year=2014", "year = 2014\nname = 'a'"),
        ("\n#| param: name=b c", "year = 2012\nname = 'b c'"),
        ("", 'year = 2012\nname = "a"'),
    ],
)
def test_a_task_sets_another_notebooks_parameters(line: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(OTHER)
    found = read(f"{PARAM} {line}", path=str(tmp_path / "main.ipynb"))
    assert said(found) == []
    assert tasks(found)[0].body == f"{body}\n\nprint(year, name)"


def test_a_tasks_own_value_goes_before_this_notebooks_parameter(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(OTHER)
    found = read(("year = 2013", "parameters"), f"{PARAM} --param year=2014", path=str(tmp_path / "main.ipynb"))
    assert tasks(found)[0].body.startswith("year = 2014\n")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (f"{PARAM} --param yaer=1", "(train): 'other.py' has no parameter yaer. Did you mean year?"),
        (f"{PARAM} --param x=1", "(train): 'other.py' has no parameter x. It has year, name."),
        (f"{PARAM} --param year=soon", '(train): param year is "soon", but the parameters cell (cell 1) has 2012. '
         "Write a value of the same type."),
        (f"{PARAM} --param 'name={{{{ ds }}}}'", "(train): param name takes an Airflow field, and a task's param is a constant. "
         "Write it at %k8s_dag: --param 'name={{ ds }}'. A notebook's parameter of that name takes it."),
        (f"{PARAM} -p year=1", "(train): unknown option -p. Did you mean --param? Try: %k8s_notebook other.py --as train --param year=1"),
        ("%k8s_notebook plain.py --as train --param x=1", "(train): 'plain.py' has no cell tagged parameters, so x can't be set. "
         "Tag the cell of its parameters, or leave param out."),
        ("%%k8s_task train --param x=1\n1", "(train): param belongs to the DAG or to a %k8s_notebook. "
         "Write it on the DAG's line: %k8s_dag --param x=1"),
    ],
)  # fmt: skip
def test_a_parameter_that_another_notebook_can_not_take_is_named(cell: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(OTHER)
    (tmp_path / "plain.py").write_text("x = 1\n")
    (problem,) = said(read(cell, path=str(tmp_path / "main.ipynb")))
    assert problem.removeprefix("cell 1, line 1 ") == message


def test_another_notebook_stays_inside_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(tmp_path / "outside.ipynb", "x = 1")
    write(project / "tasks.ipynb", "%%k8s_task a\n1")
    write(project / "empty.ipynb", "")
    (project / "link.ipynb").symlink_to(tmp_path / "outside.ipynb")
    (project / ".git").mkdir()
    here = str(project / "main.ipynb")
    write(Path(here), "x = 1")
    cases = {
        "../outside.ipynb": "'../outside.ipynb' lies outside the project. Write a path relative to this notebook, below project.",
        "link.ipynb": "'link.ipynb' lies outside the project. Write a path relative to this notebook, below project.",
        str(
            project / "tasks.ipynb"
        ): "lies outside the project. Write a path relative to this notebook, below project.",
        "main.ipynb": "'main.ipynb' is this notebook itself. Name another one.",
        "tasks.ipynb": "has tasks of its own (cell 1). Name a notebook without tasks, or export that one as a DAG of its own.",
        "empty.ipynb": "has no code. Name another notebook.",
        "zzz-qqq.ipynb": "'zzz-qqq.ipynb': there is no such file. Check the path.",
        "kubenb.toml": "'kubenb.toml' is not a notebook. Name a notebook (.ipynb) or a percent script (.py).",
    }
    for name, message in cases.items():
        (problem,) = said(read(f"%k8s_notebook {name} --as other", path=here))
        assert problem.startswith("cell 1, line 1 (other): ")
        assert problem.endswith(message), name


def test_hundreds_of_tasks_that_wait_for_each_other_are_named_at_once() -> None:
    count = 300
    found = read(*(f"%%k8s_task t{number}\n#| after: t{(number + 1) % count}\n1" for number in range(count)))
    (problem,) = found.problems
    assert problem.code == "task.cycle"
    assert problem.what.startswith("the tasks wait for each other: t0 -> t299 -> ")


LINES = st.one_of(
    st.sampled_from(
        ["%%k8s_task a", "%%k8s_task b --memory 4G1", "%k8s_dag f --start 2026-01-01", "%k8s_notebook x.ipynb --as n", "#| after: a",
         "%k8s_container c --image i:1 -- run", "#| map: m in [1]", "#| memory: 4Gi", "#| profile: p", "x = 1", "\x00", "\ud800", "%%bash"]
    ),
    st.text(max_size=10),
)  # fmt: skip


@PATIENT
@given(
    st.lists(st.tuples(st.lists(LINES, max_size=4).map("\n".join), st.sampled_from([(), ("parameters",)])), max_size=6)
)
def test_any_cells_give_a_pipeline(cells: list[tuple[str, tuple[str, ...]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kubenb.notebook.dataflow, "analyse", Dataflow().analyse)
        listed = tuple(Cell(number, "code", source, tags) for number, (source, tags) in enumerate(cells, 1))
        found = read_pipeline(Notebook("n.ipynb", listed))
    assert all(problem.what.endswith(".") and problem.fix for problem in found.problems)
    assert len({task.name for task in tasks(found)}) == len(tasks(found))

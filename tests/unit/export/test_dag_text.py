"""The DAG file's text: short, for people, formatters leave it alone, and nothing that a user typed becomes code."""

from __future__ import annotations

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import black
import pytest

from kubenb.export.edges import edge_lines
from kubenb.export.files import export_files
from kubenb.export.ids import dag_id, variables
from kubenb.model.options import DagOptions
from kubenb.model.pipeline import Notebook, Parameter, Pipeline
from kubenb.model.values import KeyValue
from tests.unit.export.pipelines import container, dag_options, flights, pipeline, task
from tests.unit.export.stand_in import parse


def text_of(made: Pipeline) -> str:
    return export_files(made)[f"{dag_id(made)}.py"]


def test_three_tasks_take_less_than_sixty_lines() -> None:
    assert text_of(flights()).count("\n") < 60


def test_only_airflow_and_the_standard_library_are_imported() -> None:
    for made in everything():
        for node in ast.walk(ast.parse(text_of(made))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert (name or "").split(".")[0] in {"airflow", *sys.stdlib_module_names}


def everything() -> list[Pipeline]:
    """Pipelines of all shapes."""
    words = "word " * 30
    patch = "{spec: {containers: [{stdin: true}], terminationGracePeriodSeconds: 60}}"
    many: dict[str, Any] = {
        "env": ["A=1", f"LONG={words}"],
        "secret": ["db/password -> PW", "tls -> /etc/tls"],
        "volume": ["pvc:data -> /data", "emptydir:1Gi -> /scratch"],
        "toleration": ["a=b:NoSchedule", "*"],
        "affinity": ["node zone in a, b", "prefer not pod app=x on zone"],
        "node_selector": "pool=batch",
        "label": "team=x",
        "annotation": f"about={words}",
        "description": words,
        "gpu": "1",
        "cpu": "1",
        "storage": "1Gi",
        "pod": patch,
        "retry_delay": "90s",
        "deferrable": "true",
    }
    mapped = task("mapped", map="x in [1, 2, 3]", max_parallel="2")
    parts = task("parts", map="x in ['a', 'b']", item_resources='[{"memory": "1Gi"}, {"memory": "2Gi", "cpu": "2"}]')
    dag = dag_options(
        schedule="asset:s3://bucket/a-rather-long-name-of-a-thing, asset:another-rather-long-name-of-a-thing",
        tags=["a", "b"],
        description=words,
        on_failure="a.b.c",
        timezone="Europe/Berlin",
        timeout="1h",
        owner="Jörg Müller",
    )
    names = [f"a-rather-long-name-of-task-{number:02}-and-more-of-it" for number in range(30)]
    return [
        flights(),
        pipeline(task("alone")),
        pipeline(
            task("one", **many),
            mapped,
            parts,
            container("tool", ["run", "--day", "{{ ds }}", "x" * 90], after="one"),
            task("end", after="tool"),
            dag=dag,
        ),
        pipeline(*(task(name, after=names[max(0, number - 3) : number]) for number, name in enumerate(names))),
        pipeline(container("only", ("run",))),
        pipeline(task("one"), parameters=[Parameter(f"parameter_{number}", "値" * number) for number in range(25)]),
    ]


@pytest.mark.parametrize("number", range(6))
def test_formatters_change_nothing(number: int) -> None:
    text = text_of(everything()[number])
    assert black.format_str(text, mode=black.Mode()) == text
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("number", range(6))
def test_a_linter_finds_nothing(number: int) -> None:
    rules = "E4,E7,E9,F,I,B,UP,SIM,C4,PIE,RET,PERF"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--target-version", "py310", "--select", rules, "-"]
    done = subprocess.run(command, input=text_of(everything()[number]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


NAMES = [
    ("plain", ["extract", "train"], ["extract", "train"]),
    ("dashes", ["my-task"], ["my_task"]),
    ("keywords and builtins", ["import", "print", "match", "list"], ["import_", "print_", "match_", "list_"]),
    (
        "names of the file",
        ["json", "task", "DAG", "HERE", "notebook"],
        ["json_", "task_", "DAG_", "HERE_", "notebook_"],
    ),
    ("equal ones", ["a-b", "a_b", "a__b"], ["a_b", "a_b_2", "a__b"]),
]


@pytest.mark.parametrize(("what", "names", "expected"), NAMES)
def test_variables_of_tasks(what: str, names: list[str], expected: list[str], tmp_path: Path) -> None:
    made = pipeline(*(task(name) for name in names), edges=list(pairwise(names)))
    files = export_files(made)
    assigned = [
        node.targets[0].id
        for node in ast.walk(ast.parse(files["flights.py"]))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    assert [name for name in assigned if name in expected] == expected
    assert [one.downstream for one in parse(files, tmp_path).tasks.values()] == [[name] for name in names[1:]] + [[]]


def test_long_names_stay_apart() -> None:
    names = ["a" * 60 + str(number) for number in range(5)]
    assert len(set(variables(names, frozenset()).values())) == 5


EDGES = [
    ("a chain", [("a", "b"), ("b", "c")], ["a >> b >> c"]),
    ("a fan", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], ["a >> b >> d", "a >> c >> d"]),
    ("over a task", [("a", "b"), ("b", "c"), ("a", "c")], ["a >> b >> c", "a >> c"]),
    ("the same twice", [("a", "b"), ("a", "b")], ["a >> b"]),
    ("none", [], []),
]


@pytest.mark.parametrize(("what", "edges", "lines"), EDGES)
def test_edges_are_chains(what: str, edges: list[tuple[str, str]], lines: list[str]) -> None:
    assert edge_lines(edges, ["a", "b", "c", "d"], 0) == lines


def test_long_chains_go_on_in_the_next_line() -> None:
    names = [f"task_number_{number:02}" for number in range(20)]
    lines = edge_lines(list(pairwise(names)), names)
    assert all(len(line) <= 88 for line in lines)
    assert [line.split(" >> ")[-1] for line in lines[:-1]] == [line.split(" >> ")[0].strip() for line in lines[1:]]


HOSTILE = [
    '"""\nimport os; os.system("id")\n"""',
    "\n# coding: x\nraise SystemExit",
    "'; raise SystemExit #",
    "{{ var.value.secret }}",
    "{% for x in y %}",
    "\\",
    '\\"',
    "\x00",
    "\ud800",
    "\u2028raise",
    "\u202e",
    "a\r\nb",
    "%(asctime)s",
    "f'{x}'",
    "$(id)",
    "`id`",
    "${HOME}",
    "]]>",
    "</script>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    """Values as no parser of ours would let them through: the writer does not rely on the readers."""
    from dataclasses import replace

    dag = replace(dag_options(), description=text, owner=text, tags=(text,), context=text)
    one = task("one")
    one = replace(
        one,
        options=replace(
            one.options, description=text, pool=text, queue=text, env=(KeyValue("A", text.replace("\x00", "")),)
        ),
        body=text,
    )
    plain = pipeline(
        task("one", description="x", pool="x", queue="x", env="A=x"),
        dag=replace(dag_options(), description="x", owner="x", tags=("x",), context="x"),
    )
    made = pipeline(one, dag=dag, parameters=[Parameter("p", {"k": [text]})], path=f"{text}.ipynb")
    plain = replace(plain, parameters=(Parameter("p", {"k": ["x"]}),))
    file = export_files(made)["flights.py"]
    assert shape(file) == shape(export_files(plain)["flights.py"])
    found = parse(export_files(made), tmp_path)
    assert (found.arguments["description"], found.arguments["tags"], found.arguments["params"]) == (
        text,
        [text],
        {"p": {"k": [text]}},
    )
    assert (found.tasks["one"].arguments["doc_md"], found.tasks["one"].arguments["pool"]) == (text, text)


def shape(text: str) -> list[str]:
    """The kinds of nodes and the names: everything but the values of literals."""
    return [
        f"{type(node).__name__} {getattr(node, 'id', getattr(node, 'arg', getattr(node, 'attr', '')))}"
        for node in ast.walk(ast.parse(text))
    ]


IDS = [
    ("notebooks/flights.ipynb", "flights"),
    ("a b/My flights (2).ipynb", "My_flights_2"),
    ("x.py", "x"),
    ("", "notebook"),
    ("日本.ipynb", "notebook"),
    ("C:\\x\\y.ipynb", "y"),
]


@pytest.mark.parametrize(("path", "name"), IDS)
def test_an_id_from_the_notebooks_name(path: str, name: str) -> None:
    assert dag_id(Pipeline(Notebook(path, ()), DagOptions(), (), (), ())) == name

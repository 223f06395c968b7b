"""What each form of a header says, and the exact words for each that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from kubenb.model.pipeline import Cell
from kubenb.model.values import FanOut, KeyValue, Projection, Toleration
from kubenb.notebook.header import parse_header, parse_headers
from tests.unit.notebook.headers import messages, read

GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("bare", "%%k8s_task train", {}),
    ("two words", "%%k8s_task train --cpu 2 --memory 4Gi", {"cpu": "2", "memory": "4Gi"}),
    ("equals", "%%k8s_task train --cpu=2 --memory=4Gi", {"cpu": "2", "memory": "4Gi"}),
    ("options before the name", "%%k8s_task --cpu 2 train", {"cpu": "2"}),
    ("a comment", "%%k8s_task train --cpu 2 # --memory 4Gi", {"cpu": "2"}),
    ("no comment inside a word", "%%k8s_task train --env A=b#c", {"env": (KeyValue("A", "b#c"),)}),
    ("single quotes", "%%k8s_task train --env 'A=b  c'", {"env": (KeyValue("A", "b  c"),)}),
    ("double quotes", '%%k8s_task train --env "A=b \\"c\\" \\d"', {"env": (KeyValue("A", 'b "c" \\d'),)}),
    ("quotes inside a word", "%%k8s_task train --env=A='b c'd", {"env": (KeyValue("A", "b cd"),)}),
    ("a backslash", "%%k8s_task train --env A=b\\ c", {"env": (KeyValue("A", "b c"),)}),
    ("nothing is expanded", "%%k8s_task train --env A=$HOME --env B=~ --env C=* --env 'D={{ ds }}'",
     {"env": (KeyValue("A", "$HOME"), KeyValue("B", "~"), KeyValue("C", "*"), KeyValue("D", "{{ ds }}"))}),
    ("a flag", "%%k8s_task --deferrable train", {"deferrable": True}),
    ("a flag with its value", "%%k8s_task train --deferrable false", {"deferrable": False}),
    ("a value with a minus", "%%k8s_task train --priority -1", {"priority": -1}),
    ("a list", "%%k8s_task train --pickle model,scaler", {"pickle": ("model", "scaler")}),
    ("repeated", "%%k8s_task train --after a --after b\n#| after: c", {"after": ("a", "b", "c")}),
    ("blanks above", "\n\n%%k8s_task train --cpu 2", {"cpu": "2"}),
    ("tabs", "%%k8s_task\ttrain\t--cpu\t2", {"cpu": "2"}),
    ("below", "%%k8s_task train\n#| memory: 4Gi", {"memory": "4Gi"}),
    ("below, tight", "%%k8s_task train\n#|memory: 4Gi", {"memory": "4Gi"}),
    ("below, blanks", "%%k8s_task train\n#| memory  :   4Gi   ", {"memory": "4Gi"}),
    ("below, a comment", "%%k8s_task train\n#| memory: 4Gi  # measured", {"memory": "4Gi"}),
    ("below, no comment", "%%k8s_task train\n#| env: A=b#c", {"env": (KeyValue("A", "b#c"),)}),
    ("below, quoted", "%%k8s_task train\n#| env: 'A=b # c' # why", {"env": (KeyValue("A", "b # c"),)}),
    ("below, double quotes", '%%k8s_task train\n#| env: "A=\\t\\u00e9"', {"env": (KeyValue("A", "\té"),)}),
    ("below, quotes inside", "%%k8s_task train\n#| env: A='b'", {"env": (KeyValue("A", "'b'"),)}),
    ("below, half quoted", "%%k8s_task train\n#| description: 'a' or 'b'", {"description": "'a' or 'b'"}),
    ("below, a colon", "%%k8s_task train\n#| annotation: url=http://x:1/", {"annotation": (KeyValue("url", "http://x:1/"),)}),
    ("below, kept exactly", "%%k8s_task train\n#| env: DAY={{ ds }}", {"env": (KeyValue("DAY", "{{ ds }}"),)}),
    ("a block", "%%k8s_task train\n#| pod:\n#|   spec:\n#|     a: 1\n#|\n#|     b: 2 # x", {"pod": "spec:\n  a: 1\n\n  b: 2 # x"}),
    ("a block with a bar", "%%k8s_task train\n#| pod: |\n#|   spec: {}", {"pod": "spec: {}"}),
    ("folded", "%%k8s_task train\n#| description: Train the\n#|   delay model", {"description": "Train the delay model"}),
    ("secret", "%%k8s_task train\n#| secret: db/password -> DB_PASSWORD",
     {"secret": (Projection("db", "password", "DB_PASSWORD"),)}),
    ("toleration", "%%k8s_task train\n#| toleration: dedicated=ml:NoSchedule",
     {"toleration": (Toleration("dedicated", "ml", "NoSchedule"),)}),
    ("map", "%%k8s_task train\n#| map: month in [1, 2, 3]", {"map": FanOut("month", "[1, 2, 3]")}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "values"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_a_task_is_read(source: str, values: dict[str, Any]) -> None:
    header = read(f"{source}\nx = 1")
    assert header.problems == ()
    assert (header.kind, header.name, header.values, header.body) == ("task", "train", values, "x = 1")


TRY = "%%k8s_task train"
BAD: list[tuple[str, list[str]]] = [
    ("%%k8s_task train --memory 4G1", ["cell 4, line 1 (train): memory '4G1' is not a quantity. Write 4Gi or 4096Mi."]),
    ("%%k8s_task train --memory 4", ["cell 4, line 1 (train): memory '4' is only 4 bytes. Write 4Gi."]),
    ("%%k8s_task train --cpu 500Gi", ["cell 4, line 1 (train): cpu '500Gi' is an amount of memory, not of CPU. Write cores, like 500m."]),
    ("%%k8s_task train --cpus 2", [f"cell 4, line 1 (train): unknown option --cpus. Did you mean --cpu? Try: {TRY} --cpu 2"]),
    ("%%k8s_task train --cpus=2 # c", [f"cell 4, line 1 (train): unknown option --cpus. Did you mean --cpu? Try: {TRY} --cpu=2 # c"]),
    ("%%k8s_task train --needs a", [f"cell 4, line 1 (train): unknown option --needs. Did you mean --after? Try: {TRY} --after a"]),
    ("%%k8s_task train --run_as_user 5",
     [f"cell 4, line 1 (train): unknown option --run_as_user. Did you mean --run-as-user? Try: {TRY} --run-as-user 5"]),
    ("%%k8s_task train --xyz 1", ["cell 4, line 1 (train): unknown option --xyz. See all options: kubenb options."]),
    ("%%k8s_task train -m 4Gi", ["cell 4, line 1 (train): unknown option -m. See all options: kubenb options."]),
    ("%%k8s_task train --schedule @daily",
     ["cell 4, line 1 (train): --schedule belongs to the DAG, not to a task. Write it on the DAG's line: %k8s_dag --schedule @daily"]),
    ("%%k8s_task train\n#| memry: 4Gi  # c",
     ["cell 4, line 2 (train): unknown option memry. Did you mean memory? Try: #| memory: 4Gi  # c"]),
    ("%%k8s_task train --memory", ["cell 4, line 1 (train): memory has no value. Write it like --memory 4Gi"]),
    ("%%k8s_task train --memory --cpu 2", ["cell 4, line 1 (train): memory has no value. Write it like --memory 4Gi"]),
    ("%%k8s_task train --toleration", ["cell 4, line 1 (train): toleration has no value. "
      "Write it like --toleration dedicated=ml:NoSchedule"]),
    ("%%k8s_task train\n#| memory:", ["cell 4, line 2 (train): memory has no value. Write it like #| memory: 4Gi"]),
    ("%%k8s_task train\n#| memory", ["cell 4, line 2 (train): memory has no value. Write it like #| memory: 4Gi"]),
    ("%%k8s_task train\n#| deferrable", ["cell 4, line 2 (train): deferrable has no value. Write it like #| deferrable: true"]),
    ("%%k8s_task train\n#| memory=4Gi", ["cell 4, line 2 (train): this line is not of the form '#| name: value'. Write #| memory: 4Gi."]),
    ("%%k8s_task train\n#| --memory 4Gi", ["cell 4, line 2 (train): this line is not of the form '#| name: value'. Write #| memory: 4Gi."]),
    ("%%k8s_task train --memory 1Gi\n#| memory: 2Gi", ["cell 4, line 2 (train): memory is set twice, in lines 1 and 2. Keep one."]),
    ("%%k8s_task train --cpu 1 --cpu 2", ["cell 4, line 1 (train): cpu is set twice, in line 1. Keep one."]),
    ("%%k8s_task train\n#| env: A=1\n#| env: A=2", ["cell 4, line 3 (train): env 'A' is set twice. Keep one."]),
    ("%%k8s_task train --pickle a,b,a", ["cell 4, line 1 (train): pickle 'a' is set twice. Keep one."]),
    ("%%k8s_task", ["cell 4, line 1: the task's name is missing. Write it like %%k8s_task train --memory 4Gi."]),
    ("%%k8s_task --cpu 2", ["cell 4, line 1: the task's name is missing. Write it like %%k8s_task train --memory 4Gi."]),
    ("%%k8s_task 1st",
     ["cell 4, line 1: task name '1st' can't be used. Use letters, digits, - and _, beginning with a letter: st."]),
    ("%%k8s_task train --description Train the model",
     ["cell 4, line 1 (train): 'the model' belongs to no option. "
      "Quote it if it belongs to description: --description 'Train the model'"]),
    ("%%k8s_task train model", ["cell 4, line 1 (train): 'model' belongs to no option. Write it like %%k8s_task train --memory 4Gi."]),
    ("%%k8s_task train --env 'A=b c", ["cell 4, line 1 (train): the quote ' is never closed. Close it: %%k8s_task train --env 'A=b c'"]),
    ("%%k8s_task train --cpu 2 --memory 4Gi \\\n  --gpu 1",
     ["cell 4, line 1 (train): the line ends in a backslash; a magic has one line. Write the options below it:\n"
      "%%k8s_task train\n#| cpu: 2\n#| memory: 4Gi\n#| gpu: 1"]),
    ("%%k8s_task train -- python x", ["cell 4, line 1 (train): only %k8s_container takes a command after --. Leave it out."]),
    ("%%k8s_task train --retries -1", ["cell 4, line 1 (train): retries -1 is too small. Write 0 or more."]),
    ('%%k8s_task train\n#| map: m in ["a # b"]',
     ["cell 4, line 2 (train): map '[\"a' is not an expression. Write a list like [1, 2, 3], a range like range(12), or the name "
      "of a variable that an earlier task makes. (What follows ' #' was taken for a comment; quote the whole value to keep it.)"]),
    ("%%k8s_task train\n\n#| memory: 4Gi",
     ["cell 4, line 3 (train): option line '#| memory: …' does not stand right below the magic line. "
      "Move it directly below the magic line, without empty lines between."]),
    ("%%k8s_task train\n#| env: A=1\n#|  memory: 4Gi",
     ["cell 4, line 3 (train): option memory stands too deep: it would go on with the value above. "
      "Write it with one space: #| memory: 4Gi"]),
    ("%%k8s_task train\n#|   memory: 4Gi",
     ["cell 4, line 2 (train): this line is not of the form '#| name: value'. Write #| memory: 4Gi."]),
    ("# why\n%%k8s_task train",
     ["cell 4, line 2: a comment stands above %%k8s_task. Move the comment below line 1: %%k8s_task comes first in its cell."]),
    ("%%time\n%%k8s_task train",
     ["cell 4, line 2: another cell magic stands above %%k8s_task. Move %%k8s_task to line 1, and leave the other magic out."]),
    ("x = 1\n%%k8s_task train", ["cell 4, line 2: %%k8s_task does not stand on line 1. Move the lines above it into a cell of their own."]),
    ("%k8s_task train", ["cell 4, line 1: %k8s_task stands with one percent sign. Write two, on the cell's first line: %%k8s_task train"]),
    ("%%k8s_dag flights", ["cell 4, line 1: %%k8s_dag stands with two percent signs. Write one: %k8s_dag flights"]),
    ("%%k8s_tsk train", ["cell 4, line 1: there is no magic %%k8s_tsk. Did you mean %%k8s_task?"]),
    ("%%K8S_task train", ["cell 4, line 1: there is no magic %%K8S_task. Did you mean %%k8s_task?"]),
    ("%k8sdag flights", ["cell 4, line 1: there is no magic %k8sdag. Did you mean %k8s_dag?"]),
    ("x = 1\n%k8s_grph", ["cell 4, line 2: there is no magic %k8s_grph. Did you mean %k8s_graph?"]),
    ("if x:\n    %k8s_dag flights", ["cell 4, line 2: %k8s_dag is indented. Write it at the beginning of a line: %k8s_dag flights"]),
    ("%k8s_dag flights --id other", ["cell 4, line 1: the DAG's id is set twice. Keep one."]),
    ("%k8s_dag my.flights.. --schedule @dialy",
     ["cell 4, line 1: DAG id 'my.flights..' can't be used. Use letters, digits, '_', '-' and '.': my_flights.",
      "cell 4, line 1: schedule '@dialy' is not one of Airflow's presets. Write @daily."]),
    ("%k8s_dag flights --after load",
     ["cell 4, line 1: --after belongs to one task, not to the DAG. Write it below that task's line: #| after: load"]),
    ("%k8s_container load", ["cell 4, line 1 (load): a container needs an image. "
                             "Write it like %k8s_container load --image registry/load:1.2 -- python /app/load.py."]),
    ("%k8s_notebook --as train", ["cell 4, line 1 (train): it names no notebook. Write it like %k8s_notebook other.ipynb --as train."]),
    ("%k8s_notebook other.ipynb", ["cell 4, line 1: the task's name is missing. Write it like %k8s_notebook other.ipynb --as train."]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), BAD, ids=[source for source, _ in BAD])
def test_what_is_wrong_is_said_with_cell_line_and_fix(source: str, expected: list[str]) -> None:
    assert messages(source) == expected


def test_all_problems_come_at_once_in_the_order_of_their_lines() -> None:
    found = messages("%%k8s_task train --memory 4G1 --cpus 2\n#| env: A-B=1\n#| gpu: none\n#| retries: 3\nx = 1")
    assert [message.split(":")[0] for message in found] == ["cell 4, line 1 (train)"] * 2 + [
        "cell 4, line 2 (train)",
        "cell 4, line 3 (train)",
    ]


def test_a_header_with_problems_still_has_its_good_options() -> None:
    assert read("%%k8s_task train --memory 4G1 --cpu 2").values == {"cpu": "2"}


@pytest.mark.parametrize(
    "source",
    ["x = 1", "", "# %%k8s_task x", 'text = """\n%%k8s_task train\n%k8s_dag x\n"""', "%%time\nx = 1", "%k8s_graph", "%%k8s_taskforce x",
     "s = '%%k8s_task train'", "%load_ext kubenb",
     "x = f'''{y}\n%%k8s_task train'''", "x = '''\n%%k8s_task never closed"],
)  # fmt: skip
def test_what_is_no_header_is_none_and_no_problem(source: str) -> None:
    assert parse_header(Cell(1, "code", source)) is None
    if "taskforce" not in source:
        assert messages(source) == []


def test_markdown_has_no_header() -> None:
    assert parse_headers(Cell(1, "markdown", "%%k8s_task train")) == ((), ())


def test_a_dag_line_stands_anywhere_and_takes_defaults_for_tasks() -> None:
    header = read("%load_ext kubenb\n%k8s_dag flights --schedule @daily --memory 4Gi\n#| retries: 2\n\nx = 1")
    assert (header.kind, header.name, header.values) == (
        "dag",
        "flights",
        {"schedule": "@daily", "memory": "4Gi", "retries": 2},
    )
    assert (header.where.line, header.body_line, header.body) == (2, 4, "")


def test_a_container_takes_its_command_as_it_stands() -> None:
    header = read(
        "%k8s_container load --image a/b:1.2 --namespace x -- python /app/p.py --in=gs://b/in.csv 'a b' # note"
    )
    assert header.command == ("python", "/app/p.py", "--in=gs://b/in.csv", "a b")
    assert header.values == {"image": "a/b:1.2", "namespace": "x"}


def test_a_long_command_stands_below() -> None:
    header = read(
        "%k8s_container load --image a:1\n#| command: python -m app\n#|   --input gs://b/in.csv\n#| retries: 2"
    )
    assert header.command == ("python", "-m", "app", "--input", "gs://b/in.csv")


def test_another_notebook_becomes_a_task() -> None:
    header = read("%k8s_notebook 'sub dir/other.ipynb' --as train --memory 4Gi\n#| in: rates")
    assert (header.kind, header.notebook, header.name) == ("notebook", "sub dir/other.ipynb", "train")
    assert header.values == {"memory": "4Gi", "in": ("rates",)}


def test_several_line_magics_stand_in_one_cell() -> None:
    found, _ = parse_headers(
        Cell(2, "code", "%k8s_container a --image x:1 -- run\n%k8s_container b --image x:1 -- run\n#| after: a")
    )
    assert [(header.name, header.where.line) for header in found] == [("a", 1), ("b", 2)]


def test_a_body_keeps_its_text_and_knows_its_line() -> None:
    header = read("\n%%k8s_task train\n#| cpu: 2\n\n  \nx = 1\n\n")
    assert (header.body, header.body_line) == ("\n  \nx = 1\n\n", 4)


def test_an_indented_cell_is_read_as_ipython_reads_it() -> None:
    header = read("    %%k8s_task train\n    #| cpu: 2\n    if x:\n        y = 1")
    assert (header.values, header.body) == ({"cpu": "2"}, "if x:\n    y = 1")


def test_places_name_the_line_of_each_option() -> None:
    header = read("%%k8s_task train --cpu 2\n#| memory: 4Gi\n#| env: A=1\n#| env: B=1")
    assert {name: place.line for name, place in header.places.items()} == {"cpu": 1, "memory": 2, "env": 3}


def test_every_magic_of_the_kernel_may_stand_in_a_notebook() -> None:
    from kubenb.magics.words import MAGICS

    lines = [
        f"%{name} x"
        for name, kinds in MAGICS.items()
        if "cell" not in kinds and name not in ("k8s_notebook", "k8s_container")
    ]
    assert len(lines) > 8
    _, problems = parse_headers(Cell(4, "code", "\n".join(lines)))
    assert problems == ()

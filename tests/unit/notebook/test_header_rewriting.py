"""Changing one option changes one line: comments, forms and all else of the cell stay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubenb.model.values import KeyValue
from kubenb.notebook.header import rewrite_header
from tests.unit.notebook.headers import read

SOURCE = """\
%%k8s_task train --memory=4Gi --cpu 2  # as measured
#| secret: db/password -> DB_PASSWORD   # rotated weekly
#| env: "LEVEL=info"
#| pod:
#|    spec:
#|       hostNetwork: false
#| retries: 3
model = fit(flights)
"""

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("one value below", {"retries": 4}, "#| retries: 3", "#| retries: 4"),
    ("one value gone", {"retries": None}, "#| retries: 3\n", ""),
    ("one more below", {"timeout": "2h"}, "#| retries: 3\n", "#| retries: 3\n#| timeout: 2h\n"),
    ("one value above", {"memory": "8Gi"}, "--memory=4Gi --cpu 2  #", "--memory 8Gi --cpu 2 #"),
    ("one more above", {"run": "pod"}, "--memory=4Gi --cpu 2  #", "--memory 4Gi --cpu 2 --run pod #"),
    ("one gone above", {"cpu": None}, "--memory=4Gi --cpu 2  #", "--memory 4Gi #"),
    ("one more of many", {"env": (KeyValue("LEVEL", "info"), KeyValue("X", "1"))},
     "#| retries: 3\n", "#| retries: 3\n#| env: X=1\n"),
    ("one other of many", {"env": (KeyValue("LEVEL", "debug"),)},
     '#| env: "LEVEL=info"\n#| pod:\n#|    spec:\n#|       hostNetwork: false\n#| retries: 3\n',
     '#| pod:\n#|    spec:\n#|       hostNetwork: false\n#| retries: 3\n#| env: LEVEL=debug\n'),
]  # fmt: skip


@pytest.mark.parametrize(("change", "before", "after"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_only_the_lines_of_the_change_change(change: dict[str, Any], before: str, after: str) -> None:
    header = read(SOURCE)
    values = {**header.values, **change}
    new = replace(header, values={name: value for name, value in values.items() if value is not None})
    assert before in SOURCE
    assert rewrite_header(SOURCE, new) == SOURCE.replace(before, after)


def test_a_new_name_keeps_the_comment() -> None:
    renamed = rewrite_header("%%k8s_task train --cpu 2 # big\nx = 1", replace(read("%%k8s_task fit --cpu 2")))
    assert renamed == "%%k8s_task fit --cpu 2 # big\nx = 1"


def test_a_cell_without_a_header_gets_one() -> None:
    assert rewrite_header("x = 1", read("%%k8s_task train --cpu 2")) == "%%k8s_task train --cpu 2\nx = 1"


def test_a_header_with_faults_is_written_anew() -> None:
    source = "\n\n%%k8s_task train --cpus 2\n#| memory 4G\nx = 1"
    assert (
        rewrite_header(source, read("%%k8s_task train --cpu 2\n#| memory: 4Gi"))
        == "\n\n%%k8s_task train --cpu 2 --memory 4Gi\nx = 1"
    )


def test_only_the_header_of_its_kind_changes() -> None:
    source = "%load_ext kubenb\n%k8s_dag flights --owner ana\n\n%k8s_container load --image a:1 -- run\nx = 1"
    new = rewrite_header(source, read("%k8s_container load --image a:2 -- run"))
    assert new == source.replace("a:1", "a:2")


def test_a_command_stays_where_it_stands() -> None:
    source = "%k8s_container load --image a:1\n#| command: python -m x   # all of it\n#| retries: 1"
    header = read(source)
    assert header.command == ("python", "-m", "x")
    assert rewrite_header(source, replace(header, values={**header.values, "retries": 2})) == source.replace(
        "retries: 1", "retries: 2"
    )
    assert rewrite_header(source, replace(header, command=("sh", "-c", "a b"))) == source.replace(
        "python -m x   # all of it", "sh -c 'a b'"
    )

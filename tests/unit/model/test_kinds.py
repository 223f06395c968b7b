"""Every kind of the option table: what is shown is read again as the same value; what is refused names the fix."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenb.model.kinds import KINDS, from_toml, parse_option, show_option
from kubenb.model.options import DAG, TASK, Option
from kubenb.model.values import BadValue
from tests.unit.model.strategies import PATIENT, VALUES, outcome, values

OPTIONS = [*TASK.values(), *DAG.values()]
NAMES = [f"{option.goes.split(':')[0]}-{option.name}" for option in OPTIONS]


def test_every_kind_of_the_table_is_there_and_none_more() -> None:
    assert {option.kind for option in OPTIONS} == set(KINDS)
    assert set(VALUES) | {"choice"} == set(KINDS)


@pytest.mark.parametrize("option", OPTIONS, ids=NAMES)
def test_the_example_of_each_option_is_read(option: Option) -> None:
    for value in parse_option(option, option.example):
        assert parse_option(option, show_option(option, value)) == (value,)


@PATIENT
@given(st.data())
def test_what_is_shown_is_read_as_the_same_value(data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(OPTIONS))
    value = data.draw(values(option))
    assert parse_option(option, show_option(option, value)) == (value,)


@PATIENT
@given(st.sampled_from(OPTIONS), st.text(max_size=40))
def test_any_text_gives_values_or_a_fix(option: Option, text: str) -> None:
    found = outcome(parse_option, option, text)
    if isinstance(found, BadValue):
        assert found.what.endswith(".")
        assert found.fix
        assert found.what.isprintable(), "a message stays on one line"
    else:
        assert all(parse_option(option, show_option(option, value)) == (value,) for value in found)


BAD = [
    ("image", "my image", "'my image' holds a space. Write it like python:3.11-slim or registry/team/image:tag."),
    ("image", "$(curl evil)", "'$(curl evil)' holds a space. Write it like python:3.11-slim or registry/team/image:tag."),
    ("image", "a$(x)", "'a$(x)' is not an image's name. Write it like python:3.11-slim or registry/team/image:tag."),
    ("image", "Python:3.11", "'Python:3.11' has capital letters. Write python:3.11."),
    ("image", "https://reg.io/a:1", "'https://reg.io/a:1' begins like a web address. Write reg.io/a:1."),
    ("image-pull-policy", "always", "'always' is not one of its choices. Write Always."),
    ("image-pull-policy", "Sometimes", "'Sometimes' is not one of its choices. Write one of Always, IfNotPresent, Never."),
    ("run", "nowhere", "'nowhere' is not one of its choices. Write here (the choices: here, local, pod)."),
    ("trigger-rule", "all-done", "'all-done' is not one of its choices. Write all_done."),
    ("env", "LEVEL", "'LEVEL' has no '='. Write it like LEVEL=info."),
    ("env", "A-B=1", "'A-B' is not a variable's name. Write a name, like A_B."),
    ("env", "KUBENB_TASK=x", "'KUBENB_TASK' begins with KUBENB_, which kubenb uses itself. Choose another name."),
    ("label", "team=a b", "'a b' is not a label's value. Use letters, digits, '-', '_' and '.', at most 63 characters, "
     "beginning and ending with a letter or digit: a-b."),
    ("secret", "db -> ", "'db -> ' is not of the form 'db/password -> DB_PASSWORD'. Write it like db/password -> DB_PASSWORD."),
    ("secret", "Db -> X", "'Db' is not a name that Kubernetes takes. Use lower case letters, digits, '-' and '.', "
     "at most 253 characters: db."),
    ("secret", "db -> /etc/../x", "'/etc/../x' is not a folder to mount into. Write an absolute path without spaces, like /data."),
    ("volume", "pvc:data -> data", "'data' is not a folder to mount into. Write an absolute path without spaces, like /data."),
    ("volume", "data -> /data", "'data' is not a kind of volume (pvc, secret, configmap, emptydir). Begin with its kind, like pvc:data."),
    ("volume", "hostPath:/ -> /host", "'hostpath' is not a kind of volume (pvc, secret, configmap, emptydir). "
     "Begin with its kind, like pvc:hostpath."),
    ("volume", "emptydir:4 -> /x", "'4' is only 4 bytes. Write 4Gi."),
    ("volume", "pvc:data -> /data rw", "'rw' after the folder is not known. Write sub=FOLDER or ro, each once."),
    ("toleration", "a=b:NoSched", "'NoSched' is not an effect of a taint. Write one of NoSchedule, PreferNoSchedule, NoExecute."),
    ("toleration", "a:NoSchedule 5m", "'5m' after the taint is not known. Only :NoExecute takes a time, like :NoExecute 300s."),
    ("affinity", "zone in a", "'zone in a' does not say whether it means nodes or pods. Write it like 'node zone in a, b', "
     "'prefer 50 node pool=gpu' or 'not pod app=train on kubernetes.io/hostname'."),
    ("affinity", "prefer 0 node zone in a", "weight 0 is not from 1 to 100. Write 1 to 100 after 'prefer'."),
    ("affinity", "not node zone in a", "'not node' is not known. Write 'node KEY notin VALUE' or 'node KEY absent'."),
    ("gpu", "0", "'0' is not a count from 1 to 1000. Write 1 or more, or leave the option out."),
    ("gpu", "one", "'one' is not a count of GPUs. Write it like 1 or 2 amd.com/gpu."),
    ("retries", "-1", "-1 is too small. Write 0 or more."),
    ("retries", "many", "'many' is not a whole number. Write it like 3."),
    ("run-as-user", "0", "0 is too small. Write 1 or more."),
    ("deferrable", "maybe", "'maybe' is neither true nor false. Write true or false."),
    ("timeout", "90", "'90' is not a duration. Write 90s or 90m."),
    ("timeout", "0", "'0' is not a duration. Write it like 90s, 5m, 1h30m or 2d."),
    ("timeout", "2 hours", "'2 hours' is not a duration. Write 2h."),
    ("pickle", "a b", "'a b' is not a variable's name. Write a name, like a_b."),
    ("pickle", "class", "'class' is a Python keyword, not a variable. Write a variable's name, like class_."),
    ("store", "gcs://bucket", "'gcs://bucket' is of a kind kubenb does not know. Write gs://bucket."),
    ("store", "pvc:Data", "'Data' is not a pvc's name that Kubernetes takes. Use lower case letters, digits, '-' and '.', "
     "at most 253 characters: data."),
    ("map", "month [1, 2]", "'month [1, 2]' is not of the form 'NAME in ITEMS'. Write it like month in [1, 2, 3]."),
    ("map", "m in {1, 2}", "'{1, 2}' is not a list. Write a list like [1, 2, 3], a range like range(12), "
     "or the name of a variable that an earlier task makes."),
    ("map", "m in f()", "'f()' is not a list of constants. Write a list like [1, 2, 3], a range like range(12), "
     "or the name of a variable that an earlier task makes."),
    ("map", "m in []", "'[]' has no items. Write a list like [1, 2, 3], a range like range(12), "
     "or the name of a variable that an earlier task makes."),
    ("item-resources", '[{"disk": "1Gi"}]', "sets 'disk' for item 1; only cpu and memory can differ. "
     'Write it like [{"memory": "1Gi"}, {"cpu": "2", "memory": "4Gi"}].'),
    ("item-resources", '[{"memory": "4"}]', "for item 1: memory '4' is only 4 bytes. Write 4Gi."),
    ("description", "  ", "is empty. Write a value, or leave the option out."),
    ("id", "my flights", "DAG id 'my flights' can't be used. Use letters, digits, '_', '-' and '.': my_flights."),
    ("id", "airflow", "DAG id 'airflow' would hide the package of that name. Choose another, like airflow_dag."),
    ("on-failure", "page", "'page' is not a function's dotted name. Write it like alerts.page: a module, a dot, a function."),
    ("param", "class=1", "parameter 'class' is a Python keyword. Choose another name, like class_value."),
    ("param", "list=1", "parameter 'list' is a Python builtin. Choose another name, like list_value."),
    ("param", "a;import os=1", "parameter 'a;import os' is not a Python name. Write a name, like a_import_os."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), BAD, ids=[f"{name}: {text}" for name, text, _ in BAD])
def test_a_bad_value_is_refused_with_its_fix(name: str, text: str, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        parse_option({**TASK, **DAG}[name], text)
    assert str(caught.value) == message


TOML: list[tuple[str, Any, tuple[Any, ...]]] = [
    ("cpu", 2, ("2",)),
    ("cpu", 0.5, ("0.5",)),
    ("memory", "4Gi", ("4Gi",)),
    ("retries", 3, (3,)),
    ("deferrable", True, (True,)),
    ("pickle", ["model", "scaler"], ("model", "scaler")),
    ("pickle", "model, scaler", ("model", "scaler")),
    ("start", datetime.date(2026, 1, 31), ("2026-01-31",)),
    ("pod", {"spec": {"hostNetwork": False}}, ('{"spec": {"hostNetwork": false}}',)),
]


@pytest.mark.parametrize(("name", "value", "found"), TOML)
def test_toml_values_are_taken_as_they_are(name: str, value: object, found: tuple[object, ...]) -> None:
    assert from_toml({**DAG, **TASK}[name], value) == found


def test_a_toml_table_gives_pairs() -> None:
    pairs = from_toml(TASK["env"], {"LEVEL": "info", "N": 3, "ON": True})
    assert [f"{pair.key}={pair.value}" for pair in pairs] == ["LEVEL=info", "N=3", "ON=true"]


BAD_TOML = [
    ("memory", 4, "'4' is only 4 bytes. Write 4Gi."),
    ("memory", True, 'can\'t be true. Write it like memory = "4Gi".'),
    ("image", 3, 'can\'t be a number. Write it like image = "ghcr.io/team/notebook:1".'),
    ("image", ["a", "b"], 'takes one value, not a list of 2. Write it like image = "ghcr.io/team/notebook:1".'),
    ("timeout", 90, 'can\'t be a number. Write it like timeout = "2h".'),
    ("retries", {"a": 1}, "can't be a table. Write it like retries = 3."),
    ("env", [{"A": 1}], None),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD_TOML)
def test_toml_values_of_the_wrong_type_are_refused(name: str, value: object, message: str | None) -> None:
    if message is None:
        assert from_toml(TASK[name], value)
        return
    with pytest.raises(BadValue) as caught:
        from_toml(TASK[name], value)
    assert str(caught.value) == message


TOML_TREES = st.recursive(
    st.one_of(st.text(max_size=10), st.integers(), st.floats(), st.booleans(), st.dates(), st.times()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=5,
)


@PATIENT
@given(st.sampled_from(OPTIONS), TOML_TREES)
def test_any_toml_value_is_taken_or_refused(option: Option, value: object) -> None:
    found = outcome(from_toml, option, value)
    if isinstance(found, BadValue):
        assert found.fix
    else:
        assert all(parse_option(option, show_option(option, each)) == (each,) for each in found)

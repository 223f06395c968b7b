"""Refusals: the name, the type, where inside, and the line to write. And pickles, which only a declaration allows."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kubenb.inside import documents
from kubenb.inside.documents import can_carry
from kubenb.inside.exits import Refused
from kubenb.inside.named import a_name
from kubenb.inside.stores import Folder
from tests.unit.inside.pods import carried


class Model:
    """A model of somebody's."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


class Rows(list[Any]):
    """A subclass is not its base."""


LINE = r"Write `#| pickle: x` under the task's first line, if a pickle will do."
MINE = f"{Model.__module__}.Model"
A_MODEL = a_name(Model)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Model(), f"x ({MINE}) can't go to another task: x is {A_MODEL}. {LINE}"),
        ([1, Model()], f"x (list) can't go to another task: x[1] is {A_MODEL}. {LINE}"),
        ({"a": {"b": (Model(),)}}, f"x (dict) can't go to another task: x['a']['b'][0] is {A_MODEL}. {LINE}"),
        (Rows(), f"x ({Rows.__module__}.Rows) can't go to another task: x is {a_name(Rows)}. {LINE}"),
        (pd.DataFrame({"a": [1, Model()]}), f"x['a'][1] is {A_MODEL}"),
        (np.array([Model()], dtype=object), f"x[0] is {A_MODEL}"),
        (math, "x is a module: modules travel as import lines. Leave it out"),
        ([len], "x[0] is a function: functions travel as their def. Leave it out"),
        (lambda: 1, "x is a function"),
        ({"a": int}, "x['a'] is a class: classes travel as their definition"),
        ((i for i in "ab"), "x is a generator, which can be used only once: make it a list"),
        (threading.Lock(), "which lives in its own process only"),
        (sqlite3.connect(":memory:"), "x is a sqlite3.Connection"),
        (sys.stderr, "which lives in its own process only"),
        (np.zeros(2, dtype=[("a", object)]), "its dtype"),
        (memoryview(b"x"), "x is a memoryview"),
    ],
)
def test_a_refusal_says_what_where_and_what_to_write(tmp_path: Path, value: Any, text: str) -> None:
    assert can_carry(value)
    with pytest.raises(Refused) as caught:
        carried(tmp_path, {"x": value})
    assert caught.value.kind == "carry"
    assert text in str(caught.value)


def test_what_is_nested_beyond_reason_is_refused(tmp_path: Path) -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    assert can_carry(value) == "it is nested too deeply"


def test_a_thousand_levels_are_not_beyond_reason(tmp_path: Path) -> None:
    value: Any = []
    for _ in range(1000):
        value = [value]
    found = carried(tmp_path, {"x": value})["x"]
    for _ in range(1000):
        (found,) = found
    assert found == []


def test_a_declared_pickle_goes(tmp_path: Path) -> None:
    model = Model(weights=np.arange(3.0), name="m")
    assert can_carry(model, pickle=True) is None
    back = carried(tmp_path, {"model": model, "score": 0.5}, pickle=("model",))
    assert back["model"].weights.tolist() == [0.0, 1.0, 2.0]
    assert back["score"] == 0.5


def test_what_has_an_exact_form_is_not_pickled_even_if_it_may_be(tmp_path: Path) -> None:
    carried(tmp_path, {"rows": [1, 2]}, pickle=("rows",))
    assert not list(tmp_path.rglob("*.pickle"))


def test_two_models_that_share_go_together(tmp_path: Path) -> None:
    inner = Model()
    values = {"a": Model(inner=inner), "b": Model(inner=inner)}
    back = carried(tmp_path, values, pickle=("a", "b"))
    assert back["a"].inner is back["b"].inner


def test_a_model_that_shares_with_an_undeclared_name_is_refused(tmp_path: Path) -> None:
    rows = [1]
    with pytest.raises(Refused, match=r"(model and rows|rows and model) share data") as caught:
        carried(tmp_path, {"rows": rows, "model": Model(rows=rows)}, pickle=("model",))
    assert "#| pickle: model, rows" in str(caught.value)


def test_views_that_a_pickle_would_split_are_refused(tmp_path: Path) -> None:
    base = np.arange(10.0)
    values = {"a": Model(rows=base), "b": Model(rows=base[2:])}
    with pytest.raises(Refused, match="a and b are views of one memory, which a pickle would split"):
        carried(tmp_path, values, pickle=("a", "b"))
    same = {"a": Model(rows=base), "b": Model(rows=base)}
    back = carried(tmp_path, same, pickle=("a", "b"))
    assert back["a"].rows is back["b"].rows


def test_what_even_a_pickle_cannot_hold_is_named_with_its_path(tmp_path: Path) -> None:
    model = Model(steps=[("scale", Model()), ("fit", Model(fit=lambda x: x))])
    reason = can_carry(model, pickle=True)
    assert reason
    assert reason.startswith(".steps[1][1].fit: it is a function, which can't be pickled")
    with pytest.raises(Refused, match=r"model\.steps\[1\]\[1\]\.fit is a function.*Leave it out"):
        carried(tmp_path, {"model": model}, pickle=("model",))


def _saved(folder: Path, **values: Any) -> tuple[Folder, Path]:
    store = Folder(str(folder))
    documents.write(store, "p", values, list(values))
    return store, folder / "p"


def _read(store: Folder, name: str) -> Any:
    return documents.Outputs(store, "p", store.read("p/outputs.json")).value(name)


@pytest.mark.parametrize("name", ["b0.pickle", "b0.npy"])
def test_a_file_that_was_touched_is_never_read(tmp_path: Path, name: str) -> None:
    value = Model() if name.endswith("pickle") else np.arange(10_000)
    store, place = _saved(tmp_path, x=value)
    file = place / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(Refused, match=f"{name} is not what its task saved: its digest differs") as caught:
        _read(store, "x")
    assert caught.value.kind == "digest"


@pytest.mark.parametrize("harm", ["gone", "short"])
def test_a_file_that_is_not_whole_is_named(tmp_path: Path, harm: str) -> None:
    store, place = _saved(tmp_path, x=np.arange(10_000))
    file = place / "b0.npy"
    file.unlink() if harm == "gone" else file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(Refused) as caught:
        _read(store, "x")
    assert caught.value.kind == ("missing" if harm == "gone" else "digest")


@pytest.mark.parametrize(
    "tree", [["nothing", 1], ["nt", "os:system", ["L"]], ["dc", "os:system", []], ["enum", "builtins:print", "x", None]]
)
def test_a_tree_that_nobody_wrote_runs_no_code(tmp_path: Path, tree: Any) -> None:
    store, place = _saved(tmp_path, x=[1])
    outputs = json.loads((place / "outputs.json").read_text())
    outputs["groups"][0]["roots"] = [tree]
    (place / "outputs.json").write_text(json.dumps(outputs))
    with pytest.raises(Refused) as caught:
        _read(store, "x")
    assert caught.value.kind in ("carry", "digest")


def test_a_class_that_the_reader_does_not_have_is_named(tmp_path: Path) -> None:
    store, place = _saved(tmp_path, x=[1])
    outputs = json.loads((place / "outputs.json").read_text())
    outputs["groups"][0]["roots"] = [["dc", "__main__:Gone", []]]
    (place / "outputs.json").write_text(json.dumps(outputs))
    with pytest.raises(Refused, match=r"its class __main__\.Gone is not in the code of this task"):
        _read(store, "x")


def test_what_is_kept_leaves_out_what_cannot_go(tmp_path: Path) -> None:
    store = Folder(str(tmp_path))
    documents.write(store, "p", {"a": 1, "f": len, "m": Model(x=np.arange(9999))}, skip=True)
    outputs = documents.Outputs(store, "p", store.read("p/outputs.json"))
    assert list(outputs.names) == ["a"]
    assert set(outputs.left_out) == {"f", "m"}
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["outputs.json"]

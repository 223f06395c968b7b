"""What two names share in the notebook they share in the next task; where that can't be kept it is refused by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kubenb.inside.exits import Refused
from kubenb.inside.sharing import copy_on_write, meets, shared
from tests.unit.inside.pods import carried
from tests.unit.inside.same import same


@dataclass(eq=False)
class Node:
    name: str
    links: list[Any] = field(default_factory=list)
    parent: Any = None


def test_a_list_in_two_values_is_one_list(tmp_path: Path) -> None:
    rows = [1, 2]
    back = carried(tmp_path, {"a": rows, "b": {"rows": rows}, "c": (rows, rows)})
    assert back["a"] is back["b"]["rows"] is back["c"][0] is back["c"][1]


def test_equal_values_that_are_apart_stay_apart(tmp_path: Path) -> None:
    back = carried(tmp_path, {"a": [[1], [1]], "b": [1]})
    assert back["a"][0] is not back["a"][1]


def test_cycles_come_back(tmp_path: Path) -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    circle: dict[str, Any] = {}
    circle["self"] = {"inner": [circle]}
    back = carried(tmp_path, {"loop": loop, "circle": circle})
    assert back["loop"][1] is back["loop"]
    assert back["circle"]["self"]["inner"][0] is back["circle"]


def test_a_graph_of_objects_comes_back(tmp_path: Path) -> None:
    root = Node("root")
    root.links = [Node("left", parent=root), Node("right", parent=root)]
    root.links[0].links.append(root.links[1])
    back = carried(tmp_path, {"root": root, "left": root.links[0]})
    found = back["root"]
    assert found.links[0] is back["left"]
    assert found.links[0].links[0] is found.links[1]
    assert all(part.parent is found for part in found.links)


def test_a_tuple_that_contains_itself_is_refused(tmp_path: Path) -> None:
    inner: list[Any] = []
    inner.append((1, inner, (inner,)))
    assert carried(tmp_path, {"x": inner})["x"][0][2][0] is not None
    odd: Any = ([],)
    odd[0].append(odd)
    with pytest.raises(Refused, match="contains itself"):
        carried(tmp_path, {"x": odd})


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("slice", lambda a: a[2:5]),
        ("reversed", lambda a: a[::-1]),
        ("strided", lambda a: a[1::3]),
        ("reshaped", lambda a: a.reshape(3, 4)),
        ("transposed", lambda a: a.reshape(3, 4).T),
        ("other dtype", lambda a: a.view(np.int64)),
        ("broadcast", lambda a: np.broadcast_to(a, (2, 12))),
    ],
)
def test_views_of_an_array_stay_views(tmp_path: Path, name: str, make: Any) -> None:
    base = np.arange(12.0)
    back = carried(tmp_path, {"base": base, "view": make(base)})
    assert np.array_equal(back["view"], make(base)), name
    back["base"][2] = base[2] = 99.0
    assert np.array_equal(back["view"], make(base))


def test_views_without_their_base_keep_what_they_overlap(tmp_path: Path) -> None:
    base = np.arange(1000.0)
    back = carried(tmp_path, {"a": base[:600], "b": base[400:]})
    back["a"][500] = -1.0
    assert back["b"][100] == -1.0


def test_parts_that_do_not_overlap_are_apart() -> None:
    base = np.arange(10.0).reshape(5, 2)
    assert shared({"left": base[:, 0], "right": base[:, 1], "top": base[:1]}) == [["left", "right", "top"]]
    assert shared({"left": base[:, 0], "right": base[:, 1]}) == [["left"], ["right"]]


def test_the_same_frame_under_two_names_is_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    back = carried(tmp_path, {"x": frame, "y": [frame]})
    assert back["x"] is back["y"][0]


def test_an_array_that_is_a_column_of_a_frame_stays_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "c": ["x", "y"]})
    whole = pd.DataFrame(np.zeros((3, 2)))
    values = {"column": frame["b"].to_numpy(), "frame": frame, "all": whole.to_numpy(), "whole": whole}
    back = carried(tmp_path, values)
    assert same(back["frame"], frame)
    back["frame"].iloc[0, 1] = back["whole"].iloc[0, 0] = 9.0
    frame.iloc[0, 1] = whole.iloc[0, 0] = 9.0
    assert back["column"].tolist() == values["column"].tolist()
    assert back["all"].tolist() == values["all"].tolist()


def test_a_part_of_a_frames_memory_is_refused_with_the_way_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(9.0)})
    with pytest.raises(Refused, match=r"shares memory with a data frame.*make it a copy"):
        carried(tmp_path, {"frame": frame, "part": frame["a"].to_numpy()[2:5]})


@pytest.mark.skipif(not copy_on_write(), reason="this pandas lets frames be views of each other")
def test_frames_of_pandas_3_are_apart_by_themselves() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2]})
    assert shared({"frame": frame, "part": frame[["a"]], "column": frame["a"]}) == [["frame"], ["part"], ["column"]]


@pytest.mark.skipif(copy_on_write(), reason="this pandas keeps frames apart by itself")
def test_frames_of_pandas_2_stay_views_or_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2]})
    back = carried(tmp_path, {"column": frame["b"], "frame": frame})
    back["frame"].iloc[0, 1] = 9
    assert back["column"].tolist() == [9, 2]
    with pytest.raises(Refused, match="shares memory with another data frame"):
        carried(tmp_path, {"frame": frame, "part": frame.iloc[:1]})


class Model:
    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def method(self) -> None: ...


class Slotted:
    __slots__ = ("rows",)

    def __init__(self, rows: Any) -> None:
        self.rows = rows


class Rows(list[Any]):
    pass


_ROWS = [1]
_ARRAY = np.arange(5.0)


@pytest.mark.parametrize(
    ("one", "two", "bound"),
    [
        (_ROWS, (_ROWS,), True),
        (_ROWS, {"a": {"b": [_ROWS]}}, True),
        (_ROWS, Model(_ROWS), True),
        (_ROWS, Slotted(_ROWS), True),
        (_ROWS, Rows([_ROWS]), True),
        (_ROWS, Model(_ROWS).method, True),
        (_ROWS, np.array([_ROWS, None], dtype=object), True),
        (_ROWS, pd.Series([_ROWS, None]), True),
        (_ARRAY, Model(_ARRAY[1:3]), True),
        (_ARRAY, _ARRAY.copy(), False),
        (_ARRAY[:2], _ARRAY[2:], False),
        (_ROWS, [1], False),
        ("text", ["text"], False),
        ((1, 2), [(1, 2)], False),
        (Model, [Model], False),
        (np.dtype("i4"), np.zeros(2, "i4"), False),
        (pd.Index(["a"]), pd.Series([1], index=pd.Index(["a"])), False),
    ],
)
def test_what_counts_as_shared(one: Any, two: Any, bound: bool) -> None:
    assert meets(one, two) is bound
    assert (shared({"one": one, "two": two}) == [["one", "two"]]) is bound

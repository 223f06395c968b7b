"""load, gather, item, apart, save: as a task notebook calls them, in a process whose environment says which task it is."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kubenb.inside import hand
from kubenb.inside.exits import Refused
from kubenb.inside.setting import Setting
from kubenb.inside.stores import REMOTE
from kubenb.model import kinds


class Tasks:
    """Plays one task after the other in this process."""

    def __init__(self, store: Path, patch: pytest.MonkeyPatch) -> None:
        self.store, self.patch = store, patch

    def become(self, task: str, **told: str) -> None:
        names = {"DAG": "d", "TASK": task, "RUN": "r", "STORE": str(self.store), "ITEM": "", "KEEP": "", "SIDE": ""}
        for name, value in {**names, **{key.upper(): value for key, value in told.items()}}.items():
            if value:
                self.patch.setenv("KUBENB_" + name, value)
            else:
                self.patch.delenv("KUBENB_" + name, raising=False)
        hand._HANDS.clear()

    def place(self, task: str) -> Path:
        return self.store / "d" / "r" / task


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    yield Tasks(tmp_path, monkeypatch)
    hand._HANDS.clear()


def refused(act: Any, *values: Any, **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        act(*values, **options)
    return caught.value


def test_values_go_by_name(tasks: Tasks) -> None:
    tasks.become("extract")
    hand.save({"rows": [1, 2], "rate": 0.5})
    tasks.become("train")
    assert hand.load("extract", "rate") == 0.5
    assert hand.load("extract", "rate", "rows") == (0.5, [1, 2])


def test_names_of_one_group_stay_bound_over_one_load(tasks: Tasks) -> None:
    rows = [1]
    tasks.become("extract")
    hand.save({"rows": rows, "all": {"rows": rows}})
    tasks.become("train")
    loaded, whole = hand.load("extract", "rows", "all")
    assert whole["rows"] is loaded


@pytest.mark.parametrize(
    ("spoil", "kind", "text"),
    [
        (lambda place: (place / "_SUCCESS").unlink(), "missing", "extract has not finished in run r: there is no _SUC"),
        (lambda place: (place / "outputs.json").unlink(), "missing", "the outputs of extract are gone"),
        (lambda place: (place / "outputs.json").write_text("{}"), "digest", "not what it saved: their SHA-256 differs"),
        (lambda place: (place / "_SUCCESS").write_text("{"), "digest", "the success marker of extract is damaged"),
        (lambda place: (place / "_SUCCESS").write_text('{"digest": null}'), "missing", "finished without outputs"),
    ],
)
def test_an_input_that_is_not_whole_is_refused(tasks: Tasks, spoil: Any, kind: str, text: str) -> None:
    tasks.become("extract")
    hand.save({"rows": [1]})
    spoil(tasks.place("extract"))
    tasks.become("train")
    found = refused(hand.load, "extract", "rows")
    assert (found.kind, text in str(found)) == (kind, True), str(found)


def test_a_name_that_was_not_saved_is_refused_with_those_that_were(tasks: Tasks) -> None:
    tasks.become("extract")
    hand.save({"rows": [1], "rate": 2})
    tasks.become("train")
    assert "extract did not save model; it saved rate, rows." in str(refused(hand.load, "extract", "model"))


def test_runs_do_not_mix(tasks: Tasks) -> None:
    tasks.become("extract")
    hand.save({"rows": [1]})
    tasks.become("train", run="another")
    assert refused(hand.load, "extract", "rows").kind == "missing"


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: [1, 2], lambda rows: rows.append(3)),
        (lambda: {"a": [1]}, lambda held: held["a"].append(2)),
        (lambda: np.arange(5000.0), lambda array: array.__setitem__(77, -1.0)),
        (lambda: np.arange(3), lambda array: array.__setitem__(0, 5)),
        (lambda: pd.DataFrame({"a": np.arange(9000), "t": "x"}), lambda frame: frame.__setitem__("b", 1)),
        (lambda: pd.DataFrame({"a": np.arange(9000)}), lambda frame: frame.iloc.__setitem__((8999, 0), 1)),
        (lambda: pd.DataFrame({"t": ["x"] * 900}), lambda frame: frame.loc.__setitem__((5, "t"), "y")),
        (lambda: pd.Series([1, 2]), lambda series: setattr(series, "name", "n")),
        (lambda: pd.DataFrame({"c": pd.Categorical(["a"] * 99)}), lambda frame: frame.attrs.update(a=1)),
    ],
)
def test_a_read_only_input_that_was_changed_is_refused(tasks: Tasks, make: Any, change: Any) -> None:
    tasks.become("extract")
    hand.save({"value": make()})
    tasks.become("report")
    kept = hand.load("extract", "value", readonly=True)
    hand.save({})
    hand._HANDS.clear()
    kept = hand.load("extract", "value", readonly=["value"])
    change(kept)
    found = refused(hand.save, {})
    assert found.kind == "changed"
    assert "value, which came from extract, was changed in place" in str(found)
    assert "#| out: value" in str(found)


def test_swapping_two_numbers_is_a_change(tasks: Tasks) -> None:
    tasks.become("extract")
    hand.save({"array": np.arange(20_000.0)})
    tasks.become("report")
    array = hand.load("extract", "array", readonly=True)
    array[[5, 9000]] = array[[9000, 5]]
    assert refused(hand.save, {}).kind == "changed"


def test_an_input_that_nobody_holds_any_more_is_not_kept_alive(tasks: Tasks) -> None:
    tasks.become("extract")
    hand.save({"array": np.arange(20_000.0)})
    tasks.become("report")
    hand.load("extract", "array", readonly=True)
    assert hand._hand().inputs[0].find() is None
    hand.save({})


def test_data_that_would_be_split_is_refused_with_both_names(tasks: Tasks) -> None:
    tasks.become("load")
    hand.save({"rates": {"eur": [1]}})
    tasks.become("train")
    rates = hand.load("load", "rates")
    found = _save_with(rates=rates, part=rates["eur"], live=[["rates", "load"]])
    assert found is not None
    assert found.kind == "shared"
    assert "part shares data with rates, which later tasks take from load" in str(found)
    assert "`#| out: rates`" in str(found)
    assert _save_with(rates=rates, part=list(rates["eur"]), live=[["rates", "load"]]) is None


def test_a_changed_name_that_shares_with_a_live_one_is_refused(tasks: Tasks) -> None:
    tasks.become("train")
    rates = [[1]]
    found = _save_with(rates=rates, part=1, row=rates[0], live=[["rates", "load"]], changes=["row"])
    assert found is not None
    assert "row shares data with rates" in str(found)


def _save_with(live: Any, changes: Any = (), part: Any = None, **names: Any) -> Refused | None:
    """`save` as a cell of a namespace with these names calls it."""
    space = {"save": hand.save, "part": part, "live": live, "changes": changes, **names}
    try:
        exec("save({'part': part}, live=live, changes=changes)", space)
    except Refused as found:
        return found
    return None


def test_apart_refuses_old_data_that_is_bound_to_new(tasks: Tasks) -> None:
    tasks.become("report")
    rows = [1]
    hand.apart("rows", rows, {"copy": [1]}, by="train")
    found = refused(hand.apart, "rows", rows, {"copy": [1], "view": {"rows": rows}}, by="train")
    assert (
        str(found) == "rows and view share data, and train changed rows in between: one of them would be too old here. "
        "Give view its own copy where it is made."
    )


def test_items_of_a_mapped_task_are_gathered_in_order(tasks: Tasks) -> None:
    for number in range(12):
        tasks.become("score", item=str(number))
        month = hand.item(range(100, 112))
        hand.save({"score": month * 2, "month": month})
    tasks.become("report")
    assert hand.gather("score", "score", count=12) == [2 * month for month in range(100, 112)]
    months, _ = hand.gather("score", "month", "score", count=3)
    assert months == [100, 101, 102]
    assert "score, item 12, has not finished" in str(refused(hand.gather, "score", "score", count=13))


def test_an_item_that_is_not_there_is_refused(tasks: Tasks) -> None:
    tasks.become("score", item="3")
    assert "there is no item 3: the task is mapped over 3." in str(refused(hand.item, ["a", "b", "c"]))


def test_a_mapped_task_opened_in_jupyter_takes_the_first_item(tasks: Tasks, capsys: pytest.CaptureFixture[str]) -> None:
    tasks.become("score")
    assert hand.item({"a": 1, "b": 2}) == "a"
    assert "this is item 0 of 2" in capsys.readouterr().out


def test_global_generators_go_on_in_the_next_task(tasks: Tasks) -> None:
    tasks.become("draw")
    random.seed(3)
    np.random.seed(4)
    random.random(), np.random.rand()
    hand.save({}, random=["random", "numpy.random"])
    expected = (random.random(), float(np.random.rand()))
    random.seed(99)
    np.random.seed(99)
    tasks.become("more")
    hand.load_random("draw", "random")
    hand.load_random("draw", "numpy.random")
    assert (random.random(), float(np.random.rand())) == expected


def test_a_run_that_keeps_everything_finds_names_and_their_bonds(tasks: Tasks) -> None:
    rows = [1]
    tasks.become("extract", keep="1")
    space = {"save": hand.save, "rows": rows, "more": [rows], "function": len}
    exec("save({'rows': rows}, keep=['rows', 'more', 'function', 'gone'])", space)
    found = hand.kept(str(tasks.place("extract")))
    assert found["more"][0] is found["rows"]
    assert set(found) == {"rows", "more"}


def test_small_values_are_pushed_to_airflow(tasks: Tasks, tmp_path: Path) -> None:
    tasks.become("train", xcom_folder=str(tmp_path / "xcom"))
    hand.save({"score": np.float64(0.5), "names": ["a"]}, xcom=["score", "names"])
    assert json.loads((tmp_path / "xcom" / "return.json").read_text()) == {"score": 0.5, "names": ["a"]}


@pytest.mark.parametrize("value", [(1, 2), {1: 2}, float("nan"), b"x", pd.Timestamp(0)])
def test_what_json_would_change_is_not_pushed(tasks: Tasks, value: Any) -> None:
    tasks.become("train")
    found = refused(hand.save, {"score": value}, xcom=["score"])
    assert (found.kind, "can't be pushed as XCom" in str(found)) == ("carry", True)


def test_a_list_made_at_run_time_becomes_items(tasks: Tasks, tmp_path: Path) -> None:
    tasks.become("plan", xcom_folder=str(tmp_path / "xcom"))
    hand.save({"months": [5, 6]}, items=["months"])
    assert json.loads((tmp_path / "xcom" / "return.json").read_text()) == [{"KUBENB_ITEM": "0"}, {"KUBENB_ITEM": "1"}]


def test_values_may_travel_by_xcom_alone(tasks: Tasks, tmp_path: Path) -> None:
    tasks.become("extract", store="xcom", xcom_folder=str(tmp_path / "xcom"))
    hand.save({"rows": [1, (2,)]})
    text = json.loads((tmp_path / "xcom" / "return.json").read_text())["kubenb"]
    tasks.become("train", store="xcom", xcom_extract=text)
    assert hand.load("extract", "rows") == [1, (2,)]
    assert refused(hand.load, "other", "rows").kind == "missing"
    tasks.become("large", store="xcom")
    assert "more than XCom should hold" in str(refused(hand.save, {"x": "a" * 200_000}))


@pytest.mark.parametrize("store", ["s3://bucket/x", "gs://bucket", "abs://container/x", "http://x", ""])
def test_a_store_that_cannot_be_used_is_named(tasks: Tasks, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("fsspec", "s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, name, None)
    tasks.become("extract", store=store)
    found = refused(hand.save, {"a": 1})
    assert found.kind == "store"
    assert found.fix


@pytest.mark.parametrize("scheme", [*REMOTE, "file"])
def test_a_store_that_can_be_opened_is_let_through_by_the_pod(scheme: str) -> None:
    assert Setting({"KUBENB_STORE": f"{scheme}://bucket/kubenb"}).store == f"{scheme}://bucket/kubenb"


@pytest.mark.parametrize("scheme", kinds._STORE_SCHEMES)
def test_a_store_that_a_header_takes_can_be_opened(scheme: str) -> None:
    assert scheme in REMOTE


def test_a_store_of_fsspec_works(tasks: Tasks) -> None:
    tasks.become("extract", store="memory://kubenb-test")
    hand.save({"rows": [1], "array": np.arange(5000)})
    tasks.become("train", store="memory://kubenb-test")
    rows, array = hand.load("extract", "rows", "array")
    assert rows == [1]
    assert array.sum() == np.arange(5000).sum()


def test_a_notebook_opened_in_jupyter_keeps_its_results_beside_it(
    tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for task in ("extract", "train"):
        for name in ("TASK", "STORE", "DAG", "RUN"):
            monkeypatch.delenv(f"KUBENB_{name}", raising=False)
        monkeypatch.setenv("JPY_SESSION_NAME", f"/somewhere/{task}.ipynb")
        hand._HANDS.clear()
        if task == "extract":
            hand.save({"rows": [1]})
    assert hand.load("extract", "rows") == [1]

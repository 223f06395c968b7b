"""Every type that can go from task to task: value, exact type, order, names, what is shared."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import math
import pathlib
import random
import re
import string
import types
import uuid
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from kubenb.inside.documents import can_carry
from tests.unit.inside.pods import carried
from tests.unit.inside.same import same

pd: Any = pandas
D = decimal.Decimal
UTC = dt.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: Any


@dataclass
class Box:
    label: str
    parts: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Sealed:
    x: int = 1


@dataclass
class Smaller(Box):
    depth: int = 3


PLAIN: dict[str, Any] = {
    "none": None,
    "bools": [True, False],
    "ints": [0, -1, 2**63, -(2**200), 10**5000],
    "floats": [0.0, -0.0, 1e-320, 1.7976931348623157e308, 0.1],
    "odd floats": [math.nan, math.inf, -math.inf, -math.nan],
    "complex": [1 - 2j, complex(-0.0, math.nan)],
    "text": ["", "naïve", "🙂", "\x00\r\n\u2028", "a" * 10_000],
    "lone surrogates": ["\ud800", "\ud83d\ude42", "x\udfffy"],
    "bytes": [b"", b"\x00\xff", bytes(range(256)) * 40],
    "bytearray": bytearray(b"ab"),
    "tuples": [(), (1,), (1, (2, [3]))],
    "mixed list": [1, True, 1.0, "1", None],
    "dict keys": {1: "a", "1": "b", (1, 2): "c", None: "d", 1.5: "e", b"x": "f", frozenset([1]): "g"},
    "dict order": dict(zip("zyxabc", range(6), strict=True)),
    "true and one": [{1: "int"}, {True: "bool"}],
    "sets": [set(), {1, "a", (1, 2)}, frozenset([frozenset(), 2])],
    "decimals": [D("1.10"), D("-0"), D("NaN"), D("sNaN12"), D("Infinity"), D("1E+5")],
    "fractions": fractions.Fraction(-1, 3),
    "dates": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "datetimes": [dt.datetime(2026, 1, 1), dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN)],
    "zones": [UTC, dt.timezone(dt.timedelta(hours=-3, minutes=-30)), dt.timezone(dt.timedelta(0), "Z"), BERLIN],
    "zoned": dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5), "five")),
    "times": [dt.time(1, 2, 3, 4), dt.time(1, tzinfo=UTC, fold=1)],
    "deltas": [dt.timedelta(days=-1, microseconds=1), dt.timedelta.max],
    "uuid": uuid.UUID(int=5),
    "paths": [pathlib.Path("a/b c"), pathlib.PurePosixPath("/x"), pathlib.PureWindowsPath("c:/x")],
    "ranges": [range(5), range(10, 0, -3), slice(1, None, "x"), ...],
    "singletons": [..., NotImplemented],
    "named tuple": Point(1.0, [2]),
    "dataclasses": [Box("a", [1, {2}]), Sealed(2), Smaller("b", [], 7)],
    "enums": [Colour.RED, Level.LOW, Rights.READ | Rights.WRITE, Rights(0)],
    "patterns": [re.compile(r"\d+", re.IGNORECASE), re.compile(b"x")],
    "addresses": [ipaddress.ip_address("10.0.0.1"), ipaddress.ip_network("fe80::/64")],
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "counter": collections.Counter("abca"),
    "deque": collections.deque([1, 2], maxlen=5),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "namespace": types.SimpleNamespace(a=1, b=[2]),
    "array": array.array("d", [1.5, -0.0]),
    "deep": [[[[[[{"a": ((((1,),),),)}]]]]]],
}

ARRAYS: dict[str, Any] = {
    **{
        name: np.arange(6).astype(name).reshape(2, 3)
        for name in ["bool", "int8", "uint64", "float16", "float32", "float64"]
    },
    "longdouble": np.arange(3, dtype=np.longdouble) / 3,
    "complex64": np.array([1 + 2j], dtype=np.complex64),
    "nan bits": np.array([np.nan, -np.nan, -0.0, np.inf]),
    "big endian": np.arange(5, dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big": np.arange(100_000, dtype=np.int32).reshape(100, 1000),
    "big fortran": np.asfortranarray(np.random.default_rng(1).random((200, 300))),
    "zero d": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "texts": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bc"]),
    "datetime64": np.array(["2026-01-01", "NaT"], dtype="M8[D]"),
    "timedelta64": np.array([1, 2], dtype="m8[ns]"),
    "structured": np.array([(1, 2.5, "a")], dtype=[("x", "i4"), ("y", "f8"), ("z", "U3")]),
    "nested structured": np.zeros(2, dtype=[("a", [("b", "i2"), ("c", "f4", (2, 2))])]),
    "objects": np.array([1, "a", None, (2,)], dtype=object),
    "object matrix": np.array([[1, "a"], [None, 2.5]], dtype=object),
    "masked": np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False], fill_value=-9.0),
    "masked without mask": np.ma.array([1, 2]),
    "scalars": [np.float64(1.5), np.int8(-3), np.bool_(True), np.str_("x"), np.datetime64("2026-01-01T00:00", "m")],
    "dtype": [np.dtype("f4"), np.dtype([("a", "i4")])],
}

_INDEX = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
FRAMES: dict[str, Any] = {
    "numbers": pd.DataFrame({"a": [1, 2], "b": [1.5, np.nan], "c": [True, False]}),
    "texts": pd.DataFrame({"a": ["x", None, "z"] * 50}),
    "object texts": pd.Series(["x", None] * 50, dtype=object),
    "object texts and nan": pd.Series(["x", np.nan] * 50, dtype=object),
    "object surrogates": pd.Series(["x", "\ud800"] * 50, dtype=object),
    "objects": pd.DataFrame({"a": [1, "x", None, (1, 2), [3], {"k": 1.5}]}, dtype=object),
    "string dtypes": pd.DataFrame(
        {"a": pd.array(["x", None], dtype="string"), "b": pd.array(["x", None], dtype="str")}
    ),
    "python strings": pd.Series(pd.array(["x", None], dtype=pd.StringDtype("python"))),
    "nullable": pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
    "nullable floats": pd.Series(pd.array([1.5, None, np.nan], dtype="Float32")),
    "small numbers": pd.DataFrame({"a": np.array([1, 2], np.int8), "b": np.array([1, 2], np.float16)}),
    "complex": pd.Series([1 + 2j, 3]),
    "times": pd.DataFrame({"a": pd.to_datetime(["2026-01-01", None]), "b": pd.to_timedelta([1, None], unit="s")}),
    "units": pd.Series(np.array(["2026-01-01", "NaT"], "M8[s]")),
    "zones": pd.Series(pd.to_datetime(["2026-01-01", "2026-07-01"]).tz_localize("Europe/Berlin")),
    "offset zone": pd.Series(pd.to_datetime(["2026-01-01T00:00+05:30"])),
    "utc": pd.Series(pd.to_datetime(["2026-01-01"], utc=True)),
    "dates as objects": pd.Series([dt.date(2026, 1, 1), None]),
    "decimals": pd.Series([D("1.10"), D("2")]),
    "categories": pd.Series(pd.Categorical(["b", None, "a"], categories=["b", "a", "unused"], ordered=True)),
    "number categories": pd.Series(pd.Categorical([3, 1], categories=[3, 1])),
    "interval categories": pd.cut(pd.Series([1, 5, 9]), [0, 4, 10]),
    "periods": pd.Series(pd.period_range("2026-01", periods=3, freq="M")),
    "intervals": pd.Series(pd.interval_range(0.0, 3.0)),
    "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1, 2])}),
    "arrow": pd.DataFrame({"a": pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}),
    "arrow decimals": pd.Series([D("1.1"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    "named index": pd.DataFrame({"a": [1, 2]}, index=pd.Index([3, 4], name="n")),
    "float index": pd.Series([1], index=[1.5]),
    "text index": pd.Series([1, 2], index=["b", "a"]),
    "mixed index": pd.Series([1, 2], index=["b", 1]),
    "tuples as index": pd.Series([1], index=pd.Index([(1, 2)], tupleize_cols=False)),
    "multi index": pd.DataFrame({"a": [1, 2]}, index=_INDEX),
    "multi columns": pd.DataFrame([[1, 2]], columns=_INDEX),
    "range index": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(5, 9, 2, name="r")),
    "date index": pd.DataFrame({"a": range(3)}, index=pd.date_range("2026-01-01", periods=3, freq="2h", tz="UTC")),
    "business days": pd.Series(range(3), index=pd.date_range("2026-01-01", periods=3, freq="B")),
    "delta index": pd.Series([1, 2], index=pd.timedelta_range("1h", periods=2)),
    "period index": pd.Series([1, 2], index=pd.period_range("2026", periods=2, freq="Y")),
    "category index": pd.Series([1, 2], index=pd.CategoricalIndex(["b", "a"])),
    "equal columns": pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "b"]),
    "odd column names": pd.DataFrame([[1, 2, 3, 4]], columns=[1, None, ("a", 2), dt.date(2026, 1, 1)]),
    "number columns": pd.DataFrame([[1, 2]], columns=[0, 1]),
    "range columns": pd.DataFrame(np.zeros((2, 2))),
    "column axis name": pd.DataFrame([[1]], columns=pd.Index(["a"], name="axis")),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int8"), "b": pd.Series([], dtype=object)}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "nothing": pd.DataFrame(),
    "large": pd.DataFrame({"a": np.arange(20_000), "t": ["x", "y"] * 10_000, "f": np.linspace(0, 1, 20_000)}),
    "series name": pd.Series([1], name=("a", 1)),
    "indexes": [pd.RangeIndex(3), pd.Index(["a"]), _INDEX, pd.date_range("2026", periods=2), pd.Index([], dtype="f4")],
    "arrays": [pd.array([1, None], "Int8"), pd.Categorical(["a"]), pd.Series([1, 2]).array, pd.array(["a"])],
    "scalars": [
        pd.Timestamp("2026-01-01"),
        pd.Timestamp("2026-10-25 01:30Z").tz_convert("Europe/Berlin"),
        pd.Timedelta("1ns"),
    ],
    "more scalars": [pd.Period("2026-01", "M"), pd.Interval(0, 1.5, "both"), pd.NaT, pd.NA],
    "old timestamp": pd.Timestamp("1500-01-01").as_unit("s"),
}
FRAMES["attrs"] = FRAMES["numbers"].copy()
FRAMES["attrs"].attrs = {"source": {"url": "x", "rows": (1, 2)}}
FRAMES["no duplicates"] = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)

TABLE = {**PLAIN, **ARRAYS, **FRAMES}


@pytest.mark.parametrize("name", TABLE)
def test_a_value_comes_back_the_same(tmp_path: Path, name: str) -> None:
    value = TABLE[name]
    assert can_carry(value) is None
    assert same(carried(tmp_path, {"x": value})["x"], value)


def test_all_of_them_at_once_in_one_value(tmp_path: Path) -> None:
    assert same(carried(tmp_path, {"x": TABLE})["x"], TABLE)


def test_a_generator_goes_on_where_it_was(tmp_path: Path) -> None:
    made: dict[str, Any] = {"a": random.Random(5), "b": np.random.default_rng(7), "c": np.random.RandomState(9)}
    for generator in made.values():
        generator.random()
    back = carried(tmp_path, dict(made))
    assert [back[name].random() for name in "abc"] == [made[name].random() for name in "abc"]


def test_sparse_matrices_keep_their_format(tmp_path: Path) -> None:
    kinds = (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix, sparse.bsr_array, sparse.dia_matrix)
    made = {kind.__name__: kind(np.eye(4)) for kind in kinds}
    back = carried(tmp_path, made)
    assert all(type(back[name]) is type(value) and (back[name] != value).nnz == 0 for name, value in made.items())


def test_arrow_tables_keep_their_schema(tmp_path: Path) -> None:
    table = pa.table({"a": pa.chunked_array([[1], [2, 3]]), "b": pa.array(["x"] * 3).dictionary_encode()})
    table = table.replace_schema_metadata({"k": "v"})
    made = {"table": table, "batch": table.to_batches()[0], "column": table.column("a")}
    back = carried(tmp_path, made)
    assert all(back[name].equals(value) for name, value in made.items())
    assert back["table"].schema.equals(table.schema, check_metadata=True)


_TEXT = st.text(st.characters(), max_size=8)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    _TEXT,
    st.binary(max_size=8),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.just(UTC), st.just(BERLIN))),
    st.timedeltas(),
    st.uuids(),
)
_KEYS = st.one_of(
    st.integers(), _TEXT, st.booleans(), st.none(), st.tuples(st.integers(), _TEXT), st.binary(max_size=3)
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(_KEYS, inner, max_size=5),
        st.sets(_KEYS, max_size=4),
        st.frozensets(_KEYS, max_size=4),
    ),
    max_leaves=25,
)


@given(_VALUES)
def test_any_nested_value_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    folder = tmp_path_factory.mktemp("any")
    assert same(carried(folder, {"x": value})["x"], value)


_COLUMNS = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "text": st.one_of(st.none(), st.text(string.printable, max_size=4)),
    "object": st.one_of(st.none(), st.integers(), _TEXT, st.floats(allow_nan=False)),
    "bool": st.booleans(),
    "time": st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
}


@st.composite
def _frames(draw: Any) -> Any:
    rows = draw(st.integers(0, 80))
    kinds = draw(st.lists(st.sampled_from(sorted(_COLUMNS)), max_size=4))
    labels = draw(st.lists(st.one_of(st.integers(0, 3), _TEXT), min_size=len(kinds), max_size=len(kinds)))
    columns = [draw(st.lists(_COLUMNS[kind], min_size=rows, max_size=rows)) for kind in kinds]
    dtypes = {"int": "int64", "float": "float64", "object": object, "bool": "bool", "time": "M8[us]"}
    made = {
        at: pd.Series(values, dtype=dtypes.get(kind), index=range(rows))
        for at, (kind, values) in enumerate(zip(kinds, columns, strict=True))
    }
    frame = pd.DataFrame(made, index=range(rows))
    frame.columns = pd.Index(labels, dtype=object)
    return frame


@given(_frames())
def test_any_frame_comes_back_the_same(tmp_path_factory: pytest.TempPathFactory, frame: Any) -> None:
    folder = tmp_path_factory.mktemp("frame")
    assert same(carried(folder, {"x": frame})["x"], frame)


def test_the_same_values_make_the_same_bytes(tmp_path: Path) -> None:
    from kubenb.inside import documents
    from kubenb.inside.stores import Folder

    digests = {documents.write(Folder(str(tmp_path)), str(number), {"x": TABLE})[0] for number in range(2)}
    assert len(digests) == 1

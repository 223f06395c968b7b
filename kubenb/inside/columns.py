"""Columns of pandas, there and back: what a frame, a series and an index are made of.

In: a column's own array and dtype. Out: a small tree, and the bulk as a column of one Arrow IPC file (lz4) a frame;
without pyarrow as .npy. Each dtype has its own way here; one that has none is refused, never approximated. Next room: `frames`.
"""

from __future__ import annotations

import binascii

import numpy as np
import pandas as _pandas

from .codec import Cannot, Damaged
from .moments import encode_zone as plain_zone
from .named import full_name
from .plain import INLINE, text64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder

pd: Any = _pandas

_SMALL = 64
_ARROW: list[Any] = []


def arrow() -> Any:
    """pyarrow, or None where the image has none."""
    if not _ARROW:
        try:
            import pyarrow
            import pyarrow.ipc

            _ARROW.append(pyarrow)
        except ImportError:
            _ARROW.append(None)
    return _ARROW[0]


class Table:
    """The bulk columns of one frame, written together."""

    def __init__(self, enc: Encoder) -> None:
        """Nothing yet."""
        self.enc = enc
        self.columns: list[Any] = []

    def add(self, values: Any) -> Any:
        """A numpy or Arrow array; its place."""
        blobs, pa = self.enc.blobs, arrow()
        if blobs is None:
            return 0
        if blobs.hashes:
            return blobs.column(values)
        if pa is None:
            from .arrays import data_of, described

            plain = np.ascontiguousarray(values)
            return ["npy", described(plain.dtype), [len(plain)], *data_of(self.enc, plain)]
        if isinstance(values, np.ndarray):
            values = pa.array(np.ascontiguousarray(values), from_pandas=False)
        self.columns.append(values)
        return len(self.columns) - 1

    def write(self) -> Any:
        """The tree of the whole: inline when small, else one file."""
        if not self.columns:
            return None
        pa = arrow()
        table = pa.table(self.columns, names=[str(index) for index in range(len(self.columns))])
        if table.nbytes <= INLINE:
            sink = pa.BufferOutputStream()
            _write_ipc(pa, sink, table)
            return text64(sink.getvalue())
        sink = _Chunks()
        _write_ipc(pa, pa.PythonFile(sink, mode="w"), table)
        return self.enc.blobs.add(".arrow", sink.parts)


class _Chunks:
    """A file that keeps what is written: Arrow's buffers without copies."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[Any] = []

    def write(self, data: Any) -> int:
        self.parts.append(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def _write_ipc(pa: Any, sink: Any, table: Any) -> None:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=1 << 62)


class Columns:
    """The bulk columns of one frame, read back."""

    def __init__(self, dec: Decoder, held: Any) -> None:
        """`held` is what `Table.write` gave."""
        self.dec = dec
        self.table: Any = None
        if held is None:
            return
        pa = arrow()
        if pa is None:
            raise Damaged("it was saved with pyarrow, which this image does not have")
        raw = binascii.a2b_base64(held) if isinstance(held, str) else dec.blobs.read(held)
        self.table = pa.ipc.open_file(pa.py_buffer(raw)).read_all()

    def arrow(self, place: Any) -> Any:
        """One column as Arrow has it."""
        return self.table.column(place)

    def numpy(self, place: Any) -> Any:
        """One column as numpy; may be read-only."""
        if isinstance(place, list):
            return self.dec.decode(["arrays.array", *place[1:]])
        column = self.arrow(place)
        if column.num_chunks == 1:
            return column.chunk(0).to_numpy(zero_copy_only=False)
        return column.to_numpy()


# ---- object columns


def _objects(table: Table, values: Any) -> Any:
    """Texts as one Arrow column where nothing is lost by it, else element by element."""
    listed = values.tolist()
    kinds = set(map(type, listed))
    missing = kinds - {str}
    few = len(missing) <= 1 and missing <= {type(None), float}
    if (
        str in kinds
        and len(listed) > _SMALL
        and arrow()
        and few
        and all(part != part for part in listed if type(part) is float)
    ):
        pa = arrow()
        try:
            mask = np.array([type(part) is not str for part in listed]) if missing else None
            column = pa.array(values, type=pa.large_string(), mask=mask)
            return ["text", "nan" if missing == {float} else "None", table.add(column)]
        except (UnicodeEncodeError, pa.ArrowInvalid):
            pass
    return ["object", table.enc.items(listed)]


def _read_text(columns: Columns, node: list[Any]) -> Any:
    # A copy: what Arrow hands out may be kept by it.
    values = np.array(columns.numpy(node[2]), dtype=object)
    if node[1] == "nan":
        values[[part is None for part in values]] = np.nan
    return values


def _read_objects(columns: Columns, node: list[Any]) -> Any:
    values = columns.dec.items(node[1])
    made = np.empty(len(values), object)
    made[:] = values if not any(isinstance(part, (list, tuple, np.ndarray)) for part in values) else _one_by_one(values)
    return made


def _one_by_one(values: list[Any]) -> Any:
    made = np.empty(len(values), object)
    for index, value in enumerate(values):
        made[index] = value
    return made


# ---- one way a dtype


def encode_column(table: Table, values: Any) -> Any:
    """The tree of one column's array (numpy or pandas extension array)."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype) or type(values).__name__ in ("NumpyExtensionArray", "PandasArray"):
        return _numpy(table, np.asarray(values))
    for kind, function in WAYS:
        if type(dtype) is kind:
            return function(table, values, dtype)
    raise Cannot("its dtype %s (%s) has no exact form" % (dtype, full_name(type(dtype))))


def _numpy(table: Table, values: Any) -> Any:
    kind = values.dtype.kind
    if kind == "O":
        return _objects(table, values)
    if kind in "biuf" and values.dtype.isnative and values.dtype.itemsize <= 8:
        return ["np", values.dtype.str, table.add(values)]
    if kind in "mM" and values.dtype.isnative:
        return ["i8", values.dtype.str, table.add(np.ascontiguousarray(values).view(np.int64))]
    return ["any", table.enc.encode(np.array(values))]


def _read_i8(columns: Columns, node: list[Any]) -> Any:
    return np.array(columns.numpy(node[2])).view(np.dtype(node[1]))


def _zoned(table: Table, values: Any, dtype: Any) -> Any:
    return ["zoned", str(dtype.unit), encode_zone(table.enc, dtype.tz), table.add(np.ascontiguousarray(values.asi8))]


def encode_zone(enc: Encoder, zone: Any) -> Any:
    """A time zone of pandas: also those of dateutil, by their name."""
    if type(zone).__module__.partition(".")[0] == "dateutil":
        name = pd.api.types.pandas_dtype("datetime64[ns, UTC]").__class__("ns", zone).name.partition(", ")[2][:-1]
        if pd.DatetimeTZDtype("ns", name).tz != zone:
            raise Cannot("its time zone %r has no exact form" % (zone,))
        return ["named", name]
    return plain_zone(enc, zone)


def read_zone(dec: Decoder, node: Any) -> Any:
    """The zone of `encode_zone`."""
    return pd.DatetimeTZDtype("ns", node[1]).tz if node and node[0] == "named" else dec.decode(node)


def _read_zoned(columns: Columns, node: list[Any]) -> Any:
    plain = np.array(columns.numpy(node[3])).view("M8[%s]" % node[1])
    return pd.DatetimeIndex(plain).tz_localize("UTC").tz_convert(read_zone(columns.dec, node[2])).array


def _period(table: Table, values: Any, dtype: Any) -> Any:
    return ["period", dtype.name, table.add(np.ascontiguousarray(values.asi8))]


def _read_period(columns: Columns, node: list[Any]) -> Any:
    dtype: Any = pd.api.types.pandas_dtype(node[1])
    return pd.arrays.PeriodArray(np.array(columns.numpy(node[2])), dtype=dtype)


def _categorical(table: Table, values: Any, dtype: Any) -> Any:
    return ["category", bool(dtype.ordered), table.enc.encode(dtype.categories), table.add(np.asarray(values.codes))]


def _read_categorical(columns: Columns, node: list[Any]) -> Any:
    dtype = pd.CategoricalDtype(columns.dec.decode(node[2]), ordered=node[1])
    return pd.Categorical.from_codes(np.array(columns.numpy(node[3])), dtype=dtype)


def _interval(table: Table, values: Any, dtype: Any) -> Any:
    return [
        "interval",
        values.closed,
        table.enc.encode(pd.Index(values.left)),
        table.enc.encode(pd.Index(values.right)),
    ]


def _read_interval(columns: Columns, node: list[Any]) -> Any:
    left, right = columns.dec.decode(node[2]), columns.dec.decode(node[3])
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=node[1])


def _string(table: Table, values: Any, dtype: Any) -> Any:
    missing = getattr(dtype, "na_value", pd.NA)
    head = ["string", dtype.storage, "NA" if missing is pd.NA else "nan"]
    if arrow():
        try:
            return [*head, table.add(values.__arrow_array__())]
        except (UnicodeEncodeError, arrow().ArrowInvalid):
            pass
    listed = [None if part is missing or part is pd.NA else part for part in values.to_numpy(dtype=object).tolist()]
    return [*head, ["object", table.enc.items([None if part != part else part for part in listed])]]


def _read_string(columns: Columns, node: list[Any]) -> Any:
    try:
        dtype: Any = pd.StringDtype(node[1], na_value=pd.NA if node[2] == "NA" else np.nan)
    except TypeError:
        if node[2] != "NA":
            raise Damaged("it is a column of pandas 3 text, and this image has pandas %s" % pd.__version__) from None
        dtype = pd.StringDtype(node[1])
    if isinstance(node[3], list) and node[3][0] == "object":
        return pd.array(_read_objects(columns, node[3]), dtype=dtype)
    return dtype.__from_arrow__(columns.arrow(node[3]))


def _nullable(table: Table, values: Any, dtype: Any) -> Any:
    missing = np.asarray(values.isna())
    data = values._data if hasattr(values, "_data") else values.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
    return ["nullable", dtype.name, table.add(np.asarray(data)), table.add(missing)]


def _read_nullable(columns: Columns, node: list[Any]) -> Any:
    dtype: Any = pd.api.types.pandas_dtype(node[1])
    return dtype.construct_array_type()(np.array(columns.numpy(node[2])), np.array(columns.numpy(node[3])))


def _arrow(table: Table, values: Any, dtype: Any) -> Any:
    return ["arrow", table.add(values.__arrow_array__())]


def _read_arrow(columns: Columns, node: list[Any]) -> Any:
    column = columns.arrow(node[1])
    return pd.ArrowDtype(column.type).__from_arrow__(column)


def _sparse(table: Table, values: Any, dtype: Any) -> Any:
    enc = table.enc
    parts = [enc.encode(np.array(part)) for part in (values.sp_values, values.sp_index.indices)]
    return ["sparse", len(values), values.kind, enc.encode(values.fill_value), dtype.subtype.str, *parts]


def _read_sparse(columns: Columns, node: list[Any]) -> Any:
    decode = columns.dec.decode
    fill, values, places = decode(node[3]), decode(node[5]), decode(node[6])
    dtype, kind = pd.SparseDtype(node[4], fill), pd.arrays.SparseArray
    if hasattr(kind, "from_indices"):
        return kind.from_indices(values, places, node[1], fill_value=fill, kind=node[2], dtype=np.dtype(node[4]))
    index: Any = __import__("pandas._libs.sparse", fromlist=["IntIndex"]).IntIndex

    return kind(values, sparse_index=index(node[1], places), fill_value=fill, kind=node[2], dtype=dtype)


def _ways() -> list[tuple[Any, Callable[[Table, Any, Any], Any]]]:
    nullable = [
        type(pd.array([], dtype=name).dtype)
        for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "boolean")
    ]
    nullable += [type(pd.array([], dtype=name).dtype) for name in ("Float32", "Float64") if hasattr(pd, name + "Dtype")]
    found: list[tuple[Any, Any]] = [(kind, _nullable) for kind in nullable]
    found += [(pd.DatetimeTZDtype, _zoned), (pd.PeriodDtype, _period), (pd.CategoricalDtype, _categorical)]
    found += [(pd.IntervalDtype, _interval), (pd.StringDtype, _string), (pd.SparseDtype, _sparse)]
    return found + ([(pd.ArrowDtype, _arrow)] if hasattr(pd, "ArrowDtype") else [])


WAYS = _ways()

READERS: dict[str, Callable[[Columns, list[Any]], Any]] = {
    "np": lambda columns, node: columns.numpy(node[2]),
    "i8": _read_i8,
    "any": lambda columns, node: columns.dec.decode(node[1]),
    "text": _read_text,
    "object": _read_objects,
    "zoned": _read_zoned,
    "period": _read_period,
    "category": _read_categorical,
    "interval": _read_interval,
    "string": _read_string,
    "nullable": _read_nullable,
    "arrow": _read_arrow,
    "sparse": _read_sparse,
}


def read_column(columns: Columns, node: list[Any]) -> Any:
    """The array of one column; may be read-only memory of Arrow's."""
    return READERS[node[0]](columns, node)

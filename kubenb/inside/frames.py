"""pandas whole: frames, series, every kind of index, categoricals and the scalars.

In: `codec` asks by type and by tag. Kept: dtypes, index and its frequency, names of any type, equal column names, attrs.
The bulk is written by `columns`. A subclass of a frame is not a frame: it is refused like any other class.
"""

from __future__ import annotations

import numpy as np
import pandas as _pandas

from .arrays import lay_out
from .codec import Cannot, Damaged
from .columns import Columns, Table, encode_column, encode_zone, read_column, read_zone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder

pd: Any = _pandas


def _frame(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "frames.frame")
    _note(enc, value, slot)
    table, nodes = Table(enc), []
    for at in range(value.shape[1]):
        try:
            nodes.append([encode_column(table, value.iloc[:, at].array), str(value.dtypes.iloc[at])])
        except Cannot as error:
            raise error.at("[%s]" % _label(value.columns[at])) from None
    index, columns = encode_index(table, value.index), enc.encode(value.columns)
    slot.node += [nodes, index, columns, _extras(enc, value), table.write()]
    slot.open = False
    return slot.node


def _note(enc: Encoder, value: Any, slot: Any) -> None:
    """Arrays that are views of it must stay views, or be refused."""
    if not enc.memory and not enc.frames:
        enc.later.append(lay_out)
    enc.frames.append((value, slot))


def column_of(frame: Any, array: Any) -> int | None:
    """Which column of a frame (-1: the series itself, or all columns) an array is the memory of."""
    if isinstance(frame, pd.Series) or array.ndim == 2:
        return -1 if _same_memory(frame.to_numpy(), array) else None
    return next((at for at in range(frame.shape[1]) if _same_memory(frame.iloc[:, at].to_numpy(), array)), None)


def _same_memory(one: Any, two: Any) -> bool:
    facts = [(array.__array_interface__["data"][0], array.shape, array.strides, array.dtype) for array in (one, two)]
    return facts[0] == facts[1]


def as_column(enc: Encoder, home: Any, series: Any, slot: Any) -> bool:
    """Writes a series as the column of a frame that it is a view of, if that gives it back whole."""
    frame = home[0]
    if not (isinstance(frame, pd.DataFrame) and isinstance(series, pd.Series)) or series.attrs:
        return False
    at = column_of(frame, series.to_numpy())
    if at is None or not series.index.identical(frame.index) or type(series.name) is not type(frame.columns[at]):
        return False
    if series.name != frame.columns[at]:
        return False
    enc.root = slot.root
    slot.node[:] = ["frames.series_of", at, ["r", enc.label(home[1])]]
    return True


def _read_column(dec: Decoder, node: list[Any], label: int) -> Any:
    _, at, writeable, held = node
    frame = dec.decode(held)
    made = (frame if at < 0 else frame.iloc[:, at]).to_numpy()
    made.flags.writeable = writeable
    return made


def _label(name: Any) -> str:
    return repr(name)[:60]


def _extras(enc: Encoder, value: Any) -> Any:
    attrs = enc.encode(dict(value.attrs)) if value.attrs else None
    return [attrs, bool(value.flags.allows_duplicate_labels)]


def _add_extras(dec: Decoder, value: Any, node: Any) -> Any:
    if node[0] is not None:
        value.attrs.update(dec.decode(node[0]))
    if not node[1]:
        value.flags.allows_duplicate_labels = False
    return value


def _read_frame(dec: Decoder, node: list[Any], label: int) -> Any:
    _, nodes, index_node, columns_node, extras, held = node
    columns = Columns(dec, held)
    arrays = {at: read_column(columns, part) for at, (part, _) in enumerate(nodes)}
    index = read_index(columns, index_node)
    # The copy puts columns of one dtype together and makes them writeable.
    made = pd.DataFrame(_indexed(arrays, index), index=index, copy=True) if arrays else pd.DataFrame(index=index)
    made.columns = dec.decode(columns_node)
    for at, (_, dtype) in enumerate(nodes):
        if str(made.dtypes.iloc[at]) != dtype:
            raise Damaged(
                "its column %r has dtype %s here and had %s" % (made.columns[at], made.dtypes.iloc[at], dtype)
            )
    return _add_extras(dec, made, extras)


def _indexed(arrays: dict[int, Any], index: Any) -> dict[int, Any]:
    """Object arrays as Series: pandas would look into them and pick another dtype."""
    return {
        at: pd.Series(values, index=index, dtype=object, copy=False) if _is_object(values) else values
        for at, values in arrays.items()
    }


def _is_object(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "O"


def _series(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "frames.series")
    _note(enc, value, slot)
    table = Table(enc)
    node = [encode_column(table, value.array), str(value.dtype)]
    slot.node += [node, encode_index(table, value.index), enc.encode(value.name), _extras(enc, value), table.write()]
    slot.open = False
    return slot.node


def _read_series(dec: Decoder, node: list[Any], label: int) -> Any:
    _, (part, dtype), index_node, name, extras, held = node
    columns = Columns(dec, held)
    values = read_column(columns, part)
    index = read_index(columns, index_node)
    made = pd.Series(values, index=index, dtype=object if _is_object(values) else None, copy=True)
    made.name = dec.decode(name)
    if str(made.dtype) != dtype:
        raise Damaged("it has dtype %s here and had %s" % (made.dtype, dtype))
    return _add_extras(dec, made, extras)


# ---- indexes


def encode_index(table: Table, value: Any) -> Any:
    """The tree of an index; its bulk goes with the frame's."""
    enc = table.enc
    kind = type(value)
    if kind is pd.RangeIndex:
        return ["range", value.start, value.stop, value.step, enc.encode(value.name)]
    if kind is pd.MultiIndex:
        levels = [enc.encode(level) for level in value.levels]
        return [
            "multi",
            levels,
            [table.add(np.asarray(codes)) for codes in value.codes],
            [enc.encode(name) for name in value.names],
        ]
    if not isinstance(value, pd.Index) or kind.__module__.partition(".")[0] != "pandas":
        raise Cannot("its index is a %s" % kind.__name__)
    return [
        "plain",
        encode_column(table, value.array),
        str(value.dtype),
        kind.__name__,
        enc.encode(value.name),
        _frequency(value),
    ]


def _frequency(value: Any) -> Any:
    frequency = getattr(value, "freq", None) if isinstance(value, (pd.DatetimeIndex, pd.TimedeltaIndex)) else None
    if frequency is None:
        return None
    try:
        same = pd.tseries.frequencies.to_offset(frequency.freqstr) == frequency
    except ValueError:
        same = False
    if not same:
        raise Cannot("its frequency %r has no exact form" % (frequency,))
    return frequency.freqstr


def read_index(columns: Columns, node: list[Any]) -> Any:
    """The index of `encode_index`."""
    decode = columns.dec.decode
    if node[0] == "range":
        return pd.RangeIndex(node[1], node[2], node[3], name=decode(node[4]))
    if node[0] == "multi":
        codes = [np.array(columns.numpy(place)) for place in node[2]]
        levels, names = [decode(level) for level in node[1]], [decode(name) for name in node[3]]
        return pd.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=False)
    values = read_column(columns, node[1])
    if isinstance(values, np.ndarray) and not values.flags.writeable:
        values = values.copy()
    # Of pandas' own making the dtype and the class follow from the array, save for objects.
    made = pd.Index(
        values,
        dtype=object if _is_object(values) else None,
        name=decode(node[4]),
        **({"tupleize_cols": False} if _is_object(values) else {}),
    )
    if node[5] is not None:
        made.freq = node[5]
    if str(made.dtype) != node[2] or type(made).__name__ != node[3]:
        raise Damaged(
            "its index is a %s of %s here and was a %s of %s" % (type(made).__name__, made.dtype, node[3], node[2])
        )
    return made


def _index(enc: Encoder, value: Any) -> Any:
    table = Table(enc)
    return ["frames.index", encode_index(table, value), table.write()]


def _read_lone_index(dec: Decoder, node: list[Any], label: int) -> Any:
    return read_index(Columns(dec, node[2]), node[1])


def _extension(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "frames.array")
    table = Table(enc)
    slot.node += [encode_column(table, value), str(value.dtype), type(value).__name__, table.write()]
    slot.open = False
    return slot.node


def _read_extension(dec: Decoder, node: list[Any], label: int) -> Any:
    made = read_column(Columns(dec, node[4]), node[1])
    if isinstance(made, np.ndarray):
        made = pd.Series(made, copy=True).array
    if str(made.dtype) != node[2] or type(made).__name__ != node[3]:
        raise Damaged("it is a %s of %s here and was a %s of %s" % (type(made).__name__, made.dtype, node[3], node[2]))
    return made


# ---- scalars


def _timestamp(enc: Encoder, value: Any) -> Any:
    return [
        "frames.timestamp",
        int(value.asm8.view("i8")),
        np.datetime_data(value.asm8.dtype)[0],
        encode_zone(enc, value.tzinfo),
    ]


def _read_timestamp(dec: Decoder, node: list[Any], label: int) -> Any:
    made = pd.Timestamp(np.datetime64(node[1], node[2]))
    return made if node[3] is None else made.tz_localize("UTC").tz_convert(read_zone(dec, node[3]))


def _timedelta(enc: Encoder, value: Any) -> Any:
    return ["frames.timedelta", int(value.asm8.view("i8")), np.datetime_data(value.asm8.dtype)[0]]


def _interval(enc: Encoder, value: Any) -> Any:
    return ["frames.interval", enc.encode(value.left), enc.encode(value.right), value.closed]


def _dtype(enc: Encoder, value: Any) -> Any:
    table = Table(enc)
    return ["frames.dtype", encode_column(table, pd.array([], dtype=value)), table.write()]


def encoders() -> dict[type, Callable[[Any, Any], Any]]:
    """By exact type."""
    indexes = (
        pd.Index,
        pd.RangeIndex,
        pd.MultiIndex,
        pd.DatetimeIndex,
        pd.TimedeltaIndex,
        pd.PeriodIndex,
        pd.CategoricalIndex,
        pd.IntervalIndex,
    )
    arrays: list[Any] = [getattr(pd.arrays, name) for name in dir(pd.arrays) if name.endswith("Array")]
    samples = [pd.array([], dtype=kind) for kind in ("string", "Int64", "boolean")] + [
        pd.Series([], dtype=object).array
    ]
    arrays += [pd.Categorical, *map(type, samples)]
    found: dict[Any, Any] = dict.fromkeys(indexes, _index)
    found.update(dict.fromkeys(arrays, _extension))
    found.update(
        {
            pd.DataFrame: _frame,
            pd.Series: _series,
            pd.Timestamp: _timestamp,
            pd.Timedelta: _timedelta,
            pd.Interval: _interval,
        }
    )
    found.update({type(pd.NaT): lambda enc, value: ["frames.NaT"], type(pd.NA): lambda enc, value: ["frames.NA"]})
    found[pd.Period] = lambda enc, value: ["frames.period", value.ordinal, value.freqstr]
    found.update(dict.fromkeys((pd.CategoricalDtype, pd.DatetimeTZDtype, pd.PeriodDtype, pd.StringDtype), _dtype))
    return found


DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "frames.frame": _read_frame,
    "frames.series": _read_series,
    "frames.column": _read_column,
    "frames.series_of": lambda dec, node, label: dec.decode(node[2]).iloc[:, node[1]],
    "frames.index": _read_lone_index,
    "frames.array": _read_extension,
    "frames.timestamp": _read_timestamp,
    "frames.timedelta": lambda dec, node, label: pd.Timedelta(np.timedelta64(node[1], node[2])),
    "frames.interval": lambda dec, node, label: pd.Interval(dec.decode(node[1]), dec.decode(node[2]), node[3]),
    "frames.period": lambda dec, node, label: pd.Period(ordinal=node[1], freq=node[2]),
    "frames.NaT": lambda dec, node, label: pd.NaT,
    "frames.NA": lambda dec, node, label: pd.NA,
    "frames.dtype": lambda dec, node, label: read_column(Columns(dec, node[2]), node[1]).dtype,
}

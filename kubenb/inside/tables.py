"""Tables of Arrow and polars, and scipy's sparse matrices.

In: `codec` asks by type and by tag. Arrow and polars go as IPC files; a sparse matrix as its arrays.
"""

from __future__ import annotations

import io
import sys

from .codec import Cannot, Damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder


def _arrow_bytes(table: Any) -> list[Any]:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_table(table) if isinstance(table, pa.Table) else writer.write_batch(table)
    return [sink.getvalue()]


def _arrow(enc: Encoder, value: Any) -> Any:
    import pyarrow as pa

    kind = type(value).__name__
    table = value if isinstance(value, (pa.Table, pa.RecordBatch)) else pa.table([value], names=["x"])
    return ["tables.arrow", kind, enc.blobs.add(".arrow", _arrow_bytes(table)) if enc.blobs else 0]


def _read_arrow(dec: Decoder, node: list[Any], label: int) -> Any:
    import pyarrow as pa

    table = pa.ipc.open_file(pa.py_buffer(dec.blobs.read(node[2]))).read_all()
    if node[1] == "Table":
        return table
    if node[1] == "RecordBatch":
        batches = table.to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
    column = table.column(0)
    if node[1] == "ChunkedArray":
        return column
    return column.chunk(0) if column.num_chunks else pa.array([], type=column.type)


def _polars(enc: Encoder, value: Any) -> Any:
    import polars as pl

    known = enc.met(value)
    if known is not None:
        return known
    frame = value if isinstance(value, pl.DataFrame) else value.to_frame()
    if any(kind == pl.Object for kind in frame.dtypes):
        raise Cannot("it has a column of Python objects")
    slot = enc.open(value, "tables.polars", type(value).__name__)
    sink = io.BytesIO()
    frame.write_ipc(sink, compression="lz4")
    slot.node += [[str(kind) for kind in frame.dtypes], enc.blobs.add(".arrow", [sink.getbuffer()]) if enc.blobs else 0]
    slot.open = False
    return slot.node


def _read_polars(dec: Decoder, node: list[Any], label: int) -> Any:
    import polars as pl

    frame = pl.read_ipc(io.BytesIO(dec.blobs.read(node[3])), memory_map=False)
    if [str(kind) for kind in frame.dtypes] != node[2]:
        raise Damaged("its columns have other dtypes here (%s)" % frame.dtypes)
    return frame if node[1] == "DataFrame" else frame.to_series(0)


_SPARSE = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "coo": ("data", "row", "col"),
    "dia": ("data", "offsets"),
}


def _sparse(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    parts = _SPARSE.get(value.format)
    if parts is None or len(value.shape) != 2:
        raise Cannot("it is a sparse %s: convert it with .tocsr()" % value.format)
    slot = enc.open(value, "tables.sparse", type(value).__name__, list(value.shape))
    slot.node += [enc.encode(getattr(value, part)) for part in parts]
    slot.open = False
    return slot.node


def _read_sparse(dec: Decoder, node: list[Any], label: int) -> Any:
    from scipy import sparse

    name, shape, arrays = node[1], tuple(node[2]), [dec.decode(part) for part in node[3:]]
    kind = getattr(sparse, name)
    if name.startswith("coo"):
        return kind((arrays[0], (arrays[1], arrays[2])), shape=shape)
    return kind(tuple(arrays), shape=shape)


def encoders() -> dict[type, Callable[[Any, Any], Any]]:
    """By exact type, of the packages that are loaded."""
    found: dict[Any, Any] = {}
    if "pyarrow" in sys.modules:
        import pyarrow as pa

        found.update(dict.fromkeys((pa.Table, pa.RecordBatch, pa.ChunkedArray), _arrow))
    if "polars" in sys.modules:
        import polars as pl

        found.update({pl.DataFrame: _polars, pl.Series: _polars})
    if "scipy.sparse" in sys.modules:
        sparse = sys.modules["scipy.sparse"]
        found.update(
            {
                getattr(sparse, name + ending): _sparse
                for name in _SPARSE
                for ending in ("_matrix", "_array")
                if hasattr(sparse, name + ending)
            }
        )
    return found


DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "tables.arrow": _read_arrow,
    "tables.polars": _read_polars,
    "tables.sparse": _read_sparse,
}

"""numpy: arrays as .npy bytes without pickle, scalars, generators; arrays that share memory stay views of one memory.

In: `codec` asks by type and by tag. Object arrays go element by element.
"""

from __future__ import annotations

import binascii
import io

import numpy as np

from .codec import Cannot, Damaged
from .named import class_name
from .plain import INLINE, text64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .codec import Decoder, Encoder

_format = np.lib.format


def described(dtype: Any) -> Any:
    """A dtype as JSON can hold it, if it comes back the same."""
    text = _format.dtype_to_descr(dtype)
    if dtype.hasobject or _format.descr_to_dtype(text) != dtype:
        raise Cannot("its dtype %s has no exact form" % dtype)
    return _listed(text)


def _listed(text: Any) -> Any:
    return [_listed(part) for part in text] if isinstance(text, (list, tuple)) else text


def _dtype(text: Any) -> Any:
    if isinstance(text, str):
        return np.dtype(text)
    return _format.descr_to_dtype([_field(part) for part in text])


def _field(part: Any) -> Any:
    name, kind, *shape = part
    name = tuple(name) if isinstance(name, list) else name
    kind = kind if isinstance(kind, str) else [_field(inner) for inner in kind]
    return (name, kind, *(tuple(size) for size in shape))


def encode_array(enc: Encoder, value: Any) -> Any:
    """An array: its bytes in a blob; views of shared memory together, see `_Memory`."""
    known = enc.met(value)
    if known is not None:
        return known
    if value.dtype.kind == "O":
        slot = enc.open(
            value, "arrays.object", list(value.shape), value.flags.f_contiguous and not value.flags.c_contiguous
        )
        slot.node.append(enc.items(value.ravel(order="C").tolist()))
    else:
        slot = enc.open(value, "arrays.array", described(value.dtype), list(value.shape))
        if not enc.memory and not enc.frames:
            enc.later.append(lay_out)
        enc.memory.append((value, slot))
    slot.open = False
    return slot.node


def data_of(enc: Encoder, value: Any) -> list[Any]:
    """The bytes of one array that shares with no other: order, writeable, bytes."""
    fortran = bool(value.flags.f_contiguous and not value.flags.c_contiguous)
    flat = np.ascontiguousarray(value.T if fortran else value).reshape(-1)
    view = flat.view(np.uint8) if flat.size and flat.dtype.itemsize else np.zeros(0, np.uint8)
    if view.nbytes <= INLINE or enc.blobs is None:
        packed = text64(view.tobytes()) if view.nbytes <= INLINE else ""
        return ["F" if fortran else "C", bool(value.flags.writeable), packed]
    head = io.BytesIO()
    described_ = {"descr": _format.dtype_to_descr(value.dtype), "fortran_order": fortran, "shape": value.shape}
    _format.write_array_header_2_0(head, described_)
    start = head.tell()
    return [
        "F" if fortran else "C",
        bool(value.flags.writeable),
        enc.blobs.add(".npy", [head.getvalue(), view.data]),
        start,
    ]


def bounds(value: Any) -> tuple[int, int]:
    """The addresses that an array lies between."""
    low, high = _byte_bounds(value)
    return int(low), int(high)


_shares: Any = np.shares_memory
_byte_bounds: Any = getattr(getattr(np, "lib", None), "array_utils", np).byte_bounds


def overlapping(arrays: list[Any]) -> list[list[int]]:
    """Which arrays share memory: groups of indices, only those of two and more."""
    spans = sorted((*bounds(value), index) for index, value in enumerate(arrays) if value.size and value.dtype.itemsize)
    groups: list[list[int]] = []
    end = -1
    for low, high, index in spans:
        if low < end:
            groups[-1].append(index)
        else:
            groups.append([index])
        end = max(end, high)
    return [part for group in groups if len(group) > 1 for part in _really(arrays, group)]


def _really(arrays: list[Any], group: list[int]) -> list[list[int]]:
    """Bounds may overlap where memory does not (two columns of a matrix): asked exactly while that is cheap."""
    from .codec import joined_groups

    if len(group) > 60:
        return [group]
    pairs = []
    for at, first in enumerate(group):
        for second in group[at + 1 :]:
            try:
                shared = _shares(arrays[first], arrays[second], max_work=10_000)
            except Exception:
                shared = True
            if shared:
                pairs.append((str(first), str(second)))
    return [
        [int(name) for name in part] for part in joined_groups([str(index) for index in group], pairs) if len(part) > 1
    ]


def lay_out(enc: Encoder) -> None:
    """Writes all arrays that were met: alone, or as views of one memory where they share it."""
    if enc.frames:
        enc.memory = [pair for pair in enc.memory if not _of_frame(enc, *pair)]
    arrays = [value for value, _ in enc.memory]
    alone = set(range(len(arrays)))
    _frames_apart(enc)
    for group in overlapping(arrays):
        alone -= set(group)
        _share(enc, [enc.memory[index] for index in sorted(group)])
    for index in sorted(alone):
        value, slot = enc.memory[index]
        slot.node.extend(data_of(enc, value))


def _frames_apart(enc: Encoder) -> None:
    """Before pandas 3 two frames may be views of one memory; kept where a series is a frame's column."""
    from .frames import as_column
    from .sharing import copy_on_write, memory

    if len(enc.frames) < 2 or copy_on_write():
        return
    parts = [(part, at) for at, (frame, _) in enumerate(enc.frames) for part in memory(frame)]
    for group in overlapping([part for part, _ in parts]):
        first, *others = [enc.frames[at] for at in sorted({parts[index][1] for index in group})]
        for frame, slot in others:
            if not as_column(enc, first, frame, slot):
                raise Cannot("it shares memory with another data frame: make it a copy")


def _of_frame(enc: Encoder, value: Any, slot: Any) -> bool:
    """Whether an array is memory of a frame that goes along: then it is written as that column."""
    from .frames import column_of
    from .sharing import memory

    for frame, home in enc.frames:
        if any(np.may_share_memory(part, value) and overlapping([part, value]) for part in memory(frame)):
            at = column_of(frame, value)
            if at is None or home.order > slot.order:
                raise Cannot("it shares memory with a data frame in a way that can't be kept: make it a copy")
            enc.root = slot.root
            slot.node[:] = ["frames.column", at, bool(value.flags.writeable), ["r", enc.label(home)]]
            return True
    return False


def _share(enc: Encoder, members: list[Any]) -> None:
    spans = [bounds(value) for value, _ in members]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    owner = members[0][0]
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    start, end = bounds(owner)
    if owner.dtype.hasobject or not (owner.flags.c_contiguous or owner.flags.f_contiguous) or start > low or end < high:
        raise Cannot("it shares memory with another value in a way that can't be kept: make it a copy")
    flat = owner.reshape(-1, order="A").view(np.uint8)[low - start : high - start]
    memory = enc.open(flat, "arrays.array", "|u1", [high - low])
    memory.root, memory.open = members[0][1].root, False
    memory.node.extend(data_of(enc, flat))
    for at, (value, slot) in enumerate(members):
        enc.root = slot.root
        label = enc.label(memory)
        # The first member carries the memory; `finish` puts the label around it.
        held = memory.node if at == 0 else ["r", label]
        slot.node[0] = "arrays.view"
        slot.node.extend(
            [bounds(value)[0] - low + _lead(value), list(value.strides), bool(value.flags.writeable), held]
        )


def _lead(value: Any) -> int:
    """How far an array's first element lies behind its lowest address (negative strides)."""
    return int(value.__array_interface__["data"][0]) - bounds(value)[0]


def _read_view(dec: Decoder, node: list[Any], label: int) -> Any:
    _, dtype, shape, offset, strides, writeable, held = node
    memory = dec.decode(held)
    made = np.ndarray(tuple(shape), _dtype(dtype), buffer=memory, offset=offset, strides=tuple(strides))
    made.flags.writeable = writeable
    return made


def _read_array(dec: Decoder, node: list[Any], label: int) -> Any:
    dtype, shape = _dtype(node[1]), tuple(node[2])
    made = np.empty(shape, dtype, order=node[3])
    raw = memoryview(binascii.a2b_base64(node[5])) if isinstance(node[5], str) else dec.blobs.read(node[5])[node[6] :]
    if made.nbytes != len(raw):
        raise Damaged("an array of %d bytes has %d" % (made.nbytes, len(raw)))
    if made.nbytes:
        (made.T if node[3] == "F" else made).reshape(-1).view(np.uint8)[...] = np.frombuffer(raw, np.uint8)
    made.flags.writeable = node[4]
    return made


def _read_object(dec: Decoder, node: list[Any], label: int) -> Any:
    made = dec.know(label, np.empty(tuple(node[1]), object, order="F" if node[2] else "C"))
    values = dec.items(node[3])
    flat = made.reshape(-1) if made.flags.c_contiguous else np.empty(len(values), object)
    for index, value in enumerate(values):
        flat[index] = value
    if not made.flags.c_contiguous:
        made[...] = flat.reshape(made.shape)
    return made


def _scalar(enc: Encoder, value: Any) -> Any:
    if value.dtype.kind == "O" or value.dtype.hasobject:
        raise Cannot("its dtype %s has no exact form" % value.dtype)
    return ["arrays.scalar", described(value.dtype), text64(value.tobytes())]


def _read_scalar(dec: Decoder, node: list[Any], label: int) -> Any:
    dtype, raw = _dtype(node[1]), binascii.a2b_base64(node[2])
    if not dtype.itemsize:
        return dtype.type()
    return np.frombuffer(raw, dtype)[0] if dtype.kind != "V" else np.frombuffer(bytearray(raw), dtype)[0]


def _masked(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    slot = enc.open(value, "arrays.masked")
    mask = None if value.mask is np.ma.nomask else np.array(value.mask)
    slot.node += [
        enc.encode(np.array(value.data)),
        enc.encode(mask),
        enc.encode(value.fill_value),
        bool(value.hardmask),
    ]
    slot.open = False
    return slot.node


def _read_masked(dec: Decoder, node: list[Any], label: int) -> Any:
    data, mask, fill = (dec.decode(part) for part in node[1:4])
    return np.ma.MaskedArray(data, np.ma.nomask if mask is None else mask, fill_value=fill, hard_mask=node[4])


def _generator(enc: Encoder, value: Any) -> Any:
    known = enc.met(value)
    if known is not None:
        return known
    bits = value.bit_generator if isinstance(value, np.random.Generator) else value._bit_generator
    slot = enc.open(value, "arrays.generator", type(value).__name__, class_name(type(bits)))
    state = value.bit_generator.state if isinstance(value, np.random.Generator) else value.get_state(legacy=False)
    slot.node.append(enc.encode(state))
    slot.open = False
    return slot.node


def _read_generator(dec: Decoder, node: list[Any], label: int) -> Any:
    kind, name = node[1], node[2].partition(":")[2]
    bits = getattr(np.random, name)()
    if kind == "Generator":
        made = np.random.Generator(bits)
        made.bit_generator.state = dec.decode(node[3])
        return made
    plain = np.random.RandomState(bits)
    plain.set_state(dec.decode(node[3]))
    return plain


def _wide(enc: Encoder, value: Any) -> Any:
    return ["arrays.dtype", described(value)]


def encoders() -> dict[type, Callable[[Any, Any], Any]]:
    """By exact type."""
    scalars = {kind: _scalar for kind in set(np.sctypeDict.values()) if kind is not np.object_}
    found: dict[Any, Any] = {**scalars, np.ndarray: encode_array, np.ma.MaskedArray: _masked}
    found.update({np.random.Generator: _generator, np.random.RandomState: _generator})
    found.update({type(np.dtype(kind)): _wide for kind in set(np.sctypeDict.values()) if kind is not np.object_})
    return found


DECODERS: dict[str, Callable[[Any, list[Any], int], Any]] = {
    "arrays.array": _read_array,
    "arrays.view": _read_view,
    "arrays.object": _read_object,
    "arrays.scalar": _read_scalar,
    "arrays.masked": _read_masked,
    "arrays.generator": _read_generator,
    "arrays.dtype": lambda dec, node, label: _dtype(node[1]),
}

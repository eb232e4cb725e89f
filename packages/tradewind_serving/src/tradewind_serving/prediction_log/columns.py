"""Arrow columns straight from buffers: ``pa.array`` would load pandas wherever it finds it, and a service has none.

Nothing is checked here twice: who calls gives values of the type that the column has.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Column = Any
"""An Arrow array; the stubs know one class for each type."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def numbers(values: NDArray[np.float64]) -> Column:
    """Doubles [n]; NaN is null."""
    unknown = np.isnan(values)
    return pa.Array.from_buffers(pa.float64(), len(values), [_valid(unknown), _buffer(values)])


def integers(values: Sequence[int]) -> Column:
    """Integers [n]."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, _buffer(np.array(values, dtype=np.int64))])


def instants(values: Sequence[dt.datetime]) -> Column:
    """Zoned instants [n], as UTC in microseconds."""
    ticks = np.array([(value - _EPOCH) // _MICROSECOND for value in values], dtype=np.int64)
    return pa.Array.from_buffers(pa.timestamp("us", tz="UTC"), len(values), [None, _buffer(ticks)])


def texts(values: Sequence[str | None]) -> Column:
    """Strings [n]; None is null."""
    encoded = [b"" if value is None else value.encode() for value in values]
    unknown = np.array([value is None for value in values], dtype=np.bool_)
    return pa.Array.from_buffers(
        pa.string(), len(values), [_valid(unknown), _buffer(_offsets([len(each) for each in encoded])), pa.py_buffer(b"".join(encoded))]
    )


def lists_of_texts(values: Sequence[Sequence[str]]) -> Column:
    """Lists of strings [n]."""
    flat = texts([text for each in values for text in each])
    return pa.Array.from_buffers(
        pa.list_(pa.string()), len(values), [None, _buffer(_offsets([len(each) for each in values]))], children=[flat]
    )


def maps(count: int, keys: Column, values: Column) -> Column:
    """``count`` maps with as many entries each; ``keys`` and ``values`` row by row, together [count × entries]."""
    each = len(values) // count if count else 0
    offsets = np.arange(count + 1, dtype=np.int32) * np.int32(each)
    kind = pa.map_(pa.string(), values.type)
    entries = pa.StructArray.from_arrays([keys, values], fields=[kind.key_field, kind.item_field])
    return pa.Array.from_buffers(kind, count, [None, _buffer(offsets)], children=[entries])


def _valid(unknown: NDArray[np.bool_]) -> pa.Buffer | None:
    return _buffer(np.packbits(~unknown, bitorder="little")) if unknown.any() else None


def _offsets(lengths: Sequence[int]) -> NDArray[np.int32]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _buffer(values: NDArray[Any]) -> pa.Buffer:
    whole: Any = np.ascontiguousarray(values)  # the stubs do not know that an array is a buffer
    return pa.py_buffer(whole)

"""From the simulator's arrays (numbers, codes, seconds, cents) to the Arrow columns that are written."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tradewind_simulator.days import NEVER

Column: TypeAlias = "pa.Array[Any]"
"""An Arrow array of any type."""

_MICROS = 1_000_000


def ids(prefix: str, numbers: npt.NDArray[np.integer], digits: int = 1) -> Column:
    """Strings such as ``o000123`` of ``numbers``; negative numbers are null."""
    numbers = np.asarray(numbers, dtype=np.int64)
    text: Any = pc.cast(_masked(numbers, numbers < 0, pa.int64()), pa.string())
    if digits > 1:
        text = pc.utf8_lpad(text, digits, "0")
    joined: Column = pc.binary_join_element_wise(prefix, text, "")
    return joined


def words(codes: npt.NDArray[np.integer], vocabulary: Sequence[str]) -> Column:
    """The word of each code; negative codes are null."""
    codes = np.asarray(codes, dtype=np.int64)
    wanted: Any = _masked(codes, codes < 0, pa.int64())
    found: Column = pa.array(list(vocabulary), pa.string()).take(wanted)
    return found


def instants(seconds: npt.NDArray[np.integer], until: int | None = None) -> Column:
    """Instants in UTC (microseconds); ``NEVER``, and what comes at or after ``until``, is null."""
    seconds = np.asarray(seconds, dtype=np.int64)
    unknown = seconds >= (int(NEVER) if until is None else min(until, int(NEVER)))
    return _masked(np.where(unknown, 0, seconds) * _MICROS, unknown, pa.timestamp("us", tz="UTC"))


def money(cents: npt.NDArray[np.integer]) -> Column:
    """Amounts of ``cents`` as decimal(12, 2); ``NO_MONEY`` is null."""
    cents = np.asarray(cents, dtype=np.int64)
    unknown = cents == NO_MONEY
    low = np.where(unknown, 0, cents)
    # A decimal128 is two words: the amount, and its sign spread over the upper one.
    return _masked(np.stack([low, low >> 63], axis=1), unknown, pa.decimal128(12, 2))


NO_MONEY = np.int64(-(1 << 60))
"""No amount: null in what is written."""


def floats(values: npt.NDArray[np.floating]) -> Column:
    """Doubles; NaN is null."""
    values = np.asarray(values, dtype=np.float64)
    return _masked(values, np.isnan(values), pa.float64())


def integers(values: npt.NDArray[np.integer], missing: int | None = None) -> Column:
    """64-bit integers; ``missing`` is null."""
    values = np.asarray(values, dtype=np.int64)
    return _masked(values, np.zeros(len(values), dtype=bool) if missing is None else values == missing, pa.int64())


def booleans(values: npt.NDArray[np.bool_]) -> Column:
    """Booleans."""
    found: Column = pa.array(np.asarray(values, dtype=bool))
    return found


def dates(utc_days: npt.NDArray[np.integer]) -> Column:
    """Dates, given as days since 1970."""
    return pa.array(np.asarray(utc_days, dtype=np.int32), pa.int32()).cast(pa.date32())


def _masked(values: npt.NDArray[Any], unknown: npt.NDArray[np.bool_], kind: pa.DataType) -> Column:
    """An array of ``values`` (their bytes are the type's) with nulls where they are unknown."""
    validity = pa.py_buffer(np.packbits(~unknown, bitorder="little").tobytes()) if unknown.any() else None
    return pa.Array.from_buffers(kind, len(unknown), [validity, pa.py_buffer(np.ascontiguousarray(values).tobytes())])

"""Packed rows taken apart: a batch into a matrix, one row into its values, and which rows are damaged."""

import datetime as dt
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_features.online.packing import FLOATS, HEADER, HEAPED, VERSION, FieldType, PackedSchema

_SOUND = zlib.crc32(b"\0\0\0\0")  # CRC-32 of any bytes followed by their own CRC-32: a constant of that code
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_US_PER_S = 1_000_000


@dataclass(frozen=True)
class UnpackedRows:
    """A batch of rows taken apart.

    ``numbers`` [n, fields] float64: NaN for null, text and bytes; a Bool is 0 or 1, a UnixTimestamp seconds since 1970. ``integers``
    [n, fields]: the slots themselves, exact where a field is an integer. ``texts``: object [n] by field of text or bytes, ``None`` for
    null. ``null`` [n, fields].
    """

    numbers: NDArray[np.float64]
    integers: NDArray[np.int64]
    texts: dict[str, NDArray[np.object_]]
    null: NDArray[np.bool_]


def damaged(rows: Sequence[bytes]) -> list[int]:
    """The places of the rows that are torn or altered, or that another version of the layout packed."""
    crc32 = zlib.crc32
    return [place for place, row in enumerate(rows) if crc32(row) != _SOUND or row[0] != VERSION]


def is_sound(row: bytes) -> bool:
    """Whether a row is whole, unaltered and of this version of the layout."""
    return zlib.crc32(row) == _SOUND and row[0] == VERSION


def fingerprint_of(row: bytes) -> int:
    """The fingerprint of the schema that an undamaged row was packed with."""
    fingerprint: int = HEADER.unpack_from(row)[3]
    return fingerprint


def unpack(schema: PackedSchema, rows: Sequence[bytes]) -> UnpackedRows:
    """Undamaged rows of one schema taken apart."""
    count = len(schema.fields)
    joined = b"".join([row[: schema.width] for row in rows])
    fixed = np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), schema.width)
    null = np.unpackbits(fixed[:, HEADER.size : schema.slots_at], axis=1, bitorder="little", count=count).view(bool)
    integers = np.ascontiguousarray(fixed[:, schema.slots_at :]).view("<i8").reshape(len(rows), count)
    numbers = integers.view("<f8").copy()
    texts: dict[str, NDArray[np.object_]] = {}
    for index, (name, kind) in enumerate(schema.fields):
        if kind in HEAPED:
            texts[name] = _texts(schema, kind, rows, integers[:, index], null[:, index])
            numbers[:, index] = np.nan
        elif kind is FieldType.TIMESTAMP:
            numbers[:, index] = integers[:, index] / _US_PER_S
        elif kind not in FLOATS:
            numbers[:, index] = integers[:, index]
    numbers[null] = np.nan
    return UnpackedRows(numbers=numbers, integers=integers, texts=texts, null=null)


def values_of(schema: PackedSchema, row: bytes) -> dict[str, Any]:
    """The exact values of one undamaged row by field: float, int, bool, str, bytes or a zoned datetime; ``None`` for null."""
    null = int.from_bytes(row[HEADER.size : schema.slots_at], "little")
    slots = struct.unpack_from(f"<{len(schema.fields)}q", row, schema.slots_at)
    return {
        name: None if null >> index & 1 else _value(schema, kind, row, index, slots[index])
        for index, (name, kind) in enumerate(schema.fields)
    }


def _value(schema: PackedSchema, kind: FieldType, row: bytes, index: int, slot: int) -> Any:
    if kind in FLOATS:
        return struct.unpack_from("<d", row, schema.slots_at + 8 * index)[0]
    if kind in HEAPED:
        return _heaped(schema, kind, row, slot)
    if kind is FieldType.TIMESTAMP:
        return _EPOCH + dt.timedelta(microseconds=slot)
    return bool(slot) if kind is FieldType.BOOL else slot


def _heaped(schema: PackedSchema, kind: FieldType, row: bytes, slot: int) -> str | bytes:
    start = schema.width + (slot & 0xFFFFFFFF)
    value = row[start : start + (slot >> 32)]
    return value.decode() if kind is FieldType.STRING else value


def _texts(
    schema: PackedSchema, kind: FieldType, rows: Sequence[bytes], slots: NDArray[np.int64], null: NDArray[np.bool_]
) -> NDArray[np.object_]:
    found = np.full(len(rows), None, dtype=object)
    for index in np.flatnonzero(~null).tolist():
        found[index] = _heaped(schema, kind, rows[index], int(slots[index]))
    return found

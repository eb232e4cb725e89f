"""The packed row: all features of one view and entity in one value of bytes. :mod:`tradewind_features.online.unpacking` takes it apart.

Layout, little-endian, version 2::

    0   u8   version
    1   u8   reserved, 0
    2   u16  number of fields, n
    4   u32  fingerprint of the schema (names and types in order)
    8   null bitmap, one bit per field, padded to a multiple of 8 bytes
    .   n slots of 8 bytes: float64 | int64 | text or bytes as u32 offset and u32 length in the heap
    .   heap: UTF-8 text and bytes
    .   u32  CRC-32 of all before it

Float32 and Int32 are kept in the wider slot, which holds them exactly; a Bool is 0 or 1; a UnixTimestamp is microseconds since 1970,
UTC. Slots stand at fixed offsets, so a batch of rows becomes a matrix without a loop over its values.
"""

import enum
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

VERSION = 2
HEADER = struct.Struct("<BBHI")
CHECKSUM = struct.Struct("<I")
SLOT = 8


class FieldType(enum.StrEnum):
    """What a packed field may hold."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    INT64 = "int64"
    INT32 = "int32"
    BOOL = "bool"
    STRING = "string"
    BYTES = "bytes"
    TIMESTAMP = "timestamp"


FLOATS = frozenset({FieldType.FLOAT64, FieldType.FLOAT32})
HEAPED = frozenset({FieldType.STRING, FieldType.BYTES})
"""Types whose values stand in the heap: they have no place in a matrix."""

_ARROW = {
    FieldType.FLOAT64: pa.float64(),
    FieldType.FLOAT32: pa.float32(),
    FieldType.INT64: pa.int64(),
    FieldType.INT32: pa.int32(),
    FieldType.BOOL: pa.bool_(),
    FieldType.STRING: pa.string(),
    FieldType.BYTES: pa.binary(),
    FieldType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class PackedSchema:
    """The fields of a packed row, in order: (name, type)."""

    fields: tuple[tuple[str, FieldType], ...]

    @cached_property
    def fingerprint(self) -> int:
        """CRC-32 of names and types in order: tells rows of different schemas of one view apart."""
        return zlib.crc32(self.to_json().encode())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields' names, in order."""
        return tuple(name for name, _ in self.fields)

    @cached_property
    def texts(self) -> frozenset[str]:
        """The names of the fields of text and bytes: those that no matrix holds."""
        return frozenset(name for name, kind in self.fields if kind in HEAPED)

    @cached_property
    def slots_at(self) -> int:
        """Offset of the first slot."""
        return HEADER.size + SLOT * ((len(self.fields) + 63) // 64)

    @cached_property
    def width(self) -> int:
        """Bytes of a row before its heap."""
        return self.slots_at + SLOT * len(self.fields)

    def to_json(self) -> str:
        """The schema as JSON, the form kept beside the rows."""
        return json.dumps([[name, kind.value] for name, kind in self.fields], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "PackedSchema":
        """The schema of :meth:`to_json`."""
        return cls(tuple((name, FieldType(kind)) for name, kind in json.loads(text)))


def pack_columns(schema: PackedSchema, columns: "Mapping[str, pa.Array[Any] | pa.ChunkedArray[Any]]", rows: int) -> list[bytes]:
    """One packed row for each row of ``columns`` (Arrow, by field name; cast safely to the schema's types).

    Instants without a zone are UTC, and those finer than microseconds lose the rest.

    Raises:
        pyarrow.ArrowInvalid: a value does not fit its declared type.
        KeyError: a field has no column.
    """
    fixed = np.zeros((rows, schema.width), dtype=np.uint8)
    fixed[:, : HEADER.size] = np.frombuffer(HEADER.pack(VERSION, 0, len(schema.fields), schema.fingerprint), dtype=np.uint8)
    slots = np.zeros((rows, len(schema.fields)), dtype="<i8")
    null = np.zeros((rows, len(schema.fields)), dtype=bool)
    heaps: list[list[bytes]] = []
    lengths = np.zeros(rows, dtype=np.int64)
    for index, (name, kind) in enumerate(schema.fields):
        column = _cast(columns[name], kind)
        null[:, index] = np.asarray(column.is_null())
        if kind in HEAPED:
            values = _heaped(column, kind)
            sizes = np.fromiter(map(len, values), dtype=np.int64, count=rows)
            slots[:, index] = lengths | (sizes << 32)
            lengths += sizes
            heaps.append(values)
        else:
            slots[:, index] = _slot_bits(column, kind)
    bits = np.packbits(null, axis=1, bitorder="little")
    fixed[:, HEADER.size : HEADER.size + bits.shape[1]] = bits
    fixed[:, schema.slots_at :] = slots.view(np.uint8).reshape(rows, -1)
    return _sealed(fixed, heaps)


def pack_rows(schema: PackedSchema, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """One packed row for each mapping of field name to value; a field that is missing or ``None`` is null."""
    columns = {name: pa.array([row.get(name) for row in rows], type=_ARROW[kind]) for name, kind in schema.fields}
    return pack_columns(schema, columns, len(rows))


def _cast(column: "pa.Array[Any] | pa.ChunkedArray[Any]", kind: FieldType) -> "pa.Array[Any]":
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.type == _ARROW[kind]:
        return array
    return array.cast(_ARROW[kind], safe=not pa.types.is_timestamp(array.type))


def _heaped(column: "pa.Array[Any]", kind: FieldType) -> list[bytes]:
    if kind is FieldType.STRING:
        return [b"" if text is None else text.encode() for text in column.to_pylist()]
    return [b"" if value is None else value for value in column.to_pylist()]


def _slot_bits(column: "pa.Array[Any]", kind: FieldType) -> NDArray[np.int64]:
    if kind in FLOATS:
        values: NDArray[np.float64] = np.ascontiguousarray(column.fill_null(0.0).to_numpy(zero_copy_only=False), dtype="<f8")
        return values.view("<i8")
    if kind is FieldType.TIMESTAMP:
        column = column.view(pa.int64())
    filled = column.fill_null(False if kind is FieldType.BOOL else 0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype="<i8")


def _sealed(fixed: NDArray[np.uint8], heaps: list[list[bytes]]) -> list[bytes]:
    data, width = fixed.tobytes(), fixed.shape[1]
    rows = [data[start : start + width] for start in range(0, len(data), width)]
    if heaps:
        rows = [b"".join(row) for row in zip(rows, *heaps, strict=True)]
    pack, crc32 = CHECKSUM.pack, zlib.crc32
    return [row + pack(crc32(row)) for row in rows]

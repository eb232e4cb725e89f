"""The packed row: all features of one view and entity in one value of bytes.

Layout, little-endian, version 1::

    0   u8   version
    1   u8   reserved, 0
    2   u16  number of fields, n
    4   u32  fingerprint of the schema (names and types in order)
    8   null bitmap, one bit per field, padded to a multiple of 8 bytes
    .   n slots of 8 bytes: float64 | int64 | bool as int64 | string as u32 offset and u32 length in the heap
    .   heap: UTF-8 text

Slots stand at fixed offsets, so a batch of rows becomes a matrix without a loop over its values.
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

from tradewind_contracts.errors import IntegrityError

VERSION = 1
HEADER = struct.Struct("<BBHI")
SLOT = 8


class FieldType(enum.StrEnum):
    """What a packed field may hold."""

    FLOAT64 = "float64"
    INT64 = "int64"
    BOOL = "bool"
    STRING = "string"


_ARROW = {FieldType.FLOAT64: pa.float64(), FieldType.INT64: pa.int64(), FieldType.BOOL: pa.bool_(), FieldType.STRING: pa.string()}


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
        """The names of the text fields."""
        return frozenset(name for name, kind in self.fields if kind is FieldType.STRING)

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


@dataclass(frozen=True)
class UnpackedRows:
    """A batch of rows taken apart: ``numbers`` [n, fields] float64 with NaN for null and text; ``texts`` by field; ``null`` [n, fields]."""

    numbers: NDArray[np.float64]
    integers: NDArray[np.int64]
    texts: dict[str, NDArray[np.object_]]
    null: NDArray[np.bool_]


def pack_columns(schema: PackedSchema, columns: "Mapping[str, pa.Array[Any] | pa.ChunkedArray[Any]]", rows: int) -> list[bytes]:
    """One packed row for each row of ``columns`` (Arrow, by field name; cast safely to the schema's types).

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
        if kind is FieldType.STRING:
            texts = [b"" if text is None else text.encode() for text in column.to_pylist()]
            sizes = np.fromiter(map(len, texts), dtype=np.int64, count=rows)
            slots[:, index] = lengths | (sizes << 32)
            lengths += sizes
            heaps.append(texts)
        else:
            slots[:, index] = _slot_bits(column, kind)
    bits = np.packbits(null, axis=1, bitorder="little")
    fixed[:, HEADER.size : HEADER.size + bits.shape[1]] = bits
    fixed[:, schema.slots_at :] = slots.view(np.uint8).reshape(rows, -1)
    return _joined(fixed, heaps)


def pack_rows(schema: PackedSchema, rows: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """One packed row for each mapping of field name to value; a field that is missing or ``None`` is null."""
    columns = {name: pa.array([row.get(name) for row in rows], type=_ARROW[kind]) for name, kind in schema.fields}
    return pack_columns(schema, columns, len(rows))


def fingerprint_of(row: bytes) -> int:
    """The fingerprint of the schema that ``row`` was packed with.

    Raises:
        IntegrityError: not a packed row of this version.
    """
    if len(row) < HEADER.size or row[0] != VERSION:
        raise IntegrityError(f"not a packed row of version {VERSION} (found {len(row)} bytes beginning {row[:4]!r})")
    fingerprint: int = HEADER.unpack_from(row)[3]
    return fingerprint


def unpack(schema: PackedSchema, rows: Sequence[bytes]) -> UnpackedRows:
    """Rows of one schema taken apart.

    Raises:
        IntegrityError: a row is shorter than its schema says, or its text lies outside of it.
    """
    count = len(schema.fields)
    if any(len(row) < schema.width for row in rows):
        raise IntegrityError(f"a packed row is torn: shorter than the {schema.width} bytes of its {count} fields")
    joined = b"".join(row[: schema.width] for row in rows)
    fixed = np.frombuffer(joined, dtype=np.uint8).reshape(len(rows), schema.width)
    null = np.unpackbits(fixed[:, HEADER.size : schema.slots_at], axis=1, bitorder="little", count=count).view(bool)
    integers = np.ascontiguousarray(fixed[:, schema.slots_at :]).view("<i8").reshape(len(rows), count)
    numbers = integers.view("<f8").copy()
    texts: dict[str, NDArray[np.object_]] = {}
    for index, (name, kind) in enumerate(schema.fields):
        if kind is FieldType.STRING:
            texts[name] = _texts(schema, rows, integers[:, index], null[:, index])
            numbers[:, index] = np.nan
        elif kind is not FieldType.FLOAT64:
            numbers[:, index] = integers[:, index]
    numbers[null] = np.nan
    return UnpackedRows(numbers=numbers, integers=integers, texts=texts, null=null)


def _cast(column: "pa.Array[Any] | pa.ChunkedArray[Any]", kind: FieldType) -> "pa.Array[Any]":
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array if array.type == _ARROW[kind] else array.cast(_ARROW[kind])


def _slot_bits(column: "pa.Array[Any]", kind: FieldType) -> NDArray[np.int64]:
    if kind is FieldType.FLOAT64:
        values: NDArray[np.float64] = np.ascontiguousarray(column.fill_null(0.0).to_numpy(zero_copy_only=False), dtype="<f8")
        return values.view("<i8")
    filled = column.fill_null(False if kind is FieldType.BOOL else 0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype="<i8")


def _joined(fixed: NDArray[np.uint8], heaps: list[list[bytes]]) -> list[bytes]:
    data, width = fixed.tobytes(), fixed.shape[1]
    parts = [data[start : start + width] for start in range(0, len(data), width)]
    return [b"".join(row) for row in zip(parts, *heaps, strict=True)] if heaps else parts


def _texts(schema: PackedSchema, rows: Sequence[bytes], slots: NDArray[np.int64], null: NDArray[np.bool_]) -> NDArray[np.object_]:
    found = np.full(len(rows), None, dtype=object)
    for index in np.flatnonzero(~null).tolist():
        slot = int(slots[index])
        start = schema.width + (slot & 0xFFFFFFFF)
        end = start + (slot >> 32)
        if end > len(rows[index]):
            raise IntegrityError(f"a packed row is torn: text ends at byte {end} of {len(rows[index])}")
        found[index] = rows[index][start:end].decode()
    return found

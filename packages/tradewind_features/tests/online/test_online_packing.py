"""The packed row: what goes in comes out exactly, and what is torn or altered is noticed."""

import datetime as dt
import struct
import zlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_features.online.packing import FieldType, PackedSchema, pack_columns, pack_rows
from tradewind_features.online.unpacking import damaged, fingerprint_of, unpack, values_of

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
VALUES = {
    FieldType.FLOAT64: st.floats(allow_nan=False),
    FieldType.FLOAT32: st.floats(allow_nan=False, width=32),
    FieldType.INT64: st.integers(-(2**63), 2**63 - 1),
    FieldType.INT32: st.integers(-(2**31), 2**31 - 1),
    FieldType.BOOL: st.booleans(),
    FieldType.STRING: st.text(max_size=12),
    FieldType.BYTES: st.binary(max_size=12),
    FieldType.TIMESTAMP: st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)),
}
WHOLE = {FieldType.INT64, FieldType.INT32, FieldType.BOOL}


@st.composite
def schemas_with_rows(draw: st.DrawFn) -> tuple[PackedSchema, list[dict[str, object]]]:
    kinds = draw(st.lists(st.sampled_from(list(FieldType)), max_size=70))
    schema = PackedSchema(tuple((f"f{place}", kind) for place, kind in enumerate(kinds)))
    row = st.fixed_dictionaries({name: st.none() | VALUES[kind] for name, kind in schema.fields})
    return schema, draw(st.lists(row, min_size=1, max_size=5))


@given(schemas_with_rows())
def test_every_value_and_null_comes_back_as_it_was_packed(case: tuple[PackedSchema, list[dict[str, object]]]) -> None:
    schema, rows = case
    packed = pack_rows(schema, rows)
    assert damaged(packed) == []
    assert {fingerprint_of(row) for row in packed} == {schema.fingerprint}
    assert [values_of(schema, row) for row in packed] == rows


@given(schemas_with_rows())
def test_a_batch_becomes_a_matrix_with_nan_for_null_and_for_what_is_no_number(case: tuple[PackedSchema, list[dict[str, object]]]) -> None:
    schema, rows = case
    found = unpack(schema, pack_rows(schema, rows))
    for place, row in enumerate(rows):
        for index, (name, kind) in enumerate(schema.fields):
            value = row[name]
            assert found.null[place, index] == (value is None)
            if kind in {FieldType.STRING, FieldType.BYTES}:
                assert found.texts[name][place] == value
                assert np.isnan(found.numbers[place, index])
            elif value is None:
                assert np.isnan(found.numbers[place, index])
            elif isinstance(value, dt.datetime):
                assert found.numbers[place, index] == (value - EPOCH) // dt.timedelta(microseconds=1) / 1_000_000
            else:
                assert found.numbers[place, index] == float(value)  # type: ignore[arg-type]  # a number, by the schema
                assert kind not in WHOLE or found.integers[place, index] == value


def test_a_schema_comes_back_from_its_json_with_the_same_fingerprint() -> None:
    schema = PackedSchema((("a", FieldType.FLOAT64), ("b", FieldType.STRING)))
    assert PackedSchema.from_json(schema.to_json()) == schema
    swapped = PackedSchema(tuple(reversed(schema.fields)))
    assert swapped.fingerprint != schema.fingerprint


def test_columns_are_widened_to_the_declared_type_and_never_narrowed() -> None:
    schema = PackedSchema((("count", FieldType.INT64),))
    assert unpack(schema, pack_columns(schema, {"count": pa.array([7], pa.int16())}, 1)).integers.tolist() == [[7]]
    with pytest.raises(pa.ArrowInvalid):
        pack_columns(schema, {"count": pa.array([1.5])}, 1)


def test_nan_and_null_are_told_apart() -> None:
    schema = PackedSchema((("a", FieldType.FLOAT64),))
    nan, null = pack_rows(schema, [{"a": float("nan")}, {"a": None}])
    assert np.isnan(values_of(schema, nan)["a"])
    assert values_of(schema, null)["a"] is None


def test_instants_are_kept_in_microseconds_of_utc_whatever_the_column_has() -> None:
    schema = PackedSchema((("at", FieldType.TIMESTAMP),))
    at = dt.datetime(2018, 5, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    local = pa.array([at], pa.timestamp("us", tz="America/Sao_Paulo"))
    naive_with_nanoseconds = pa.array([1525176000123456789], pa.timestamp("ns"))
    for column in (local, naive_with_nanoseconds):
        assert values_of(schema, pack_columns(schema, {"at": column}, 1)[0]) == {"at": at}
    assert values_of(schema, pack_columns(schema, {"at": pa.array([dt.date(2018, 5, 1)])}, 1)[0])["at"].hour == 0


@given(st.binary(max_size=40), st.data())
def test_any_altered_torn_or_lengthened_row_is_noticed(text: bytes, data: st.DataObject) -> None:
    schema = PackedSchema((("a", FieldType.FLOAT64), ("b", FieldType.BYTES)))
    (row,) = pack_rows(schema, [{"a": 1.0, "b": text}])
    place, bit = data.draw(st.integers(0, len(row) - 1)), data.draw(st.integers(0, 7))
    flipped = row[:place] + bytes([row[place] ^ 1 << bit]) + row[place + 1 :]
    cut = row[: data.draw(st.integers(0, len(row) - 1))]
    assert damaged([row, flipped, cut, row, b"", row + b"\0"]) == [1, 2, 4, 5]


def test_a_row_of_another_version_of_the_layout_is_noticed() -> None:
    schema = PackedSchema((("a", FieldType.FLOAT64),))
    (row,) = pack_rows(schema, [{"a": 1.0}])
    other = b"\x01" + row[1:-4]
    assert damaged([row, other + struct.pack("<I", zlib.crc32(other))]) == [1]

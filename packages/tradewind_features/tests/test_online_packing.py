"""The packed row: what goes in comes out, and what is torn is refused."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.errors import IntegrityError
from tradewind_features.online.packing import FieldType, PackedSchema, fingerprint_of, pack_columns, pack_rows, unpack

VALUES = {
    FieldType.FLOAT64: st.floats(allow_nan=False),
    FieldType.INT64: st.integers(-(2**63), 2**63 - 1),
    FieldType.BOOL: st.booleans(),
    FieldType.STRING: st.text(max_size=12),
}


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
    assert {fingerprint_of(row) for row in packed} == {schema.fingerprint}
    found = unpack(schema, packed)
    for place, row in enumerate(rows):
        for index, (name, kind) in enumerate(schema.fields):
            assert found.null[place, index] == (row[name] is None)
            if kind is FieldType.STRING:
                assert found.texts[name][place] == row[name]
            elif row[name] is None:
                assert np.isnan(found.numbers[place, index])
            elif kind is FieldType.FLOAT64:
                assert found.numbers[place, index] == row[name]
            else:
                assert found.integers[place, index] == row[name]
                assert found.numbers[place, index] == float(row[name])  # type: ignore[arg-type]


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


def test_a_torn_row_or_a_row_of_another_version_is_refused() -> None:
    schema = PackedSchema((("a", FieldType.FLOAT64), ("b", FieldType.STRING)))
    (row,) = pack_rows(schema, [{"a": 1.0, "b": "hello"}])
    with pytest.raises(IntegrityError, match="torn"):
        unpack(schema, [row[: schema.width - 1]])
    with pytest.raises(IntegrityError, match="torn"):
        unpack(schema, [row[:-1]])
    with pytest.raises(IntegrityError, match="version 1"):
        fingerprint_of(b"\x02" + row[1:])

"""Vectors: the features of several views in one matrix, in the order asked, equal to what the views give one by one."""

import datetime as dt
import threading
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from online_rows import DAY_US, NOW, NOW_US, SCHEMA, Location, filled

from tradewind_contracts.errors import NotFoundError, SettingsError
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_columns, pack_rows
from tradewind_features.online.reader import OnlineReader, Presence

AT = dt.datetime(2018, 4, 1, 12, 30, 0, 250_000, tzinfo=dt.UTC)
MIXED = PackedSchema(
    (
        ("count", FieldType.INT64),
        ("pace", FieldType.FLOAT64),
        ("share", FieldType.FLOAT32),
        ("label", FieldType.STRING),
        ("is_new", FieldType.BOOL),
        ("seen_at", FieldType.TIMESTAMP),
        ("docks", FieldType.INT32),
    )
)
NUMBERS = PackedSchema(tuple((f"n{i}", FieldType.FLOAT64) for i in range(6)))
FEATURES = [("mixed", name) for name in MIXED.names if name != "label"] + [("numbers", name) for name in NUMBERS.names]


@pytest.fixture
def reader(location: Location) -> OnlineReader:
    """Two views of ten entities: ``mixed`` without ttl and with nulls, ``numbers`` of which the odd ones have expired."""
    with open_backend(location) as backend:
        backend.declare(ViewSpec("mixed", "id", 0, MIXED))
        backend.declare(ViewSpec("numbers", "id", DAY_US, NUMBERS))
        values = [
            {
                "count": 2**53 - i,
                "pace": None if i == 4 else i / 8,
                "share": 0.5,
                "label": "x" * i,
                "is_new": i % 2 == 0,
                "seen_at": AT,
                "docks": None if i == 5 else -i,
            }
            for i in range(10)
        ]
        backend.write("mixed", [(f"k{i}", NOW_US - i * DAY_US, NOW_US, row) for i, row in enumerate(pack_rows(MIXED, values))])
        numbers = pack_columns(NUMBERS, {name: pa.array(np.arange(10.0) * 10 + i) for i, name in enumerate(NUMBERS.names)}, 10)
        backend.write("numbers", [(i, NOW_US - (i % 2) * 2 * DAY_US, NOW_US, row) for i, row in enumerate(numbers)])
    return OnlineReader(location)


def test_values_presence_and_ages_stand_in_the_order_asked(reader: OnlineReader) -> None:
    wanted = [
        ("numbers", "n5"),
        ("mixed", "seen_at"),
        ("mixed", "is_new"),
        ("numbers", "n0"),
        ("mixed", "count"),
        ("mixed", "pace"),
        ("mixed", "docks"),
    ]
    found = reader.vectors(wanted, {"mixed": ["k2", "k4", "nobody", None], "numbers": [2, 3, 2, None]}, NOW)
    seconds, nan = AT.timestamp(), np.nan
    expected = [
        [25.0, seconds, 1.0, 20.0, 2.0**53 - 2, 0.25, -2.0],
        [nan, seconds, 1.0, nan, 2.0**53 - 4, nan, -4.0],
        [25.0, nan, nan, 20.0, nan, nan, nan],
        [nan] * 7,
    ]
    assert np.array_equal(found.values, expected, equal_nan=True)
    assert found.values.dtype == np.float64
    present, expired, absent = int(Presence.PRESENT), int(Presence.EXPIRED), int(Presence.ABSENT)
    assert found.presence["mixed"].tolist() == [present, present, absent, absent]
    assert found.presence["numbers"].tolist() == [present, expired, present, absent]
    assert np.array_equal(found.age_hours["mixed"], [48.0, 96.0, nan, nan], equal_nan=True)
    assert np.array_equal(found.age_hours["numbers"], [0.0, nan, 0.0, nan], equal_nan=True)
    reader.close()


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(FEATURES), min_size=1, max_size=20), st.lists(st.tuples(st.integers(-1, 11), st.integers(-1, 11)), max_size=9)
)
def test_vectors_are_what_the_views_give_one_by_one(
    reader: OnlineReader, wanted: list[tuple[str, str]], places: list[tuple[int, int]]
) -> None:
    keys: dict[str, Sequence[str | int | None]] = {
        "mixed": [f"k{a}" if a >= 0 else None for a, _ in places],
        "numbers": [b if b >= 0 else None for _, b in places],
    }
    vectors, rows = reader.vectors(wanted, keys, NOW), reader.read_views(keys, NOW)
    columns = [rows[view].values[name].astype(float) for view, name in wanted]
    assert np.array_equal(vectors.values, np.column_stack(columns), equal_nan=True)
    assert vectors.values.shape == (len(places), len(wanted))
    for view, found in rows.items():
        assert np.array_equal(vectors.presence[view], found.presence)
        assert np.array_equal(vectors.age_hours[view], found.age_hours, equal_nan=True)


def test_more_keys_than_one_statement_takes_are_still_one_answer(location: Location) -> None:
    reader = filled(location, [(f"k{i}", NOW_US, NOW_US, float(i)) for i in range(3000)])
    order = np.random.default_rng(3).permutation(3500)
    found = reader.vectors([("view", "speed")], {"view": [f"k{i}" for i in order]}, NOW)
    assert np.array_equal(found.values[:, 0], np.where(order < 3000, order, np.nan), equal_nan=True)
    reader.close()


def test_a_view_with_keys_and_no_feature_wanted_has_presence_and_age(reader: OnlineReader) -> None:
    found = reader.vectors([("numbers", "n0")], {"mixed": ["k1"], "numbers": [0]}, NOW)
    assert found.values.tolist() == [[0.0]]
    assert found.age_hours["mixed"].tolist() == [24.0]
    reader.close()


def test_what_can_not_be_a_vector_is_refused_by_name(reader: OnlineReader) -> None:
    keys: dict[str, Sequence[str | int | None]] = {"mixed": ["k1"], "numbers": [1]}
    with pytest.raises(SettingsError, match="view 'mixed', feature 'label': text or bytes have no place in a matrix"):
        reader.vectors([("mixed", "label")], keys, NOW)
    with pytest.raises(NotFoundError, match=r"view 'mixed': no feature 'speed' \(there are: count, pace"):
        reader.vectors([("mixed", "speed")], keys, NOW)
    with pytest.raises(NotFoundError, match="no view 'other'"):
        reader.vectors([("other", "n0")], keys, NOW)
    with pytest.raises(SettingsError, match="features of numbers are wanted, but no keys are given for it"):
        reader.vectors([("numbers", "n0")], {"mixed": ["k1"]}, NOW)
    with pytest.raises(ValueError, match="as many keys as there are vectors"):
        reader.vectors([("numbers", "n0")], {"mixed": ["k1"], "numbers": [1, 2]}, NOW)
    reader.close()


def test_exact_values_have_what_a_matrix_can_not_hold(reader: OnlineReader) -> None:
    (row, nobody) = reader.read_exact("mixed", ["k5", "nobody"], NOW)
    assert row.values == {"count": 2**53 - 5, "pace": 0.625, "share": 0.5, "label": "xxxxx", "is_new": False, "seen_at": AT, "docks": None}
    assert (row.event_us, row.created_us) == (NOW_US - 5 * DAY_US, NOW_US)
    assert (nobody.presence, nobody.values, nobody.event_us) == (Presence.ABSENT, {}, None)
    reader.close()


def test_integers_beyond_what_a_float_holds_are_exact(location: Location) -> None:
    schema = PackedSchema((("exact", FieldType.INT64),))
    with open_backend(location) as backend:
        backend.declare(ViewSpec("view", "id", 0, schema))
        values = [2**63 - 1, -(2**63), 2**53 + 1]
        backend.write("view", [(i, 0, 0, row) for i, row in enumerate(pack_rows(schema, [{"exact": value} for value in values]))])
    reader = OnlineReader(location)
    assert [row.values["exact"] for row in reader.read_exact("view", [0, 1, 2], NOW)] == values
    reader.close()


def test_threads_share_a_reader(location: Location) -> None:
    reader, found = filled(location, [(f"k{i}", NOW_US, NOW_US, float(i)) for i in range(50)]), []

    def read(number: int) -> None:
        for _ in range(20):
            values = reader.vectors([("view", "speed")], {"view": [f"k{number}", f"k{number + 1}"]}, NOW).values
            found.append(values.tolist() == [[number], [number + 1]])
        reader.close()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 160


def test_a_changed_schema_is_seen_by_a_plan_made_before(location: Location) -> None:
    reader = filled(location, [("a", NOW_US, NOW_US, 1.0)])
    assert reader.vectors([("view", "speed")], {"view": ["a"]}, NOW).values.tolist() == [[1.0]]
    wider = PackedSchema((("extra", FieldType.INT64), *SCHEMA.fields))
    with open_backend(location) as backend:
        backend.declare(ViewSpec("view", "id", 0, wider))
        backend.write("view", [("a", NOW_US, NOW_US, pack_rows(wider, [{"speed": 2.0, "extra": 7}])[0])])
    assert reader.vectors([("view", "speed")], {"view": ["a"]}, NOW).values.tolist() == [[2.0]]
    assert reader.vectors([("view", "extra"), ("view", "speed")], {"view": ["a"]}, NOW).values.tolist() == [[7.0, 2.0]]
    reader.close()

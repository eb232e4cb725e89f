"""The online store's rows, in a file and on a server: which write stays, what a reader sees, and when a value is too old."""

import datetime as dt
import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from online_rows import DAY_US, NOW, NOW_US, SCHEMA, SPEC, Location, Row, filled, packed, speeds, written

from tradewind_contracts.errors import NotFoundError, StateError
from tradewind_features.online.backend import Standing, ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows
from tradewind_features.online.reader import OnlineReader, Presence

_KEYS = itertools.count()
WRITES = st.lists(st.tuples(st.integers(-3, 4), st.integers(-3, 4)), min_size=1, max_size=12)


@settings(max_examples=25)
@given(WRITES, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_newest_row_stays_in_whatever_order_and_batches_writes_arrive(
    location: Location, stamps: list[tuple[int, int]], order: random.Random, batches: int
) -> None:
    key = f"k{next(_KEYS)}"
    rows: list[Row] = [(key, event, created, event * 10.0 + created) for event, created in stamps]  # around 1970: before it, too
    order.shuffle(rows)
    for start in range(0, len(rows), batches):
        written(location, rows[start : start + batches], ViewSpec("view", "id", 0, SCHEMA))
    event, created = max(stamps)
    reader = OnlineReader(location)
    found = reader.read("view", [key], NOW)
    reader.close()
    assert found.values["speed"].tolist() == [event * 10.0 + created]
    assert found.event_at[0] == np.datetime64(event, "us")
    assert found.created_at[0] == np.datetime64(created, "us")


@pytest.mark.parametrize("apart_us", [1, 2**32, 2**53 + 1])
def test_instants_are_compared_to_the_microsecond_however_far_apart(location: Location, apart_us: int) -> None:
    assert written(location, [("a", NOW_US + apart_us, NOW_US, 2.0)]) == 1
    assert written(location, [("a", NOW_US + apart_us - 1, NOW_US + DAY_US, 1.0)]) == 0
    assert written(location, [("a", NOW_US + apart_us, NOW_US - 1, 1.0)]) == 0
    assert speeds(location, ["a"]) == [2.0]


def test_of_rows_with_equal_times_the_one_written_last_stays(location: Location) -> None:
    assert written(location, [("a", NOW_US, NOW_US, 1.0), ("a", NOW_US, NOW_US, 2.0)]) == 2
    assert written(location, [("a", NOW_US, NOW_US, 3.0)]) == 1
    assert speeds(location, ["a"]) == [3.0]


def test_writing_the_same_rows_again_changes_nothing(location: Location) -> None:
    rows: list[Row] = [("a", NOW_US, NOW_US, 1.0), ("b", NOW_US - 5, NOW_US, None)]
    written(location, rows)
    with open_backend(location) as backend:
        once = backend.read({"view": ["a", "b"]})
        written(location, rows)
        assert backend.read({"view": ["a", "b"]}) == once
    assert speeds(location, ["a", "b"]) == [1.0, None]


@pytest.mark.parametrize(
    ("age_us", "presence"),
    [(0, Presence.PRESENT), (3 * DAY_US, Presence.PRESENT), (3 * DAY_US + 1, Presence.EXPIRED), (-DAY_US, Presence.PRESENT)],
)
def test_a_value_is_served_up_to_its_ttl_and_not_a_microsecond_longer(location: Location, age_us: int, presence: Presence) -> None:
    reader = filled(location, [("a", NOW_US - age_us, NOW_US - age_us + 7, 5.0)])
    rows, exact = reader.read("view", ["a", "zz"], NOW), reader.read_exact("view", ["a", "zz"], NOW)
    reader.close()
    assert rows.presence.tolist() == [presence, Presence.ABSENT]
    assert np.isnan(rows.values["speed"][0]) == (presence is Presence.EXPIRED)
    assert (rows.values["name"][0] is None) == (presence is Presence.EXPIRED)
    assert rows.event_at[0] == np.datetime64(NOW_US - age_us, "us")
    assert rows.created_at[0] == np.datetime64(NOW_US - age_us + 7, "us")
    assert np.isnat(rows.event_at[1])
    expected = [age_us / 3.6e9 if presence is Presence.PRESENT else np.nan, np.nan]
    assert np.array_equal(rows.age_hours, expected, equal_nan=True)
    assert [row.presence for row in exact] == [presence, Presence.ABSENT]
    assert [row.event_us for row in exact] == [NOW_US - age_us, None]
    assert exact[0].values == ({"speed": 5.0, "name": "n5.0"} if presence is Presence.PRESENT else {})


def test_a_view_without_ttl_never_expires(location: Location) -> None:
    reader = filled(location, [("a", 0, 0, 5.0)], ViewSpec("view", "id", 0, SCHEMA))
    assert reader.read("view", ["a"], NOW).presence.tolist() == [Presence.PRESENT]
    reader.close()


def test_keys_come_back_in_the_order_asked_with_doubles_unknown_and_missing_keys(location: Location) -> None:
    reader = filled(location, [(f"k{i}", NOW_US, NOW_US, float(i)) for i in range(1300)])
    keys = [f"k{i * 7 % 1300}" for i in range(1300)] + ["k3", "k3", None, "nobody"]
    found = reader.read("view", keys, NOW)
    assert found.values["speed"][:-2].tolist() == [float(i * 7 % 1300) for i in range(1300)] + [3.0, 3.0]
    assert found.presence[-2:].tolist() == [Presence.ABSENT, Presence.ABSENT]
    assert reader.read("view", [], NOW).values["speed"].shape == (0,)
    reader.close()


def test_integer_keys_are_not_text_and_any_text_is_a_key(location: Location) -> None:
    odd = ["7", "", "São Paulo", 'a"b', "i7", "s7", "x\ny", "null"]
    reader = filled(location, [(7, NOW_US, NOW_US, 1.0), (-(2**63), NOW_US, NOW_US, 2.0), *((key, NOW_US, NOW_US, 3.0) for key in odd[1:])])
    assert speeds(location, [7, -(2**63), "7", -7]) == [1.0, 2.0, None, None]
    assert reader.read("view", odd, NOW).presence.tolist() == [Presence.ABSENT, *[Presence.PRESENT] * (len(odd) - 1)]
    reader.close()


def test_rows_packed_by_an_older_schema_are_read_by_it(location: Location) -> None:
    written(location, [("old", NOW_US, NOW_US, 1.0)])
    wider = PackedSchema((("name", FieldType.STRING), ("extra", FieldType.INT64), ("speed", FieldType.FLOAT64)))
    reader = filled(location, [("new", NOW_US, NOW_US, 2.0)], ViewSpec("view", "id", 0, wider))
    found = reader.read("view", ["old", "new"], NOW)
    assert found.values["speed"].tolist() == [1.0, 2.0]
    assert found.values["name"].tolist() == ["n1.0", "n2.0"]
    assert list(found.values) == ["name", "extra", "speed"]
    assert np.isnan(found.values["extra"]).all()
    vectors = reader.vectors([("view", "extra"), ("view", "speed")], {"view": ["old", "new"]}, NOW)
    assert np.array_equal(vectors.values, [[np.nan, 1.0], [np.nan, 2.0]], equal_nan=True)
    reader.close()


def test_a_frozen_clock_that_was_set_back_forgets_what_came_after(location: Location) -> None:
    past = NOW_US - DAY_US
    rows: list[Row] = [("a", NOW_US, NOW_US, 1.0), ("b", past, NOW_US, 2.0), ("c", past, NOW_US - 1, 3.0)]
    written(location, [*rows, *((f"k{i}", past, NOW_US, 0.0) for i in range(1200))])
    with open_backend(location) as backend:
        assert backend.forget_after("view", NOW_US - 1) == 1202
        assert backend.forget_after("view", NOW_US - 1) == 0
        assert backend.standing() == {"view": Standing(1, past)}
    assert speeds(location, ["a", "b", "c"]) == [None, None, 3.0]


def test_an_open_reader_sees_new_writes_new_views_and_changed_ones(location: Location) -> None:
    reader = filled(location, [("a", NOW_US - DAY_US, NOW_US, 1.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]
    written(location, [("a", NOW_US - 1, NOW_US, 2.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]
    written(location, [("z", NOW_US, NOW_US, 4.0)], ViewSpec("other", "id", 0, SCHEMA))
    assert reader.read("other", ["z"], NOW).values["speed"].tolist() == [4.0]
    later = NOW + dt.timedelta(hours=1)
    wanted, keys = [("view", "speed"), ("other", "speed")], {"view": ["a"], "other": ["z"]}
    assert reader.vectors(wanted, keys, later).presence["view"].tolist() == [Presence.PRESENT]
    with open_backend(location) as backend:
        backend.declare(ViewSpec("view", "id", 60_000_000, SCHEMA))
    assert reader.vectors(wanted, keys, later).presence["view"].tolist() == [Presence.EXPIRED]
    assert reader.read("view", ["a"], later).presence.tolist() == [Presence.EXPIRED]
    reader.close()


def test_what_a_store_holds_comes_back_as_it_was_declared(location: Location) -> None:
    spec = ViewSpec("view", "a,b", 5, SCHEMA, "digest")
    with open_backend(location) as backend:
        backend.declare(spec)
        backend.note_materialized("view", '{"to_at": "2018"}')
        assert backend.views() == {"view": spec}
        assert backend.schemas() == {SCHEMA.fingerprint: SCHEMA}
        assert backend.read_materialized() == {"view": '{"to_at": "2018"}'}
        assert backend.standing() == {"view": Standing(0, None)}
    reader = OnlineReader(location)
    assert reader.views() == {"view": spec}
    assert reader.standing() == {"view": Standing(0, None)}
    reader.close()


def test_a_view_is_kept_under_another_name_with_its_rows_and_record_and_makes_room_for_a_new_one(location: Location) -> None:
    reader = filled(location, [("a", NOW_US, NOW_US, 1.0)])
    with open_backend(location) as backend:
        backend.note_materialized("view", "{}")
        with backend.transaction():
            backend.rename("view", "view_v1")
            backend.declare(ViewSpec("view", "id", 0, SCHEMA, "changed"))
        backend.write("view", packed([("a", NOW_US, NOW_US, 2.0)]))
        assert backend.views() == {
            "view": ViewSpec("view", "id", 0, SCHEMA, "changed"),
            "view_v1": ViewSpec("view_v1", "id", SPEC.ttl_us, SCHEMA),
        }
        assert backend.read_materialized() == {"view_v1": "{}"}
        assert backend.write("view_v1", packed([("a", NOW_US - 1, NOW_US, 3.0)])) == 0
        with pytest.raises(StateError, match=r"'view' can't be kept as 'view_v1': there is a view of that name"):
            backend.rename("view", "view_v1")
        with pytest.raises(NotFoundError, match=r"no view 'nowhere' is declared \(there are: view, view_v1\)"):
            backend.rename("nowhere", "somewhere")
    wanted = [("view", "speed"), ("view_v1", "speed")]
    assert reader.vectors(wanted, {"view": ["a"], "view_v1": ["a"]}, NOW).values.tolist() == [[2.0, 1.0]]
    reader.close()


def test_a_view_without_rows_can_be_renamed_and_dropped_and_what_was_dropped_stays_away(location: Location) -> None:
    with open_backend(location) as backend:
        backend.declare(SPEC)
        backend.rename("view", "old")
        assert list(backend.views()) == ["old"]
        backend.declare(SPEC)
        backend.write("view", packed([("a", NOW_US, NOW_US, 1.0)]))
        backend.note_materialized("view", "{}")
        backend.drop("view")
        backend.drop("view")
        assert list(backend.views()) == ["old"]
        assert backend.read_materialized() == {}
        backend.declare(SPEC)
        assert backend.read({"view": ["a"]}) == {"view": [None]}


def test_a_view_with_another_join_key_starts_empty_and_one_with_another_ttl_does_not(location: Location) -> None:
    written(location, [("a", NOW_US, NOW_US, 1.0)])
    with open_backend(location) as backend:
        backend.note_materialized("view", "{}")
        backend.declare(ViewSpec("view", "id", 9 * DAY_US, SCHEMA))
        assert backend.standing()["view"].rows == 1
        backend.declare(ViewSpec("view", "other_id", 9 * DAY_US, SCHEMA))
        assert backend.standing()["view"].rows == 0
        assert backend.read_materialized() == {}


def test_a_batch_with_a_row_that_is_none_leaves_nothing_of_itself(location: Location) -> None:
    written(location, [("a", NOW_US, NOW_US, 1.0)])
    (row,) = pack_rows(SCHEMA, [{"speed": 9.0}])
    with open_backend(location) as backend, pytest.raises((StateError, TypeError), match=r"NOT NULL|NoneType"):
        backend.write("view", [("b", NOW_US, NOW_US, row), ("c", NOW_US, NOW_US, None)])  # type: ignore[list-item]  # a row without bytes is what is refused
    assert speeds(location, ["a", "b"]) == [1.0, None]


def test_what_is_not_there_is_said_clearly(location: Location) -> None:
    reader = OnlineReader(location)
    with pytest.raises(StateError, match=r"no online store here.*feast apply"):
        reader.read("view", ["a"], NOW)
    written(location, [("a", NOW_US, NOW_US, 1.0)])
    with pytest.raises(NotFoundError, match=r"no view 'other'.*there are: view"):
        reader.read("other", ["a"], NOW)
    with pytest.raises(ValueError, match="zone"):
        reader.read("view", ["a"], NOW.replace(tzinfo=None))
    with open_backend(location) as backend:
        for act in (
            lambda: backend.write("other", [("a", 0, 0, b"")]),
            lambda: backend.read({"other": ["a"]}),
            lambda: backend.forget_after("other", 0),
        ):
            with pytest.raises(NotFoundError, match="no view 'other' is declared"):
                act()
        backend.drop("view")
    with pytest.raises(NotFoundError, match="no view 'view'"):
        reader.read("view", ["a"], NOW)
    reader.close()


def test_a_store_that_takes_the_place_of_another_is_read_as_what_it_is(location: Location) -> None:
    reader = filled(location, [("a", NOW_US, NOW_US, 1.0)], ViewSpec("view", "id", 5, SCHEMA))
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]
    _remove(location)
    swapped = PackedSchema(tuple(reversed(SCHEMA.fields)))
    written(location, [("a", NOW_US, NOW_US, 3.0)], ViewSpec("view", "id", 5, swapped))
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [3.0]
    reader.close()


def _remove(location: Location) -> None:
    if isinstance(location, str):
        from tradewind_features.online.redis_store import RedisBackend

        with RedisBackend(location) as backend:
            backend.clear()
        return
    for file in location.parent.glob(location.name + "*"):
        file.unlink()

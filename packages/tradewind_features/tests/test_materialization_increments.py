"""A materialization brings the store to what was visible at its end, and the next one offers what became visible since."""

import datetime as dt
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcel_rows import DAY, Answer, Ground, Row, at, ground, table

from tradewind_features.materialization import materialize_view

KEYS = ("ana", "ben", "cleo")


def newest(rows: list[Row], end: float, ttl_hours: float) -> dict[str, Answer]:
    """What an online store answers at ``end``, found one row at a time: no values past the ttl."""
    best: dict[str, Row] = {}

    def rank(row: Row) -> tuple[float, float, str, float]:
        # Features in the order of their names, nulls last.
        return row[1], row[2], row[4] or "", row[3] if row[3] is not None else float("-inf")

    for row in rows:
        key, event, created = row[:3]
        if key is not None and event <= end and created <= end and (key not in best or rank(row) > rank(best[key])):
            best[key] = row
    return {
        key: (at(row[1]), at(row[2]), *((row[3], row[4]) if row[1] >= end - ttl_hours else ("expired", "expired")))
        for key, row in best.items()
    }


def test_the_newest_visible_row_of_each_entity_is_there_and_counts_are_exact(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days(
        [
            ("ana", 0, 1, 1.0, "A"),
            ("ana", 24, 25, 2.0, "B"),
            ("ana", 24, 26, 2.5, "corrected"),
            ("ana", 40, 60, 9.0, "not yet created"),
            ("ana", 73, 73, 9.0, "not yet"),
            ("ben", 24, 25, None, None),
            ("cleo", -80, -79, 7.0, "expired"),
            (None, 24, 24, 7.0, "nobody's"),
        ]
    )
    record = materialize_view(place.config, place.view, at(48))
    assert place.held(KEYS, at(48)) == {
        "ana": (at(24), at(26), 2.5, "corrected"),
        "ben": (at(24), at(25), None, None),
        "cleo": (at(-80), at(-79), "expired", "expired"),
    }
    counts = (record.scanned, record.entities, record.rows, record.expired, record.offered, record.written, record.forgotten)
    assert counts == (7, 3, 2, 1, 3, 3, 0)  # the row of 73 stands in a day after the end, whose file is not opened
    assert (record.mode, record.from_at, record.to_at) == ("whole", "1970-01-01T00:00:00Z", "2024-03-03T00:00:00Z")


def test_the_next_time_only_what_became_visible_is_offered(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 0, 1, 1.0, "A"), ("ben", 0, 1, 2.0, "B"), ("ana", 24, 25, 3.0, "C"), ("ben", 10, 26, 4.0, "late")])
    assert materialize_view(place.config, place.view, at(12)).offered == 2
    record = materialize_view(place.config, place.view, at(30))
    assert (record.mode, record.offered, record.written, record.rows) == ("incremental", 2, 2, 2)
    assert place.held(KEYS, at(30)) == {"ana": (at(24), at(25), 3.0, "C"), "ben": (at(10), at(26), 4.0, "late")}
    again = materialize_view(place.config, place.view, at(31))
    assert (again.mode, again.offered, again.written, again.rows) == ("incremental", 0, 0, 2)


def test_a_row_created_before_its_event_is_offered_when_its_event_has_come(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 0, 0, 1.0, "A"), ("ana", 20, 5, 2.0, "forecast")])
    materialize_view(place.config, place.view, at(10))
    assert materialize_view(place.config, place.view, at(21)).offered == 1
    assert place.held(KEYS, at(21)) == {"ana": (at(20), at(5), 2.0, "forecast")}


def test_a_late_file_with_old_created_times_is_noticed(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write("event_date=2024-03-01/part", [("ana", 0, 1, 1.0, "A")])
    materialize_view(place.config, place.view, at(12))
    place.write("event_date=2024-03-01/forgotten", [("ben", 0, 1, 2.0, "B")])
    record = materialize_view(place.config, place.view, at(12))
    assert (record.mode, record.offered) == ("incremental", 1)
    assert set(place.held(KEYS, at(12))) == {"ana", "ben"}


def test_a_repaired_file_repairs_the_store_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 0, 1, 1.0, "wrong"), ("ben", 24, 25, 2.0, "B")])
    materialize_view(place.config, place.view, at(30))
    place.write("event_date=2024-03-01/part", [("ana", 0, 1, 1.5, "right")])
    record = materialize_view(place.config, place.view, at(30))
    assert (record.mode, record.offered, record.written) == ("incremental", 1, 1)
    assert place.held(["ana"], at(30)) == {"ana": (at(0), at(1), 1.5, "right")}


def test_a_publication_that_links_unchanged_days_offers_the_changed_ones(tmp_path: Path) -> None:
    place = ground(tmp_path / "old")
    place.write_days([("ana", 0, 1, 1.0, "A"), ("ben", 24, 25, 2.0, "B")])
    materialize_view(place.config, place.view, at(30))
    day = "event_date=2024-03-01"
    published = tmp_path / "new" / "courier_pace"
    (published / day).mkdir(parents=True)
    os.link(place.rows_at / day / "part.parquet", published / day / "part.parquet")
    again = Ground(tmp_path / "new", ground(tmp_path / "new").view, place.config)
    again.write("event_date=2024-03-02/part", [("ben", 24, 25, 2.5, "repaired")])
    record = materialize_view(again.config, again.view, at(30))
    assert (record.mode, record.offered) == ("incremental", 1)
    assert place.held(["ben"], at(30))["ben"][3] == "repaired"


def test_an_unchanged_row_is_not_offered_because_another_one_in_its_day_was_repaired_later(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 24, 25, 2.0, "newest"), ("ana", 0, 1, 1.0, "wrong")])
    materialize_view(place.config, place.view, at(30))
    place.write("event_date=2024-03-01/part", [("ana", 0, 1, 1.5, "right")])
    assert materialize_view(place.config, place.view, at(30)).offered == 0
    assert place.held(["ana"], at(30))["ana"][3] == "newest"


def test_a_changed_definition_and_a_changed_schema_go_whole(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 0, 1, 1.0, "A")])
    materialize_view(place.config, place.view, at(12))
    longer = ground(tmp_path, ttl=4 * DAY)
    assert materialize_view(longer.config, longer.view, at(12)).mode == "whole"
    assert materialize_view(longer.config, longer.view, at(12)).mode == "incremental"
    assert materialize_view(longer.config, longer.view, at(12), whole=True).mode == "whole"


def test_a_frozen_clock_that_is_set_back_forgets_and_puts_the_elders_back(tmp_path: Path) -> None:
    place = ground(tmp_path, frozen_at=at(30))
    place.write_days([("ana", 0, 1, 1.0, "A"), ("ana", 24, 25, 2.0, "B"), ("ben", 24, 25, 3.0, "C")])
    materialize_view(place.config, place.view, at(30))
    record = materialize_view(place.config, place.view, at(12))
    assert (record.mode, record.forgotten, record.offered, record.entities) == ("whole", 2, 1, 1)
    assert place.held(KEYS, at(12)) == {"ana": (at(0), at(1), 1.0, "A")}


def test_rows_of_a_later_push_are_forgotten_under_a_frozen_clock_and_their_elders_put_back(tmp_path: Path) -> None:
    """The record does not tell that a row came from after the end; that rows were forgotten does."""
    from tradewind_features.online.backend import open_backend
    from tradewind_features.online.packing import pack_rows

    place = ground(tmp_path, frozen_at=at(30))
    place.write_days([("ana", 0, 1, 1.0, "A")])
    materialize_view(place.config, place.view, at(12))
    with open_backend(tmp_path / "online.db") as backend:
        (packed,) = pack_rows(backend.views()["courier_pace"].schema, [{"pace": 5.0, "grade": "pushed"}])
        pushed_us = round(at(20).timestamp() * 1e6)
        assert backend.write("courier_pace", [("ana", pushed_us, pushed_us, packed)]) == 1
    record = materialize_view(place.config, place.view, at(14))
    assert (record.mode, record.forgotten, record.offered) == ("whole", 1, 1)
    assert place.held(KEYS, at(14)) == {"ana": (at(0), at(1), 1.0, "A")}


def test_an_earlier_end_under_the_walls_clock_takes_nothing_away_and_loses_nothing(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write_days([("ana", 0, 1, 1.0, "A"), ("ana", 24, 25, 2.0, "B")])
    materialize_view(place.config, place.view, at(30))
    place.write("event_date=2024-03-01/late", [("ben", 0, 20, 2.0, "B")])
    assert materialize_view(place.config, place.view, at(12)).mode == "whole"
    assert set(place.held(KEYS, at(30))) == {"ana"}
    assert place.held(["ana"], at(30))["ana"][3] == "B"
    materialize_view(place.config, place.view, at(31))
    assert set(place.held(KEYS, at(31))) == {"ana", "ben"}


def test_ties_of_event_and_created_time_do_not_depend_on_when_their_files_came(tmp_path: Path) -> None:
    rows: list[Row] = [("ana", 0, 1, 2.0, "A"), ("ana", 0, 1, 3.0, "B"), ("ana", 0, 1, None, "C")]
    answers = set()
    for number, order in enumerate([(0, 1, 2), (2, 1, 0), (1, 0, 2)]):
        place = ground(tmp_path / str(number))
        for step, index in enumerate(order):
            place.write(f"event_date=2024-03-01/{step}", [rows[index]])
            materialize_view(place.config, place.view, at(12))
        answers.add(place.held(["ana"], at(12))["ana"])
    assert len(answers) == 1


def test_a_row_in_the_shade_of_one_of_the_same_instants_comes_out_when_that_one_is_repaired(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.write("a", [("ana", 0, 1, 9.0, "a")])
    place.write("b", [("ana", 0, 1, 5.0, "b")])
    materialize_view(place.config, place.view, at(12))
    place.write("a", [("ana", 0, 1, 3.0, "a")])
    again = materialize_view(place.config, place.view, at(12))
    assert (again.mode, again.offered, again.written) == ("incremental", 1, 1)
    assert place.held(["ana"], at(12))["ana"][2:] == (5.0, "b")


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("years", [400, 2_700])
def test_a_ttl_that_reaches_before_all_instants_keeps_every_row(tmp_path: Path, unit: str, years: int) -> None:
    place = ground(tmp_path, ttl=dt.timedelta(days=365 * years))
    rows = table([("ana", 0, 1, 1.0, "A")])
    place.write("rows", [])
    for name in ("event_timestamp", "created_timestamp"):
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(pa.timestamp(unit)))
    pq.write_table(rows, place.rows_at / "rows.parquet")
    for end in (at(48), dt.datetime(2299, 1, 1, tzinfo=dt.UTC)):  # nanoseconds end in 2262
        record = materialize_view(place.config, place.view, end)
        assert (record.entities, record.expired) == (1, 0)
    assert place.held(["ana"], at(48)) == {"ana": (at(0), at(1), 1.0, "A")}


hours = st.integers(-30, 60).map(lambda number: number / 2)
values = st.one_of(st.none(), st.integers(0, 3).map(float))
some_row = st.tuples(
    st.sampled_from([*KEYS, None]), hours, st.integers(0, 60).map(lambda n: n / 2), values, st.sampled_from(["x", "y", None])
)
batches = st.lists(st.tuples(st.lists(some_row, max_size=5), st.integers(0, 20), st.booleans()), min_size=1, max_size=4)


@settings(max_examples=30)  # a materialization of files takes 50 ms
@given(batches=batches)
def test_increments_give_what_the_whole_would_give(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[Row], int, bool]]
) -> None:
    place = ground(tmp_path_factory.mktemp("increments"), ttl=dt.timedelta(hours=20))
    rows: list[Row] = []
    place.write("first", [("cleo", 0, 0, 1.0, "x")])
    rows.append(("cleo", 0, 0, 1.0, "x"))
    end = 0.0
    for number, (found, step, by_day) in enumerate(batches):
        end += step / 2
        for key, event, lag, pace, grade in found:
            row: Row = (key, event, event + lag, pace, grade)
            folder = f"event_date={at(event).date()}/" if by_day else ""
            place.write(f"{folder}{number}-{len(rows)}", [row])
            rows.append(row)
        materialize_view(place.config, place.view, at(end))
        assert place.held(KEYS, at(end)) == newest(rows, end, 20)

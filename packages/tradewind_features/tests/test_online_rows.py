"""The online store's rows: which write stays, what a reader sees, and when a value is too old."""

import datetime as dt
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind_contracts.errors import IntegrityError, NotFoundError, StateError
from tradewind_features.online import sqlite_file
from tradewind_features.online.backend import ViewSpec, open_backend
from tradewind_features.online.packing import FieldType, PackedSchema, pack_rows
from tradewind_features.online.reader import OnlineReader, Presence

NOW = dt.datetime(2018, 5, 10, tzinfo=dt.UTC)
DAY_US = 86_400_000_000
NOW_US = int(NOW.timestamp()) * 1_000_000
SCHEMA = PackedSchema((("speed", FieldType.FLOAT64), ("name", FieldType.STRING)))
SPEC = ViewSpec("view", "id", 3 * DAY_US, SCHEMA)


def filled(path: Path, rows: list[tuple[str | int, int, int, float | None]], spec: ViewSpec = SPEC) -> OnlineReader:
    """A store with rows (key, event, created, speed), and its reader."""
    packed = pack_rows(spec.schema, [{"speed": row[3], "name": f"n{row[3]}"} for row in rows])
    with open_backend(path) as backend, backend.transaction():
        backend.declare(spec)
        backend.write(spec.view, [(*row[:3], value) for row, value in zip(rows, packed, strict=True)])
    return OnlineReader(path)


WRITES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@settings(max_examples=20)
@given(WRITES, st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_newest_row_stays_in_whatever_order_and_batches_writes_arrive(
    tmp_path_factory: pytest.TempPathFactory, stamps: list[tuple[int, int]], order: object, batches: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "online.db"
    rows: list[tuple[str | int, int, int, float | None]] = [
        ("k", NOW_US + event, NOW_US + created, event * 10.0 + created) for event, created in stamps
    ]
    order.shuffle(rows)  # type: ignore[attr-defined]
    for start in range(0, len(rows), batches):
        filled(path, rows[start : start + batches])
    event, created = max(stamps)
    found = OnlineReader(path).read("view", ["k"], NOW)
    assert found.values["speed"].tolist() == [event * 10.0 + created]
    assert found.event_at[0] == np.datetime64(NOW_US + event, "us")
    assert found.created_at[0] == np.datetime64(NOW_US + created, "us")


def test_writing_the_same_rows_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    rows: list[tuple[str | int, int, int, float | None]] = [("a", NOW_US, NOW_US, 1.0), ("b", NOW_US, NOW_US, None)]
    filled(path, rows)
    once = _dump(path)
    reader = filled(path, rows)
    assert _dump(path) == once
    assert np.array_equal(reader.read("view", ["a", "b"], NOW).values["speed"], [1.0, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("age_us", "presence"),
    [(0, Presence.PRESENT), (3 * DAY_US, Presence.PRESENT), (3 * DAY_US + 1, Presence.EXPIRED), (-DAY_US, Presence.PRESENT)],
)
def test_a_value_is_served_up_to_its_ttl_and_not_a_microsecond_longer(tmp_path: Path, age_us: int, presence: Presence) -> None:
    rows = filled(tmp_path / "online.db", [("a", NOW_US - age_us, NOW_US - age_us, 5.0)]).read("view", ["a", "zz"], NOW)
    assert rows.presence.tolist() == [presence, Presence.ABSENT]
    assert np.isnan(rows.values["speed"][0]) == (presence is Presence.EXPIRED)
    assert (rows.values["name"][0] is None) == (presence is Presence.EXPIRED)
    assert rows.event_at[0] == np.datetime64(NOW_US - age_us, "us")
    assert np.isnat(rows.event_at[1])
    expected = [age_us / 3.6e9 if presence is Presence.PRESENT else np.nan, np.nan]
    assert np.array_equal(rows.age_hours, expected, equal_nan=True)


def test_a_view_without_ttl_never_expires(tmp_path: Path) -> None:
    spec = ViewSpec("view", "id", 0, SCHEMA)
    rows = filled(tmp_path / "online.db", [("a", 0, 0, 5.0)], spec).read("view", ["a"], NOW)
    assert rows.presence.tolist() == [Presence.PRESENT]


def test_keys_come_back_in_the_order_asked_with_doubles_unknown_and_missing_keys(tmp_path: Path) -> None:
    reader = filled(tmp_path / "online.db", [(f"k{i}", NOW_US, NOW_US, float(i)) for i in range(1300)])
    keys = [f"k{i * 7 % 1300}" for i in range(1300)] + ["k3", "k3", None, "nobody"]
    found = reader.read("view", keys, NOW)
    assert found.values["speed"][:-2].tolist() == [float(i * 7 % 1300) for i in range(1300)] + [3.0, 3.0]
    assert found.presence[-2:].tolist() == [Presence.ABSENT, Presence.ABSENT]
    assert reader.read("view", [], NOW).values["speed"].shape == (0,)


def test_integer_keys_are_not_text(tmp_path: Path) -> None:
    reader = filled(tmp_path / "online.db", [(7, NOW_US, NOW_US, 1.0)])
    assert reader.read("view", [7, "7"], NOW).presence.tolist() == [Presence.PRESENT, Presence.ABSENT]


def test_rows_packed_by_an_older_schema_are_read_by_it(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    filled(path, [("old", NOW_US, NOW_US, 1.0)])
    wider = ViewSpec("view", "id", 0, PackedSchema((("name", FieldType.STRING), ("extra", FieldType.INT64), ("speed", FieldType.FLOAT64))))
    found = filled(path, [("new", NOW_US, NOW_US, 2.0)], wider).read("view", ["old", "new"], NOW)
    assert found.values["speed"].tolist() == [1.0, 2.0]
    assert list(found.values) == ["name", "extra", "speed"]
    assert np.isnan(found.values["extra"]).all()


def test_a_frozen_clock_that_was_set_back_forgets_what_came_after(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    reader = filled(
        path, [("a", NOW_US, NOW_US, 1.0), ("b", NOW_US - DAY_US, NOW_US + 1, 2.0), ("c", NOW_US - DAY_US, NOW_US - DAY_US, 3.0)]
    )
    with open_backend(path) as backend:
        assert backend.forget_after("view", NOW_US - 1) == 2
    assert reader.read("view", ["a", "b", "c"], NOW).presence.tolist() == [Presence.ABSENT, Presence.ABSENT, Presence.PRESENT]


def test_a_batch_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    reader = filled(path, [("a", NOW_US, NOW_US, 1.0)])
    (row,) = pack_rows(SCHEMA, [{"speed": 9.0}])
    with open_backend(path) as backend, pytest.raises(StateError, match=r"view 'view'.*NOT NULL"):
        backend.write("view", [("b", NOW_US, NOW_US, row), ("c", NOW_US, NOW_US, None)])  # type: ignore[list-item]
    assert reader.read("view", ["a", "b"], NOW).presence.tolist() == [Presence.PRESENT, Presence.ABSENT]


def test_an_open_reader_sees_new_writes_new_views_and_a_file_put_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    reader = filled(path, [("a", NOW_US, NOW_US, 1.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]
    filled(path, [("a", NOW_US + 1, NOW_US + 1, 2.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]
    filled(path, [("z", NOW_US, NOW_US, 4.0)], ViewSpec("other", "id", 0, SCHEMA))
    assert reader.read("other", ["z"], NOW).values["speed"].tolist() == [4.0]
    filled(tmp_path / "next.db", [("a", NOW_US, NOW_US, 3.0)])
    for file in tmp_path.glob("online.db*"):
        file.unlink()
    (tmp_path / "next.db").replace(path)
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [3.0]


def test_a_store_that_nobody_can_write_is_read_without_a_trace_and_anew_once_somebody_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "online.db"
    reader = filled(path, [("a", NOW_US, NOW_US, 1.0)])
    reader.close()
    monkeypatch.setattr(sqlite_file, "stands_still", lambda _: True)
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]
    assert [file.name for file in tmp_path.iterdir()] == ["online.db"]
    monkeypatch.setattr(sqlite_file, "stands_still", lambda _: False)
    filled(path, [("a", NOW_US + 1, NOW_US + 1, 2.0)])
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [2.0]


@pytest.mark.parametrize("kept_bytes", [0, 4096])
def test_a_damaged_file_is_set_aside_and_a_whole_one_is_not(tmp_path: Path, kept_bytes: int) -> None:
    path = tmp_path / "online.db"
    filled(path, [("a", NOW_US, NOW_US, 1.0)]).close()
    sqlite_file.set_damaged_aside(path)
    assert sqlite_file.is_whole(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept_bytes] + b"\xff" * (len(whole) - kept_bytes))
    assert not sqlite_file.is_whole(path)
    sqlite_file.set_damaged_aside(path)
    assert [file.name for file in tmp_path.iterdir()] == ["online.db.damaged"]
    assert filled(path, [("a", NOW_US, NOW_US, 2.0)]).read("view", ["a"], NOW).values["speed"].tolist() == [2.0]


def test_what_is_not_there_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"online\.db: no online store here"):
        OnlineReader(tmp_path / "online.db").read("view", ["a"], NOW)
    reader = filled(tmp_path / "online.db", [("a", NOW_US, NOW_US, 1.0)])
    with pytest.raises(NotFoundError, match=r"no view 'other'.*there are: view"):
        reader.read("other", ["a"], NOW)
    with pytest.raises(ValueError, match="zone"):
        reader.read("view", ["a"], NOW.replace(tzinfo=None))
    with open_backend(tmp_path / "online.db") as backend, pytest.raises(NotFoundError, match="no view 'other' is declared"):
        backend.write("other", [("a", 0, 0, b"")])


def test_another_programs_file_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(StateError, match="not a packed online store"):
        OnlineReader(path).views()
    with pytest.raises(StateError, match="not a packed online store"):
        open_backend(path)
    path.write_bytes(b"nothing that SQLite knows" * 100)
    with pytest.raises(StateError, match="no SQLite file"):
        OnlineReader(path).views()


def test_a_corrupt_row_is_refused_and_its_neighbours_are_served(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    reader = filled(path, [("a", NOW_US, NOW_US, 1.0), ("b", NOW_US, NOW_US, 2.0)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE rows_view SET packed = substr(packed, 1, 12) WHERE entity_key = 'b'")
    connection.commit()
    connection.close()
    with pytest.raises(IntegrityError, match=r"view 'view'.*row of 'b' is damaged"):
        reader.read("view", ["b"], NOW)
    assert reader.read("view", ["a"], NOW).values["speed"].tolist() == [1.0]


def test_the_reader_and_the_transforms_import_neither_feast_nor_pandas() -> None:
    code = (
        "import sys; import tradewind_features.online.reader, tradewind_features.transforms, tradewind_features.keys;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'feast', 'pandas', 'duckdb', 'dask', 'torch', 'ibis'}))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def _dump(path: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM rows_view ORDER BY entity_key").fetchall()
    connection.close()
    return rows

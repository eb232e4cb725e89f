"""Locked, read-only, torn and full: the online store says which file and view, loses nothing, and goes on serving what it had."""

import contextlib
import gc
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faults
import pandas as pd
import pyarrow as pa
import pytest
import small_repository as small
from feast import FeatureStore

from tradewind_contracts.errors import IntegrityError, StateError, TradewindError
from tradewind_features.materialization import materialize_view
from tradewind_features.online import sqlite, sqlite_file
from tradewind_features.online.reader import OnlineReader, Presence

Make = Callable[..., FeatureStore]
VIEWS = {"courier_pace": list(small.COURIERS), "depot_profile": list(small.DEPOTS), "depot_traffic": list(small.DEPOTS)}


def online_file(store: FeatureStore) -> Path:
    return Path(store.repo_path) / "online.db"


def data_file(store: FeatureStore, name: str) -> Path:
    return Path(store.repo_path) / "data" / f"{name}.parquet"


def served(store: FeatureStore, reader: OnlineReader | None = None) -> dict[str, Any]:
    """All that a reader gives of three views: by default one that opens the store anew."""
    found = (reader or OnlineReader(online_file(store))).read_views(VIEWS, small.NOW)
    return {
        view: ({name: repr(values.tolist()) for name, values in rows.values.items()}, rows.presence.tolist())
        for view, rows in found.items()
    }


def record(**changes: Any) -> pd.DataFrame:
    at = small.NOW - small.HOUR
    row = {"courier_id": "ana", "event_timestamp": at, "created_timestamp": at, "pace": 3.5, "trips": 7, "grade": "A", "is_new": False}
    return pd.DataFrame([row | changes])


def materialize(store: FeatureStore) -> None:
    materialize_view(store.config, store.get_feature_view("courier_pace"), small.NOW)


def push(store: FeatureStore) -> None:
    store.push("courier_pace_pushed", record())


def write(store: FeatureStore) -> None:
    store.write_to_online_store("courier_pace", record())


WRITES: dict[str, Callable[[FeatureStore], None]] = {"materialize": materialize, "push": push, "write": write}


@pytest.fixture(scope="module")
def of_yesterday(tmp_path_factory: pytest.TempPathFactory, _applied: Path) -> Path:
    """A repository materialized to the day before its clock: a materialization to the clock has rows to write."""
    folder = tmp_path_factory.mktemp("yesterday") / "repository"
    small.copied(_applied, folder).materialize(small.BEGINNING, small.day(10, 5))
    gc.collect()  # whoever holds the store lets go of it
    return folder


@pytest.fixture
def store(of_yesterday: Path, tmp_path: Path) -> FeatureStore:
    """A copy of it."""
    return small.copied(of_yesterday, tmp_path / "repository")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for another writer in a test."""
    for where in (sqlite.SqliteBackend.__init__, sqlite_file.open_for_writing):
        defaults = tuple(50 if value == sqlite_file.BUSY_TIMEOUT_MS else value for value in where.__defaults__ or ())
        monkeypatch.setattr(where, "__defaults__", defaults)


@pytest.mark.parametrize("how", list(WRITES))
@pytest.mark.usefixtures("impatient")
def test_a_store_that_another_process_is_writing_is_said_to_be_locked_and_is_read_meanwhile(store: FeatureStore, how: str) -> None:
    before, reader = served(store), OnlineReader(online_file(store))
    with faults.locked_by_another_process(online_file(store)):
        with pytest.raises(StateError, match=r"online\.db.*courier_pace.*another process|courier_pace.*online\.db.*another process"):
            WRITES[how](store)
        assert served(store, reader) == before
        assert served(store) == before
    assert served(store) == before
    WRITES[how](store)
    assert served(store) != before


@pytest.mark.parametrize("how", list(WRITES))
def test_a_full_disk_names_view_and_file_keeps_every_row_and_the_next_try_writes(store: FeatureStore, how: str) -> None:
    before, reader = served(store), OnlineReader(online_file(store))
    with faults.full_disk(), pytest.raises(StateError, match=r"online\.db.*courier_pace|courier_pace.*online\.db"):
        WRITES[how](store)
    assert served(store, reader) == before
    assert served(store) == before
    assert sqlite_file.is_whole(online_file(store))
    WRITES[how](store)
    assert served(store) != before


def test_a_full_disk_under_feasts_own_materialize_leaves_registry_and_store_and_the_next_try_fills_it(store: FeatureStore) -> None:
    before, registry = served(store), Path(store.repo_path) / "registry.db"
    held = registry.read_bytes()
    with faults.full_disk(), pytest.raises(TradewindError, match=r"(registry|online)\.db"):
        store.materialize(small.BEGINNING, small.NOW)
    assert served(store) == before
    assert registry.read_bytes() == held
    store.materialize(small.BEGINNING, small.NOW)
    assert served(store) != before


@pytest.mark.parametrize("how", list(WRITES))
def test_a_folder_that_can_not_be_written_is_said_and_its_store_is_served(store: FeatureStore, how: str) -> None:
    before, reader = served(store), OnlineReader(online_file(store))
    with faults.read_only(online_file(store).parent):
        with pytest.raises(StateError, match=r"online\.db.*(read-only|can't be written)"):
            WRITES[how](store)
        assert served(store, reader) == before
        assert served(store) == before
    assert served(store) == before


def left_alone(path: Path) -> None:
    """As a writer leaves the store that is the last to close it: one file, nothing beside it."""
    gc.collect()  # readers that nobody holds any more
    with raw(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert sorted(beside.name for beside in path.parent.glob("online.db*")) == ["online.db"]


def test_a_reader_that_starts_where_it_can_not_write_serves_and_sees_what_is_written_later(store: FeatureStore) -> None:
    before = served(store)
    left_alone(online_file(store))
    reader = OnlineReader(online_file(store))
    with faults.read_only(online_file(store).parent):
        assert served(store, reader) == before
        assert sorted(beside.name for beside in online_file(store).parent.glob("online.db*")) == ["online.db"]
    push(store)
    assert reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist() == [3.5]


def test_a_reader_that_starts_on_a_full_disk_serves(store: FeatureStore) -> None:
    before = served(store)
    left_alone(online_file(store))
    reader = OnlineReader(online_file(store))
    with faults.full_disk():
        assert served(store, reader) == before
    push(store)
    assert reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist() == [3.5]


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The store's file, past all care."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


HARMS: dict[str, str] = {
    "cut short": "substr(packed, 1, length(packed) - 9)",
    "a flipped byte": "CAST(substr(packed, 1, 24) || x'fe' || substr(packed, 26) AS BLOB)",
    "empty": "x''",
    "of no known schema": "CAST(substr(packed, 1, 4) || x'01020304' || substr(packed, 9) AS BLOB)",
}


@pytest.mark.parametrize("harm", list(HARMS))
def test_a_corrupt_row_names_view_and_file_and_spares_all_others(store: FeatureStore, harm: str) -> None:
    others = OnlineReader(online_file(store)).read("courier_pace", ["ben", "dag"], small.NOW).values["pace"].tolist()
    with raw(online_file(store)) as connection:
        connection.execute(f"UPDATE rows_courier_pace SET packed = {HARMS[harm]} WHERE entity_key = 'ana'")
    reader = OnlineReader(online_file(store))
    for ask in (["ana"], ["ben", "ana"]):
        with pytest.raises(IntegrityError, match=r"online\.db.*courier_pace|courier_pace.*online\.db"):
            reader.read("courier_pace", ask, small.NOW)
    with pytest.raises(IntegrityError, match="courier_pace"):
        store.get_online_features(["courier_pace:pace"], [{"courier_id": "ana"}])
    assert reader.read("courier_pace", ["ben", "dag"], small.NOW).values["pace"].tolist() == others
    write(store)
    assert reader.read("courier_pace", ["ana"], small.NOW).values["pace"].tolist() == [3.5]


@pytest.mark.parametrize(
    "harm",
    [lambda path: faults.truncate(path), lambda path: path.write_text("not a store" * 200), lambda path: path.write_bytes(b"")],
    ids=["cut in half", "text", "empty"],
)
def test_a_file_that_is_no_store_is_said_by_reads_and_writes_and_a_new_one_is_filled(
    store: FeatureStore, harm: Callable[[Path], Any]
) -> None:
    path = online_file(store)
    with raw(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    harm(path)
    with pytest.raises(TradewindError, match=r"online\.db"):
        served(store)
    with pytest.raises(TradewindError, match=r"online\.db"):
        store.get_online_features(["courier_pace:pace"], [{"courier_id": "ana"}])
    if path.stat().st_size:
        with pytest.raises(TradewindError, match=r"online\.db.*(move it away|materialize again)"):
            write(store)
        sqlite_file.set_damaged_aside(path)
    store.materialize(small.BEGINNING, small.NOW)
    rows = OnlineReader(path).read("courier_pace", ["ana", "cleo"], small.NOW)
    assert rows.values["pace"].tolist()[0] == small.pace("ana", 11)
    assert rows.presence.tolist()[0] == Presence.PRESENT


def test_a_store_that_is_not_there_is_named(make_repository: Make, tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"nowhere/online\.db"):
        OnlineReader(tmp_path / "nowhere" / "online.db").read("courier_pace", ["ana"], small.NOW)
    store = make_repository()
    online_file(store).unlink()
    with pytest.raises(StateError, match=r"online\.db"):
        store.get_online_features(["courier_pace:pace"], [{"courier_id": "ana"}])


def test_a_view_that_the_store_does_not_hold_is_named_with_those_it_does(store: FeatureStore) -> None:
    with pytest.raises(TradewindError, match=r"no_view.*courier_pace"):
        OnlineReader(online_file(store)).read("no_view", ["ana"], small.NOW)


SOURCES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "nothing there": (lambda path: path.unlink(), "no Parquet"),
    "a column gone": (lambda path: faults.without_column(path, "pace"), "pace"),
    "no key column": (lambda path: faults.without_column(path, "courier_id"), "courier_id"),
    "no created time": (lambda path: faults.without_column(path, "created_timestamp"), "created_timestamp"),
    "text for a number": (lambda path: faults.with_type(path, "pace", pa.string()), "pace"),
    "a number for a time": (lambda path: faults.with_type(path, "event_timestamp", pa.int64()), "event_timestamp"),
    "cut in half": (lambda path: faults.truncate(path), ""),
    "text": (lambda path: path.write_text("not Parquet"), ""),
}


@pytest.mark.parametrize("harm", list(SOURCES))
def test_a_source_that_can_not_be_materialized_names_view_column_and_file_and_the_old_values_stay(store: FeatureStore, harm: str) -> None:
    before = served(store)
    spoil, named = SOURCES[harm]
    spoil(data_file(store, "courier_pace"))
    with pytest.raises(TradewindError, match=r"(?s)courier_pace.*data/courier_pace\.parquet") as caught:
        materialize(store)
    assert named in str(caught.value)
    assert served(store) == before
    store.materialize(small.BEGINNING, small.NOW, feature_views=["depot_traffic"])
    assert served(store)["courier_pace"] == before["courier_pace"]


def test_a_whole_number_declared_that_is_none_names_view_column_and_file(store: FeatureStore) -> None:
    before = served(store)
    path = data_file(store, "courier_pace")
    table = small.courier_pace_rows()
    halves = pa.array([number + 0.5 for number in range(table.num_rows)], pa.float64())
    faults.replace(path, table.set_column(table.column_names.index("trips"), "trips", halves))
    with pytest.raises(TradewindError, match=r"(?s)courier_pace.*trips.*data/courier_pace\.parquet"):
        materialize(store)
    assert served(store) == before


def test_a_file_replaced_while_it_is_materialized_is_said_and_the_next_time_it_is_in(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind_features import datasets

    before = served(store)
    scan, changed = datasets.Dataset.scan, []

    def scanned(dataset: datasets.Dataset, *arguments: Any, **named: Any) -> str:
        table = scan(dataset, *arguments, **named)
        if not changed:
            changed.append(dataset.name)
            spoiled = small.courier_pace_rows()
            at = spoiled.column_names.index("pace")
            faults.replace(data_file(store, "courier_pace"), spoiled.set_column(at, "pace", pa.array([-5.0] * spoiled.num_rows)))
        return table

    monkeypatch.setattr(datasets.Dataset, "scan", scanned)
    with pytest.raises(StateError, match=r"data/courier_pace\.parquet.*(replaced|again)"):
        materialize(store)
    assert served(store) == before
    materialize(store)
    assert OnlineReader(online_file(store)).read("courier_pace", ["ana", "ben"], small.NOW).values["pace"].tolist() == [-5.0, -5.0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"pace": "fast"}, "pace"), ({"event_timestamp": "soon"}, "event_timestamp"), ({"event_timestamp": pd.NaT}, "event_timestamp"), ({"courier_id": None}, "courier_id"), ({"trips": 1.5}, "trips")],
    ids=["text for a number", "text for a time", "no time", "no key", "a half count"],
)  # fmt: skip
def test_a_pushed_record_that_can_not_be_is_refused_by_name_and_nothing_is_written(
    store: FeatureStore, changes: dict[str, Any], named: str
) -> None:
    before = served(store)
    with pytest.raises(Exception, match=named):
        store.push("courier_pace_pushed", record(**changes))
    assert served(store) == before


def test_a_type_that_can_not_be_packed_is_named_at_apply_and_nothing_is_applied(make_repository: Make, tmp_path: Path) -> None:
    from feast import FeatureView, Field
    from feast.types import Array, Float64, String

    store = make_repository()
    before = faults.contents(Path(store.repo_path))
    view = store.get_feature_view("courier_pace")
    schema = [Field(name="courier_id", dtype=String), Field(name="taste", dtype=Array(Float64))]
    tasted = FeatureView(name="courier_taste", entities=[store.get_entity("courier")], schema=schema, source=view.batch_source)
    with pytest.raises(TradewindError, match=r"courier_taste.*taste.*Array"):
        store.apply([tasted])
    assert faults.contents(Path(store.repo_path)).keys() == before.keys()
    assert "courier_taste" not in OnlineReader(online_file(store)).views()


def test_a_registry_that_is_torn_is_named_and_left_as_it_is(store: FeatureStore) -> None:
    path = Path(store.repo_path) / "registry.db"
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(IntegrityError, match=r"registry\.db"):
        FeatureStore(repo_path=str(store.repo_path)).list_feature_views()
    assert path.read_bytes() == b"\xff" * 100


def test_a_full_disk_while_the_registry_is_written_keeps_the_one_before(store: FeatureStore) -> None:
    path = Path(store.repo_path) / "registry.db"
    before = path.read_bytes()
    with faults.full_disk(), pytest.raises(TradewindError, match=r"(registry|online)\.db"):
        store.apply(small.declared_objects(Path(store.repo_path)))
    assert path.read_bytes() == before
    assert sorted(found.name for found in path.parent.glob("*registry*")) == ["registry.db"]

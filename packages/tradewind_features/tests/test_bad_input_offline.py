"""Bad entity rows, bad sources and files that change while they are read: each is said by view, column and file, and nothing is lost."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faults
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_repository as small
from feast import FeatureStore

from tradewind_contracts.errors import SettingsError, StateError, TradewindError
from tradewind_features import datasets

Make = Callable[..., FeatureStore]
PACE, CITY, LOAD = "courier_pace:pace", "depot_profile:city", "shift_load:load"


def data_file(store: FeatureStore, name: str = "courier_pace") -> Path:
    return Path(store.repo_path) / "data" / f"{name}.parquet"


def rows(count: int = 12) -> pd.DataFrame:
    return small.entity_rows(count)


def joined(store: FeatureStore, frame: Any, features: Any, **options: Any) -> pa.Table:
    return store.get_historical_features(frame, features, **options).to_arrow()


def test_entity_rows_without_a_key_name_the_view_and_the_column(read_only_repository: FeatureStore) -> None:
    with pytest.raises(SettingsError, match=r"shift_load.*depot_id.*(found|has|there are).*courier_id"):
        joined(read_only_repository, rows().drop(columns=["depot_id"]), [LOAD])
    with pytest.raises(SettingsError, match=r"origin_traffic.*origin_depot_id"):
        joined(read_only_repository, rows(), read_only_repository.get_feature_service("lanes"), full_feature_names=True)


def test_entity_rows_without_a_time_or_with_two_are_refused_by_name(read_only_repository: FeatureStore) -> None:
    with pytest.raises(SettingsError, match=r"(?s)event_timestamp.*courier_id"):
        joined(read_only_repository, rows().drop(columns=["event_timestamp"]), [PACE])
    two = rows().rename(columns={"event_timestamp": "ordered_at"})
    with pytest.raises(SettingsError, match=r"(?s)ordered_at.*shipped_at"):
        joined(read_only_repository, two.assign(shipped_at=two["ordered_at"]), [PACE])
    only = joined(read_only_repository, two, [PACE])
    assert only["pace"].equals(joined(read_only_repository, rows(), [PACE])["pace"])


@pytest.mark.parametrize(
    ("column", "values", "named"),
    [
        ("event_timestamp", ["yesterday"] * 12, "event_timestamp"),
        ("depot_id", ["one"] * 12, "depot_id"),
        ("courier_id", [[1, 2]] * 12, "courier_id"),
    ],
    ids=["time that is text", "a key that is text", "a key that is a list"],
)
def test_a_column_of_another_kind_is_refused_by_name(
    read_only_repository: FeatureStore, column: str, values: list[Any], named: str
) -> None:
    with pytest.raises(TradewindError, match=named):
        joined(read_only_repository, rows().assign(**{column: values}), [LOAD])


def test_an_unknown_view_or_feature_is_named(read_only_repository: FeatureStore) -> None:
    with pytest.raises(Exception, match="no_such_view"):
        joined(read_only_repository, rows(), ["no_such_view:pace"])
    with pytest.raises(Exception, match="no_such_feature"):
        joined(read_only_repository, rows(), ["courier_pace:no_such_feature"])


def test_a_query_that_is_wrong_or_would_write_is_refused_and_nothing_is_written(make_repository: Make, tmp_path: Path) -> None:
    store = make_repository()
    before = faults.contents(Path(store.repo_path))
    for query, named in (
        ("SELECT courier_id, event_timestamp FROM no_table", r"no_table.*courier_pace_rows"),
        ("SELEC courier_id", "SELEC"),
        ("SELECT courier_id FROM courier_pace_rows", "event_timestamp"),
        (f"COPY (SELECT 1) TO '{tmp_path / 'out.parquet'}' (FORMAT parquet)", "SELECT|read"),
        ("CREATE TABLE mine AS SELECT 1", "SELECT|read"),
        ("SELECT 1; DROP VIEW courier_pace_rows", "SELECT|one|read"),
    ):
        with pytest.raises(TradewindError, match=f"(?s){named}"):
            joined(store, query, [PACE])
    assert not (tmp_path / "out.parquet").exists()
    assert faults.contents(Path(store.repo_path)) == before


def test_a_view_without_a_source_is_named(make_repository: Make) -> None:
    store = make_repository()
    from feast import Entity, FeatureView, Field
    from feast.types import Float64, String

    courier = store.get_entity("courier")
    assert isinstance(courier, Entity)
    schema = [Field(name="courier_id", dtype=String), Field(name="mood", dtype=Float64)]
    with pytest.raises(SettingsError, match=r"courier_mood.*source"):
        store.apply([FeatureView(name="courier_mood", entities=[courier], schema=schema)])
    store.apply([FeatureView(name="courier_mood", entities=[courier], schema=schema, online=False)])
    with pytest.raises(TradewindError, match=r"courier_mood.*source"):
        joined(store, rows(), ["courier_mood:mood"])
    with pytest.raises(Exception, match=r"courier_mood"):
        store.materialize(small.BEGINNING, small.NOW, feature_views=["courier_mood"])
    with pytest.raises(Exception, match=r"courier_mood.*source"):
        store.write_to_offline_store("courier_mood", pd.DataFrame({"courier_id": ["ana"], "mood": [1.0]}))


@pytest.mark.parametrize("kept_as", ["nothing", "an empty folder"])
def test_a_source_with_nothing_there_names_view_and_path(make_repository: Make, kept_as: str) -> None:
    store = make_repository()
    path = data_file(store)
    path.unlink()
    if kept_as == "an empty folder":
        path.mkdir()
    with pytest.raises(StateError, match=r"courier_pace.*data/courier_pace\.parquet"):
        joined(store, rows(), [PACE, CITY])
    assert joined(store, rows(), [CITY]).num_rows == 12


@pytest.mark.parametrize("column", ["pace", "courier_id", "event_timestamp", "created_timestamp"])
def test_a_column_that_left_the_file_names_view_column_and_file(make_repository: Make, column: str) -> None:
    store = make_repository()
    faults.without_column(data_file(store), column)
    with pytest.raises(
        StateError, match=rf"courier_pace.*{column}.*data/courier_pace\.parquet|{column}.*courier_pace.*data/courier_pace\.parquet"
    ):
        joined(store, rows(), [PACE])


@pytest.mark.parametrize(
    ("column", "kind"),
    [("pace", pa.string()), ("courier_id", pa.binary()), ("event_timestamp", pa.int64()), ("created_timestamp", pa.string())],
    ids=["a number that is text", "a key that is bytes", "a time that is a number", "a created time that is text"],
)
def test_a_column_in_another_type_names_view_column_and_file(make_repository: Make, column: str, kind: pa.DataType) -> None:
    store = make_repository()
    faults.with_type(data_file(store), column, kind)
    with pytest.raises(StateError, match=rf"(?s)courier_pace.*{column}.*data/courier_pace\.parquet|{column}.*data/courier_pace\.parquet"):
        joined(store, rows(), [PACE])


def test_a_column_in_a_wider_or_narrower_type_of_its_kind_is_read(make_repository: Make) -> None:
    store = make_repository()
    before = joined(store, rows(), [PACE, "courier_pace:trips"])
    faults.with_type(data_file(store), "pace", pa.float32())
    faults.with_type(data_file(store), "trips", pa.int32())
    after = joined(store, rows(), [PACE, "courier_pace:trips"])
    assert after.to_pylist() == before.to_pylist()


@pytest.mark.parametrize(
    "harm",
    [lambda path: faults.truncate(path), lambda path: path.write_text("not Parquet"), lambda path: path.write_bytes(b"")],
    ids=["cut in half", "text", "empty"],
)
def test_a_file_that_is_not_parquet_names_view_and_file(make_repository: Make, harm: Callable[[Path], Any]) -> None:
    store = make_repository()
    harm(data_file(store))
    with pytest.raises(StateError, match=r"courier_pace.*data/courier_pace\.parquet"):
        joined(store, rows(), [PACE])
    assert joined(store, rows(), [CITY]).num_rows == 12


def other_pace(path: Path) -> None:
    """Everybody's pace is another."""
    table = pq.read_table(path)
    faults.replace(path, table.set_column(table.column_names.index("pace"), "pace", pa.array([-5.0] * table.num_rows, pa.float64())))


REPLACED: dict[str, Callable[[Path], Any]] = {
    "other rows": other_pace,
    "another schema": lambda path: faults.without_column(path, "pace"),
    "another type": lambda path: faults.with_type(path, "pace", pa.string()),
    "cut in half": lambda path: faults.truncate(path),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("change", list(REPLACED))
def test_a_file_replaced_between_planning_and_reading_is_said_or_read_whole(make_repository: Make, change: str) -> None:
    store = make_repository()
    old = joined(store, rows(), [PACE])["pace"].to_pylist()
    job = store.get_historical_features(rows(), [PACE])
    REPLACED[change](data_file(store))
    try:
        found = job.to_arrow()["pace"].to_pylist()
    except StateError as error:
        assert "data/courier_pace.parquet" in str(error)  # noqa: PT017 - it may be read whole as well
    else:
        assert change == "other rows"
        assert found in (old, [None if value is None else -5.0 for value in old])


@pytest.mark.parametrize("change", list(REPLACED))
def test_a_file_replaced_while_it_is_read_is_said(make_repository: Make, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    store = make_repository()
    scan, changed = datasets.Dataset.scan, []

    def scanned(dataset: datasets.Dataset, *arguments: Any, **named: Any) -> str:
        table = scan(dataset, *arguments, **named)
        if dataset.name == "courier_pace_rows" and not changed:
            changed.append(dataset.name)
            REPLACED[change](data_file(store))
        return table

    monkeypatch.setattr(datasets.Dataset, "scan", scanned)
    with pytest.raises(StateError, match=r"data/courier_pace\.parquet"):
        joined(store, rows(), [PACE, CITY])
    assert changed == ["courier_pace_rows"]
    if change == "other rows":
        assert set(joined(store, rows(), [PACE])["pace"].to_pylist()) == {-5.0, None}


def record(**changes: Any) -> pd.DataFrame:
    at = small.NOW - small.HOUR
    row = {"courier_id": "ana", "event_timestamp": at, "created_timestamp": at, "pace": 3.5, "trips": 7, "grade": "A", "is_new": False}
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize("pushed", [None, "pushed"], ids=["into the source", "into the log"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [({"pace": "fast"}, "pace"), ({"event_timestamp": "soon"}, "event_timestamp"), ({"event_timestamp": pd.NaT}, "event_timestamp"), ({"courier_id": None}, "courier_id")],
    ids=["text for a number", "text for a time", "no time", "no key"],
)  # fmt: skip
def test_a_row_that_can_not_be_written_offline_is_refused_by_view_and_column(
    make_repository: Make, pushed: str | None, changes: dict[str, Any], named: str
) -> None:
    store = make_repository(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | {"pushed": pushed}})
    before = faults.contents(Path(store.repo_path))
    with pytest.raises(TradewindError, match=rf"(?s)courier_pace.*{named}"):
        store.write_to_offline_store("courier_pace", record(**changes))
    assert faults.contents(Path(store.repo_path)) == before


@pytest.mark.parametrize("pushed", [None, "pushed"], ids=["into the source", "into the log"])
def test_a_full_disk_while_rows_are_written_offline_loses_nothing(make_repository: Make, pushed: str | None) -> None:
    store = make_repository(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | {"pushed": pushed}})
    before = faults.contents(Path(store.repo_path))
    with faults.full_disk(), pytest.raises(StateError, match=r"(?s)courier_pace.*(parquet|pushed)"):
        store.write_to_offline_store("courier_pace", record())
    assert faults.contents(Path(store.repo_path)) == before
    store.write_to_offline_store("courier_pace", record())
    assert joined(store, pd.DataFrame({"courier_id": ["ana"], "event_timestamp": [small.NOW]}), [PACE])["pace"].to_pylist() == [3.5]


@pytest.mark.parametrize("pushed", [None, "pushed"], ids=["into the source", "into the log"])
def test_a_folder_that_can_not_be_written_is_named_and_nothing_is_lost(make_repository: Make, pushed: str | None) -> None:
    store = make_repository(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | {"pushed": pushed}})
    folder = Path(store.repo_path) / "pushed" if pushed else Path(store.repo_path) / "data"
    folder.mkdir(exist_ok=True)
    before = faults.contents(Path(store.repo_path))
    with faults.read_only(folder), pytest.raises(StateError, match=rf"courier_pace.*{folder.name}"):
        store.write_to_offline_store("courier_pace", record())
    assert faults.contents(Path(store.repo_path)) == before


def test_a_full_disk_while_a_dataset_is_saved_leaves_no_part_of_it(make_repository: Make, tmp_path: Path) -> None:
    from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

    store = make_repository()
    target = tmp_path / "saved.parquet"
    job = store.get_historical_features(rows(60), [PACE])
    with faults.full_disk(), pytest.raises(StateError, match=r"saved\.parquet"):
        store.create_saved_dataset(job, "saved", SavedDatasetFileStorage(path=str(target)))
    assert [path.name for path in tmp_path.iterdir()] == ["repository"]


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [("memory_limit", "plenty", "memory_limit"), ("threads", 0, "threads"), ("tables", {"orders": "data/none.parquet"}, "orders"), ("spill", "/proc/none", "spill")],
)  # fmt: skip
def test_a_setting_that_can_not_be_is_named(make_repository: Make, setting: str, value: Any, named: str) -> None:
    with pytest.raises(Exception, match=named):
        asked_with(make_repository, {setting: value})


def asked_with(make_repository: Make, settings: dict[str, Any]) -> pa.Table:
    store = make_repository(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | settings})
    query = "SELECT 'ana' AS courier_id, TIMESTAMPTZ '2024-03-05 00:00:00+00' AS event_timestamp"
    return joined(store, query + (" FROM orders" if "tables" in settings else ""), [PACE])


def test_instants_that_duckdb_can_not_hold_are_refused_or_answered(read_only_repository: FeatureStore) -> None:
    frame = rows(2).assign(event_timestamp=[dt.datetime(2500, 1, 1, tzinfo=dt.UTC), dt.datetime(1600, 1, 1, tzinfo=dt.UTC)])
    found = joined(read_only_repository, frame, ["depot_profile:docks"])
    assert found["docks"].to_pylist() == [10, None]

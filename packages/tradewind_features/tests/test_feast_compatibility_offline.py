"""What Feast's DuckDB store does offline, ours does, with the same answers where Feast's are right."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_repository as small
from answers import by_row, differences
from feast import FeatureService, FeatureStore
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

from tradewind_contracts.errors import TradewindError

Make = Callable[..., FeatureStore]
SEVERAL = ["courier_pace:pace", "courier_pace:grade", "courier_pace:is_new", "depot_profile:city", "depot_profile:docks",
           "shift_load:load", "shift_load:parcels", "depot_traffic:visits", "depot_traffic:queue_minutes"]  # fmt: skip


def asked(store: FeatureStore, rows: Any, features: Any, **options: Any) -> pa.Table:
    return store.get_historical_features(rows, features, **options).to_arrow()


@pytest.mark.parametrize("full", [False, True], ids=["short names", "full names"])
@pytest.mark.parametrize(
    "features",
    [
        ["courier_pace:pace"],
        ["depot_profile:area_m2", "depot_profile:city"],
        ["shift_load:load"],
        ["depot_traffic:visits"],
        SEVERAL,
        ["delivery_estimate:expected_minutes"],
        ["delivery_estimate:expected_minutes", "courier_pace:trips", "depot_profile:docks"],
    ],
    ids=[
        "one view",
        "no ttl, no created",
        "composite key and mapped columns",
        "naive instants",
        "four views",
        "on demand",
        "on demand and views",
    ],
)
def test_a_training_frame_is_what_feasts_store_says_with_its_filter_on(
    read_only_repository: FeatureStore, reference_repository: FeatureStore, features: list[str], full: bool
) -> None:
    rows = small.entity_rows(90)
    ours = asked(read_only_repository, rows, features, full_feature_names=full)
    theirs = asked(reference_repository, rows, features, full_feature_names=full, filter_by_created_timestamp=True)
    if full:
        ours = ours.drop_columns([name for name in ours.column_names if name.endswith("__row_event_at")])
    assert differences(ours, theirs) == []
    assert ours["row"].to_pylist() == list(range(90))


def test_with_known_at_off_it_is_what_feasts_store_says_by_default(make_repository: Make, reference_repository: FeatureStore) -> None:
    offline = small.OURS["offline_store"] | {"known_at": False}
    store = make_repository(settings=small.OURS | {"offline_store": offline})
    rows = small.entity_rows(90)
    ours = asked(store, rows, SEVERAL)
    assert differences(ours, asked(reference_repository, rows, SEVERAL)) == []
    known = asked(store, rows, SEVERAL, filter_by_created_timestamp=True)
    assert differences(known, asked(reference_repository, rows, SEVERAL, filter_by_created_timestamp=True)) == []
    assert by_row(ours) != by_row(known)


@pytest.mark.parametrize(("service", "full"), [("dispatch", False), ("dispatch", True), ("lanes", True)])
def test_a_feature_service_answers_alike_with_its_aliases_and_join_key_maps(
    read_only_repository: FeatureStore, reference_repository: FeatureStore, service: str, full: bool
) -> None:
    rows = small.entity_rows(60)
    rows = rows.assign(origin_depot_id=rows["depot_id"], destination_depot_id=rows["depot_id"].map({1: 2, 2: 3, 3: 9, 9: 1}))
    ours = asked(read_only_repository, rows, read_only_repository.get_feature_service(service), full_feature_names=full)
    theirs = asked(
        reference_repository,
        rows,
        reference_repository.get_feature_service(service),
        full_feature_names=full,
        filter_by_created_timestamp=True,
    )
    ours = ours.drop_columns([name for name in ours.column_names if name.endswith("__row_event_at")])
    assert differences(ours, theirs) == []
    if service == "lanes":
        found = by_row(ours)
        assert any(row["origin_traffic__visits"] != row["destination_traffic__visits"] for row in found.values())


def test_a_projection_of_a_view_under_another_name_answers_alike(make_repository: Make, reference_repository: FeatureStore) -> None:
    store = make_repository()
    answers = []
    for each, options in ((store, {}), (reference_repository, {"filter_by_created_timestamp": True})):
        view = each.get_feature_view("depot_traffic")
        projected = view.with_projection(view.projection)
        projected.projection.name_alias = "busy"
        service = FeatureService(name="busy_depots", features=[projected[["queue_minutes"]]])
        each.apply([service])
        answers.append(asked(each, small.entity_rows(30), each.get_feature_service("busy_depots"), full_feature_names=True, **options))
    ours, theirs = answers
    assert "busy__queue_minutes" in theirs.column_names
    assert differences(ours.drop_columns([name for name in ours.column_names if name.endswith("__row_event_at")]), theirs) == []


def test_the_ttl_counts_to_its_last_microsecond(read_only_repository: FeatureStore, reference_repository: FeatureStore) -> None:
    newest, tick = small.day(small.LAST_DAY_OF_CLEO), dt.timedelta(microseconds=1)
    edges = [newest - tick, newest, newest + small.LAG - tick, newest + small.LAG, newest + 3 * small.DAY, newest + 3 * small.DAY + tick]
    rows = pd.DataFrame({"row": range(6), "courier_id": "cleo", "event_timestamp": pd.to_datetime(edges, utc=True).as_unit("us")})
    ours = asked(read_only_repository, rows, ["courier_pace:trips"])
    theirs = asked(reference_repository, rows, ["courier_pace:trips"], filter_by_created_timestamp=True)
    assert differences(ours, theirs) == []
    assert ours["trips"].to_pylist() == [204, 204, 204, 205, 205, None]


def test_an_sql_string_is_an_entity_frame_over_the_tables_of_the_views(read_only_repository: FeatureStore) -> None:
    query = (
        "SELECT courier_id, depot_id, pace.event_timestamp + INTERVAL 5 HOUR AS event_timestamp"
        " FROM courier_pace_rows AS pace JOIN depot_profile_rows AS depot ON depot_id = 2 WHERE courier_id <> 'cleo' AND pace.event_timestamp < TIMESTAMPTZ '2024-03-04 00:00:00+00'"
        " ORDER BY courier_id, pace.event_timestamp"
    )
    found = asked(read_only_repository, query, ["courier_pace:pace", "depot_profile:city"])
    wanted = [small.pace(courier, number) for courier in ("ana", "ben", "dag") for number in range(3)]
    assert found["pace"].to_pylist() == wanted
    assert found["city"].to_pylist() == ["Lyon"] * 9


def test_without_entity_rows_each_entity_of_the_range_has_one_row_where_feasts_store_has_none(
    read_only_repository: FeatureStore, reference_repository: FeatureStore
) -> None:
    start, end, features = small.day(6), small.day(8, 3), ["courier_pace:pace"]
    with pytest.raises(TypeError, match="start_date"):
        reference_repository.get_historical_features(features=features, start_date=start, end_date=end)
    found = read_only_repository.get_historical_features(features=features, start_date=start, end_date=end).to_arrow()
    assert found["courier_id"].to_pylist() == ["ana", "ben", "dag"]
    assert found["pace"].to_pylist() == [small.pace(courier, 8) for courier in ("ana", "ben", "dag")]
    assert set(found["event_timestamp"].to_pylist()) == {end}


def test_a_saved_dataset_comes_back_whole_and_is_not_overwritten_unasked(
    make_repository: Make, reference_repository: FeatureStore, tmp_path: Path
) -> None:
    store = make_repository()
    rows, features = small.entity_rows(30), ["courier_pace:pace", "depot_profile:city"]
    saved = []
    for name, each, options in (("ours", store, {}), ("theirs", reference_repository, {"filter_by_created_timestamp": True})):
        storage = SavedDatasetFileStorage(path=str(tmp_path / f"{name}.parquet"))
        job = each.get_historical_features(rows, features, **options)
        each.create_saved_dataset(job, "june", storage, tags={"for": name})
        with pytest.raises(SavedDatasetLocationAlreadyExists, match=rf"{name}\.parquet"):
            each.create_saved_dataset(each.get_historical_features(rows, features, **options), "june", storage)
        kept = pq.read_table(tmp_path / f"{name}.parquet")
        each.create_saved_dataset(each.get_historical_features(rows, features, **options), "june", storage, allow_overwrite=True)
        assert differences(pq.read_table(tmp_path / f"{name}.parquet"), kept) == []
        saved.append(kept)
    ours, theirs = saved
    assert differences(ours, theirs) == []


def test_a_saved_dataset_is_read_back_by_name(make_repository: Make, tmp_path: Path) -> None:
    store = make_repository()
    features = ["courier_pace:pace", "depot_profile:city"]
    job = store.get_historical_features(small.entity_rows(30), features)
    whole = job.to_arrow()
    store.create_saved_dataset(job, "july", SavedDatasetFileStorage(path=str(tmp_path / "july.parquet")))
    back = store.get_saved_dataset("july").to_arrow()
    assert back.num_rows == whole.num_rows
    keys = ["courier_id", "depot_id", "event_timestamp"]
    order = [(name, "ascending") for name in [*keys, "pace"]]
    assert back.sort_by(order).select(["pace", "city"]).to_pylist() == whole.sort_by(order).select(["pace", "city"]).to_pylist()


def test_a_saved_dataset_has_the_on_demand_columns_too_where_feasts_loses_them(make_repository: Make, tmp_path: Path) -> None:
    store = make_repository()
    job = store.get_historical_features(small.entity_rows(30), ["courier_pace:pace", "delivery_estimate:expected_minutes"])
    store.create_saved_dataset(job, "may", SavedDatasetFileStorage(path=str(tmp_path / "may.parquet")))
    kept = store.get_saved_dataset("may").to_arrow()
    wanted = job.to_arrow()
    assert sorted(map(str, kept["expected_minutes"].to_pylist())) == sorted(map(str, wanted["expected_minutes"].to_pylist()))


def test_a_dataset_saved_into_a_folder_is_one_too(make_repository: Make, tmp_path: Path) -> None:
    store = make_repository()
    storage = SavedDatasetFileStorage(path=str(tmp_path / "august"))
    job = store.get_historical_features(small.entity_rows(30), ["courier_pace:pace"])
    store.create_saved_dataset(job, "august", storage)
    assert (tmp_path / "august").is_dir()
    assert store.get_saved_dataset("august").to_arrow().num_rows == 30


def late_record(**changes: Any) -> pd.DataFrame:
    """A row of ana's for the newest day, known an hour before the clock."""
    at = small.NOW - small.HOUR
    record = {"courier_id": "ana", "event_timestamp": at, "created_timestamp": at, "pace": 3.5, "trips": 7, "grade": "A", "is_new": False}
    return pd.DataFrame([record | changes])


@pytest.mark.parametrize("pushed", [None, "pushed"], ids=["into the source", "into the log"])
def test_rows_written_offline_are_joined_and_those_before_stay(make_repository: Make, pushed: str | None) -> None:
    store = make_repository(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | {"pushed": pushed}})
    before = asked(store, small.entity_rows(60), SEVERAL)
    store.write_to_offline_store("courier_pace", late_record())
    rows = pd.DataFrame({"courier_id": ["ana"] * 2, "event_timestamp": [small.NOW - 2 * small.HOUR, small.NOW]})
    assert asked(store, rows, ["courier_pace:pace"])["pace"].to_pylist() == [small.pace("ana", 11), 3.5]
    earlier = small.entity_rows(60)[lambda frame: frame["event_timestamp"] < small.NOW - small.HOUR]
    kept = before.filter(pa.compute.is_in(before["row"], pa.array(earlier["row"].tolist(), before["row"].type)))
    assert differences(asked(store, earlier, SEVERAL), kept) == []


def test_rows_written_offline_bear_the_sources_names_or_the_views(make_repository: Make) -> None:
    store = make_repository()
    at = small.NOW - small.HOUR
    record = {"courier": "ana", "depot_id": 1, "observed_at": at, "recorded_at": at, "load_raw": 0.5, "parcels": 9}
    store.write_to_offline_store("shift_load", pd.DataFrame([record]))
    rows = pd.DataFrame({"courier_id": ["ana"], "depot_id": [1], "event_timestamp": [small.NOW]})
    assert asked(store, rows, ["shift_load:load", "shift_load:parcels"]).select(["load", "parcels"]).to_pylist() == [
        {"load": 0.5, "parcels": 9}
    ]


def test_columns_that_a_source_does_not_have_are_refused_by_name(make_repository: Make) -> None:
    store = make_repository()
    with pytest.raises((ValueError, TradewindError), match=r"trips.*runs"):
        store.write_to_offline_store("courier_pace", late_record().rename(columns={"trips": "runs"}))


def test_what_a_service_served_is_logged_and_read_back(make_repository: Make) -> None:
    store = make_repository()
    service = store.get_feature_service("dispatch")
    from feast.feature_logging import FeatureServiceLoggingSource

    schema = FeatureServiceLoggingSource(service, store.project).get_schema(store.registry)
    served_at = small.NOW - small.HOUR
    given: dict[str, Any] = {
        "courier_id": "ana", "courier_pace__pace": 11.25, "__log_timestamp": served_at, "__log_date": served_at.date(), "__request_id": "r1",
    }  # fmt: skip
    logs = pa.Table.from_pylist([{name: given.get(name) for name in schema.names}] * 2, schema=schema)
    for _ in range(2):
        store.write_logged_features(logs, service)
    assert service.logging_config is not None
    back = store.provider.retrieve_feature_service_logs(service, small.day(11), small.day(12), store.config, store.registry).to_arrow()
    assert back["courier_pace__pace"].to_pylist() == [11.25] * 4
    assert set(back["__request_id"].to_pylist()) == {"r1"}
    nothing = store.provider.retrieve_feature_service_logs(service, small.day(1), small.day(2), store.config, store.registry).to_arrow()
    assert nothing.num_rows == 0


PULLED = {
    "courier_pace_rows": (["courier_id"], ["pace", "trips", "grade", "is_new"], "event_timestamp", "created_timestamp"),
    "depot_profile_rows": (["depot_id"], ["city", "docks"], "event_timestamp", None),
    "shift_load_rows": (["courier", "depot_id"], ["load_raw", "parcels"], "observed_at", "recorded_at"),
    "depot_traffic_rows": (["depot_id"], ["visits"], "event_timestamp", "created_timestamp"),
}


@pytest.mark.parametrize("source", list(PULLED))
@pytest.mark.parametrize(("start", "end"), [(small.BEGINNING, small.NOW), (small.day(3), small.day(6, 3))], ids=["all days", "some days"])
def test_the_newest_rows_pulled_are_feasts(
    read_only_repository: FeatureStore, reference_repository: FeatureStore, source: str, start: dt.datetime, end: dt.datetime
) -> None:
    keys, features, event, created = PULLED[source]
    pulled = []
    for store in (read_only_repository, reference_repository):
        job = store.provider.offline_store.pull_latest_from_table_or_query(
            store.config, store.get_data_source(source), keys, features, event, created, start, end
        )
        table = job.to_arrow().select([*keys, *features, event])
        pulled.append(
            sorted(map(repr, table.set_column(table.column_names.index(event), event, table[event].cast(small.STAMP)).to_pylist()))
        )
    assert pulled[0] == pulled[1]
    assert pulled[0] or source == "depot_profile_rows"


def test_the_newest_rows_pulled_are_those_that_were_known_by_the_end(read_only_repository: FeatureStore) -> None:
    store, (keys, features, event, created) = read_only_repository, PULLED["depot_traffic_rows"]
    for hours, number in ((1, 5), (2, 6)):
        job = store.provider.offline_store.pull_latest_from_table_or_query(
            store.config, store.get_data_source("depot_traffic_rows"), keys, features, event, created, small.day(3), small.day(6, hours)
        )
        assert sorted(job.to_arrow()["visits"].to_pylist()) == [small.traffic(depot, number) for depot in small.DEPOTS]


@pytest.mark.parametrize("source", list(PULLED))
@pytest.mark.parametrize(("start", "end"), [(None, None), (small.day(3), small.day(6, 1))], ids=["all days", "some days"])
def test_all_rows_pulled_are_feasts(
    read_only_repository: FeatureStore, reference_repository: FeatureStore, source: str, start: dt.datetime | None, end: dt.datetime | None
) -> None:
    keys, features, event, created = PULLED[source]
    pulled = []
    for store in (read_only_repository, reference_repository):
        job = store.provider.offline_store.pull_all_from_table_or_query(
            store.config, store.get_data_source(source), keys, features, event, created, start, end
        )
        table = job.to_arrow()
        assert sorted(table.column_names) == sorted([*keys, *features, event, *([created] if created else [])])
        table = table.select([*keys, *features, event])
        pulled.append(
            sorted(map(repr, table.set_column(table.column_names.index(event), event, table[event].cast(small.STAMP)).to_pylist()))
        )
    assert pulled[0] == pulled[1]

"""The offline store as Feast's plugin: what only the whole of it shows."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_repository as small
from feast import FeatureStore, FeatureView, Field, FileSource
from feast.dqm.errors import ValidationFailed
from feast.errors import RequestDataNotFoundInEntityDfException, SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.types import Float64

from tradewind_contracts.errors import SettingsError

Make = Callable[..., FeatureStore]
PACE, LOAD, CITY = "courier_pace:pace", "shift_load:load", "depot_profile:city"


def with_settings(make: Make, **offline: Any) -> FeatureStore:
    return make(settings=small.OURS | {"offline_store": small.OURS["offline_store"] | offline})


def test_columns_come_in_the_order_asked_after_those_given(read_only_repository: FeatureStore) -> None:
    rows = small.entity_rows(10)
    refs = ["shift_load:parcels", "courier_pace:trips", "shift_load:load", "courier_pace:pace"]
    frame = read_only_repository.get_historical_features(rows, refs).to_df()
    assert list(frame.columns) == [*rows.columns, "parcels", "trips", "load", "pace"]
    full = read_only_repository.get_historical_features(rows, refs, full_feature_names=True).to_df()
    assert list(full.columns)[len(rows.columns) :] == [ref.replace(":", "__") for ref in refs]
    assert list(full.index) == list(range(10))


def test_a_frame_keeps_its_types_and_is_not_changed(read_only_repository: FeatureStore) -> None:
    rows = small.entity_rows(6).assign(
        kind=pd.Categorical(list("ababab")), small=pd.array([1, None] * 3, dtype="Int8"), said=["x", None, "y"] * 2
    )
    rows.index = pd.Index([5] * 6)
    before = rows.copy(deep=True)
    found = read_only_repository.get_historical_features(rows, [PACE]).to_df()
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(found.drop(columns=["pace"]), before.reset_index(drop=True))


@pytest.mark.parametrize("shape", ["naive", "texts", "dates with a zone", "another name"])
def test_instants_are_taken_as_feast_takes_them(read_only_repository: FeatureStore, shape: str) -> None:
    rows = small.entity_rows(30)
    at = rows["event_timestamp"]
    shaped = {
        "naive": rows.assign(event_timestamp=at.dt.tz_localize(None)),
        "texts": rows.assign(event_timestamp=[one.isoformat() for one in at]),
        "dates with a zone": rows.assign(event_timestamp=at.dt.tz_convert("America/Sao_Paulo")),
        "another name": rows.rename(columns={"event_timestamp": "shipped_at"}),
    }[shape]
    found = read_only_repository.get_historical_features(shaped, [PACE, LOAD]).to_arrow()
    wanted = read_only_repository.get_historical_features(rows, [PACE, LOAD]).to_arrow()
    assert found.select(["pace", "load"]).equals(wanted.select(["pace", "load"]))


def test_event_times_of_the_rows_come_under_full_names_if_the_settings_say_so(make_repository: Make) -> None:
    store = with_settings(make_repository, row_event_at=True)
    rows = pd.DataFrame({"courier_id": ["ana", "zoe"], "depot_id": [1, 1], "event_timestamp": [small.day(3, 5)] * 2})
    found = store.get_historical_features(rows, [PACE, LOAD], full_feature_names=True).to_arrow()
    assert found.column_names[-2:] == ["courier_pace__row_event_at", "shift_load__row_event_at"]
    assert found["courier_pace__row_event_at"].type == small.STAMP
    assert found["courier_pace__row_event_at"].to_pylist() == [small.day(3), None]
    assert "row_event_at" not in "".join(store.get_historical_features(rows, [PACE]).to_arrow().column_names)


def test_a_view_without_entities_gives_everybody_its_newest_row(make_repository: Make, tmp_path: Path) -> None:
    store = make_repository()
    rows = pa.table({"event_timestamp": pa.array([small.day(1), small.day(5)], small.STAMP), "index": [1.5, 2.5]})
    pq.write_table(rows, tmp_path / "fuel.parquet")
    source = FileSource(name="fuel_rows", path=str(tmp_path / "fuel.parquet"), timestamp_field="event_timestamp")
    store.apply([FeatureView(name="fuel", entities=[], schema=[Field(name="index", dtype=Float64)], source=source)])
    frame = pd.DataFrame({"event_timestamp": [small.day(0), small.day(1), small.day(9)]})
    assert store.get_historical_features(frame, ["fuel:index"]).to_arrow()["index"].to_pylist() == [None, 1.5, 2.5]
    alone = store.get_historical_features(features=["fuel:index"], start_date=small.day(0), end_date=small.day(4)).to_arrow()
    assert alone.to_pylist() == [{"event_timestamp": small.day(4), "index": 1.5}]


def test_without_entity_rows_keys_of_several_views_stand_side_by_side(read_only_repository: FeatureStore) -> None:
    job = read_only_repository.get_historical_features(features=[PACE, CITY], start_date=small.day(7), end_date=small.day(8, 3))
    found = job.to_arrow()
    assert found.select(["courier_id", "depot_id", "pace"]).to_pylist() == [
        {"courier_id": courier, "depot_id": None, "pace": small.pace(courier, 8)} for courier in ("ana", "ben", "dag")
    ]
    assert set(found["event_timestamp"].to_pylist()) == {small.day(8, 3)}


def test_a_job_says_its_sql_before_and_its_figures_after(read_only_repository: FeatureStore) -> None:
    job = read_only_repository.get_historical_features(small.entity_rows(20), [PACE, LOAD])
    assert job.to_sql().count("ASOF JOIN") == 2
    assert [join.seconds for join in job.describe().joins] == [None, None]
    job.to_arrow()
    assert [(join.view, join.entity_rows) for join in job.describe().joins] == [("courier_pace", 20), ("shift_load", 20)]
    assert all(join.seconds and join.read_bytes for join in job.describe().joins)


def test_an_answer_streams_into_parquet_and_never_over_another_unasked(read_only_repository: FeatureStore, tmp_path: Path) -> None:
    refs = [PACE, LOAD, "delivery_estimate:expected_minutes"]
    for number, features in enumerate((refs[:2], refs)):
        job = read_only_repository.get_historical_features(small.entity_rows(20), features)
        path = tmp_path / f"{number}.parquet"
        assert job.to_parquet(path) == 20
        assert pq.read_table(path).to_pylist() == job.to_arrow().to_pylist()
        with pytest.raises(SavedDatasetLocationAlreadyExists):
            job.to_parquet(path)
        assert job.to_parquet(path, allow_overwrite=True) == 20


def test_a_dataset_can_not_be_saved_elsewhere_than_in_local_parquet(read_only_repository: FeatureStore) -> None:
    job = read_only_repository.get_historical_features(small.entity_rows(5), [PACE])
    with pytest.raises(SettingsError, match=r"remote path, s3://bucket"):
        job.persist(SavedDatasetFileStorage(path="s3://bucket/x.parquet"))
    with pytest.raises(SettingsError, match="SavedDatasetFileStorage"):
        job.persist(object())


def test_a_validation_reference_is_asked(read_only_repository: FeatureStore) -> None:
    class Failed:
        is_success = False

        def __str__(self) -> str:
            return "too slow"

    class Reference:
        class profile:  # noqa: N801 - Feast's name
            seen: list[pd.DataFrame] = []  # noqa: RUF012 - one class, one test

            @classmethod
            def validate(cls, frame: pd.DataFrame) -> Any:
                cls.seen.append(frame)
                return Failed()

    job = read_only_repository.get_historical_features(small.entity_rows(5), [PACE])
    with pytest.warns(RuntimeWarning, match="validation is an experimental"), pytest.raises(ValidationFailed):
        job.to_df(validation_reference=Reference())
    pd.testing.assert_series_equal(Reference.profile.seen[0]["pace"], job.to_df()["pace"])


def test_a_query_lacking_request_data_is_refused_by_name(read_only_repository: FeatureStore) -> None:
    query = (
        "SELECT courier_id, depot_id, TIMESTAMPTZ '2024-03-05 00:00:00+00' AS event_timestamp FROM courier_pace_rows, depot_profile_rows"
    )
    with pytest.raises(RequestDataNotFoundInEntityDfException):
        read_only_repository.get_historical_features(query, ["delivery_estimate:expected_minutes"])


def test_a_query_reads_further_tables_that_the_settings_name(make_repository: Make, tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"courier_id": ["ben", "ana"], "event_timestamp": pa.array([small.day(4, 3)] * 2, small.STAMP)}),
        tmp_path / "asked.parquet",
    )
    store = with_settings(make_repository, tables={"asked": str(tmp_path / "asked.parquet")})
    found = store.get_historical_features("FROM asked ORDER BY courier_id", [PACE]).to_arrow()
    assert found["pace"].to_pylist() == [small.pace("ana", 4), small.pace("ben", 4)]


@pytest.mark.parametrize("partitioned", [True, False])
def test_rows_written_into_a_folder_are_new_files_in_it(make_repository: Make, partitioned: bool) -> None:
    store = make_repository()
    path = Path(store.repo_path) / "data" / "courier_pace.parquet"
    rows = pq.read_table(path)
    path.unlink()
    folder = path / "event_date=2024-03-01" if partitioned else path
    folder.mkdir(parents=True)
    pq.write_table(rows.filter(pa.compute.field("event_timestamp") < small.day(1)), folder / "part.parquet")
    at = [small.day(6), small.day(7)]
    new = rows.slice(0, 2).to_pandas().assign(event_timestamp=at, created_timestamp=at, pace=[70.0, 71.0])
    store.write_to_offline_store("courier_pace", new)
    asked = pd.DataFrame({"courier_id": ["ana"] * 3, "event_timestamp": [small.day(0, 3), *at]})
    assert store.get_historical_features(asked, [PACE]).to_arrow()["pace"].to_pylist() == [small.pace("ana", 0), 70.0, 71.0]
    assert sorted(one.name for one in path.iterdir() if one.is_dir()) == (
        ["event_date=2024-03-01", "event_date=2024-03-07", "event_date=2024-03-08"] if partitioned else []
    )


def test_the_newest_rows_pulled_were_known_at_the_end_unless_the_settings_say_otherwise(make_repository: Make) -> None:
    pulled = {}
    for known_at in (True, False):
        store = make_repository(
            f"known_{known_at}", settings=small.OURS | {"offline_store": small.OURS["offline_store"] | {"known_at": known_at}}
        )
        job = store.provider.offline_store.pull_latest_from_table_or_query(
            store.config, store.get_data_source("courier_pace_rows"), ["courier_id"], ["pace"], "event_timestamp", "created_timestamp",
            small.BEGINNING, small.day(6) + small.LAG - dt.timedelta(hours=1),
        )  # fmt: skip
        pulled[known_at] = dict(zip(*(job.to_arrow()[name].to_pylist() for name in ("courier_id", "pace")), strict=True))
    assert pulled[True]["ana"] == small.pace("ana", 5)
    assert pulled[False]["ana"] == small.pace("ana", 6)
    assert list(pulled[True]) == ["ana", "ben", "cleo", "dag"]

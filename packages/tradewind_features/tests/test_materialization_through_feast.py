"""Feast's own commands materialize through our provider; what it can't take, Feast does, and the record says so."""

import datetime as dt
import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import BatchFeatureView, Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64, String
from parcel_rows import DAY, Ground, at, ground, int_view, table

from tradewind_contracts.errors import SourceError, StateError
from tradewind_features import provider
from tradewind_features.materialization import materialize_view, materialized_now, read_materializations, standing
from tradewind_features.materialization.record import ViewMaterialization
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_features.provider import feasts_own_way

OURS = {"type": "tradewind_features.offline.store.PointInTimeOfflineStore"}


@pytest.fixture
def place(tmp_path: Path) -> Ground:
    """Three days of rows of two couriers."""
    made = ground(tmp_path, **OURS)
    made.write_days([("ana", 0, 1, 1.0, "A"), ("ben", 0, 1, 2.0, "B"), ("ana", 24, 25, 3.0, "C"), ("ben", 10, 26, 4.0, "late")])
    return made


def store_over(place: Ground, *more: FeatureView) -> FeatureStore:
    """Feast's store with the view and some more, applied."""
    store = FeatureStore(config=place.config)
    store.apply([Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING), place.view, *more])
    return store


@pytest.mark.parametrize("incremental", [False, True])
def test_both_of_feasts_commands_bring_late_rows_of_several_views(place: Ground, incremental: bool) -> None:
    second = FeatureView(
        name="grades", entities=[Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)], ttl=dt.timedelta(0),
        schema=[Field(name="courier_id", dtype=String), Field(name="grade", dtype=String)], source=place.view.batch_source,
    )  # fmt: skip
    store = store_over(place, second)
    for end in (at(12), at(30)):
        if incremental:
            store.materialize_incremental(end)
        else:
            store.materialize(end - DAY / 4, end)
    assert place.held(["ana", "ben"], at(30)) == {"ana": (at(24), at(25), 3.0, "C"), "ben": (at(10), at(26), 4.0, "late")}
    grades = OnlineReader(place.folder / "online.db").read("grades", ["ana", "ben"], at(30)).values["grade"].tolist()
    assert grades == ["C", "late"]
    done = store._get_provider().materialized
    assert [(record.view, record.mode, record.offered) for record in done if record.view == "courier_pace"] == [
        ("courier_pace", "whole", 2),
        ("courier_pace", "incremental", 2),
    ]
    assert len(done) == 4


def test_feast_reads_what_was_materialized(place: Ground) -> None:
    store = store_over(place)
    store.materialize_incremental(at(30))
    frozen = store_over(ground(place.folder, frozen_at=at(30), **OURS))
    found = frozen.get_online_features(
        ["courier_pace:pace", "courier_pace:grade"], [{"courier_id": key} for key in ("ben", "zoe")]
    ).to_dict()
    assert found == {"courier_id": ["ben", "zoe"], "pace": [4.0, None], "grade": ["late", None]}


def test_all_that_there_is_means_whole(place: Ground) -> None:
    store = store_over(place)
    store.materialize(at(0), at(30))
    store.materialize(at(0), at(30), disable_event_timestamp=True)
    assert [record.mode for record in store._get_provider().materialized] == ["whole", "whole"]


def test_progress_is_told_while_it_runs(place: Ground, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_features.materialization import filling

    monkeypatch.setattr(filling, "_ROWS_PER_BATCH", 3)
    place.write("event_date=2024-03-01/more", [(f"c{number}", 1, 2, 1.0, None) for number in range(7)])
    heard: list[tuple[int, int]] = []
    materialize_view(place.config, place.view, at(30), progress=lambda done, rows: heard.append((done, rows)))
    assert heard == [(0, 9), (3, 9), (6, 9), (9, 9)]
    place.write("event_date=2024-03-01/yet", [(f"c{number}", 2, 3, 1.0, None) for number in range(5)])
    store_over(place).materialize_incremental(at(30))
    assert "5/5" in capsys.readouterr().err


def test_what_our_own_way_can_not_take_is_named(place: Ground) -> None:
    def reason(path: str) -> str | None:
        source = FileSource(name="far", path=path, timestamp_field="event_timestamp")
        return feasts_own_way(place.config, FeatureView(name="far", source=source, schema=place.view.schema))

    assert reason("s3://bucket/far.parquet") == "source far: this store reads local Parquet, found a remote path, s3://bucket/far.parquet"
    assert reason(f"file://{place.rows_at}") is None
    with pytest.warns(RuntimeWarning, match="Batch feature views are experimental"):
        computed = BatchFeatureView(
            name="computed", mode="python", source=place.view.batch_source, schema=place.view.schema, udf=len, udf_string="len"
        )
    assert feasts_own_way(place.config, computed) == "a BatchFeatureView that Feast computes"
    elsewhere = place.config.model_copy(update={"online_config": {"type": "sqlite"}})
    elsewhere._online_store = None
    assert feasts_own_way(elsewhere, place.view) == "the online store is sqlite"


def test_feasts_own_way_is_said_and_counted(tmp_path: Path) -> None:
    """Both stores are read by Feast's engine; the packed one takes the rows that it writes."""
    made = ground(tmp_path)
    made.rows_at.mkdir()
    path = made.rows_at / "rows.parquet"
    pq.write_table(table([("ana", 0, 1, 9.0, "A"), ("ben", 0, 1, 8.0, "B")]), path)
    made.view.batch_source.file_options.uri = str(path)
    reason = "a BatchFeatureView that Feast computes"
    store = store_over(made)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(provider, "feasts_own_way", lambda *_: reason)
        store.materialize(at(-1), at(30))
    (record,) = store._get_provider().materialized
    assert (record.mode, record.note, record.view, record.written, record.rows) == ("feast", reason, "courier_pace", 2, 2)
    assert read_materializations(made.folder / "materializations") == [record]
    assert materialized_now(made.folder / "online.db")["courier_pace"] == record
    assert set(made.held(["ana", "ben"], at(30))) == {"ana", "ben"}
    assert materialize_view(made.config, made.view, at(30)).mode == "whole"


def test_an_on_demand_view_that_is_kept_online_is_feasts(make_repository: Callable[..., FeatureStore]) -> None:
    """Feast joins at the newest row's event time, when that row was not yet known: it computes from the one before."""
    import small_repository
    from feast.on_demand_feature_view import on_demand_feature_view

    store = make_repository()
    courier = store.get_entity("courier")
    pace = store.get_feature_view("courier_pace")

    @on_demand_feature_view(
        entities=[courier], sources=[pace], schema=[Field(name="double_pace", dtype=Float64)], mode="pandas", write_to_online_store=True
    )
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        answer = pd.DataFrame()
        answer["double_pace"] = inputs["pace"] * 2
        return answer

    store.apply([courier, pace, doubled])
    store.materialize(small_repository.BEGINNING, small_repository.NOW, feature_views=["doubled"])
    found = store.get_online_features(["doubled:double_pace"], [{"courier_id": "dag"}]).to_dict()
    assert found["double_pace"] == [2 * small_repository.pace("dag", 10)]


def test_a_crash_between_rows_and_log_is_mended_by_the_next_materialization(place: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_features.materialization import filling

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(filling, "_log", lambda _config, held: None if held is None else dies())
        with pytest.raises(KeyboardInterrupt):
            materialize_view(place.config, place.view, at(12))
    log = place.folder / "materializations"
    assert read_materializations(log) == []
    held = materialized_now(place.folder / "online.db")["courier_pace"]
    second = materialize_view(place.config, place.view, at(30))
    assert read_materializations(log) == [held, second]


def _materialize_and_die(place: Ground) -> None:
    materialize_view(place.config, place.view, at(30), progress=lambda done, _: os.kill(os.getpid(), signal.SIGKILL) if done else None)


def test_a_process_that_is_killed_in_the_middle_leaves_the_store_as_it_was(place: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_features.materialization import filling

    monkeypatch.setattr(filling, "_ROWS_PER_BATCH", 1)
    first = materialize_view(place.config, place.view, at(12))
    before = place.held(["ana", "ben"], at(30))
    child = multiprocessing.get_context("fork").Process(target=_materialize_and_die, args=(place,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert place.held(["ana", "ben"], at(30)) == before
    assert materialized_now(place.folder / "online.db") == {"courier_pace": first}
    assert materialize_view(place.config, place.view, at(30)).written == 2


def test_every_materialization_has_an_entry_of_its_own_and_they_come_in_order(place: Ground) -> None:
    done = [materialize_view(place.config, place.view, end) for end in (at(12), at(30), at(30), at(12))]
    log = place.folder / "materializations"
    assert len(list(log.glob("*.json"))) == 4
    assert [record.to_at for record in read_materializations(log)] == [
        at(hours).isoformat().replace("+00:00", "Z") for hours in (12, 12, 30, 30)
    ]
    assert {record.id for record in read_materializations(log)} == {record.id for record in done}


def test_an_entry_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    old: dict[str, Any] = {
        "view": "pace", "spec_digest": "d", "published": "pace.parquet", "published_digest": "e", "from_at": "1970-01-01T00:00:00Z",
        "to_at": "2018-05-03T03:00:00Z", "entities": 3, "rows": 2, "written": 2, "expired": 1, "forgotten": 0, "seconds": 0.1,
        "at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    (tmp_path / "20180503T030000Z-pace-e.json").write_text(json.dumps(old))
    assert read_materializations(tmp_path) == [ViewMaterialization(**old)]


def test_what_stands_is_known_without_doing_it_again(place: Ground) -> None:
    assert standing(place.config, place.view, at(30)) is None
    record = materialize_view(place.config, place.view, at(30))
    assert standing(place.config, place.view, at(30)) == record
    assert standing(place.config, place.view, at(31)) is None
    place.write("event_date=2024-03-01/more", [("zoe", 0, 1, 1.0, None)])
    assert standing(place.config, place.view, at(30)) is None


def test_a_column_that_left_the_source_is_named_and_the_old_values_are_served(place: Ground) -> None:
    materialize_view(place.config, place.view, at(12))
    for path in place.rows_at.rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read().drop_columns(["pace"]), path)
    with pytest.raises(StateError, match=r"view courier_pace: .*courier_pace has no column pace \(there are: courier_id, .*grade\)"):
        materialize_view(place.config, place.view, at(30))
    assert place.held(["ana"], at(12)) == {"ana": (at(0), at(1), 1.0, "A")}


def test_a_value_that_does_not_fit_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    place = ground(tmp_path)
    view = int_view(tmp_path, {"trips": pa.array([3.5]), "stops": pa.array([4])})
    with pytest.raises(SourceError, match=r"view counts, column trips: a value in .*counts.parquet does not fit the declared int64"):
        materialize_view(place.config, view, at(30))
    assert materialized_now(tmp_path / "online.db") == {}
    assert [field.dtype for field in view.features] == [Int64, Int64]


def test_a_time_that_is_none_is_named(tmp_path: Path) -> None:
    place = ground(tmp_path)
    broken = table([("ana", 0, 1, 1.0, "A")]).set_column(2, "created_timestamp", pa.array([17]))
    place.rows_at.mkdir()
    pq.write_table(broken, place.rows_at / "rows.parquet")
    with pytest.raises(SourceError, match=r"view courier_pace, column created_timestamp: BIGINT in .* a timestamp is expected"):
        materialize_view(place.config, place.view, at(30))


def test_times_of_other_kinds_mean_the_same_instant(tmp_path: Path) -> None:
    for number, kind in enumerate([pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("ms", tz="America/Sao_Paulo")]):
        place = ground(tmp_path / str(number))
        rows = table([("ana", 24, 24, 1.0, "A"), ("ana", 48, 48, 2.0, "later")])
        for name in ("event_timestamp", "created_timestamp"):
            column = rows[name] if kind.tz else rows[name].cast(pa.timestamp("us"))
            rows = rows.set_column(rows.column_names.index(name), name, column.cast(kind))
        place.rows_at.mkdir(parents=True)
        pq.write_table(rows, place.rows_at / "rows.parquet")
        assert materialize_view(place.config, place.view, at(47.99)).offered == 1
        assert place.held(["ana"], at(47)) == {"ana": (at(24), at(24), 1.0, "A")}
        assert materialize_view(place.config, place.view, at(48)).offered == 1


def test_a_key_of_another_kind_is_refused_as_the_join_does(tmp_path: Path) -> None:
    place = ground(tmp_path)
    place.rows_at.mkdir()
    pq.write_table(table([("ana", 0, 1, 1.0, "A")]).set_column(0, "courier_id", pa.array([7])), place.rows_at / "rows.parquet")
    with pytest.raises(SourceError, match=r"view courier_pace, column courier_id: int64 in .*, but the view declares string"):
        materialize_view(place.config, place.view, at(30))


def test_composite_and_integer_keys_and_mapped_columns(make_repository: Callable[..., FeatureStore]) -> None:
    import small_repository

    store = make_repository()
    store.materialize(small_repository.BEGINNING, small_repository.NOW)
    reader = OnlineReader(Path(store.repo_path) / "online.db")
    shifts = reader.read("shift_load", ['["ana",2]', '["zoe",2]'], small_repository.NOW)
    assert shifts.presence.tolist() == [Presence.EXPIRED, Presence.ABSENT]
    depots = reader.read("depot_profile", [2, 9], small_repository.NOW)
    assert (depots.values["city"][0], depots.values["docks"][0], depots.presence[1]) == ("Lyon", 20.0, Presence.ABSENT)
    assert reader.read("depot_traffic", [3], small_repository.NOW).values["visits"].tolist() == [small_repository.traffic(3, 11)]

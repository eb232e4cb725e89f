"""A pushed record is checked and stamped, and goes into the log before it is served."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from feast import FeatureStore
from feast.data_source import PushMode
from parcel_rows import DAY, STAMP, UTC, Ground, at, ground, table

from tradewind_contracts.errors import QualityError
from tradewind_features.pushing.records import RecordForm

NOW = at(30)


@pytest.fixture
def form(tmp_path: Path) -> RecordForm:
    """The form of the records of a view whose source has nothing yet."""
    return RecordForm.of(ground(tmp_path).view, None)


def record(**changed: Any) -> pa.Table:
    """One record, with some of its columns replaced or left out (``None``)."""
    columns: dict[str, Any] = {
        "courier_id": ["ana"],
        "event_timestamp": [at(20)],
        "created_timestamp": [at(21)],
        "pace": [1.0],
        "grade": ["A"],
    }
    return pa.table({name: values for name, values in (columns | changed).items() if values is not None})


def test_a_record_without_a_created_time_was_created_now(form: RecordForm) -> None:
    for created in (None, [None], pa.array([None], STAMP)):
        stamped = form.stamped(record(created_timestamp=created), NOW)
        assert stamped["created_timestamp"].to_pylist() == [NOW]
    assert form.stamped(record(), NOW)["created_timestamp"].to_pylist() == [at(21)]


def test_instants_may_be_zoned_naive_nanoseconds_or_text(form: RecordForm) -> None:
    zoned = dt.timezone(dt.timedelta(hours=2))
    for event in (
        [at(20)],
        [at(20).astimezone(zoned)],
        pa.array([at(20).replace(tzinfo=None)], pa.timestamp("ns")),
        pa.array([at(20)], pa.timestamp("s", tz="America/Sao_Paulo")),
        ["2024-03-01T20:00:00Z"],
        ["2024-03-01T22:00:00+02:00"],
        ["2024-03-01 20:00:00"],
    ):
        assert form.stamped(record(event_timestamp=event), NOW)["event_timestamp"].to_pylist() == [at(20)]


def test_what_is_no_record_of_the_view_is_refused_by_the_name_of_its_column(form: RecordForm) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"pace": None}, "missing pace"),
        ({"courier_id": None}, "missing courier_id"),
        ({"event_timestamp": None}, "missing event_timestamp"),
        ({"paces": [1.0]}, "unknown paces"),
        ({"pace": ["quick"]}, "column pace: string does not fit the declared double"),
        ({"courier_id": pa.array([None], pa.string())}, "column courier_id: a record without it"),
        ({"event_timestamp": pa.array([None], STAMP)}, "column event_timestamp: a record without it"),
        ({"event_timestamp": [12]}, "column event_timestamp: an instant is expected"),
        ({"event_timestamp": ["yesterday"]}, "column event_timestamp: an instant is expected"),
        ({"created_timestamp": [at(31)]}, "column created_timestamp: 2024-03-02T07:00:00Z lies after the clock's 2024-03-02T06:00:00Z"),
        ({"event_timestamp": [at(22)]}, "column event_timestamp: 2024-03-01T22:00:00Z lies after its created_timestamp"),
        ({"event_timestamp": [at(31)], "created_timestamp": None}, "column event_timestamp: 2024-03-02T07:00:00Z lies after its created"),
    ]
    for changed, said in cases:
        with pytest.raises(QualityError, match=r"^push to view courier_pace.*nothing was written$") as refused:
            form.stamped(record(**changed), NOW)
        assert said in str(refused.value)


def test_values_come_in_the_types_of_the_source(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    place = ground(tmp_path)
    naive = table([("ana", 0, 1, 1.0, "A")])
    naive = naive.set_column(1, "event_timestamp", naive["event_timestamp"].cast(pa.timestamp("ns")))
    naive = naive.set_column(3, "pace", naive["pace"].cast(pa.float32())).append_column("more", pa.array([7], pa.int16()))
    place.rows_at.mkdir()
    pq.write_table(naive, place.rows_at / "rows.parquet")
    from tradewind_features.datasets import open_dataset

    form = RecordForm.of(place.view, open_dataset(place.view.batch_source))
    rows = form.as_the_source_has_it(form.stamped(record(pace=[2], more=[3.0]), NOW))
    assert {name: str(rows.schema.field(name).type) for name in ("event_timestamp", "created_timestamp", "pace", "more")} == {
        "event_timestamp": "timestamp[us]",
        "created_timestamp": "timestamp[us, tz=UTC]",
        "pace": "float",
        "more": "int16",
    }


def test_a_value_that_the_online_store_could_not_take_is_not_logged(tmp_path: Path) -> None:
    from parcel_rows import int_view

    from tradewind_features.datasets import open_dataset

    view = int_view(tmp_path, {"trips": pa.array([3.0])})
    form = RecordForm.of(view, open_dataset(view.batch_source))
    assert str(form.columns["trips"]) == "double"
    records = pa.table({"courier_id": ["ana"], "event_timestamp": [at(20)], "trips": [3.5]})
    with pytest.raises(QualityError, match=r"view counts, column trips: double does not fit the declared int64 .*3.5.* was truncated"):
        form.stamped(records, NOW)


def store_of(place: Ground) -> FeatureStore:
    """Feast's store with the view, fed by a push source."""
    from feast import Entity, FeatureView, PushSource, ValueType

    view = FeatureView(
        name=place.view.name,
        entities=[Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)],
        ttl=place.view.ttl,
        schema=[*place.view.entity_columns, *place.view.features],
        source=PushSource(name="courier_pace_pushed", batch_source=place.view.batch_source),
    )
    store = FeatureStore(config=place.config)
    store.apply([Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING), view])
    return store


def pushed_place(folder: Path, frozen_at: dt.datetime | None = NOW) -> Ground:
    """A source with one row of Ana, and a log beside it."""
    offline = {"type": "tradewind_features.offline.store.PointInTimeOfflineStore", "pushed": str(folder / "pushed")}
    place = ground(folder, ttl=3 * DAY, frozen_at=frozen_at, **offline)
    place.write("event_date=2024-03-01/part", [("ana", 0, 1, 1.0, "A")])
    return place


def frame(pace: float, event: dt.datetime, created: dt.datetime | None = None, key: str = "ana") -> pd.DataFrame:
    """One record as somebody pushes it; without a created column if there is no created time."""
    columns: dict[str, Any] = {"courier_id": [key], "event_timestamp": [pd.Timestamp(event)], "pace": [pace], "grade": ["pushed"]}
    return pd.DataFrame(columns | ({} if created is None else {"created_timestamp": [pd.Timestamp(created)]}))


def logged(place: Ground) -> list[dict[str, Any]]:
    """All rows of the log."""
    import pyarrow.parquet as pq

    from tradewind_features.pushing.listing import pushed_files

    return [row for path in pushed_files(place.folder / "pushed" / "courier_pace_rows") for row in pq.ParquetFile(path).read().to_pylist()]


@pytest.mark.parametrize("to", [PushMode.ONLINE, PushMode.ONLINE_AND_OFFLINE])
def test_a_push_is_served_at_once_and_stands_in_the_log_once_with_the_instant_that_it_was_known(tmp_path: Path, to: PushMode) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    store.push("courier_pace_pushed", frame(5.0, at(29)), to=to)
    assert place.held(["ana"], NOW) == {"ana": (at(29), NOW, 5.0, "pushed")}
    assert logged(place) == [{"courier_id": "ana", "event_timestamp": at(29), "created_timestamp": NOW, "pace": 5.0, "grade": "pushed"}]


def test_a_push_to_the_log_alone_is_not_served_until_it_is_materialized(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    store.materialize(at(0), NOW)
    store.push("courier_pace_pushed", frame(5.0, at(29)), to=PushMode.OFFLINE)
    assert place.held(["ana"], NOW)["ana"][2] == 1.0
    store.materialize_incremental(NOW)
    assert place.held(["ana"], NOW)["ana"][2] == 5.0


def test_a_training_set_has_a_pushed_record_from_the_instant_on_that_it_was_known(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    store.push("courier_pace_pushed", frame(5.0, at(10), created=at(20)), to=PushMode.ONLINE)
    asked = pd.DataFrame({"courier_id": ["ana"] * 3, "event_timestamp": pd.to_datetime([at(19), at(20), at(30)], utc=True)})
    joined = store.get_historical_features(asked, ["courier_pace:pace"]).to_df().sort_values("event_timestamp")
    assert joined["pace"].tolist() == [1.0, 5.0, 5.0]


def test_the_same_values_pushed_again_later_count_again(tmp_path: Path) -> None:
    """Somebody else pushed something between the two; the second must win, so it is a record of its own."""
    from tradewind_contracts.instants import Clock

    place = pushed_place(tmp_path, frozen_at=None)
    mine, theirs = store_of(place), FeatureStore(config=place.config)
    event = Clock().now() - dt.timedelta(hours=1)
    for store, pace in ((mine, 5.0), (theirs, 6.0), (mine, 5.0)):
        store.push("courier_pace_pushed", frame(pace, event), to=PushMode.ONLINE_AND_OFFLINE)
    assert [row["pace"] for row in sorted(logged(place), key=lambda row: row["created_timestamp"])] == [5.0, 6.0, 5.0]
    assert place.held(["ana"], Clock().now())["ana"][2] == 5.0


def test_a_refused_push_leaves_neither_log_nor_store(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    with pytest.raises(QualityError, match="view courier_pace, column created_timestamp"):
        store.push("courier_pace_pushed", frame(5.0, at(20), created=at(31)), to=PushMode.ONLINE_AND_OFFLINE)
    assert logged(place) == []
    assert place.held(["ana"], NOW) == {}


def test_what_could_not_be_served_is_in_the_log_and_the_next_materialization_serves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind_contracts.errors import StateError
    from tradewind_features.online.sqlite import SqliteBackend

    place = pushed_place(tmp_path)
    store = store_of(place)
    store.materialize(at(0), NOW)

    def full(*_: object) -> int:
        raise StateError("online.db: the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(SqliteBackend, "write", full)
        with pytest.raises(
            StateError, match=r"the disk is full.*1 pushed records.*pushed.courier_pace_rows holds them.*next materialization"
        ):
            store.push("courier_pace_pushed", frame(5.0, at(29)), to=PushMode.ONLINE_AND_OFFLINE)
    assert len(logged(place)) == 1
    store.materialize_incremental(NOW)
    assert place.held(["ana"], NOW)["ana"] == (at(29), NOW, 5.0, "pushed")


def test_a_view_lives_by_pushes_alone_before_anything_is_published(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    (place.rows_at / "event_date=2024-03-01" / "part.parquet").unlink()
    store.push("courier_pace_pushed", frame(5.0, at(29), key="ben"))
    assert set(place.held(["ana", "ben"], NOW)) == {"ben"}
    assert at(29).tzinfo == UTC


def test_two_views_over_one_source_share_one_record_of_the_log(tmp_path: Path) -> None:
    from feast import Entity, FeatureView, Field, PushSource, ValueType
    from feast.types import String

    place = pushed_place(tmp_path)
    source = PushSource(name="courier_pace_pushed", batch_source=place.view.batch_source)
    courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
    pace = FeatureView(name="courier_pace", entities=[courier], ttl=3 * DAY, schema=place.view.schema, source=source)
    grades = FeatureView(
        name="grades", entities=[courier], schema=[Field(name="courier_id", dtype=String), Field(name="grade", dtype=String)], source=source
    )
    store = FeatureStore(config=place.config)
    store.apply([courier, pace, grades])
    store.push("courier_pace_pushed", frame(5.0, at(29)), to=PushMode.ONLINE_AND_OFFLINE)
    assert [(row["pace"], row["grade"]) for row in logged(place)] == [(5.0, "pushed")]
    asked = pd.DataFrame({"courier_id": ["ana"], "event_timestamp": [pd.Timestamp(NOW)]})
    joined = store.get_historical_features(asked, ["courier_pace:pace", "grades:grade"]).to_df()
    assert (joined["pace"][0], joined["grade"][0]) == (5.0, "pushed")
    served = store.get_online_features(["courier_pace:pace", "grades:grade"], [{"courier_id": "ana"}]).to_dict()
    assert served == {"courier_id": ["ana"], "pace": [5.0], "grade": ["pushed"]}


def test_a_mapped_column_is_pushed_under_either_name(make_repository: Any) -> None:
    import small_repository
    from feast import PushSource

    from tradewind_features.pushing.listing import pushed_files

    store = make_repository(
        "mapped", small_repository.OURS | {"offline_store": small_repository.OURS["offline_store"] | {"pushed": "pushed"}}
    )
    view = store.get_feature_view("shift_load")
    view.stream_source = PushSource(name="shift_load_pushed", batch_source=view.batch_source)
    store.apply([view])
    event = pd.Timestamp(small_repository.NOW - small_repository.HOUR)
    by_view = pd.DataFrame({"courier_id": ["ana"], "depot_id": [1], "observed_at": [event], "load": [0.5], "parcels": [7]})
    store.push("shift_load_pushed", by_view, to=PushMode.ONLINE_AND_OFFLINE)
    by_source = by_view.rename(columns={"courier_id": "courier", "load": "load_raw"}).assign(depot_id=[2])
    store.push("shift_load_pushed", by_source, to=PushMode.OFFLINE)
    asked = pd.DataFrame({"courier_id": ["ana"] * 2, "depot_id": [1, 2], "event_timestamp": [pd.Timestamp(small_repository.NOW)] * 2})
    assert store.get_historical_features(asked, ["shift_load:load"]).to_df()["load"].tolist() == [0.5, 0.5]
    served = store.get_online_features(["shift_load:load"], [{"courier_id": "ana", "depot_id": depot} for depot in (1, 2)]).to_dict()
    assert served["load"] == [0.5, None]
    assert len(pushed_files(Path(store.repo_path) / "pushed" / "shift_load_rows")) == 2


def test_a_source_that_is_not_ours_is_pushed_to_in_feasts_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind_features import provider

    place = pushed_place(tmp_path)
    store = store_of(place)
    monkeypatch.setattr(provider, "_not_local", lambda *_: "found a remote path")
    store.push("courier_pace_pushed", frame(5.0, at(29), created=at(29)), to=PushMode.ONLINE)
    assert place.held(["ana"], NOW) == {"ana": (at(29), at(29), 5.0, "pushed")}
    assert logged(place) == []


def test_records_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    both = pd.concat([frame(5.0, at(29)), frame(6.0, at(29))], ignore_index=True)
    with pytest.raises(
        QualityError, match=r"1 entities have records of one event \(such as that of 2024-03-02T05:00:00Z\).*nothing was written"
    ):
        store.push("courier_pace_pushed", both)
    assert logged(place) == []
    store.push("courier_pace_pushed", pd.concat([frame(5.0, at(29)), frame(5.0, at(29)), frame(6.0, at(28))], ignore_index=True))


def test_a_clock_that_stands_still_can_not_tell_a_correction_from_what_it_corrects(tmp_path: Path) -> None:
    place = pushed_place(tmp_path)
    store = store_of(place)
    store.push("courier_pace_pushed", frame(5.0, at(29)))
    store.push("courier_pace_pushed", frame(5.0, at(29)))
    for refused in (6.0, 4.0):
        with pytest.raises(QualityError, match="say different things"):
            store.push("courier_pace_pushed", frame(refused, at(29)))
    store.push("courier_pace_pushed", frame(4.0, at(29), key="ben"))
    store.push("courier_pace_pushed", frame(3.0, at(29.5)))
    assert place.held(["ana", "ben"], NOW) == {"ana": (at(29.5), NOW, 3.0, "pushed"), "ben": (at(29), NOW, 4.0, "pushed")}
    store.materialize(at(0), NOW, disable_event_timestamp=True)
    assert place.held(["ana"], NOW)["ana"][2] == 3.0

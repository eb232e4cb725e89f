"""Feast's own reads, writes and pushes on our online store: the values of Feast's SQLite store where that is right, and of the reader always."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_repository as small
from answers import plain
from feast import FeatureStore, FeatureView, Field
from feast.data_source import PushMode
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Bytes, Float32, Float64, Int32, Int64, String, UnixTimestamp

from tradewind_features.online.reader import OnlineReader, Presence

Make = Callable[..., FeatureStore]
SERVER = "redis://127.0.0.1:6379/15"
FRESH = ["ana", "ben", "dag", "nobody", "ana"]
"""Couriers whose newest row is within the ttl, one whom nobody knows, and one twice. Feast's SQLite store serves expired rows (cleo's)."""


def told(answer: Any) -> dict[str, list[Any]]:
    return {name: [plain(value) for value in values] for name, values in sorted(answer.to_dict(include_event_timestamps=True).items())}


def reader(store: FeatureStore) -> OnlineReader:
    return OnlineReader(Path(store.repo_path) / "online.db")


def entities(couriers: list[str] = FRESH) -> list[dict[str, Any]]:
    return [{"courier_id": courier, "depot_id": 1 + place % 3, "distance_km": 2.0 + place} for place, courier in enumerate(couriers)]


@pytest.mark.parametrize("full", [False, True], ids=["short names", "full names"])
@pytest.mark.parametrize(
    "features",
    [
        ["courier_pace:pace"],
        ["courier_pace:grade", "courier_pace:is_new", "courier_pace:trips"],
        ["depot_profile:city", "depot_profile:docks", "depot_profile:area_m2"],
        ["courier_pace:pace", "depot_profile:docks", "depot_traffic:queue_minutes"],
        ["delivery_estimate:expected_minutes"],
        ["delivery_estimate:expected_minutes", "courier_pace:pace", "depot_traffic:visits"],
    ],
    ids=["a feature", "text, truth and count", "an integer key", "three views", "on demand", "on demand and views"],
)
def test_an_online_answer_is_what_feasts_store_gives(
    read_only_repository: FeatureStore, reference_repository: FeatureStore, features: list[str], full: bool
) -> None:
    ours, theirs = (
        told(store.get_online_features(features, entities(), full_feature_names=full))
        for store in (read_only_repository, reference_repository)
    )
    assert ours == theirs


def test_a_composite_key_is_read_by_feast_and_by_the_reader(make_repository: Make, reference_repository: FeatureStore) -> None:
    offline = {"offline_store": small.OURS["offline_store"]}
    online = {"online_store": small.OURS["online_store"] | {"frozen_at": small.day(10, 5).isoformat()}}
    store = make_repository(settings=small.OURS | offline | online)
    store.materialize(small.BEGINNING, small.day(10, 5))
    wanted = [{"courier_id": "ana", "depot_id": 1}, {"courier_id": "dag", "depot_id": 3}, {"courier_id": "dag", "depot_id": 9}]
    answers = [told(each.get_online_features(["shift_load:load", "shift_load:parcels"], wanted)) for each in (store, reference_repository)]
    assert answers[0] == answers[1]
    assert answers[0]["parcels"] == [5, 71, None]


def test_a_feature_service_and_entities_by_column_are_answered_alike(
    read_only_repository: FeatureStore, reference_repository: FeatureStore
) -> None:
    by_column = {"courier_id": FRESH, "depot_id": [1, 2, 3, 1, 2], "distance_km": [1.0, 2.0, 3.0, 4.0, 5.0]}
    answers = [
        told(store.get_online_features(store.get_feature_service("dispatch"), by_column))
        for store in (read_only_repository, reference_repository)
    ]
    assert answers[0] == answers[1]


def test_aliases_and_join_key_maps_are_answered_alike(read_only_repository: FeatureStore, reference_repository: FeatureStore) -> None:
    wanted = [{"origin_depot_id": 1, "destination_depot_id": 3}, {"origin_depot_id": 2, "destination_depot_id": 9}]
    answers = [
        told(store.get_online_features(store.get_feature_service("lanes"), wanted, full_feature_names=True))
        for store in (read_only_repository, reference_repository)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["origin_traffic__visits"] == [small.traffic(1, 11), small.traffic(2, 11)]


def test_feast_gives_what_the_reader_gives_and_nothing_past_the_ttl(read_only_repository: FeatureStore) -> None:
    couriers = [*small.COURIERS, "nobody"]
    rows = reader(read_only_repository).read("courier_pace", couriers, small.NOW)
    features = ["courier_pace:pace", "courier_pace:trips", "courier_pace:grade", "courier_pace:is_new"]
    answer = told(read_only_repository.get_online_features(features, entities(couriers)))
    for name in ("pace", "trips", "grade", "is_new"):
        assert answer[name] == [plain(value) for value in rows.values[name].tolist()]
    assert rows.presence.tolist() == [Presence.PRESENT, Presence.PRESENT, Presence.EXPIRED, Presence.PRESENT, Presence.ABSENT]
    assert answer["pace__ts"][0] == int(small.day(11).timestamp())


def test_what_feast_refuses_to_read_is_refused_here(read_only_repository: FeatureStore, reference_repository: FeatureStore) -> None:
    for features, rows in (
        (["no_view:pace"], entities()),
        (["courier_pace:no_feature"], entities()),
        (["courier_pace:pace"], [{"depot_id": 1}]),
        (["delivery_estimate:expected_minutes"], [{"courier_id": "ana"}]),
    ):
        refusals = []
        for store in (read_only_repository, reference_repository):
            with pytest.raises(Exception, match=r"no_view|no_feature|courier_id|distance_km") as caught:
                store.get_online_features(features, rows)
            refusals.append(caught.type)
        assert refusals[0] is refusals[1]


def record(courier: str, at: dt.datetime, pace: float) -> pd.DataFrame:
    row = {"courier_id": courier, "event_timestamp": at, "created_timestamp": at, "pace": pace, "trips": 7, "grade": "A", "is_new": False}
    return pd.DataFrame([row])


def test_rows_written_online_are_read_at_once_and_older_ones_change_nothing(make_repository: Make) -> None:
    store = make_repository()
    store.materialize(small.BEGINNING, small.NOW)
    store.write_to_online_store("courier_pace", record("ana", small.NOW - small.HOUR, 3.5))
    store.write_to_online_store("courier_pace", record("ben", small.day(2), 4.5))
    store.write_to_online_store("courier_pace", inputs=record("eve", small.day(11), 5.5).to_dict(orient="list"))
    asked = [{"courier_id": courier} for courier in ("ana", "ben", "eve")]
    assert store.get_online_features(["courier_pace:pace"], asked).to_dict()["pace"] == [3.5, small.pace("ben", 11), 5.5]


@pytest.mark.parametrize(
    ("to", "online", "offline"),
    [(PushMode.ONLINE, 3.5, 11.25), (PushMode.OFFLINE, 11.25, 3.5), (PushMode.ONLINE_AND_OFFLINE, 3.5, 3.5)],
    ids=["online", "offline", "both"],
)
def test_a_push_reaches_what_it_is_for(make_repository: Make, to: PushMode, online: float, offline: float) -> None:
    store = make_repository()
    store.materialize(small.BEGINNING, small.NOW)
    store.push("courier_pace_pushed", record("ana", small.NOW - small.HOUR, 3.5), to=to)
    assert store.get_online_features(["courier_pace:pace"], [{"courier_id": "ana"}]).to_dict()["pace"] == [online]
    asked = pd.DataFrame({"courier_id": ["ana"], "event_timestamp": [small.NOW]})
    assert store.get_historical_features(asked, ["courier_pace:pace"]).to_arrow()["pace"].to_pylist() == [offline]


@pytest.mark.parametrize("command", ["materialize", "materialize_incremental"])
def test_materializing_by_the_sdk_brings_each_view_to_the_instant(make_repository: Make, command: str) -> None:
    store = make_repository()
    for end, number in ((small.day(7, 12), 7), (small.NOW, 11), (small.NOW, 11)):
        if command == "materialize":
            store.materialize(small.BEGINNING, end)
        else:
            store.materialize_incremental(end)
        rows = reader(store).read_views({"courier_pace": ["ana", "dag"], "depot_traffic": [1, 3], "depot_profile": [2]}, end)
        assert rows["courier_pace"].values["pace"].tolist() == [small.pace("ana", number), small.pace("dag", number)]
        assert rows["depot_traffic"].values["visits"].tolist() == [small.traffic(1, number), small.traffic(3, number)]
        assert rows["depot_profile"].values["docks"].tolist() == [20]


@pytest.mark.parametrize(
    "settings",
    [
        {"provider": "local"},
        {"offline_store": {"type": "duckdb"}},
        {"provider": "local", "offline_store": {"type": "duckdb"}},
        {"online_store": {"type": "sqlite", "path": "feasts.db"}},
        {"provider": "local", "online_store": {"type": "sqlite", "path": "feasts.db"}},
        {"registry": "registry.db"},
    ],
    ids=[
        "Feast's provider",
        "Feast's offline store",
        "our online store alone",
        "Feast's online store",
        "our offline store alone",
        "Feast's registry",
    ],
)
def test_each_part_works_beside_feasts_own_others(
    make_repository: Make, reference_repository: FeatureStore, settings: dict[str, Any]
) -> None:
    store = make_repository(settings=small.OURS | settings)
    store.materialize(small.BEGINNING, small.NOW)
    features = [
        "courier_pace:pace",
        "courier_pace:grade",
        "depot_profile:city",
        "depot_traffic:visits",
        "delivery_estimate:expected_minutes",
    ]
    answers = [told(each.get_online_features(features, entities())) for each in (store, reference_repository)]
    assert answers[0] == answers[1]
    rows = small.entity_rows(20)
    known = {"filter_by_created_timestamp": True}
    frames = [each.get_historical_features(rows, features, **known).to_df() for each in (store, reference_repository)]
    ours, theirs = (frame.sort_values("row").reset_index(drop=True)[sorted(frame.columns)] for frame in frames)
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)


def test_an_on_demand_view_that_is_kept_online_is_computed_at_the_write(make_repository: Make) -> None:
    store = make_repository()
    view, courier = store.get_feature_view("courier_pace"), store.get_entity("courier")

    @on_demand_feature_view(
        sources=[view],
        entities=[courier],
        schema=[Field(name="courier_id", dtype=String), Field(name="double_pace", dtype=Float64)],
        write_to_online_store=True,
    )
    def doubled(inputs: pd.DataFrame) -> pd.DataFrame:
        answer = pd.DataFrame()
        answer["double_pace"] = inputs["pace"] * 2
        return answer

    store.apply([doubled])
    store.write_to_online_store("doubled", record("ana", small.NOW - small.HOUR, 3.5))
    asked = [{"courier_id": "ana"}, {"courier_id": "ben"}]
    assert store.get_online_features(["doubled:double_pace"], asked).to_dict()["double_pace"] == [7.0, None]


def test_a_view_without_entities_has_one_row_where_feasts_store_has_none(make_repository: Make) -> None:
    store = make_repository()
    source = store.get_data_source("depot_traffic_rows")
    store.apply([FeatureView(name="network", entities=[], ttl=3 * small.DAY, schema=[Field(name="visits", dtype=Int64)], source=source)])
    store.materialize(small.BEGINNING, small.NOW, feature_views=["network"])
    found = store.get_online_features(["network:visits", "courier_pace:pace"], [{"courier_id": "ana"}]).to_dict()
    assert found["visits"] == [small.traffic(3, 11)]
    rows = pd.DataFrame({"row": [0, 1], "event_timestamp": [small.day(4, 3), small.day(0)]})
    assert store.get_historical_features(rows, ["network:visits"]).to_arrow()["visits"].to_pylist() == [small.traffic(3, 4), None]


def test_smaller_numbers_instants_and_bytes_are_kept_as_they_are(make_repository: Make) -> None:
    store = make_repository()
    types = {"courier_id": String, "small": Int32, "single": Float32, "seen_at": UnixTimestamp, "mark": Bytes}
    schema = [Field(name=name, dtype=kind) for name, kind in types.items()]
    source = store.get_data_source("courier_pace_rows")
    store.apply([FeatureView(name="courier_marks", entities=[store.get_entity("courier")], schema=schema, source=source)])
    at = small.NOW - small.HOUR
    row = {"courier_id": "ana", "small": -7, "single": 2.5, "seen_at": pd.Timestamp(at), "mark": b"\x00x", "event_timestamp": at}
    store.write_to_online_store("courier_marks", pd.DataFrame([row | {"created_timestamp": at}]))
    wanted = [f"courier_marks:{name}" for name in ("small", "single", "seen_at", "mark")]
    found = store.get_online_features(wanted, [{"courier_id": "ana"}]).to_dict()
    assert {name: found[name] for name in ("small", "single", "seen_at", "mark")} == {
        "small": [-7], "single": [2.5], "seen_at": [at], "mark": [b"\x00x"],
    }  # fmt: skip


def test_a_view_that_is_deleted_leaves_the_online_store(make_repository: Make) -> None:
    store = make_repository()
    store.materialize(small.BEGINNING, small.NOW)
    assert "depot_traffic" in reader(store).views()
    store.apply([], objects_to_delete=[store.get_feature_service("lanes"), store.get_feature_view("depot_traffic")], partial=False)
    assert sorted(reader(store).views()) == ["courier_pace", "depot_profile", "shift_load"]
    assert reader(store).read("courier_pace", ["ana"], small.NOW).presence.tolist() == [Presence.PRESENT]


def test_a_view_that_is_not_kept_online_is_not_there(make_repository: Make, tmp_path: Path) -> None:
    folder = small.write_repository(tmp_path / "offline_only")
    objects = small.declared_objects(folder)
    view = next(thing for thing in objects if thing.name == "depot_traffic")
    view.online = False
    store = FeatureStore(repo_path=str(folder))
    store.apply(objects)
    store.materialize(small.BEGINNING, small.NOW)
    assert "courier_pace" in reader(store).views()
    assert not reader(store).views().keys() & {"depot_traffic"}


def test_teardown_takes_the_online_store_away(make_repository: Make) -> None:
    store = make_repository()
    store.materialize(small.BEGINNING, small.NOW)
    folder = Path(store.repo_path)
    store.teardown()
    assert sorted(path.name for path in folder.glob("online.db*")) == []
    assert (folder / "data" / "courier_pace.parquet").exists()


@pytest.fixture
def on_redis() -> Iterator[dict[str, Any]]:
    """Settings of an online store under a prefix of its own on the Redis on loopback."""
    import redis

    settings = {
        "type": "tradewind_features.online.store.PackedRedisOnlineStore",
        "url": SERVER,
        "prefix": f"tradewind-test:{uuid.uuid4().hex}",
    }
    client = redis.Redis.from_url(SERVER, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.RedisError as error:
        pytest.skip(f"no Redis answers on loopback ({error})")
    yield settings | {"frozen_at": small.NOW.isoformat()}
    left = list(client.scan_iter(match=f"*{settings['prefix']}*", count=1000))
    if left:
        client.unlink(*left)
    client.close()
    client.connection_pool.disconnect()
    assert left == []


@pytest.mark.redis
def test_on_redis_feast_gives_the_same_answers_takes_pushes_drops_views_and_leaves_nothing(
    make_repository: Make, reference_repository: FeatureStore, on_redis: dict[str, Any]
) -> None:
    store = make_repository(settings=small.OURS | {"online_store": on_redis})
    store.materialize(small.BEGINNING, small.NOW)
    features = [
        "courier_pace:pace",
        "courier_pace:grade",
        "depot_profile:city",
        "depot_traffic:visits",
        "delivery_estimate:expected_minutes",
    ]
    answers = [told(each.get_online_features(features, entities())) for each in (store, reference_repository)]
    assert answers[0] == answers[1]
    assert store.get_online_features(["courier_pace:pace"], [{"courier_id": "cleo"}]).to_dict()["pace"] == [None]
    store.push("courier_pace_pushed", record("ana", small.NOW - small.HOUR, 3.5), to=PushMode.ONLINE_AND_OFFLINE)
    store.push("courier_pace_pushed", record("ben", small.day(2), 4.5))
    asked = [{"courier_id": "ana"}, {"courier_id": "ben"}]
    assert store.get_online_features(["courier_pace:pace"], asked).to_dict()["pace"] == [3.5, small.pace("ben", 11)]
    store.apply([], objects_to_delete=[store.get_feature_service("lanes"), store.get_feature_view("depot_traffic")], partial=False)
    place = f"{on_redis['url']}?prefix={on_redis['prefix']}"
    assert sorted(OnlineReader(place).views()) == ["courier_pace", "depot_profile", "shift_load"]
    store.teardown()

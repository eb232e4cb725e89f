"""Feast's own calls on both packed stores, beside Feast's own provider and offline store: the same answers, in a file and on a server."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import small_repository as small
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.data_source import PushMode
from feast.types import Array, Float64
from online_rows import Location

from tradewind_contracts.errors import SettingsError
from tradewind_features.online.backend import open_backend
from tradewind_features.online.entity_keys import composite_key
from tradewind_features.online.reader import OnlineReader
from tradewind_features.online.store import (
    PackedOnlineStoreConfig,
    PackedRedisOnlineStoreConfig,
    PackedSqliteOnlineStoreConfig,
    backend_location,
    view_storage,
)

ASKED = [
    {"courier_id": courier, "depot_id": 1 + place % 3, "distance_km": 2.0 + place}
    for place, courier in enumerate(["ana", "ben", "cleo", "nobody", "ana"])
]
FEATURES = ["courier_pace:pace", "courier_pace:grade", "shift_load:load", "depot_profile:city", "delivery_estimate:expected_minutes"]


@pytest.fixture
def store(location: Location, tmp_path: Path) -> FeatureStore:
    """A small repository filled by Feast's own materialization, on each of the stores."""
    settings: dict[str, Any] = {"type": "tradewind_features.online.store.PackedSqliteOnlineStore", "path": str(location)}
    if isinstance(location, str):
        url, prefix = location.split("?prefix=")
        settings = {"type": "tradewind_features.online.store.PackedRedisOnlineStore", "url": url, "prefix": prefix}
    online = {"online_store": settings | {"frozen_at": small.NOW.isoformat()}}
    store = small.applied(small.write_repository(tmp_path / "repository", small.FEASTS | online))
    store.materialize(small.BEGINNING, small.NOW)
    return store


def test_feast_gives_the_readers_values_and_nothing_that_has_expired(store: FeatureStore) -> None:
    answer = store.get_online_features(FEATURES, ASKED, full_feature_names=True).to_dict()
    assert answer["courier_pace__pace"] == [small.pace("ana", 11), small.pace("ben", 11), None, None, small.pace("ana", 11)]
    assert answer["delivery_estimate__expected_minutes"][:2] == [small.pace("ana", 11) * 2.0, small.pace("ben", 11) * 3.0]
    assert answer["depot_profile__city"] == ["Porto", "Lyon", None, "Porto", "Lyon"]
    reader = OnlineReader(backend_location(store.config))
    pairs = [composite_key({name: row[name] for name in ("courier_id", "depot_id")}) for row in ASKED]
    loads = reader.read("shift_load", pairs, small.NOW)
    reader.close()
    assert answer["shift_load__load"] == [None if value != value else value for value in loads.values["load"].tolist()]


def test_awaited_reads_and_writes_are_the_plain_ones(store: FeatureStore) -> None:
    async def both() -> tuple[Any, Any]:
        await store.write_to_online_store_async("courier_pace", record("ana", small.NOW, 1.5))
        return await store.get_online_features_async(["courier_pace:pace"], ASKED[:2]), None

    awaited, _ = asyncio.run(both())
    assert awaited.to_dict()["pace"] == [1.5, small.pace("ben", 11)]
    assert awaited.to_dict() == store.get_online_features(["courier_pace:pace"], ASKED[:2]).to_dict()


def test_a_pushed_row_is_in_the_next_answer_and_an_older_one_never_is(store: FeatureStore) -> None:
    store.push("courier_pace_pushed", record("ana", small.NOW - small.HOUR, 3.5), to=PushMode.ONLINE)
    store.push("courier_pace_pushed", record("ben", small.day(2), 4.5), to=PushMode.ONLINE)
    assert store.get_online_features(["courier_pace:pace"], ASKED[:2]).to_dict()["pace"] == [3.5, small.pace("ben", 11)]


def test_entities_under_other_names_are_read_as_what_they_are(store: FeatureStore) -> None:
    asked = [{"origin_depot_id": 1, "destination_depot_id": 3}]
    answer = store.get_online_features(store.get_feature_service("lanes"), asked, full_feature_names=True).to_dict()
    assert answer["origin_traffic__visits"] == [small.traffic(1, 11)]
    assert answer["destination_traffic__visits"] == [small.traffic(3, 11)]


def test_the_registry_and_the_store_agree_after_apply_and_teardown(store: FeatureStore) -> None:
    views = {view.name: view_storage(view) for view in store.list_batch_feature_views()}
    location = backend_location(store.config)
    with open_backend(location) as backend:
        assert backend.views() == views
    assert all(spec.spec_digest for spec in views.values())
    store.apply([], objects_to_delete=[store.get_feature_view("depot_traffic"), store.get_feature_service("lanes")], partial=False)
    reader = OnlineReader(location)
    assert sorted(reader.views()) == sorted(set(views) - {"depot_traffic"})
    store.teardown()
    with pytest.raises(Exception, match="no online store here"):
        reader.views()
    reader.close()


def test_a_null_and_a_key_of_another_kind_are_refused_by_name(store: FeatureStore) -> None:
    view = store.get_feature_view("courier_pace")
    plugin = store._get_provider().online_store
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    def row(value: Value) -> list[Any]:
        return [(EntityKey(join_keys=["courier_id"], entity_values=[value]), {"pace": Value(double_val=1.0)}, small.NOW, None)]

    with pytest.raises(SettingsError, match=r"view courier_pace: a row without an entity key.*courier_id"):
        plugin.online_write_batch(store.config, view, row(Value()), None)
    with pytest.raises(SettingsError, match=r"join key courier_id: a key is text or an integer \(found: float\)"):
        plugin.online_write_batch(store.config, view, row(Value(double_val=0.5)), None)


def test_a_list_is_refused_with_what_can_be_declared(tmp_path: Path) -> None:
    courier = Entity(name="courier", join_keys=["courier_id"], value_type=ValueType.STRING)
    source = FileSource(name="rows", path=str(tmp_path / "rows.parquet"), timestamp_field="event_timestamp")
    schema = [Field(name="lags", dtype=Array(Float64))]
    view = FeatureView(name="pace", entities=[courier], ttl=dt.timedelta(days=1), schema=schema, source=source)
    with pytest.raises(
        SettingsError, match=r"view pace, field lags: type Array\(Float64\) can't be packed; declare one of Float64, Float32"
    ):
        view_storage(view)


def test_a_servers_password_is_in_no_words_of_the_configuration(tmp_path: Path) -> None:
    config = PackedRedisOnlineStoreConfig(url="redis://:s3cret-word@127.0.0.1:6379/15")
    assert "s3cret-word" not in f"{config!r} {config}"
    assert isinstance(config, PackedOnlineStoreConfig)
    assert isinstance(PackedSqliteOnlineStoreConfig(), PackedOnlineStoreConfig)


def record(courier: str, at: dt.datetime, pace: float) -> pd.DataFrame:
    """A row of ``courier_pace``."""
    row = {"courier_id": courier, "event_timestamp": at, "created_timestamp": at, "pace": pace, "trips": 7, "grade": "A", "is_new": False}
    return pd.DataFrame([row])

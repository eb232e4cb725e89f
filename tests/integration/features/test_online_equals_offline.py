"""The online store holds what offline says of the same instant, for our reader and for Feast's own."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import feature_world
import numpy as np
import pyarrow as pa
import pytest

from tradewind_contracts.errors import IntegrityError, StateError
from tradewind_contracts.instants import Clock
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_features.materialization import read_materializations
from tradewind_features.online.reader import OnlineReader, Presence
from tradewind_lifecycle import feature_store, online_store, parity

AS_OF = feature_world.AS_OF
MODEL, VIEW = "ftr_merchant__pace_365d", "merchant_pace_365d"


def set_clock(settings: Settings, at: dt.datetime) -> None:
    world = World.read(settings.paths.world_file)
    world.model_copy(update={"clock": Clock.frozen(at)}).write(settings.paths.world_file)


def test_feasts_own_read_gives_the_same_values_as_the_reader(ready: Settings) -> None:
    store = feature_store.open_store(ready)
    keys = ["m1", "m3", "nobody", "m1"]
    with feature_store.quiet_feast():
        theirs = store.get_online_features(
            [f"{VIEW}:transit_pace_30d", f"{VIEW}:handling_pace_365d", "merchant_handling_90d:parcels_count_90d", "merchant_profile:state"],
            [{"merchant_id": key} for key in keys],
            full_feature_names=True,
        ).to_dict()
    reader = OnlineReader(ready.paths.online_store)
    for name, values in theirs.items():
        if name == "merchant_id":
            continue
        view, feature = name.split("__", 1)
        ours = reader.read(view, keys, AS_OF).values[feature].tolist()
        assert [None if value is None or value != value else value for value in ours] == values


def test_feasts_own_write_obeys_order_in_time_and_ttl(own_world: Callable[[dict[str, Any]], Settings]) -> None:
    import pandas as pd

    settings = own_world({})
    online_store.materialize(settings)
    store = feature_store.open_store(settings)

    def push(at: dt.datetime, pace: float) -> None:
        columns = {
            name: [pace]
            for name in ("transit_pace_30d", "transit_pace_365d", "handling_pace_14d", "handling_pace_60d", "handling_pace_365d")
        }
        stamps = {"event_timestamp": [pd.Timestamp(at)], "created_timestamp": [pd.Timestamp(at)]}
        with feature_store.quiet_feast():
            store.write_to_online_store(VIEW, pd.DataFrame({"merchant_id": ["m1"], **stamps, **columns}))

    reader = OnlineReader(settings.paths.online_store)
    push(AS_OF - dt.timedelta(days=2), -1.0)
    assert reader.read(VIEW, ["m1"], AS_OF).values["transit_pace_30d"][0] == feature_world.value(MODEL, "m1", 19, 0)
    push(AS_OF - dt.timedelta(hours=1), -2.0)
    assert reader.read(VIEW, ["m1"], AS_OF).values["transit_pace_30d"].tolist() == [-2.0]
    set_clock(settings, AS_OF + dt.timedelta(days=4))
    with feature_store.quiet_feast():
        expired = feature_store.open_store(settings).get_online_features([f"{VIEW}:transit_pace_30d"], [{"merchant_id": "m1"}]).to_dict()
    assert expired["transit_pace_30d"] == [None]
    assert reader.read(VIEW, ["m1"], AS_OF + dt.timedelta(days=4)).presence.tolist() == [Presence.EXPIRED]


def test_only_what_was_known_at_the_clock_is_materialized(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: dict[str, Any]
) -> None:
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    tomorrow = feature_world.daily_rows(view, days=feature_world.DAYS + 1, newest=AS_OF.replace(hour=0) + dt.timedelta(days=1))
    settings = own_world({MODEL: tomorrow})
    set_clock(settings, AS_OF.replace(hour=0) + dt.timedelta(minutes=30))
    online_store.materialize(settings)
    rows = OnlineReader(settings.paths.online_store).read(VIEW, ["m1"], AS_OF)
    assert rows.event_at[0] == np.datetime64((AS_OF.replace(hour=0) - dt.timedelta(days=1)).replace(tzinfo=None))


def test_materializing_twice_does_nothing_twice_and_a_clock_set_back_forgets(own_world: Callable[[dict[str, Any]], Settings]) -> None:
    settings = own_world({})
    heard: list[str] = []
    first = online_store.materialize(settings, heard.append)
    assert not first.reused
    assert len(heard) == 2 * len(first.views)  # as of the day before, then what became visible since
    assert {view.mode for view in first.views} == {"incremental"}
    counts = {view.view: (view.entities, view.rows, view.written, view.expired) for view in first.views}
    assert counts[VIEW] == (3, 3, 3, 0)
    assert counts["prefix_lane_pace_365d"] == (12, 12, 12, 0)
    again = online_store.materialize(settings)
    assert again.reused
    assert again.rows == first.rows

    earlier = AS_OF - dt.timedelta(days=7)
    set_clock(settings, earlier)
    back = online_store.materialize(settings)
    assert not back.reused
    rows = OnlineReader(settings.paths.online_store).read(VIEW, ["m1"], earlier)
    assert rows.values["transit_pace_30d"].tolist() == [feature_world.value(MODEL, "m1", 12, 0)]
    assert parity.compare(settings).passed

    set_clock(settings, AS_OF + dt.timedelta(days=30))
    late = {view.view: view for view in online_store.materialize(settings).views}
    assert (late[VIEW].rows, late[VIEW].expired) == (0, 3)
    assert late["merchant_profile"].rows == 3
    assert OnlineReader(settings.paths.online_store).read(VIEW, ["m1"], AS_OF + dt.timedelta(days=30)).presence.tolist() == [
        Presence.EXPIRED
    ]

    log = read_materializations(settings.paths.materializations)
    reached = {entry.to_at for entry in log if entry.view == VIEW}
    assert reached == {"2018-05-03T03:00:00Z", "2018-05-09T03:00:00Z", "2018-05-10T03:00:00Z", "2018-06-09T03:00:00Z"}
    assert {entry.spec_digest for entry in log if entry.view == VIEW} == {feature_store.applied_specs(settings).digests[VIEW]}


def test_an_entity_that_vanished_keeps_its_row(own_world: Callable[[dict[str, Any]], Settings], feature_manifest: dict[str, Any]) -> None:
    settings = own_world({})
    online_store.materialize(settings)
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    tables = feature_world.feature_tables(feature_manifest)
    rows = feature_world.daily_rows(view)
    tables[MODEL] = rows.filter(pa.compute.not_equal(rows["merchant_id"], "m2"))
    feature_world.publish(settings, tables)
    feature_store.apply(settings)
    report = {view.view: view for view in online_store.materialize(settings).views}
    assert (report[VIEW].entities, report[VIEW].mode) == (2, "whole")  # another file
    assert OnlineReader(settings.paths.online_store).read(VIEW, ["m2"], AS_OF).presence.tolist() == [Presence.PRESENT]


def test_the_spec_digests_do_not_depend_on_the_world_or_the_day(ready: Settings, own_world: Callable[[dict[str, Any]], Settings]) -> None:
    assert feature_store.apply(own_world({})).digests == feature_store.applied_specs(ready).digests


def test_a_published_table_of_another_form_is_refused_and_the_registry_stays(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: dict[str, Any]
) -> None:
    settings = own_world({})
    before = settings.paths.feast_registry.read_bytes()
    tables = feature_world.feature_tables(feature_manifest)
    tables[MODEL] = tables[MODEL].drop_columns(["transit_pace_30d"])
    feature_world.publish(settings, tables)
    with pytest.raises(IntegrityError, match=r"merchant_pace_365d.*transit_pace_30d double \(published: absent\)"):
        feature_store.apply(settings)
    assert settings.paths.feast_registry.read_bytes() == before


def test_a_view_that_left_the_repository_leaves_the_registry_and_the_store(
    own_world: Callable[[dict[str, Any]], Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = own_world({})
    online_store.materialize(settings)
    whole = feature_store.repository()
    fewer = feature_store.Repository(
        whole.entities, [v for v in whole.views if v.name != "network_flow_7d"], whole.on_demand, whole.services
    )
    monkeypatch.setattr(feature_store, "repository", lambda: fewer)
    assert "network_flow_7d" not in feature_store.apply(settings).digests
    assert "network_flow_7d" not in OnlineReader(settings.paths.online_store).views()


def test_nothing_published_and_nothing_registered_are_said(tmp_path: Any) -> None:
    settings = feature_world.land_world(tmp_path / "home")
    with pytest.raises(StateError, match="nothing has been published"):
        feature_store.apply(settings)
    with pytest.raises(StateError, match="no feature views are registered"):
        online_store.materialize(settings)


def test_a_registry_that_is_not_one_is_refused(own_world: Callable[[dict[str, Any]], Settings]) -> None:
    settings = own_world({})
    settings.paths.feast_registry.write_bytes(b"\xff" * 100)
    with pytest.raises(IntegrityError, match="not a Feast registry"):
        feature_store.applied_specs(settings)


def test_the_feature_manifest_is_json_and_names_each_models_view(feature_manifest: dict[str, Any]) -> None:
    assert json.loads(json.dumps(feature_manifest)) == feature_manifest
    for view in feature_manifest["views"]:
        assert view["name"] == view["model"].removeprefix("ftr_").replace("__", "_")
        assert view["description"]
        assert view["owner"]
        assert all(column["description"] for column in view["columns"])

"""Training sets: every entity row kept, nothing from later, sealed for ever."""

import datetime as dt
import shutil
from collections.abc import Callable
from typing import Any

import feature_world
import numpy as np
import pyarrow as pa
import pytest

from tradewind_contracts.errors import IntegrityError, NotFoundError, SettingsError, StateError
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import feature_store, training_sets

PACE = "merchant_pace_365d__transit_pace_30d"
MODEL = "ftr_merchant__pace_365d"


def parcels(instants: list[dt.datetime], merchants: list[str | None]) -> pa.Table:
    """Entity rows, one for each instant and merchant."""
    count = len(instants)
    return pa.table(
        {
            "parcel_id": pa.array([f"p{number}" for number in range(count)], pa.string()),
            "merchant_id": pa.array(merchants, pa.string()),
            "category": pa.array(["toys"] * count, pa.string()),
            "destination_postal_area_id": pa.array(["20040"] * count, pa.string()),
            "event_timestamp": pa.array(instants, feature_world.STAMP),
            "ordered_at": pa.array(instants, feature_world.STAMP),
            "price": pa.array([10.0] * count, pa.float64()),
            "freight": pa.array([2.0] * count, pa.float64()),
        }
    )


def day(number: int, hours: float = 0.0) -> dt.datetime:
    """The boundary of the world's day ``number`` (19 is the newest), plus hours."""
    newest = feature_world.AS_OF.replace(hour=0)
    return newest - dt.timedelta(days=feature_world.DAYS - 1 - number) + dt.timedelta(hours=hours)


def test_every_entity_row_stays_in_order_with_doubles_unknown_and_null_keys(ready: Settings) -> None:
    instants = [day(12, 5), day(3, 5), day(12, 5), day(15, 5), day(1, 5), day(12, 5)]
    rows = parcels(instants, ["m2", "m1", "m2", "nobody", "m3", None])
    whole = training_sets.build("eta_v1", rows, ready)
    order = [4, 0, 5, 2, 1, 3]
    assert training_sets.build("eta_v1", rows.take(order), ready).equals(whole.take(order))
    assert whole.select(rows.column_names).equals(rows)
    expected = [feature_world.value(MODEL, m, d, 0) for m, d in (("m2", 12), ("m1", 3), ("m2", 12))]
    assert whole[PACE].to_pylist()[:4] == [*expected, None]
    assert whole["merchant_pace_365d__age_hours"].to_pylist() == [5.0, 5.0, 5.0, None, 5.0, None]
    assert whole["state_lane_pace_365d__age_hours"].null_count == 2
    assert whole["parcel_request__ordered_local_hour"].to_pylist() == [2.0] * 6


def test_a_row_is_seen_from_its_publication_on_and_up_to_its_ttl(ready: Settings) -> None:
    lag, ttl = feature_world.LAG, dt.timedelta(days=3)
    newest = day(feature_world.DAYS - 1)
    instants = [day(5) + lag - dt.timedelta(microseconds=1), day(5) + lag, newest + ttl, newest + ttl + dt.timedelta(microseconds=1)]
    found = training_sets.build("eta_v1", parcels(instants, ["m1"] * 4), ready)
    assert found[PACE].to_pylist() == [feature_world.value(MODEL, "m1", number, 0) for number in (4, 5, 19)] + [None]
    assert found["merchant_pace_365d__age_hours"].to_pylist()[2:] == [72.0, None]
    assert found["merchant_profile__lat"].null_count == 0


def test_a_late_row_never_reaches_the_training_set(
    own_world: Callable[[dict[str, Any]], Settings], feature_manifest: dict[str, Any]
) -> None:
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    honest = feature_world.daily_rows(view)
    late = honest.slice(8, 1)
    late = late.set_column(2, "created_timestamp", pa.array([day(8, 30)], feature_world.STAMP))
    late = late.set_column(3, honest.column_names[3], pa.array([-999.0]))
    assert late["event_timestamp"][0].as_py() == day(8)
    settings = own_world({MODEL: pa.concat_tables([honest, late])})
    found = training_sets.build("eta_v1", parcels([day(8, 29), day(8, 30)], ["m1", "m1"]), settings)
    assert found[PACE].to_pylist() == [feature_world.value(MODEL, "m1", 9, 0)] * 2
    before_next = training_sets.build("eta_v1", parcels([day(8, 24.5)], ["m1"]), settings)
    assert before_next[PACE].to_pylist() == [feature_world.value(MODEL, "m1", 8, 0)]


def test_a_correction_counts_once_it_was_known(own_world: Callable[[dict[str, Any]], Settings], feature_manifest: dict[str, Any]) -> None:
    (view,) = [view for view in feature_manifest["views"] if view["model"] == MODEL]
    honest = feature_world.daily_rows(view)
    late = honest.slice(8, 1).set_column(2, "created_timestamp", pa.array([day(8, 10)], feature_world.STAMP))
    late = late.set_column(3, honest.column_names[3], pa.array([-999.0]))
    settings = own_world({MODEL: pa.concat_tables([late, honest])})
    found = training_sets.build("eta_v1", parcels([day(8, 9), day(8, 10)], ["m1", "m1"]), settings)
    assert found[PACE].to_pylist() == [feature_world.value(MODEL, "m1", 8, 0), -999.0]


def test_no_entity_rows_give_an_empty_frame_of_the_same_form(ready: Settings) -> None:
    some = training_sets.build("eta_v1", parcels([day(5, 5)], ["m1"]), ready)
    none = training_sets.build("eta_v1", parcels([], []), ready)
    assert none.num_rows == 0
    assert none.schema.equals(some.schema)


def test_what_is_missing_is_named(ready: Settings, own_settings: Settings) -> None:
    rows = parcels([day(5, 5)], ["m1"])
    with pytest.raises(NotFoundError, match=r"'eta_v9'.*there are: eta_v1"):
        training_sets.build("eta_v9", rows, ready)
    with pytest.raises(SettingsError, match=r"category.* missing, which eta_v1 needs"):
        training_sets.build("eta_v1", rows.drop_columns(["category"]), ready)
    with pytest.raises(SettingsError, match="freight missing"):
        training_sets.build("eta_v1", rows.drop_columns(["freight"]), ready)
    with pytest.raises(SettingsError, match="instant with a zone"):
        training_sets.build("eta_v1", rows.set_column(4, "event_timestamp", rows["event_timestamp"].cast(pa.timestamp("us"))), ready)
    with pytest.raises(StateError, match="no world has landed"):
        training_sets.build("eta_v1", rows, own_settings)


def test_a_sealed_set_has_one_digest_and_comes_back_whole(ready: Settings) -> None:
    rows = parcels([day(12, 5), day(3, 5)], ["m2", "m1"])
    table, facts = training_sets.build("eta_v1", rows, ready), training_sets.facts_of("eta_v1", rows, ready)
    sealed = training_sets.seal(table, facts, ready)
    again = training_sets.seal(pa.concat_tables([table.slice(0, 1), table.slice(1)]), facts, ready)
    assert again == sealed
    assert training_sets.read_sealed(sealed.digest, ready) == sealed
    assert sealed.table().equals(table)
    assert set(facts["spec_digests"]) == set(feature_store.applied_specs(ready).services["eta_v1"])
    assert facts["as_of"] == "2018-05-10T03:00:00Z"
    other = training_sets.seal(table, facts | {"as_of": "2018-05-11T03:00:00Z"}, ready)
    assert other.digest != sealed.digest
    moved = training_sets.seal(table.take(np.array([1, 0])), facts, ready)
    assert moved.digest != sealed.digest


@pytest.mark.parametrize("file", [training_sets.FRAME, training_sets.FACTS])
def test_a_sealed_set_that_was_touched_is_refused(ready: Settings, file: str) -> None:
    table = pa.table({"a": [1.0, 2.0], "file": [file, file]})
    sealed = training_sets.seal(table, {"as_of": "2018-05-10T03:00:00Z"}, ready)
    path = sealed.path / file
    path.write_bytes(path.read_bytes().replace(b"2018-05-10", b"2018-05-09") + b" ")
    if file == training_sets.FACTS:
        path.write_text(path.read_text().rstrip())
    with pytest.raises(IntegrityError, match=file):
        training_sets.read_sealed(sealed.digest, ready)
    shutil.rmtree(sealed.path)
    with pytest.raises(NotFoundError, match="no training set"):
        training_sets.read_sealed(sealed.digest, ready)

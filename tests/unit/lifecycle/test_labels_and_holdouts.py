"""Labels cut at an instant, and the baselines reckoned again by hand."""

import datetime as dt
from collections import defaultdict
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from eta_world import AS_OF, parcels

from tradewind_contracts.instants import UTC
from tradewind_lifecycle import labels
from tradewind_lifecycle.holdouts import DISTANCE_BANDS, frame_of, holdout_of, lane_quantiles, promise_days, slices_of
from tradewind_models.eta import EtaConfig, TooFewRowsError

BARE = EtaConfig().model_copy(update={"features": ()})


@pytest.fixture(scope="module")
def every():
    return parcels(900).sort_by([("event_timestamp", "ascending")])


def test_a_delivery_at_or_after_as_of_is_censored_there_and_a_later_order_is_absent(every):
    known = labels.known_at(every, AS_OF)
    assert known.num_rows == sum(at < AS_OF for at in every["event_timestamp"].to_pylist())
    assert max(at for at in known["outcome_at"].to_pylist() if at) < AS_OF
    truth = dict(zip(every["parcel_id"].to_pylist(), every["outcome_at"].to_pylist(), strict=True))
    for row in known.select(["parcel_id", "outcome_at", "duration_days", "observed_until_at"]).to_pylist():
        seen = truth[row["parcel_id"]]
        expected = seen if seen is not None and seen < AS_OF else None
        assert row["outcome_at"] == expected
        assert (row["duration_days"] is None) == (expected is None)
        assert row["observed_until_at"] == AS_OF


def test_a_delivery_at_the_very_instant_is_not_known_yet(every):
    at = every["outcome_at"].drop_null()[10].as_py()
    known = labels.known_at(every, at)
    assert at not in known["outcome_at"].to_pylist()
    assert at in labels.known_at(every, at + dt.timedelta(microseconds=1))["outcome_at"].to_pylist()


def test_an_order_at_the_very_instant_is_not_known_yet_and_begins_the_span_after(every):
    at = every["event_timestamp"][10].as_py()
    assert at not in labels.known_at(every, at)["event_timestamp"].to_pylist()
    assert at not in labels.placed_between(every, None, at)["event_timestamp"].to_pylist()
    assert at in labels.placed_between(every, at, None)["event_timestamp"].to_pylist()


def test_the_lane_median_needs_twenty_deliveries_else_it_is_the_median_of_all(every):
    frame = frame_of(every, BARE, dt.datetime(2018, 6, 1, tzinfo=UTC))
    cut = dt.datetime(2018, 2, 20, tzinfo=UTC)
    lanes, overall = defaultdict(list), []
    for row in every.to_pylist():
        if row["outcome_at"] is not None and row["outcome_at"] < cut:
            lanes[row["origin_state"], row["destination_state"]].append(row["duration_days"])
            overall.append(row["duration_days"])
    counts = {pair: len(found) for pair, found in lanes.items()}
    assert min(counts.values()) < 20 <= max(counts.values())
    found = lane_quantiles(every, frame, cut).days(every)[:, 1]
    for row, days in zip(every.to_pylist(), found, strict=True):
        pair = row["origin_state"], row["destination_state"]
        assert days == pytest.approx(median(lanes[pair]) if counts.get(pair, 0) >= 20 else median(overall))


def test_before_any_delivery_there_is_no_lane_median(every):
    frame = frame_of(every, BARE, dt.datetime(2018, 6, 1, tzinfo=UTC))
    with pytest.raises(TooFewRowsError, match="nothing was delivered"):
        lane_quantiles(every, frame, dt.datetime(2018, 1, 1, tzinfo=UTC))


def test_a_promise_is_days_from_purchase_and_absent_where_there_was_none(every):
    without = every.set_column(
        every.column_names.index("promised_at"), "promised_at", pc.if_else(pc.equal(every["price"], 20.0), None, every["promised_at"])
    )
    found = promise_days(without)
    absent = np.array([price == 20.0 for price in every["price"].to_pylist()])
    assert np.isnan(found[absent]).all()
    np.testing.assert_allclose(found[~absent], 30.0)


def test_parcels_under_way_are_judged_by_the_older_ones_that_arrived(every):
    frame = frame_of(labels.known_at(every, AS_OF), BARE, AS_OF)
    table = labels.known_at(every, AS_OF)
    start, end = AS_OF - dt.timedelta(days=45), AS_OF - dt.timedelta(days=15)
    holdout = holdout_of(table, frame, start, end, lane_quantiles(table, frame, start), BARE)
    duration = frame.duration_days[holdout.rows]
    assert (holdout.weights[np.isnan(duration)] == 0).all()
    slow = np.flatnonzero(duration > 18)
    assert (holdout.weights[slow] > 1).all()
    assert (holdout.weights[duration < 10] == 1).all()
    assert set(holdout.slices) == {"destination_state", "category", "merchant_volume", "distance"}


def test_rows_without_a_distance_or_category_are_a_slice_of_their_own():
    table = pa.table(
        {
            "destination_state": ["SP", None, "RJ"],
            "category": ["toys", "toys", None],
            "parcel_request__distance_km": pa.array([99.9, 100.0, None], pa.float64()),
            "merchant_handling_90d__parcels_count_90d": pa.array([0.0, 50.0, None], pa.float64()),
        }
    )
    found = slices_of(table)
    assert list(found["distance"]) == [DISTANCE_BANDS[0][1], DISTANCE_BANDS[1][1], "unknown"]
    assert list(found["merchant_volume"]) == ["none", "50 to 199", "unknown"]
    assert list(found["destination_state"]) == ["SP", "unknown", "RJ"]
    assert list(found["category"]) == ["toys", "toys", "unknown"]

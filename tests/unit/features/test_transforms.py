"""Request-time functions against known answers and slow oracles."""

import datetime as dt
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_features.keys import parcel_keys
from tradewind_features.transforms import (
    PARCEL_REQUEST_FEATURES,
    haversine_km,
    local_hour,
    local_weekday,
    log_ratio,
    parcel_request,
)

ZONES = ("America/Sao_Paulo", "Asia/Kolkata", "Europe/Berlin", "UTC", "Australia/Lord_Howe")


def test_the_distance_between_sao_paulo_and_rio_is_known() -> None:
    assert haversine_km(-23.5505, -46.6333, -22.9068, -43.1729) == pytest.approx(360.7, abs=0.5)
    assert haversine_km([0.0], [0.0], [0.0], [180.0])[0] == pytest.approx(math.pi * 6371.0088)


def test_a_point_is_at_no_distance_from_itself_and_an_unknown_one_at_none_known() -> None:
    assert haversine_km(-23.5, -46.6, -23.5, -46.6) == 0.0
    assert np.isnan(haversine_km([np.nan], [0.0], [0.0], [0.0])).all()


@given(st.datetimes(dt.datetime(1991, 1, 1), dt.datetime(2059, 1, 1)), st.sampled_from(ZONES))
def test_local_hour_and_weekday_are_what_the_zone_says(naive: dt.datetime, zone: str) -> None:
    local = naive.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone))
    instants = np.array([np.datetime64(naive, "us"), np.datetime64("NaT")])
    assert local_hour(instants, zone)[0] == local.hour
    assert local_weekday(instants, zone)[0] == local.weekday()
    assert np.isnan(local_hour(instants, zone)[1])
    assert np.isnan(local_weekday(instants, zone)[1])


def test_the_hour_that_sao_paulo_skipped_in_2017_is_skipped() -> None:
    before, after = np.datetime64("2017-10-15T02:59:59"), np.datetime64("2017-10-15T03:00:00")
    assert local_hour(np.array([before, after]), "America/Sao_Paulo").tolist() == [23.0, 1.0]


def test_amounts_that_are_not_positive_have_no_logarithm() -> None:
    assert log_ratio([2.0, 0.0, 1.0], [1.0, 1.0, -1.0])[0] == pytest.approx(math.log(2))
    assert np.isnan(log_ratio([2.0, 0.0, 1.0], [1.0, 1.0, -1.0])[1:]).all()


def test_a_parcel_request_of_unknown_places_keeps_what_is_known() -> None:
    found = parcel_request(
        {
            "origin_lat": [-23.55, np.nan],
            "origin_lng": [-46.63, np.nan],
            "origin_state": ["SP", None],
            "destination_lat": [-22.9, -22.9],
            "destination_lng": [-43.18, -43.18],
            "destination_state": ["SP", "SP"],
            "ordered_at": np.array(["2018-05-07T03:30:00", "2018-05-07T02:30:00"], dtype="datetime64[us]"),
            "zone": ["America/Sao_Paulo"] * 2,
            "price": [10.0, 0.0],
            "freight": [5.0, 5.0],
        }
    )
    assert list(found) == list(PARCEL_REQUEST_FEATURES)
    assert found["distance_km"][0] == pytest.approx(360, abs=2)
    assert found["is_same_state"][0] == 1.0
    assert found["ordered_local_hour_of_week"].tolist() == [0.0, 6 * 24 + 23]
    assert found["freight_price_log_ratio"][0] == pytest.approx(math.log(0.5))
    assert np.isnan([found[name][1] for name in ("distance_km", "is_same_state", "freight_price_log_ratio")]).all()


def test_keys_of_a_parcel_are_unknown_where_a_part_of_them_is() -> None:
    keys = parcel_keys(
        {
            "merchant_id": ["m1", None],
            "category": ["toys", None],
            "origin_postal_area_id": ["01310", None],
            "origin_state": ["SP", None],
            "destination_postal_area_id": ["20040", "20040"],
            "destination_state": ["RJ", None],
        }
    )
    assert {name: values[0] for name, values in keys.items()} == {
        "merchant_id": "m1", "category": "toys", "postal_area_id": "20040", "destination_prefix_id": "200", "destination_state": "RJ",
        "state_lane_id": "SP-RJ", "prefix_lane_id": "01-20", "network_id": "all",
    }  # fmt: skip
    assert {name for name, values in keys.items() if values[1] is None} == {
        "merchant_id", "category", "destination_state", "state_lane_id", "prefix_lane_id",
    }  # fmt: skip

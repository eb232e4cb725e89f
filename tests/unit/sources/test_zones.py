"""Local times to UTC, against the standard library value by value."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_contracts.instants import parse_instant
from tradewind_sources.zones import to_utc

ZONE = "America/Sao_Paulo"
TIMES = st.datetimes(min_value=dt.datetime(2000, 1, 1), max_value=dt.datetime(2035, 1, 1))


def utc_of(*texts: str, zone: str = ZONE) -> list[str]:
    return [str(value) for value in to_utc(np.array(texts, dtype="datetime64[us]"), zone).astype("datetime64[s]")]


def test_winter_and_summer_have_their_own_offsets() -> None:
    assert utc_of("2018-07-01T12:00:00", "2018-01-01T12:00:00") == ["2018-07-01T15:00:00", "2018-01-01T14:00:00"]


def test_the_hour_that_summer_time_skips_at_midnight_is_shifted_forward() -> None:
    # 2017-10-15 began at 01:00: 00:00 never was.
    assert utc_of("2017-10-14T23:59:59", "2017-10-15T00:00:00", "2017-10-15T00:30:00", "2017-10-15T01:00:00") == [
        "2017-10-15T02:59:59",
        "2017-10-15T03:00:00",
        "2017-10-15T03:30:00",
        "2017-10-15T03:00:00",
    ]


def test_the_hour_that_occurs_twice_is_its_first_occurrence() -> None:
    # 2018-02-17 23:00 to 23:59 occurred twice, first at two hours behind UTC.
    assert utc_of("2018-02-17T23:30:00", "2018-02-18T00:00:00") == ["2018-02-18T01:30:00", "2018-02-18T03:00:00"]


def test_unknown_times_stay_unknown() -> None:
    assert utc_of("NaT", "2018-07-01T00:00:00") == ["NaT", "2018-07-01T03:00:00"]


def test_no_times_give_no_times() -> None:
    assert to_utc(np.array([], dtype="datetime64[us]"), ZONE).shape == (0,)


@pytest.mark.parametrize("zone", [ZONE, "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"])
@given(times=st.lists(TIMES, min_size=1, max_size=30))
def test_whole_columns_convert_as_single_values_do(zone: str, times: list[dt.datetime]) -> None:
    expected = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC).replace(tzinfo=None) for moment in times]
    assert to_utc(np.array(times, dtype="datetime64[us]"), zone).tolist() == expected


@given(day=st.dates(min_value=dt.date(2000, 1, 1), max_value=dt.date(2035, 1, 1)))
def test_the_start_of_a_day_is_what_the_contracts_say_it_is(day: dt.date) -> None:
    converted = to_utc(np.array([day.isoformat()], dtype="datetime64[us]"), ZONE).tolist()[0]
    assert converted.replace(tzinfo=dt.UTC) == parse_instant(day.isoformat(), ZONE)

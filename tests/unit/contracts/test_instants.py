"""The clock, and instants from text."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import Clock, iso, local_midnight, parse_instant

ZONE = "America/Sao_Paulo"


def test_a_date_is_the_start_of_the_local_day() -> None:
    assert parse_instant("2018-04-01", ZONE) == dt.datetime(2018, 4, 1, 3, tzinfo=dt.UTC)


def test_summer_time_moves_the_start_of_the_local_day() -> None:
    assert parse_instant("2018-01-01", ZONE) == dt.datetime(2018, 1, 1, 2, tzinfo=dt.UTC)


def test_an_offset_in_the_text_wins_over_the_zone() -> None:
    assert parse_instant("2018-04-01T12:00:00Z", ZONE) == dt.datetime(2018, 4, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2018-13-01", "01/04/2018"])
def test_text_that_is_no_instant_is_refused_and_named(text: str) -> None:
    with pytest.raises(SettingsError, match="is not an instant"):
        parse_instant(text, ZONE)


def test_a_frozen_clock_stands_still_and_speaks_utc() -> None:
    at = dt.datetime(2018, 4, 1, 0, tzinfo=dt.timezone(dt.timedelta(hours=-3)))
    clock = Clock.frozen(at)
    assert clock.now() == at
    assert clock.now().utcoffset() == dt.timedelta(0)


def test_a_wall_clock_moves() -> None:
    before = dt.datetime.now(dt.UTC)
    assert before <= Clock().now() <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    "fields", [{"kind": "frozen"}, {"kind": "wall", "at": "2018-04-01T00:00:00Z"}, {"kind": "frozen", "at": "2018-04-01T00:00:00"}]
)
def test_a_clock_that_contradicts_itself_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Clock.model_validate(fields)


@given(st.datetimes(min_value=dt.datetime(2016, 1, 1), max_value=dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)))
def test_local_midnight_is_on_the_same_local_day_and_not_after(instant: dt.datetime) -> None:
    from zoneinfo import ZoneInfo

    midnight = local_midnight(instant, ZONE)
    assert midnight <= instant
    assert instant - midnight < dt.timedelta(hours=25)
    assert midnight.astimezone(ZoneInfo(ZONE)).date() == instant.astimezone(ZoneInfo(ZONE)).date()


def test_a_day_whose_midnight_comes_twice_begins_at_the_first() -> None:
    # Cuba set its clocks back from 01:00 to 00:00 on 2018-11-04, at 05:00 UTC.
    found = local_midnight(dt.datetime(2018, 11, 4, 18, tzinfo=dt.UTC), "America/Havana")
    assert found == dt.datetime(2018, 11, 4, 4, tzinfo=dt.UTC)


@given(st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC)))
def test_iso_text_reads_back_as_the_same_instant(instant: dt.datetime) -> None:
    assert iso(instant).endswith("Z")
    assert parse_instant(iso(instant), ZONE) == instant

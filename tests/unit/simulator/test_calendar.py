"""Days: holidays, campaigns, demand, and when they are announced."""

import datetime as dt

import numpy as np
import pytest
from bare_world import bare_world
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewind_simulator.mechanisms.places.calendar import Calendar, CalendarParameters, easter, holidays_on
from tradewind_simulator.mechanisms.places.campaigns import black_friday, campaign_on
from tradewind_simulator.mechanisms.places.weather import Weather, WeatherParameters

FIRST = dt.date(2024, 1, 1)
STATES = ("ES", "RJ", "SP")


def calendar_of(world, **parameters):
    return Calendar(CalendarParameters(**parameters), world, Weather(WeatherParameters(), world))


def day_of(date):
    return (date - FIRST).days


@pytest.mark.parametrize(
    ("year", "sunday"),
    [(2000, (4, 23)), (2008, (3, 23)), (2016, (3, 27)), (2024, (3, 31)), (2025, (4, 20)), (2038, (4, 25)), (2049, (4, 18))],
)
def test_easter_is_known(year, sunday):
    assert easter(year) == dt.date(year, *sunday)


@given(st.integers(1600, 3000))
def test_easter_is_a_sunday_of_spring(year):
    found = easter(year)
    assert found.weekday() == 6
    assert dt.date(year, 3, 22) <= found <= dt.date(year, 4, 25)


def test_holidays_fixed_and_moving_of_2024():
    def name(month, day):
        return holidays_on(dt.date(2024, month, day), STATES)

    assert name(1, 1) == ("New Year",) * 3
    assert name(2, 13) == ("Carnival",) * 3
    assert name(3, 29) == ("Good Friday",) * 3
    assert name(5, 30) == ("Corpus Christi",) * 3
    assert name(4, 23) == ("", "Saint George", "")
    assert name(7, 9) == ("", "", "Constitutionalist Revolution")
    assert name(4, 8) == ("Our Lady of Penha", "", "")
    assert name(7, 10) == ("", "", "")


def test_campaigns_of_2024():
    assert black_friday(2024) == dt.date(2024, 11, 29)
    assert black_friday(2019) == dt.date(2019, 11, 29), "the day after Thanksgiving, not the fourth Friday"
    names = {date: campaign_on(dt.date(2024, *date)) for date in [(3, 15), (5, 8), (6, 5), (11, 29), (12, 2), (12, 10)]}
    assert [found.name for found in names.values()] == [
        "consumer_day", "mothers_day", "valentines_day", "black_friday", "black_friday", "christmas",
    ]  # fmt: skip
    assert campaign_on(dt.date(2024, 7, 20)) is None


def test_workdays_are_neither_sundays_nor_holidays_and_differ_by_state():
    calendar = calendar_of(bare_world())
    saint_george = calendar.today(day_of(dt.date(2024, 4, 23)))
    states = calendar._states
    assert saint_george.is_holiday[states.index("RJ")]
    assert not saint_george.is_workday[states.index("RJ")]
    assert saint_george.is_workday[states.index("SP")]
    assert not calendar.today(day_of(dt.date(2024, 4, 21))).is_workday.any()
    assert calendar.today(day_of(dt.date(2024, 4, 20))).is_workday.all(), "carriers work on Saturdays"


def test_a_day_s_bounds_are_local_midnights():
    today = calendar_of(bare_world()).today(31)
    assert today.date == dt.date(2024, 2, 1)
    assert dt.datetime.fromtimestamp(today.start, dt.UTC) == dt.datetime(2024, 2, 1, 3, tzinfo=dt.UTC)
    assert today.end - today.start == 86_400
    assert today.weekday == 3


def test_demand_has_its_week_its_campaigns_and_its_growth():
    calendar = calendar_of(bare_world())
    week = [calendar.today(day_of(dt.date(2024, 7, 15)) + k).demand for k in range(7)]
    assert np.argmax(week) == 0
    assert np.argmin(week) == 5
    assert np.mean([calendar.today(day).demand for day in range(28)]) == pytest.approx(1, abs=0.05)
    usual = calendar.today(day_of(dt.date(2024, 11, 22))).demand
    assert 3.5 < calendar.today(day_of(dt.date(2024, 11, 29))).demand / usual < 5
    grown = calendar.today(day_of(dt.date(2025, 7, 14))).demand / calendar.today(day_of(dt.date(2024, 7, 15))).demand
    assert grown == pytest.approx(1.1, abs=0.005)
    assert calendar.today(day_of(dt.date(2024, 12, 28))).demand < calendar.today(day_of(dt.date(2024, 11, 16))).demand


def test_without_strength_a_campaign_adds_nothing():
    world = bare_world()
    day = day_of(black_friday(2024))
    plain = calendar_of(world, campaign_strength=0.0).today(day).demand
    assert calendar_of(world, campaign_strength=1.0).today(day).demand == pytest.approx(4 * plain)


def test_each_day_and_state_is_announced_once_a_month_ahead():
    world = bare_world()
    calendar = calendar_of(world)
    for day in range(20):
        calendar.step(calendar.today(day))
    rows = world.exports.waiting()["calendar"].to_pylist()
    assert len({(row["date"], row["region"]) for row in rows}) == len(rows) == 27 * 50
    for row in rows:
        noon_before = dt.datetime.combine(row["date"] - dt.timedelta(days=30), dt.time(12), tzinfo=dt.UTC)
        assert row["announced_at"] == noon_before
        assert row["_at_seconds"] == max(int(noon_before.timestamp()), world.days.start(0))


def test_the_rows_say_what_the_days_are():
    world = bare_world(first=dt.date(2024, 11, 1))
    calendar = calendar_of(world)
    calendar.step(calendar.today(0))
    rows = {(row["date"], row["region"]): row for row in world.exports.waiting()["calendar"].to_pylist()}
    friday, republic, plain = (rows[dt.date(2024, 11, day), "SP"] for day in (29, 15, 12))
    assert (friday["campaign"], friday["is_holiday"], friday["holiday"]) == ("black_friday", False, None)
    assert (republic["campaign"], republic["is_holiday"], republic["holiday"]) == (None, True, "Republic")
    assert (plain["campaign"], plain["is_holiday"], plain["holiday"]) == (None, False, None)


@pytest.mark.parametrize(
    "impossible", [{"weekday_factors": (1, 1, 1, 1, 1, 1, -1)}, {"month_factors": (1,) * 11}, {"yearly_growth": -1}, {"announced_days": 0}]
)
def test_impossible_parameters_are_refused_by_name(impossible):
    with pytest.raises(ValidationError, match=next(iter(impossible))):
        CalendarParameters(**impossible)

"""Weather: the planted autoregression, seasons and storms."""

import numpy as np
import pytest
from bare_world import bare_world
from pydantic import ValidationError

from tradewind_simulator.mechanisms.places.brazil import STATES
from tradewind_simulator.mechanisms.places.calendar import Calendar, CalendarParameters
from tradewind_simulator.mechanisms.places.weather import Weather, WeatherParameters

CODES = [state.code for state in STATES]
YEARS = range(2 * 365)


def weather_of(world=None, **parameters):
    return Weather(WeatherParameters(**parameters), world or bare_world())


def test_wetness_is_the_planted_autoregression():
    weather = weather_of(season={})
    series = np.array([weather.wetness(day) for day in YEARS])
    before, after = series[:-1].ravel(), series[1:].ravel()
    assert np.corrcoef(before, after)[0, 1] == pytest.approx(0.7, abs=0.05)
    assert series.std() == pytest.approx(1, abs=0.08)
    innovation = series[1:] - 0.7 * series[:-1]
    assert abs(np.corrcoef(innovation[1:].ravel(), series[:-2].ravel())[0, 1]) < 0.05, "two days ago adds nothing to yesterday"


def test_neighbours_in_a_region_share_weather_and_others_do_not():
    weather = weather_of(season={})
    series = np.array([weather.wetness(day) for day in YEARS])

    def correlation(a, b):
        return np.corrcoef(series[:, CODES.index(a)], series[:, CODES.index(b)])[0, 1]

    assert correlation("PR", "SC") == pytest.approx(0.5, abs=0.15)
    assert abs(correlation("RS", "PE")) < 0.2


def test_the_southeast_is_wet_in_summer_and_the_northeast_coast_in_may():
    weather = weather_of(storms_per_year=0.0)
    roads = np.array([weather.factors(day) for day in YEARS])
    of_year = np.arange(len(roads)) % 365

    def mean(code, low, high):
        return roads[(of_year >= low) & (of_year < high), CODES.index(code)].mean()

    assert mean("SP", 0, 45) > mean("SP", 170, 230) + 0.05
    assert mean("PE", 110, 160) > mean("PE", 290, 340)


def test_weather_only_slows_and_storms_are_rare_and_two_days_long():
    world = bare_world()
    stormy, calm = weather_of(world), weather_of(world, storms_per_year=0.0)
    roads = np.array([stormy.factors(day) for day in YEARS])
    added = roads - np.array([calm.factors(day) for day in YEARS])
    assert roads.min() >= 1
    assert added.min() >= 0
    struck = (added > 0).mean()
    assert struck == pytest.approx(2 * 3 / 365, rel=0.4)
    assert ((added[:-1] > 0) & (added[1:] > 0)).sum() > 0.45 * (added > 0).sum()


def test_a_day_is_the_same_whichever_days_were_asked_before():
    forwards, alone = weather_of(), weather_of()
    for day in range(50):
        forwards.factors(day)
    assert np.array_equal(forwards.factors(50), alone.factors(50))
    assert not np.array_equal(alone.factors(50), weather_of(bare_world(seed=8)).factors(50))


def test_the_truth_of_a_day_is_what_it_was():
    world = bare_world()
    weather = weather_of(world)
    calendar = Calendar(CalendarParameters(), world, weather)
    today = calendar.today(3)
    weather.step(today)
    told = world.truth.told("weather")
    assert told.column("state").to_pylist() == CODES
    assert told.column("road_time_factor").to_pylist() == today.weather.tolist() == weather.factors(3).tolist()


@pytest.mark.parametrize("impossible", [{"persistence": 1.0}, {"storms_per_year": -1}, {"slowing": -0.1}, {"season": {"moon": 1.0}}])
def test_impossible_parameters_are_refused_by_name(impossible):
    with pytest.raises(ValidationError, match=next(iter(impossible))):
        WeatherParameters(**impossible)

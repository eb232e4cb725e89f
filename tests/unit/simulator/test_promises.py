"""Promises: a workday, generous, never before what was planned; misquotes are planted and told."""

import numpy as np
import pytest
from parcel_world import AREAS, DEPOTS, Geography, Network, ParcelWorld
from pydantic import ValidationError

from tradewind_simulator.days import DAY, HOUR
from tradewind_simulator.mechanisms.delivery.promises import Promises, PromisesParameters
from tradewind_simulator.streams import Integers

_COUNT = 400


def _promises(**changes: float) -> tuple[ParcelWorld, Promises]:
    world = ParcelWorld()
    return world, Promises(PromisesParameters(**changes), world.surroundings, Geography(), world.workdays)


def _promised(world: ParcelWorld, promises: Promises, day: int = 10, order: Integers | None = None) -> Integers:
    number = np.arange(_COUNT) if order is None else order
    today = world.calendar.today(day)
    origin, destination = number % AREAS, number * 7 % AREAS
    ordered_at = today.start + number * 200
    return promises.of(today, origin, destination, ordered_at, 20.0 + number % 50, Network())


def test_a_promise_is_the_start_of_a_workday_where_the_parcel_goes() -> None:
    world, promises = _promises()
    promised = _promised(world, promises)
    days = world.days.of(promised)
    state = Geography.area_state[np.arange(_COUNT) * 7 % AREAS]
    assert np.array_equal(promised, world.workdays.starts(days))
    assert all(world.calendar.today(int(day)).is_workday[s] for day, s in zip(days, state, strict=True))


def test_a_longer_margin_only_promises_later() -> None:
    short, long = (_promised(*_promises(margin_days=margin, quote_spread_days=0.0, lane_spread_days=0.0)) for margin in (6.0, 10.0))
    assert (long > short).all()
    assert 3.5 * DAY < (long - short).mean() < 4.5 * DAY


def test_misquoted_lanes_are_promised_sooner_and_truth_says_by_how_much() -> None:
    world, honest = _promises(misquoted_share=0.0)
    other, wrong = _promises(misquoted_share=1.0, misquote_days=6.0)
    wrong.step(other.calendar.today(0))
    told = np.array([row["misquote_days"] for row in other.told("promise_lanes")])
    sooner = (_promised(world, honest) - _promised(other, wrong)) / DAY
    assert told.min() >= 2.0
    assert told.max() <= 6.0
    assert told.min() - 2.0 <= sooner.min()
    assert abs(sooner.mean() - told.mean()) < 1.0


def test_promises_do_not_depend_on_the_order_of_parcels() -> None:
    world, promises = _promises()
    shuffled = np.random.default_rng(1).permutation(_COUNT)
    assert np.array_equal(_promised(world, promises)[shuffled], _promised(world, promises, order=shuffled))


def test_a_promise_is_never_the_day_of_the_purchase() -> None:
    world, promises = _promises(
        margin_days=0.0, quote_spread_days=0.0, transit_factor=0.0, handling_factor=0.0, misquoted_share=1.0, misquote_days=30.0
    )
    today = world.calendar.today(10)
    promised = _promised(world, promises)
    assert (promised >= today.end).all()


@pytest.mark.parametrize("name", ["margin_days", "transit_factor", "misquote_days", "misquoted_share", "lane_spread_days"])
def test_negative_parameters_are_refused_by_name(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        PromisesParameters(**{name: -1.0})


def test_an_order_late_in_the_evening_waits_for_the_day_that_its_hours_reach() -> None:
    world, promises = _promises(lane_spread_days=0.0, quote_spread_days=0.0, misquoted_share=0.0, margin_days=14.5)
    today = world.calendar.today(14)
    area = np.zeros(24 * DEPOTS, dtype=np.int64)
    ordered_at = today.start + np.arange(len(area)) * HOUR // DEPOTS
    promised = promises.of(today, area, area, ordered_at, np.full(len(area), 24.0), Network())
    assert (np.diff(promised) >= 0).all()
    assert promised[0] < promised[-1]

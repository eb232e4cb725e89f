"""Leads: the public funnel's shares come out, quality selects, and the same lead is the same in a twin world."""

import numpy as np
import pytest
from merchant_world import day_of, merchants_of, surroundings
from pydantic import ValidationError

from tradewind_simulator.mechanisms.growth.leads import Leads, LeadsParameters
from tradewind_simulator.mechanisms.growth.merchants import MerchantsParameters

DAYS = 120


def _funnel(*levers: str, orders_per_day: float = 6000.0) -> tuple[Leads, np.ndarray, object]:
    world = surroundings(*levers, orders_per_day=orders_per_day)
    leads = merchants_of(world).leads
    born = [leads.step(day_of(world, number)) for number in range(DAYS)]
    return leads, np.concatenate(born), world


@pytest.fixture(scope="module")
def funnel() -> tuple[Leads, np.ndarray, object]:
    return _funnel()


def test_about_a_tenth_is_won_and_channels_are_as_far_apart_as_in_the_public_funnel(funnel):
    _, _, world = funnel
    channel = np.array(world.exports.appended("leads").column("channel").to_pylist())
    is_won = world.truth.column("leads", "is_won")
    assert is_won.mean() == pytest.approx(0.10, abs=0.015)
    assert np.mean(channel == "organic_search") == pytest.approx(0.289, abs=0.01)
    assert is_won[channel == "unknown"].mean() > is_won[channel == "organic_search"].mean() > 1.5 * is_won[channel == "social"].mean()


def test_wins_are_drawn_with_the_probability_that_truth_tells(funnel):
    _, _, world = funnel
    probability, is_won = (world.truth.column("leads", name) for name in ("win_probability", "is_won"))
    high = probability > np.median(probability)
    for group in (high, ~high):
        assert is_won[group].mean() == pytest.approx(probability[group].mean(), abs=0.012)


def test_the_won_are_better_merchants_than_those_who_asked(funnel):
    _, _, world = funnel
    quality, is_won = (world.truth.column("leads", name) for name in ("quality", "is_won"))
    assert quality[is_won].mean() > quality.mean() + 0.1


def test_deals_come_after_the_contact_with_the_median_of_the_public_funnel(funnel):
    _, _, world = funnel
    deals, leads = (world.exports.appended(name) for name in ("deals", "leads"))
    contacted = dict(zip(leads.column("lead_id").to_pylist(), leads.column("contacted_at").cast("int64").to_pylist(), strict=True))
    waits = np.array(
        [
            won - contacted[lead]
            for lead, won in zip(deals.column("lead_id").to_pylist(), deals.column("won_at").cast("int64").to_pylist(), strict=True)
        ]
    )
    days = waits / 86_400e6
    assert days.min() > 0
    assert 10.5 < np.median(days) < 15
    assert np.mean(deals.column("declared_monthly_revenue").is_valid()) < 0.15


def test_half_of_the_won_begin_to_sell_some_weeks_later_in_order(funnel):
    leads, born, world = funnel
    launched = world.truth.column("leads", "is_launched")
    pending = leads.arrays()["lead"]
    assert launched.sum() == len(born) + len(pending)
    assert launched.sum() / world.truth.column("leads", "is_won").sum() == pytest.approx(0.6, abs=0.06)
    assert len(set(born)) == len(born)
    assert not set(born) & set(pending)


def test_a_lead_has_the_traits_of_its_number_in_any_company(funnel):
    leads = funnel[0]
    numbers = np.arange(5_000, 6_000)
    order = np.random.default_rng(0).permutation(len(numbers))
    one, two = leads.traits(numbers), leads.traits(numbers[order])
    for name in ("channel", "page", "standing", "answer_hours"):
        assert np.array_equal(getattr(one, name)[order], getattr(two, name)), name


def test_without_calls_only_the_called_are_won_more_or_less_often(funnel):
    _, _, plain = funnel
    _, _, twin = _funnel("outreach=0")
    assert plain.exports.appended("leads").equals(twin.exports.appended("leads"))
    with_calls, without = (world.truth.column("leads", "win_probability") for world in (plain, twin))
    changed = np.mean(with_calls != without)
    assert 0.2 < changed < 0.4
    assert with_calls.mean() > without.mean() + 0.01
    assert np.any(with_calls < without)
    same = with_calls == without
    won = [world.truth.column("leads", "is_won") for world in (plain, twin)]
    assert np.array_equal(won[0][same], won[1][same])
    assert not np.any(won[1] & ~won[0] & (with_calls > without))


def test_a_world_scales_by_its_orders(funnel):
    few = _funnel(orders_per_day=600.0)[2].exports.appended("leads").num_rows
    many = funnel[2].exports.appended("leads").num_rows
    assert many / few == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize("wrong", [{"leads_per_order": -1}, {"days_to_win": 0}, {"launch_share": 1.2}, {"launch_days_least": 60}])
def test_impossible_parameters_are_refused_by_name(wrong: dict[str, float]):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        LeadsParameters(**wrong)
    assert MerchantsParameters().leads == LeadsParameters()

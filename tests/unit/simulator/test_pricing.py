"""Prices: sums that hold, one confounded arm and one that is not, an instrument that is one, a lever that moves nothing else."""

import numpy as np
import pytest
from commerce_world import Market, day_of
from pydantic import ValidationError

from tradewind_simulator.columns import NO_MONEY
from tradewind_simulator.mechanisms.commerce.pricing import PricingParameters


def _priced(market: Market, day: int = 0):
    return market.pricing.step(day_of(market.world, day), market.listed(), market.shops)


def test_what_the_customer_pays_and_what_the_platform_pays_make_the_list_price():
    market = Market()
    market.shops.share_paid = np.linspace(0, 0.9, len(market.shops.share_paid))
    prices = _priced(market)
    assert np.array_equal(prices.price + prices.subsidy, prices.list_price)
    assert prices.price.min() > 0
    paid = prices.subsidy / prices.list_price
    assert paid.max() == pytest.approx(PricingParameters().greatest_subsidy, abs=0.01)


def test_merchants_price_with_the_coming_demand_and_the_experiment_does_not():
    market = Market(orders_per_day=6_000)
    prices = _priced(market, 3)
    own, drawn = prices.log_ratio[~prices.is_experiment], prices.log_ratio[prices.is_experiment]
    slope = np.polyfit(prices.coming[~prices.is_experiment], own, 1)[0]
    assert slope == pytest.approx(PricingParameters().anticipation, abs=0.02)
    assert abs(np.corrcoef(prices.coming[prices.is_experiment], drawn)[0, 1]) < 0.08
    assert prices.is_experiment.mean() == pytest.approx(PricingParameters().experiment_share, abs=0.01)


def test_prices_follow_costs_with_the_planted_pass_through():
    market = Market(orders_per_day=6_000)
    prices = _priced(market, 300)
    shock = market.pricing.cost_log(300)[market.catalogue["category"]]
    own = ~prices.is_experiment
    assert np.ptp(shock) > 0.1
    assert np.polyfit(shock[own], prices.log_ratio[own], 1)[0] == pytest.approx(PricingParameters().pass_through, abs=0.1)
    assert abs(np.polyfit(shock[~own], prices.log_ratio[~own], 1)[0]) < 0.3


def test_a_cost_shock_moves_no_demand_by_itself():
    market = Market(orders_per_day=6_000)
    prices = _priced(market, 300)
    shock = market.pricing.cost_log(300)[market.catalogue["category"]]
    assert abs(np.corrcoef(shock, prices.coming)[0, 1]) < 0.03


def test_the_price_lever_scales_list_prices_and_moves_no_draw():
    one, other = Market(), Market("price=0.8")
    plain, pulled = _priced(one, 2), _priced(other, 2)
    assert np.median(pulled.list_price / plain.list_price) == pytest.approx(0.8, abs=0.005)
    assert np.array_equal(plain.is_experiment, pulled.is_experiment)
    assert np.array_equal(plain.coming, pulled.coming)
    assert np.array_equal(plain.cost, pulled.cost)


def test_a_price_stands_for_a_week():
    market = Market()
    days = np.array([_priced(market, day).is_experiment for day in range(15)])
    changes = (days[1:] != days[:-1]).sum(axis=0)
    assert changes.max() <= 2 + 1


def test_some_merchants_do_not_tell_their_cost():
    prices = _priced(Market(orders_per_day=2_000))
    told = prices.told_cost != NO_MONEY
    assert told.mean() == pytest.approx(PricingParameters().cost_told_share, abs=0.03)
    assert np.array_equal(prices.told_cost[told], prices.cost[told])


@pytest.mark.parametrize(
    ("name", "value"), [("experiment_share", 1.5), ("promotion_depth", (0.3, 0.1)), ("pass_through", -1), ("greatest_subsidy", 1.0)]
)
def test_impossible_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        PricingParameters(**{name: value})

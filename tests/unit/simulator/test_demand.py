"""Demand: the price law as planted, counts that never rise with the price, a funnel that narrows, draws that belong to the product."""

import numpy as np
import pytest
from commerce_world import Market, Shops, at_base, day_of
from pydantic import ValidationError

from tradewind_simulator.mechanisms.commerce.demand import ORDER_DAY, DemandParameters


def _market(**given) -> Market:
    market = Market(**given)
    market.listed()
    return market


def _wanted(market: Market, log_ratio=0.0, day: int = 0):
    today = day_of(market.world, day)
    exposure = market.traffic.step(today, market.catalogue)
    return market.demand.step(today, market.catalogue, at_base(market.catalogue, log_ratio), exposure, market.shops, market.creators)


def test_own_price_moves_demand_by_the_products_elasticity():
    market = _market()
    today, catalogue = day_of(market.world, 0), market.catalogue
    raised = np.zeros(len(catalogue))
    raised[::97] = 0.1
    change = np.log(
        market.demand.factor(today, catalogue, at_base(catalogue, raised)) / market.demand.factor(today, catalogue, at_base(catalogue))
    )
    # Prices are in whole cents; the law takes the ratio as given.
    alone = [n for n in range(0, len(catalogue), 97) if np.count_nonzero(raised[catalogue["category"] == catalogue["category"][n]]) == 1]
    assert len(alone) > 2
    assert change[alone] / 0.1 == pytest.approx(catalogue["elasticity"][alone])


def test_a_rivals_price_moves_demand_by_the_categorys_cross_elasticity():
    market = _market()
    today, catalogue = day_of(market.world, 0), market.catalogue
    category = int(np.bincount(catalogue["category"]).argmax())
    members = np.flatnonzero(catalogue["category"] == category)
    raised = np.zeros(len(catalogue))
    raised[members[1:]] = 0.2
    change = np.log(
        market.demand.factor(today, catalogue, at_base(catalogue, raised)) / market.demand.factor(today, catalogue, at_base(catalogue))
    )
    assert change[members[0]] / 0.2 == pytest.approx(market.demand.cross_elasticity[category])
    assert change[catalogue["category"] != category] == pytest.approx(0.0)


def test_a_lower_price_never_sells_less_of_any_product():
    dear, cheap = _market(orders_per_day=1_000), _market(orders_per_day=1_000)
    # Cross-price effects are off so that the rivals' lower price does not take from each.
    for market in (dear, cheap):
        market.demand.cross_elasticity[:] = 0
    high, low = _wanted(dear, 0.0), _wanted(cheap, -0.2)
    count = len(dear.catalogue)
    before = np.bincount(high.purchases.product, minlength=count)
    after = np.bincount(low.purchases.product, minlength=count)
    assert (after >= before).all()
    assert after.sum() > 1.2 * before.sum()
    kept = np.isin(high.purchases.order_number, low.purchases.order_number)
    assert kept.all()


def test_expected_elasticity_is_seen_in_the_counts_of_many_days():
    def sold(ratio: float) -> tuple[float, float]:
        market = _market(orders_per_day=3_000)
        wanted = [_wanted(market, ratio, day) for day in range(4)]
        return float(sum(w.rate.sum() for w in wanted)), float(sum(len(w.purchases.product) for w in wanted))

    (rate, count), (rate_raised, count_raised) = sold(0.0), sold(0.1)
    assert count == pytest.approx(rate, rel=0.03)
    assert np.log(count_raised / count) == pytest.approx(np.log(rate_raised / rate), abs=0.03)


def test_the_funnel_narrows_in_every_row():
    wanted = _wanted(_market(orders_per_day=1_500))
    bought = np.bincount(wanted.purchases.product, minlength=len(wanted.carts))
    assert (wanted.impressions >= wanted.clicks).all()
    assert (wanted.clicks >= wanted.carts).all()
    assert (wanted.carts >= bought).all()


def test_an_early_day_has_about_the_worlds_orders():
    market = Market(orders_per_day=800)
    purchases = [len(market.want(day)[3].purchases.product) for day in range(10)]
    assert np.mean(purchases) == pytest.approx(800 * DemandParameters().purchases_per_order, rel=0.12)


def test_order_numbers_are_unique_and_of_their_day():
    numbers = _wanted(_market(orders_per_day=3_000), day=7).purchases.order_number
    assert len(np.unique(numbers)) == len(numbers)
    assert set(numbers // ORDER_DAY) == {7}


def test_purchases_belong_to_products_whatever_their_order():
    ahead, behind = _market(shops=Shops(np.arange(1, 61))), _market(shops=Shops(np.arange(60, 0, -1)))
    one, other = _wanted(ahead, day=4), _wanted(behind, day=4)
    assert len(one.purchases.product) > 100
    places = behind.catalogue.entities.positions(ahead.catalogue["number"])
    assert one.rate == pytest.approx(other.rate[places])
    both = np.intersect1d(one.purchases.order_number, other.purchases.order_number)
    # Sums over products in another order may differ in the last bit, and so may a count at its edge.
    assert len(both) >= len(one.purchases.product) - 1


def test_a_dead_merchant_sells_nothing():
    market = _market()
    market.shops.entities["is_alive"][:30] = False
    market.catalogue.step(day_of(market.world, 0), market.shops)
    wanted = _wanted(market)
    assert (market.catalogue["merchant"][wanted.purchases.product] >= 30).all()


def test_a_lever_from_the_first_day_is_not_taken_back_by_the_scale():
    plain, pulled = Market(), Market("price=1.3")
    plain.want(0)
    pulled.want(0)
    assert plain.demand.arrays()["scale"] == pulled.demand.arrays()["scale"]


@pytest.mark.parametrize(
    ("name", "value"), [("cart_share", 0), ("quantity_weights", (0.0, 0.0)), ("cross_elasticity", (0.5, 0.1)), ("bought_share", 1.5)]
)
def test_impossible_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        DemandParameters(**{name: value})

"""Traffic: a pool that is shared out and never grows, positions that matter as planted, a response that bends and tires."""

import numpy as np
import pytest
from commerce_world import Market, day_of
from pydantic import ValidationError

from tradewind_simulator.mechanisms.commerce.traffic import TrafficParameters

PLAIN = {"churn_log_sd": 0.0, "promoted_by_lot_share": 0.0, "promoted_by_popularity_share": 0.0, "explored_share": 0.0}


def _market(*levers: str, orders_per_day: float = 300.0, **changes: float) -> Market:
    market = Market(*levers, orders_per_day=orders_per_day, traffic=TrafficParameters(**changes))
    market.listed()
    return market


def _shown(market: Market, day: int = 0, demand: float = 1.0):
    return market.traffic.step(day_of(market.world, day, demand=demand), market.catalogue)


@pytest.mark.parametrize("demand", [1.0, 1.7])
def test_the_pool_of_impressions_is_given(demand):
    exposure = _shown(_market(), demand=demand)
    assert exposure.impression_rate.sum() == pytest.approx(300 * TrafficParameters().impressions_per_order * demand)


def test_the_first_catalogue_gets_the_clicks_that_the_parameters_say():
    market = _market(**PLAIN)
    assert _shown(market).click_rate.sum() == pytest.approx(300 * TrafficParameters().clicks_per_order, rel=0.01)


def test_boosting_one_takes_from_the_others_of_its_category_only():
    plain, boosted = _market(**PLAIN), _market(**PLAIN)
    category = plain.catalogue["category"]
    lucky = int(np.flatnonzero(category == np.bincount(category).argmax())[-1])
    boosted.catalogue["popularity"][lucky] *= 50
    before, after = _shown(plain).impression_rate, _shown(boosted).impression_rate
    rivals = (category == category[lucky]) & (np.arange(len(category)) != lucky)
    assert after[lucky] > before[lucky]
    assert (after[rivals] <= before[rivals] + 1e-9).all()
    assert after[rivals].sum() < before[rivals].sum()
    assert after[category != category[lucky]] == pytest.approx(before[category != category[lucky]])


def test_examination_falls_with_the_position_as_planted():
    market = _market(orders_per_day=2_000, attraction_log_sd=0, attraction_quality=0, attraction_popularity=0, fatigue=0, saturation=100)
    exposure = _shown(market)
    rate = exposure.click_rate / exposure.impression_rate
    slope = np.polyfit(np.log(exposure.position), np.log(rate), 1)[0]
    assert slope == pytest.approx(-TrafficParameters().position_exponent, abs=0.02)


def test_the_position_of_explored_products_says_nothing_of_their_quality():
    market = _market(orders_per_day=1_500, explored_share=0.4)
    exposure = _shown(market)
    explored = market.world.truth.column("exposure_arms", "arm") == "explored"
    ids = market.world.truth.column("exposure_arms", "product_id")[explored]
    drawn = np.isin(market.catalogue["number"], [int(name[1:]) for name in ids])
    assert drawn.mean() == pytest.approx(0.4, abs=0.02)
    popularity = np.log(market.catalogue["popularity"])
    assert abs(np.corrcoef(exposure.position[drawn], popularity[drawn])[0, 1]) < 0.08
    assert np.corrcoef(exposure.position[~drawn], popularity[~drawn])[0, 1] < -0.3


def test_more_exposure_gives_less_than_proportionally_more_clicks():
    def gain(saturation: float) -> float:
        """Clicks per impression of the head of a category once it is alone there, over those before."""
        market = _market(**PLAIN, saturation=saturation)
        category = market.catalogue["category"]
        members = category == np.bincount(category).argmax()
        among = _shown(market)
        best = int(np.argmax(np.where(members, among.impression_rate, 0)))
        among, market.catalogue["is_active"][members] = _shown(market), False
        market.catalogue["is_active"][best] = True
        alone = _shown(market)
        assert alone.impression_rate[best] > 5 * among.impression_rate[best]
        return (alone.click_rate[best] / alone.impression_rate[best]) / (among.click_rate[best] / among.impression_rate[best])

    assert gain(0.2) < 0.8 * gain(50.0)


def test_what_is_shown_much_tires():
    market = _market(**PLAIN)
    first = _shown(market, 0)
    best = int(np.argmax(first.impression_rate))
    market.traffic._held[best] *= 5
    later = _shown(market, 1)
    assert later.impression_rate[best] == pytest.approx(first.impression_rate[best])
    assert later.click_rate[best] < 0.95 * first.click_rate[best]


def test_without_the_lever_nothing_is_promoted_and_the_pool_is_the_same():
    plain, pulled = _shown(_market()), _shown(_market("exposure=off"))
    assert plain.is_promoted.any()
    assert not pulled.is_promoted.any()
    assert pulled.impression_rate.sum() == pytest.approx(plain.impression_rate.sum())
    assert plain.impression_rate[plain.is_promoted].sum() > pulled.impression_rate[plain.is_promoted].sum()


def test_what_is_off_the_shelves_is_not_shown():
    market = _market()
    market.catalogue["is_active"][::2] = False
    exposure = _shown(market)
    assert exposure.impression_rate[::2].sum() == 0
    assert np.isnan(exposure.position[::2]).all()
    assert not np.isnan(exposure.position[1::2]).any()


def test_a_checkpoint_brings_traffic_back():
    market, other = _market(), _market()
    for day in range(3):
        _shown(market, day)
    other.traffic.restore(market.traffic.arrays())
    assert np.array_equal(_shown(market, 3).click_rate, _shown(other, 3).click_rate)


@pytest.mark.parametrize(("name", "value"), [("impressions_per_order", 0), ("saturation", 0), ("explored_share", -0.1), ("slots", 0)])
def test_impossible_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        TrafficParameters(**{name: value})

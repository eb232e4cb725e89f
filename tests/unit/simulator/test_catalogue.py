"""Products: as many and such as planted, each a function of its number, on the shelves while their merchant lives."""

import numpy as np
import pytest
from commerce_world import Market, Shops, day_of
from pydantic import ValidationError

from tradewind_simulator.days import NEVER
from tradewind_simulator.mechanisms.commerce.catalogue import CatalogueParameters
from tradewind_simulator.mechanisms.commerce.categories import NAMES, SHARES

TRAITS = ("category", "list_price", "weight_g", "length_cm", "quality", "popularity", "elasticity", "warehouse")


def test_the_first_catalogue_is_as_large_as_the_world():
    assert len(Market(orders_per_day=300).listed()) == pytest.approx(3 * 300 + 200, rel=0.02)


def test_categories_have_shares_that_sum_to_one():
    assert SHARES.sum() == pytest.approx(1)
    assert len(set(NAMES)) == len(NAMES) == len(SHARES)


def test_prices_and_weights_are_spread_as_olists():
    catalogue = Market(orders_per_day=3_000).listed()
    assert np.median(catalogue["list_price"]) / 100 == pytest.approx(75, rel=0.15)
    assert np.quantile(catalogue["list_price"], 0.9) / 100 == pytest.approx(230, rel=0.2)
    assert np.median(catalogue["weight_g"]) == pytest.approx(750, rel=0.2)
    assert np.quantile(catalogue["weight_g"], 0.95) == pytest.approx(8_500, rel=0.3)


def test_heavier_products_have_larger_boxes():
    catalogue = Market(orders_per_day=1_000).listed()
    volume = catalogue["length_cm"] * catalogue["height_cm"] * catalogue["width_cm"]
    assert np.corrcoef(np.log(volume), np.log(catalogue["weight_g"]))[0, 1] > 0.6


def test_elasticity_differs_by_segment_as_planted():
    catalogue = Market(orders_per_day=2_000).listed()
    means = [catalogue["elasticity"][catalogue["segment"] == segment].mean() for segment in range(3)]
    assert means == pytest.approx(CatalogueParameters().elasticity_by_segment, abs=0.06)


def test_traits_are_of_the_number_and_not_of_the_order_of_merchants():
    ahead, behind = Market(shops=Shops(np.arange(1, 61))).listed(), Market(shops=Shops(np.arange(60, 0, -1))).listed()
    assert sorted(ahead["number"]) == sorted(behind["number"])
    places = behind.entities.positions(ahead["number"])
    for name in TRAITS:
        assert np.array_equal(ahead[name], behind[name][places]), name


def test_a_merchants_stock_lies_in_one_fulfilment_centre():
    catalogue = Market(orders_per_day=1_000).listed()
    stocked = catalogue["warehouse"] >= 0
    assert stocked.mean() == pytest.approx(0.25, abs=0.03)
    pairs = set(zip(catalogue["merchant"][stocked], catalogue["warehouse"][stocked], strict=True))
    assert len(pairs) == len({merchant for merchant, _ in pairs})


def test_products_leave_the_shelves_with_their_merchant():
    market = Market()
    catalogue = market.listed()
    market.shops.entities["is_alive"][4] = False
    catalogue.step(day_of(market.world, 1), market.shops)
    assert np.array_equal(catalogue["is_active"], catalogue["merchant"] != 4)


def test_a_merchant_born_later_lists_products_and_the_others_keep_theirs():
    market = Market(shops=Shops(np.arange(1, 41)))
    before = market.listed()["number"].copy()
    market.shops.entities = Shops(np.append(np.arange(1, 41), 1_000_007)).entities
    market.catalogue.step(day_of(market.world, 9), market.shops)
    born = market.catalogue["number"][len(before) :]
    assert np.array_equal(market.catalogue["number"][: len(before)], before)
    assert len(born) > 0
    assert set(born // 1_000) == {1_000_007}
    assert set(market.catalogue["born_day"][len(before) :]) == {9}


def test_a_products_row_is_written_at_birth_and_again_at_its_first_order():
    market = Market()
    catalogue = market.listed()
    catalogue.first_seen(np.array([3]), np.array([market.world.days.start(0) + 500]))
    catalogue.first_seen(np.array([3]), np.array([market.world.days.start(1) + 500]))
    rows = market.world.exports.appended("products")
    assert rows.num_rows == len(catalogue) + 1
    assert rows.column("first_seen_at").null_count == len(catalogue)
    assert catalogue["first_seen_at"][3] == market.world.days.start(0) + 500
    assert np.count_nonzero(catalogue["first_seen_at"] != NEVER) == 1


def test_a_checkpoint_brings_the_catalogue_back():
    market, other = Market(), Market()
    kept = market.listed().arrays()
    other.catalogue.restore(kept)
    assert all(np.array_equal(values, kept[name]) for name, values in other.catalogue.arrays().items())
    other.catalogue.step(day_of(other.world, 1), other.shops)
    assert len(other.catalogue) == len(market.catalogue)


@pytest.mark.parametrize(
    ("name", "value"),
    [("products_per_daily_order", 0), ("cost_share", 1.0), ("fulfilled_share", -0.1), ("elasticity_by_segment", (-2.0, -1.0, 0.1))],
)
def test_impossible_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        CatalogueParameters(**{name: value})

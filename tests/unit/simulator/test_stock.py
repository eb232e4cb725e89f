"""Stock: books that balance, sales that stop where stock does, supplies that come when they should."""

import numpy as np
import pyarrow.compute as pc
import pytest
from commerce_world import Market, day_of
from pydantic import ValidationError

from tradewind_simulator.mechanisms.commerce.demand import Purchases, Wanted
from tradewind_simulator.mechanisms.commerce.stock import StockParameters


def _lived(days: int = 25, **parameters) -> Market:
    market = Market(orders_per_day=300, **parameters)
    for day in range(days):
        market.step(day)
    return market


def _of(market: Market, product: int, quantities: list[int], rate: float = 0.02) -> Wanted:
    count = len(market.catalogue)
    none = np.zeros(count, dtype=np.int64)
    purchases = Purchases(np.full(len(quantities), product), np.array(quantities), np.arange(len(quantities)))
    return Wanted(purchases, np.full(count, rate), none, none, none)


def test_what_opens_comes_in_and_goes_out_makes_what_closes_and_opens_again():
    rows = _lived().world.exports.appended("stock_daily")
    opening, received, sold, closing = (
        rows.column(f"{name}_units_count").to_numpy() for name in ("opening", "received", "sold", "closing")
    )
    assert np.array_equal(opening + received - sold, closing)
    assert min(opening.min(), received.min(), sold.min(), closing.min()) >= 0
    assert received.sum() > 0
    keys = rows.sort_by([("product_id", "ascending"), ("date", "ascending")])
    same = np.array(keys.column("product_id")[1:].to_pylist()) == np.array(keys.column("product_id")[:-1].to_pylist())
    assert np.array_equal(keys.column("opening_units_count").to_numpy()[1:][same], keys.column("closing_units_count").to_numpy()[:-1][same])


def test_sales_stop_where_stock_does_and_the_loss_is_told():
    market = Market()
    catalogue = market.listed()
    product = int(np.flatnonzero(catalogue["warehouse"] >= 0)[0])
    market.stock.step(day_of(market.world, 0), catalogue, _of(market, product, []))
    at_hand = int(market.stock.arrays()["at_hand"][product])
    sold = market.stock.step(day_of(market.world, 1), catalogue, _of(market, product, [at_hand - 1, 4, 2]))
    assert list(sold.quantity) == [quantity for quantity in (at_hand - 1, 1) if quantity > 0]
    assert market.stock.arrays()["at_hand"][product] == 0
    assert market.world.truth.column("lost_sales", "lost_units_count").sum() == 3 + 2
    rows = market.world.exports.appended("stock_daily")
    mine = rows.filter(pc.equal(rows.column("product_id"), f"p{catalogue['number'][product]}"))
    assert mine.column("is_stocked_out").to_pylist() == [False, True]


def test_what_merchants_ship_themselves_is_never_out_and_has_no_rows():
    market = Market()
    catalogue = market.listed()
    product = int(np.flatnonzero(catalogue["warehouse"] < 0)[0])
    sold = market.stock.step(day_of(market.world, 0), catalogue, _of(market, product, [500, 500]))
    assert sold.quantity.sum() == 1_000
    rows = market.world.exports.appended("stock_daily")
    assert rows.num_rows == np.count_nonzero(catalogue["warehouse"] >= 0)
    assert f"p{catalogue['number'][product]}" not in rows.column("product_id").to_pylist()


def test_supplies_come_after_the_lead_time():
    market = Market(stock=StockParameters(lead_days=(4, 4), delayed_share=0.0))
    catalogue = market.listed()
    product = int(np.flatnonzero(catalogue["warehouse"] >= 0)[0])
    levels = []
    for day in range(7):
        wanted = _of(market, product, [10_000] if day == 1 else [])
        market.stock.step(day_of(market.world, day), catalogue, wanted)
        levels.append(int(market.stock.arrays()["at_hand"][product]))
    assert levels[1:5] == [0, 0, 0, 0]
    assert levels[5] > 0


def test_slower_suppliers_lose_more_sales():
    def lost(low: int, high: int) -> float:
        market = _lived(30, stock=StockParameters(lead_days=(low, high), safety_z=0.0))
        return float(market.world.truth.column("lost_sales", "lost_units_count").sum())

    assert lost(9, 12) > 1.1 * lost(1, 2)


def test_a_day_is_closed_in_the_night_after():
    market = _lived(2)
    rows = market.world.exports.appended("stock_daily")
    at = rows.column("recorded_at").cast("int64").to_numpy() // 1_000_000
    day = market.world.days.of(at)
    assert set(day) == {1, 2}
    assert ((at - np.array([market.world.days.start(d) for d in day])) <= 3 * 3_600).all()


def test_a_checkpoint_brings_stock_back():
    market, other = _lived(12), Market(orders_per_day=300)
    other.listed()
    other.stock.restore(market.stock.arrays())
    wanted = market.want(12)[3]
    today = day_of(market.world, 12)
    one, again = market.stock.step(today, market.catalogue, wanted), other.stock.step(today, market.catalogue, wanted)
    assert np.array_equal(one.quantity, again.quantity)
    assert all(np.array_equal(values, market.stock.arrays()[name]) for name, values in other.stock.arrays().items())


@pytest.mark.parametrize(("name", "value"), [("lead_days", (0, 3)), ("safety_z", -1), ("days_between_orders", 0), ("delayed_share", 2)])
def test_impossible_parameters_are_refused_by_name(name, value):
    with pytest.raises(ValidationError, match=name):
        StockParameters(**{name: value})

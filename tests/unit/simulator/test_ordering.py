"""Orders: sums to the cent, parcels that are what they hold, twins that share what they can, rows as they became known."""

import itertools

import numpy as np
import pyarrow.compute as pc
import pytest
from commerce_world import Market, Places
from hypothesis import given, settings
from hypothesis import strategies as st
from merchant_world import surroundings
from pydantic import ValidationError

from tradewind_simulator.mechanisms.commerce.baskets import BasketParameters, baskets
from tradewind_simulator.mechanisms.commerce.catalogue import CatalogueParameters
from tradewind_simulator.mechanisms.commerce.customers import Customers, CustomersParameters
from tradewind_simulator.mechanisms.commerce.demand import ORDER_DAY, Purchases
from tradewind_simulator.mechanisms.commerce.ordering import FreightParameters, OrderingParameters
from tradewind_simulator.mechanisms.commerce.payments import Payments, PaymentsParameters
from tradewind_simulator.streams import Stream


@pytest.fixture(scope="module")
def lived():
    market = Market(orders_per_day=900)
    market.days = [market.step(day) for day in range(4)]
    return market


def _cents(rows, name: str) -> np.ndarray:
    return (pc.cast(rows.column(name), "float64").to_numpy() * 100).round().astype(np.int64)


def _sums(keys, values) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, value in zip(keys, values, strict=True):
        sums[key] = sums.get(key, 0) + int(value)
    return sums


def test_payments_are_prices_and_freight_to_the_cent(lived):
    items = lived.world.exports.appended("order_items")
    items = items.filter(pc.is_null(items.column("approved_at")))
    owed = _sums(items.column("order_id").to_pylist(), _cents(items, "price") + _cents(items, "freight"))
    paid = lived.world.exports.appended("payments")
    assert _sums(paid.column("order_id").to_pylist(), _cents(paid, "amount")) == owed


def test_a_parcel_is_an_orders_items_of_one_merchant(lived):
    for orders, parcels in lived.days:
        key = list(zip(orders.number[orders.item_order], orders.item_merchant, strict=True))
        assert sorted(set(key)) == sorted(zip(parcels.order, parcels.merchant, strict=True))
        places = {pair: place for place, pair in enumerate(zip(parcels.order, parcels.merchant, strict=True))}
        parcel = np.array([places[pair] for pair in key])
        for name, values in (
            ("price", orders.item_price),
            ("freight", orders.item_freight),
            ("weight_g", lived.catalogue["weight_g"][orders.item_product]),
            ("items", np.ones(len(parcel))),
        ):
            assert np.array_equal(np.bincount(parcel, weights=values), getattr(parcels, name)), name


def test_orders_and_parcels_are_in_order_of_their_numbers(lived):
    for orders, parcels in lived.days:
        assert (np.diff(orders.number) > 0).all()
        assert (np.diff(parcels.number) > 0).all()
        assert np.array_equal(parcels.number // 8, parcels.order)
        first = np.flatnonzero(np.diff(parcels.order, prepend=-1))
        assert (parcels.number[first] % 8 == 0).all()


def test_a_parcel_leaves_a_fulfilment_centre_only_with_nothing_else_in_it(lived):
    for orders, parcels in lived.days:
        site = lived.catalogue["warehouse"][orders.item_product]
        sites: dict[tuple[int, int], set[int]] = {}
        for order, merchant, where in zip(orders.number[orders.item_order], orders.item_merchant, site, strict=True):
            sites.setdefault((order, merchant), set()).add(int(where))
        for order, merchant, where, origin in zip(parcels.order, parcels.merchant, parcels.warehouse, parcels.origin_area, strict=True):
            held = sites[order, merchant]
            assert where == (held.pop() if len(held) == 1 else -1)
            assert origin == ((3, 2)[where] if where >= 0 else lived.shops.entities["area"][merchant])
    assert any((parcels.warehouse >= 0).any() for _, parcels in lived.days)


def test_item_numbers_count_from_one_within_an_order(lived):
    for orders, _ in lived.days:
        for place in np.unique(orders.item_order[orders.item_number > 1])[:50]:
            numbers = orders.item_number[orders.item_order == place]
            assert list(numbers) == list(range(1, len(numbers) + 1))


def test_about_a_tenth_of_orders_hold_several_items_and_a_few_several_merchants(lived):
    items = np.concatenate([np.bincount(orders.item_order) for orders, _ in lived.days])
    parcels = np.concatenate([np.unique(parcels.order, return_counts=True)[1] for _, parcels in lived.days])
    assert (items > 1).mean() == pytest.approx(0.10, abs=0.02)
    assert 0.008 < (parcels > 1).mean() < 0.03


def test_orders_are_placed_within_their_day_and_mostly_by_day(lived):
    for day, (orders, _) in enumerate(lived.days):
        assert set(lived.world.days.of(orders.ordered_at)) == {day}
        hour = (orders.ordered_at - lived.world.days.start(day)) // 3_600
        assert ((hour >= 10) & (hour <= 22)).mean() > 0.7


def test_an_order_has_one_promise_the_latest_of_its_parcels(lived):
    for orders, parcels in lived.days:
        far = np.abs(parcels.origin_area - parcels.destination_area)
        latest: dict[int, int] = {}
        for order, distance in zip(parcels.order, far, strict=True):
            latest[order] = max(latest.get(order, 0), int(distance))
        end = lived.world.days.start(int(orders.number[0] // ORDER_DAY) + 1)
        assert [int(at) for at in parcels.promised_at] == [end + 86_400 * (5 * latest[order] + 1) for order in parcels.order]


def test_the_limit_to_ship_is_a_weekday_four_to_seven_of_them_ahead(lived):
    for _, parcels in lived.days:
        ordered, limit = lived.world.days.of(parcels.ordered_at), lived.world.days.of(parcels.ship_by_at)
        for first, last in set(zip(ordered, limit, strict=True)):
            between = [lived.world.days.date(int(day)).weekday() for day in range(first + 1, last + 1)]
            assert between[-1] < 5
            assert 4 <= sum(weekday < 5 for weekday in between) <= 7


def test_the_limit_to_ship_is_written_only_with_the_approval(lived):
    items = lived.world.exports.appended("order_items")
    seconds = items.column("_at_seconds").to_numpy()
    approved = items.column("approved_at").cast("int64")
    assert pc.is_null(approved).equals(pc.is_null(items.column("ship_by_at")))
    known = np.flatnonzero(~pc.is_null(approved).to_numpy())
    assert np.array_equal(approved.to_numpy(zero_copy_only=False)[known] // 1_000_000, seconds[known])
    never = sum(int((orders.number[orders.item_order] % 10 == 0).sum()) for orders, _ in lived.days)
    units = sum(len(orders.item_order) for orders, _ in lived.days)
    assert len(known) == units - never
    assert never > 0


def test_a_products_day_counts_the_orders_and_units_that_hold_it(lived):
    rows = lived.world.exports.appended("product_traffic")
    assert rows.column("units_count").to_numpy().sum() == sum(len(orders.item_order) for orders, _ in lived.days)
    pairs = sum(len(set(zip(orders.item_order, orders.item_product, strict=True))) for orders, _ in lived.days)
    assert rows.column("orders_count").to_numpy().sum() == pairs
    counts = [rows.column(f"{name}_count").to_numpy() for name in ("impressions", "clicks", "carts", "orders")]
    assert all((upper >= lower).all() for upper, lower in itertools.pairwise(counts))
    assert np.array_equal(_cents(rows, "price") + _cents(rows, "subsidy"), _cents(rows, "list_price"))


def test_merchants_and_handling_are_told_of_every_parcel_once(lived):
    assert sum(len(merchant) for merchant, _ in lived.shops.observed) == sum(len(parcels.number) for _, parcels in lived.days)
    assert len(lived.desk.taken) == len(lived.days)
    for (orders, parcels, is_boleto), (_, cents) in zip(lived.desk.taken, lived.shops.observed, strict=True):
        assert 0.1 < is_boleto.mean() < 0.3
        assert len(is_boleto) == len(orders.number)
        assert (cents >= parcels.price).all()


def test_freight_is_spread_as_olists(lived):
    freight = np.concatenate([orders.item_freight for orders, _ in lived.days]) / 100
    assert np.median(freight) == pytest.approx(16.3, rel=0.25)


def test_a_day_without_purchases_has_no_orders_and_still_its_counts():
    market = Market(orders_per_day=50)
    market.shops.entities["is_alive"][:] = False
    orders, parcels = market.step(0)
    assert len(orders.number) == len(parcels.number) == 0


def test_a_lever_leaves_the_orders_that_both_worlds_have_alike():
    plain, pulled = Market(orders_per_day=900), Market("price=0.9", orders_per_day=900)
    one, other = plain.step(0)[0], pulled.step(0)[0]
    shared, first, second = np.intersect1d(one.number, other.number, return_indices=True)
    assert len(shared) > 0.8 * len(one.number)
    for name in ("customer", "ordered_at", "area"):
        assert np.array_equal(getattr(one, name)[first], getattr(other, name)[second]), name
    assert not np.array_equal(one.item_price, other.item_price)


def test_commerce_goes_on_from_a_checkpoint_as_if_it_had_never_stopped():
    market, other = Market(orders_per_day=400), Market(orders_per_day=400)
    for day in range(5):
        market.step(day)
    for part, restored in zip(market.parts(), other.parts(), strict=True):
        restored.restore(part.arrays())
    one, again = market.step(5), other.step(5)
    for mine, theirs in zip(one, again, strict=True):
        for name, values in vars(mine).items():
            assert np.array_equal(values, getattr(theirs, name)), name
    rows = [m.world.exports.appended("customers").to_pylist() for m in (market, other)]
    assert rows[0][-len(rows[1]) :] == rows[1]


def test_a_customer_stays_where_it_is_and_ordered_first_before_it_ordered_last():
    world = surroundings(orders_per_day=2)
    customers = Customers(CustomersParameters(people_per_daily_order=100), world, Places())
    for day in range(6):
        numbers = day * ORDER_DAY + np.arange(150)
        people = customers.of_orders(numbers, np.zeros(150, dtype=np.int64))
        customers.record(people, customers.area(people), world.days.start(day) + (np.arange(150) * 131) % 80_000)
    rows = world.exports.appended("customers").to_pylist()
    firsts: dict[str, set] = {}
    for row in rows:
        firsts.setdefault(row["customer_id"], set()).add((row["first_ordered_at"], row["postal_area_id"]))
        assert row["first_ordered_at"] <= row["last_ordered_at"]
    assert all(len(seen) == 1 for seen in firsts.values())
    earliest = {}
    for row in rows:
        earliest[row["customer_id"]] = min(earliest.get(row["customer_id"], row["last_ordered_at"]), row["last_ordered_at"])
    assert all({earliest[name]} == {first for first, _ in seen} for name, seen in firsts.items())


def test_people_live_where_the_areas_weights_say_and_buy_rather_from_near():
    customers = Customers(CustomersParameters(), surroundings(orders_per_day=300), Places())
    everyone = customers.area(np.arange(len(customers)))
    assert np.bincount(everyone) / len(customers) == pytest.approx(Places.area_weight, abs=1e-3)
    numbers = np.arange(40_000)
    near, far = (customers.area(customers.of_orders(numbers, np.full(40_000, area))) for area in (0, 3))
    assert near.mean() < everyone.mean() - 0.1
    assert far.mean() > everyone.mean() + 0.1


def test_means_of_payment_are_olists_and_every_order_is_paid():
    payments = Payments(PaymentsParameters(), surroundings())
    cents = 500 + np.arange(40_000) % 30_000
    paid = payments.of(np.arange(40_000), cents)
    assert np.array_equal(np.bincount(paid.order, weights=paid.amount), cents)
    shares = np.bincount(paid.method) / len(paid.method)
    assert shares == pytest.approx([0.74, 0.19, 0.055, 0.015], abs=0.012)
    assert (paid.installments[paid.method != 0] == 1).all()
    assert (paid.amount[paid.installments > 1] / paid.installments[paid.installments > 1] >= 1_000).all()
    assert paid.payment_number.max() == 3


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=40), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_every_way_of_paying_sums_to_what_is_owed_and_counts_from_one(owed, seed):
    payments = Payments(PaymentsParameters(method_weights=(1, 1, 5, 1)), surroundings(seed=seed))
    paid = payments.of(np.arange(len(owed)), np.array(owed))
    assert np.array_equal(np.bincount(paid.order, weights=paid.amount), owed)
    assert (paid.amount > 0).all()
    for order in range(len(owed)):
        numbers = paid.payment_number[paid.order == order]
        assert list(numbers) == list(range(1, len(numbers) + 1))


def _basket(parameters: BasketParameters, numbers: np.ndarray):
    purchases = Purchases(np.arange(len(numbers)), np.ones(len(numbers), dtype=np.int64), numbers)
    return baskets(parameters, Stream(1, "ordering"), purchases, numbers % 7, numbers)


def _numbers(count: int) -> np.ndarray:
    return np.unique(3 * ORDER_DAY + (Stream(2, "n").bits(np.arange(count)) >> np.uint64(28)).astype(np.int64))


@given(st.integers(0, 200), st.floats(0, 0.49), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_each_purchase_is_in_one_order_and_no_order_has_more_merchants_than_a_parcels_number_tells_apart(count, joining, own):
    basket = _basket(BasketParameters(joining_share=joining, same_merchant_share=own), _numbers(count))
    assert sorted(basket.purchase) == list(range(len(_numbers(count))))
    assert (np.diff(basket.order) >= 0).all()
    assert np.bincount(basket.order, minlength=1).max(initial=0) <= 7
    assert np.count_nonzero(~basket.is_guest) == len(basket.numbers)


def test_a_full_order_turns_guests_away():
    basket = _basket(BasketParameters(joining_share=0.49, same_merchant_share=0.0), _numbers(6_000))
    assert np.bincount(basket.order).max() == 7


@pytest.mark.parametrize("of_guests", [True, False])
def test_one_purchase_less_in_a_twin_world_moves_only_its_own_order(of_guests):
    numbers = _numbers(2_000)
    whole = _basket(BasketParameters(), numbers)
    rest = np.delete(numbers, whole.purchase[whole.is_guest == of_guests].min())
    less = _basket(BasketParameters(), rest)

    def orders(basket, of) -> set[tuple[int, ...]]:
        return {tuple(of[basket.purchase[basket.order == place]]) for place in np.unique(basket.order)}

    gone = orders(whole, numbers) - orders(less, rest)
    assert 1 <= len(gone) <= 4


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (OrderingParameters, "ship_by_weekdays", (0, 4)),
        (BasketParameters, "joining_share", 0.7),
        (CustomersParameters, "nearer_share", 0.2),
        (PaymentsParameters, "method_weights", (0.0, 0.0, 0.0, 0.0)),
        (FreightParameters, "base_cents", -1),
        (CatalogueParameters, "fulfilled_share", 1.2),
    ],
)
def test_impossible_parameters_are_refused_by_name(kind, name, value):
    with pytest.raises(ValidationError, match=name):
        kind(**{name: value})

"""From purchases to orders: who buys, where it goes, what it costs to bring, what is promised; the parcels that follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import DAY, NEVER
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Orders, Parcels, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.baskets import BasketParameters, Baskets, baskets
from tradewind_simulator.mechanisms.commerce.catalogue import Catalogue
from tradewind_simulator.mechanisms.commerce.customers import Customers, CustomersParameters
from tradewind_simulator.mechanisms.commerce.demand import Purchases, Wanted
from tradewind_simulator.mechanisms.commerce.neighbours import (
    AddressesLike,
    CreatorsLike,
    GeographyLike,
    HandlingLike,
    MerchantsLike,
    PromisesLike,
)
from tradewind_simulator.mechanisms.commerce.payments import Payments, PaymentsParameters
from tradewind_simulator.mechanisms.commerce.pricing import Prices
from tradewind_simulator.mechanisms.commerce.product_days import ProductDays
from tradewind_simulator.mechanisms.commerce.traffic import Exposure
from tradewind_simulator.streams import Floats, Integers

PARCELS_PER_ORDER = 8
"""A parcel's number is its order's times this, plus the place of its merchant in the order."""
_HOUR, _SECOND, _FREIGHT, _LIMIT = range(4)
_HOURS = (24, 12, 5, 3, 2, 2, 5, 12, 30, 48, 62, 66, 60, 65, 66, 65, 67, 62, 58, 60, 62, 62, 58, 41)
"""Weights of the local hours of purchase. Olist, rounded."""
_FULFILMENT_HOURS = 12.0
"""Usual hours of a fulfilment centre from approval to hand-over, as promised."""


class FreightParameters(BaseModel):
    """Freight of a unit in cents: (base + weight part) × (1 + distance part) × noise. Fitted to Olist: median 16, mean 20, p90 34 BRL."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_cents: float = Field(default=1000.0, ge=0, le=10**7, description="Of a unit of no weight that goes nowhere, cents. Fitted.")
    cents_per_kg: float = Field(default=300.0, ge=0, le=10**7, description="Per kilogram to the power below, cents. Fitted.")
    weight_exponent: float = Field(default=0.85, gt=0, le=2, description="Power of the weight. Chosen: heavier is cheaper per kilogram.")
    per_1000_km: float = Field(default=0.55, ge=0, le=100, description="Share added per thousand kilometres. Fitted.")
    log_sd: float = Field(default=0.22, ge=0, le=2, description="Standard deviation of the log of what carriers' tables add. Chosen.")


class OrderingParameters(BaseModel):
    """Orders and what goes with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    baskets: BasketParameters = BasketParameters()
    customers: CustomersParameters = CustomersParameters()
    payments: PaymentsParameters = PaymentsParameters()
    freight: FreightParameters = FreightParameters()
    ship_by_weekdays: tuple[int, int] = Field(
        default=(4, 7),
        description="Least and greatest weekdays that a merchant has to hand over, from the purchase. Olist: a limit of about 6 days.",
    )

    def model_post_init(self, _: object) -> None:
        """Refuse limits of no time."""
        low, high = self.ship_by_weekdays
        if not 1 <= low <= high <= 60:
            raise ValueError(f"ship_by_weekdays: expected 1 <= least <= greatest <= 60 (found: {self.ship_by_weekdays})")


@dataclass(frozen=True)
class _Lines:
    """Units of the day's orders: one position per item; ``parcel`` is its parcel's position."""

    order: Integers
    product: Integers
    merchant: Integers
    parcel: Integers
    item_number: Integers


class Ordering:
    """Makes the day's orders and parcels and writes items, payments, customers and product days."""

    def __init__(
        self,
        parameters: OrderingParameters,
        surroundings: Surroundings,
        geography: GeographyLike,
        warehouse_areas: Integers,
        promises: PromisesLike,
        handling: HandlingLike,
        network: Any,
    ) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._geography = geography
        self._warehouse_areas = np.asarray(warehouse_areas, dtype=np.int64)
        self._promises = promises
        self._handling = handling
        self._network = network
        self._stream = surroundings.streams.stream("ordering")
        self._product_days = ProductDays(surroundings)
        self._payments = Payments(parameters.payments, surroundings)
        self.customers = Customers(parameters.customers, surroundings, geography)

    def step(
        self,
        today: Today,
        catalogue: Catalogue,
        prices: Prices,
        exposure: Exposure,
        wanted: Wanted,
        sold: Purchases,
        merchants: MerchantsLike,
        creators: CreatorsLike,
        addresses: AddressesLike,
    ) -> tuple[Orders, Parcels]:
        """The orders that ``sold`` makes, handed over to handling."""
        merchant = catalogue["merchant"][sold.product]
        basket = baskets(self._parameters.baskets, self._stream, sold, merchant, catalogue["number"][sold.product])
        lines, parcel_order, parcel_merchant = _lines(basket, sold, catalogue, merchants.entities["number"])
        host = merchant[basket.purchase[~basket.is_guest]]
        customer = self.customers.of_orders(basket.numbers, merchants.entities["area"][host])
        area = self.customers.area(customer)
        ordered_at = self._instants(today, basket.numbers)
        warehouse = _warehouses(catalogue, lines, len(parcel_order))
        origin = merchants.entities["area"][parcel_merchant]
        if len(self._warehouse_areas):
            origin = np.where(warehouse >= 0, self._warehouse_areas[np.maximum(warehouse, 0)], origin)
        distance = self._geography.distance_km(origin, area[parcel_order])
        orders = Orders(
            number=basket.numbers,
            customer=customer,
            address=addresses.of(customer, area, ordered_at),
            area=area,
            ordered_at=ordered_at,
            item_order=lines.order,
            item_number=lines.item_number,
            item_product=lines.product,
            item_merchant=lines.merchant,
            item_price=prices.price[lines.product],
            item_freight=self._freight(catalogue, basket.numbers, lines, distance),
            item_subsidy=prices.subsidy[lines.product],
            item_creator=creators.credit(basket.numbers[lines.order], catalogue["number"][lines.product], today),
        )
        hours = np.where(warehouse >= 0, _FULFILMENT_HOURS, merchants.entities["handling_hours"][parcel_merchant])
        promised = self._promises.of(today, origin, area[parcel_order], ordered_at[parcel_order], hours, self._network)
        number, ship_by = self._parcel_numbers(orders, parcel_order), self._ship_by(today, merchants, parcel_merchant, warehouse)
        parcels = self._parcels(
            orders, lines, catalogue, (parcel_order, parcel_merchant, warehouse, origin), number, ship_by, _latest(promised, parcel_order)
        )
        self._hand_on(today, catalogue, orders, lines, parcels, merchants)
        self._product_days.write(today, catalogue, prices, exposure, wanted, orders, merchants.entities["number"])
        return orders, parcels

    def arrays(self) -> Arrays:
        """What the next day needs."""
        return {f"customers.{name}": values for name, values in self.customers.arrays().items()}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self.customers.restore({name.removeprefix("customers."): values for name, values in arrays.items()})

    def _instants(self, today: Today, number: Integers) -> Integers:
        hour = self._stream.choice(np.cumsum(np.array(_HOURS, dtype=np.float64)), number, slot=_HOUR)
        share = (hour + self._stream.uniform(number, slot=_SECOND)) / 24
        return today.start + np.floor(share * (today.end - today.start)).astype(np.int64)

    def _freight(self, catalogue: Catalogue, numbers: Integers, lines: _Lines, distance: Floats) -> Integers:
        p, kilograms = self._parameters.freight, catalogue["weight_g"][lines.product] / 1000
        table = p.log_sd * self._stream.normal(numbers[lines.order], catalogue["number"][lines.product], slot=_FREIGHT)
        cents = (p.base_cents + p.cents_per_kg * kilograms**p.weight_exponent) * (1 + p.per_1000_km * distance[lines.parcel] / 1000)
        return np.round(cents * np.exp(table)).astype(np.int64)

    def _parcel_numbers(self, orders: Orders, parcel_order: Integers) -> Integers:
        begins = np.searchsorted(parcel_order, parcel_order)
        return np.asarray(orders.number[parcel_order] * PARCELS_PER_ORDER + np.arange(len(parcel_order)) - begins)

    def _ship_by(self, today: Today, merchants: MerchantsLike, merchant: Integers, warehouse: Integers) -> Integers:
        """The end of a weekday some weekdays after the purchase: each merchant has its own limit, fulfilment the least."""
        low, high = self._parameters.ship_by_weekdays
        theirs = low + self._stream.integers(high - low + 1, merchants.entities["number"][merchant], slot=_LIMIT)
        weekdays = np.where(warehouse >= 0, low, theirs)
        start = min(today.weekday, 4)
        days = (weekdays + start) // 5 * 7 + (weekdays + start) % 5 - today.weekday
        return np.asarray(today.end + days * DAY - 1)

    def _parcels(
        self,
        orders: Orders,
        lines: _Lines,
        catalogue: Catalogue,
        parcel: tuple[Integers, Integers, Integers, Integers],
        number: Integers,
        ship_by: Integers,
        promised_at: Integers,
    ) -> Parcels:
        order, merchant, warehouse, origin = parcel
        weight = catalogue["weight_g"][lines.product]
        volume = catalogue["length_cm"][lines.product] * catalogue["height_cm"][lines.product] * catalogue["width_cm"][lines.product]
        # Items stand in order of parcel: the heaviest of each is the last when sorted by weight within it.
        by_weight = np.lexsort((weight, lines.parcel))
        heaviest = by_weight[np.searchsorted(lines.parcel, np.arange(len(order)), side="right") - 1]
        sums = {
            name: np.bincount(lines.parcel, weights=values, minlength=len(order)).astype(np.int64)
            for name, values in (
                ("weight_g", weight),
                ("volume_cm3", volume),
                ("price", orders.item_price),
                ("freight", orders.item_freight),
            )
        }
        return Parcels(
            number=number,
            order=orders.number[order],
            customer=orders.customer[order],
            address=orders.address[order],
            merchant=merchant,
            origin_area=origin,
            destination_area=orders.area[order],
            warehouse=warehouse,
            ordered_at=orders.ordered_at[order],
            promised_at=promised_at,
            ship_by_at=ship_by,
            items=np.bincount(lines.parcel, minlength=len(order)).astype(np.int64),
            category=catalogue["category"][lines.product[heaviest]],
            **sums,
        )

    def _hand_on(
        self, today: Today, catalogue: Catalogue, orders: Orders, lines: _Lines, parcels: Parcels, merchants: MerchantsLike
    ) -> None:
        """Tell everybody of the orders; write their items, payments and customers."""
        cents = np.bincount(lines.order, weights=orders.item_price + orders.item_freight, minlength=len(orders.number)).astype(np.int64)
        is_boleto = self._payments.step(orders.number, cents, orders.ordered_at)
        self.customers.record(orders.customer, orders.area, orders.ordered_at)
        self._handling.take(today, orders, parcels, merchants, is_boleto)
        if not len(orders.number):
            return
        approved_at = self._handling.approvals(orders)
        self._write_items(catalogue, orders, parcels.ship_by_at[lines.parcel], approved_at[lines.order], merchants.entities["number"])
        order = np.argsort(orders.ordered_at, kind="stable")[: len(orders.number)]
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        by_time = np.argsort(rank[lines.order], kind="stable")
        product, first = np.unique(lines.product[by_time], return_index=True)
        catalogue.first_seen(product, orders.ordered_at[lines.order[by_time[first]]])
        merchants.first_seen(parcels.merchant, parcels.ordered_at)
        earned = np.bincount(lines.parcel, weights=orders.item_price + orders.item_subsidy, minlength=len(parcels.number))
        merchants.observe_orders(parcels.merchant, earned.astype(np.int64))

    def _write_items(
        self, catalogue: Catalogue, orders: Orders, ship_by: Integers, approved: Integers, merchant_numbers: npt.NDArray[Any]
    ) -> None:
        """Each item's row as of the purchase, and again when the payment is approved: only then is the limit to ship known."""
        order, count = orders.item_order, len(orders.item_order)
        rows = np.concatenate((np.arange(count), np.flatnonzero(approved < NEVER)))
        is_approved = np.arange(len(rows)) >= count
        at = np.where(is_approved, approved[rows], orders.ordered_at[order[rows]])
        self._surroundings.exports.append(
            "order_items",
            at,
            {
                "order_id": columns.ids("o", orders.number[order[rows]]),
                "item_number": columns.integers(orders.item_number[rows]),
                "product_id": columns.ids("p", catalogue["number"][orders.item_product[rows]]),
                "merchant_id": columns.ids("m", merchant_numbers[orders.item_merchant[rows]]),
                "ordered_at": columns.instants(orders.ordered_at[order[rows]]),
                "approved_at": columns.instants(np.where(is_approved, approved[rows], NEVER)),
                "ship_by_at": columns.instants(np.where(is_approved, ship_by[rows], NEVER)),
                "price": columns.money(orders.item_price[rows]),
                "freight": columns.money(orders.item_freight[rows]),
                "subsidy": columns.money(orders.item_subsidy[rows]),
                "creator_id": columns.ids("w", orders.item_creator[rows]),
            },
        )


def _lines(basket: Baskets, sold: Purchases, catalogue: Catalogue, merchant_numbers: npt.NDArray[Any]) -> tuple[_Lines, Integers, Integers]:
    """Units in order of order, parcel and product; the order and the merchant of each parcel. The host's merchant comes first."""
    purchase = basket.purchase
    product, merchant = sold.product[purchase], catalogue["merchant"][sold.product[purchase]]
    of_host = merchant[~basket.is_guest][basket.order]
    key = np.lexsort((catalogue["number"][product], merchant_numbers[merchant], merchant != of_host, basket.order))
    unit = np.repeat(key, sold.quantity[purchase[key]])
    order, merchant = basket.order[unit], merchant[unit]
    begins = (np.diff(order, prepend=-1) != 0) | (np.diff(merchant, prepend=-1) != 0)
    opens = np.searchsorted(order, order)
    lines = _Lines(order, product[unit], merchant, np.cumsum(begins) - 1, np.arange(len(unit)) - opens + 1)
    return lines, order[begins], merchant[begins]


def _warehouses(catalogue: Catalogue, lines: _Lines, parcels: int) -> Integers:
    """The fulfilment centre of parcels that hold nothing else than its stock; -1 of the others."""
    site = catalogue["warehouse"][lines.product]
    least, most = np.full(parcels, np.int64(1) << 40), np.full(parcels, -1, dtype=np.int64)
    np.minimum.at(least, lines.parcel, site)
    np.maximum.at(most, lines.parcel, site)
    return np.where(least == most, most, -1)


def _latest(promised_at: Integers, parcel_order: Integers) -> Integers:
    """An order has one promise: the latest of its parcels'."""
    latest = np.full(int(parcel_order.max(initial=-1)) + 1, -NEVER)
    np.maximum.at(latest, parcel_order, promised_at)
    return np.asarray(latest[parcel_order])

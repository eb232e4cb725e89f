"""What is known of each product's day, closed in the night after: the rows of product_traffic."""

import numpy as np
import numpy.typing as npt

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.flows import Orders, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.catalogue import Catalogue
from tradewind_simulator.mechanisms.commerce.demand import Wanted
from tradewind_simulator.mechanisms.commerce.pricing import ARMS, Prices
from tradewind_simulator.mechanisms.commerce.traffic import Exposure

_CLOSED = 0


class ProductDays:
    """Writes product_traffic: one row per product on the shelves and local day, recorded between 00:10 and 03:00 of the next."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("product_days")

    def write(
        self,
        today: Today,
        catalogue: Catalogue,
        prices: Prices,
        exposure: Exposure,
        wanted: Wanted,
        orders: Orders,
        merchant_numbers: npt.NDArray[np.int64],
    ) -> None:
        """The day's rows."""
        rows = np.flatnonzero(catalogue["is_active"])
        units = np.bincount(orders.item_product, minlength=len(catalogue))
        # Items stand in order of order, and an order's units of a product may lie apart: count each pair once.
        pairs = np.unique(orders.item_product * np.int64(len(orders.number) + 1) + orders.item_order)
        with_it = np.bincount(pairs // (len(orders.number) + 1), minlength=len(catalogue))
        number = catalogue["number"][rows]
        shard = number % 16
        recorded_at = today.end + 10 * MINUTE + self._stream.integers(3 * HOUR - 10 * MINUTE, shard, today.number, slot=_CLOSED)
        self._surroundings.exports.append(
            "product_traffic",
            recorded_at,
            {
                "product_id": columns.ids("p", number),
                "date": columns.dates(np.full(len(rows), self._surroundings.days.utc_day(today.number))),
                "merchant_id": columns.ids("m", merchant_numbers[catalogue["merchant"][rows]]),
                "impressions_count": columns.integers(wanted.impressions[rows]),
                "clicks_count": columns.integers(wanted.clicks[rows]),
                "carts_count": columns.integers(wanted.carts[rows]),
                "orders_count": columns.integers(with_it[rows]),
                "units_count": columns.integers(units[rows]),
                "position_mean": columns.floats(np.where(wanted.impressions[rows] > 0, exposure.position[rows], np.nan)),
                "list_price": columns.money(prices.list_price[rows]),
                "price": columns.money(prices.price[rows]),
                "subsidy": columns.money(prices.subsidy[rows]),
                "unit_cost": columns.money(prices.told_cost[rows]),
                "is_promoted": columns.booleans(exposure.is_promoted[rows]),
                "pricing_arm": columns.words(prices.is_experiment[rows].astype(np.int64), ARMS),
                "recorded_at": columns.instants(recorded_at),
            },
        )

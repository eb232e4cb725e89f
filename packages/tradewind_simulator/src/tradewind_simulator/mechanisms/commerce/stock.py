"""Stock in fulfilment centres: a policy that orders up to a level when stock falls to another; what is out is not sold.

The (s, S) policy of Scarf 1960, one order under way at a time: at the day's start, where units at hand and under way are at most
s = over + z × sqrt(over + (cv × over)²), with over = mean × lead time, order up to S = s + mean × days between orders. The mean is
what was *sold* lately: a product that runs out is underestimated, as in practice.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.days import HOUR, MINUTE
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.catalogue import Catalogue
from tradewind_simulator.mechanisms.commerce.demand import Purchases, Wanted
from tradewind_simulator.streams import Floats, Integers

_LEAD, _DELAYED, _CLOSED = range(3)
_NONE = 1 << 40
_STATE = ("at_hand", "under_way", "arrives_day", "sold_mean")


class StockParameters(BaseModel):
    """The policy and its suppliers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_days: tuple[int, int] = Field(
        default=(3, 10), description="Shortest and longest usual lead time of a product's supplier, days. Chosen: domestic suppliers."
    )
    delayed_share: float = Field(
        default=0.06,
        ge=0,
        le=1,
        description="Share of supply orders that take twice as long. Chosen: makes stock-outs of a few percent of product-days.",
    )
    safety_z: float = Field(
        default=1.8,
        ge=0,
        le=5,
        description="Safety stock in standard deviations of demand over the lead time. Chosen: a service level of about 96 %.",
    )
    demand_cv: float = Field(
        default=0.5,
        ge=0,
        le=5,
        description="Variation of demand over the lead time beyond Poisson's, as a share of its mean. Chosen: as a week's shock.",
    )
    days_between_orders: float = Field(
        default=14.0, gt=0, le=365, description="Days of demand that a supply order covers. Chosen: fortnightly."
    )
    sold_half_life_days: float = Field(
        default=21.0, gt=0, le=1_000, description="Half-life of the mean of units sold a day. Chosen: three weeks."
    )

    def model_post_init(self, _: object) -> None:
        """Refuse lead times of no time."""
        low, high = self.lead_days
        if not 1 <= low <= high <= 365:
            raise ValueError(f"lead_days: expected 1 <= shortest <= longest <= 365 (found: {self.lead_days})")


class Stock:
    """Units at hand and under way, by product position (0 for what merchants ship themselves)."""

    def __init__(self, parameters: StockParameters, surroundings: Surroundings, warehouse_ids: tuple[str, ...]) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._warehouse_ids = warehouse_ids
        self._stream = surroundings.streams.stream("stock")
        self._at_hand: Integers = np.zeros(0, dtype=np.int64)
        self._under_way: Integers = np.zeros(0, dtype=np.int64)
        self._arrives_day: Integers = np.zeros(0, dtype=np.int64)
        self._sold_mean: Floats = np.zeros(0)

    def step(self, today: Today, catalogue: Catalogue, wanted: Wanted) -> Purchases:
        """The purchases that can be served; the others are lost. Orders supplies and writes the day's stock."""
        self._take_in(catalogue, wanted)
        stocked = (catalogue["warehouse"] >= 0) & catalogue["is_active"]
        received = np.where(self._arrives_day <= today.number, self._under_way, 0)
        opening = self._at_hand
        arrived = received > 0
        self._under_way = np.where(arrived, 0, self._under_way)
        self._arrives_day = np.where(arrived, _NONE, self._arrives_day)
        served = self._served(wanted.purchases, opening + received, stocked)
        sold = np.bincount(wanted.purchases.product, weights=served, minlength=len(catalogue))
        sold = np.where(stocked, sold, 0).astype(np.int64)
        self._at_hand = opening + received - sold
        kept = 0.5 ** (1 / self._parameters.sold_half_life_days)
        self._sold_mean = kept * self._sold_mean + (1 - kept) * sold
        self._order_supplies(today, catalogue, stocked)
        self._write(today, catalogue, stocked, opening, received, sold)
        self._tell(today, catalogue, wanted.purchases, served)
        return wanted.purchases.served(served)

    def arrays(self) -> Arrays:
        """What the next day needs."""
        return {name: getattr(self, f"_{name}").copy() for name in _STATE}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        for name in _STATE:
            setattr(self, f"_{name}", np.array(arrays[name]))

    def _take_in(self, catalogue: Catalogue, wanted: Wanted) -> None:
        """Products listed since: their first stock is the level S for what is expected of them on their first day."""
        known = len(self._at_hand)
        if len(catalogue) == known:
            return
        mean = np.where(catalogue["warehouse"][known:] >= 0, np.maximum(wanted.rate[known:], 0.02), 0.0)
        _, up_to = self._levels(mean, self._lead_days(catalogue["number"][known:]))
        self._at_hand = np.concatenate((self._at_hand, np.where(mean > 0, up_to, 0)))
        self._under_way = np.concatenate((self._under_way, np.zeros(len(mean), dtype=np.int64)))
        self._arrives_day = np.concatenate((self._arrives_day, np.full(len(mean), _NONE)))
        self._sold_mean = np.concatenate((self._sold_mean, mean))

    def _served(self, purchases: Purchases, available: Integers, stocked: Flags) -> Integers:
        """Units that each purchase gets: first come, first served within a product, the last one what is left."""
        running = np.cumsum(purchases.quantity) - purchases.quantity
        begins = np.flatnonzero(np.diff(purchases.product, prepend=-1))
        before = running - np.repeat(running[begins], np.diff(begins, append=len(running)))
        left = np.clip(available[purchases.product] - before, 0, purchases.quantity)
        return np.asarray(np.where(stocked[purchases.product], left, purchases.quantity))

    def _lead_days(self, number: Integers) -> Integers:
        low, high = self._parameters.lead_days
        return low + self._stream.integers(high - low + 1, number, slot=_LEAD)

    def _levels(self, mean: Floats, lead_days: Integers) -> tuple[Integers, Integers]:
        over = mean * lead_days
        spread = np.sqrt(over + (self._parameters.demand_cv * over) ** 2)
        least = np.ceil(over + self._parameters.safety_z * spread)
        return least.astype(np.int64), np.ceil(least + np.maximum(mean * self._parameters.days_between_orders, 1)).astype(np.int64)

    def _order_supplies(self, today: Today, catalogue: Catalogue, stocked: Flags) -> None:
        number = catalogue["number"]
        lead = self._lead_days(number)
        least, up_to = self._levels(np.maximum(self._sold_mean, 0.02), lead)
        order = stocked & (self._under_way == 0) & (self._at_hand <= least)
        delayed = self._stream.bernoulli(self._parameters.delayed_share, number, today.number, slot=_DELAYED)
        self._under_way = np.where(order, up_to - self._at_hand, self._under_way)
        self._arrives_day = np.where(order, today.number + lead * np.where(delayed, 2, 1), self._arrives_day)

    def _write(self, today: Today, catalogue: Catalogue, stocked: Flags, opening: Integers, received: Integers, sold: Integers) -> None:
        rows = np.flatnonzero(stocked)
        warehouse, closing = catalogue["warehouse"][rows], self._at_hand[rows]
        recorded_at = today.end + 10 * MINUTE + self._stream.integers(2 * HOUR, warehouse, today.number, slot=_CLOSED)
        self._surroundings.exports.append(
            "stock_daily",
            recorded_at,
            {
                "warehouse_id": columns.words(warehouse, self._warehouse_ids),
                "product_id": columns.ids("p", catalogue["number"][rows]),
                "date": columns.dates(np.full(len(rows), self._surroundings.days.utc_day(today.number))),
                "opening_units_count": columns.integers(opening[rows]),
                "received_units_count": columns.integers(received[rows]),
                "sold_units_count": columns.integers(sold[rows]),
                "closing_units_count": columns.integers(closing),
                "is_stocked_out": columns.booleans(closing == 0),
                "recorded_at": columns.instants(recorded_at),
            },
        )

    def _tell(self, today: Today, catalogue: Catalogue, purchases: Purchases, served: Integers) -> None:
        short = purchases.quantity - served
        units = np.bincount(purchases.product, weights=short, minlength=len(catalogue)).astype(np.int64)
        product = np.flatnonzero(units)
        self._surroundings.truth.append(
            "lost_sales",
            {
                "product_id": columns.ids("p", catalogue["number"][product]),
                "date": columns.dates(np.full(len(product), self._surroundings.days.utc_day(today.number))),
                "lost_units_count": columns.integers(units[product]),
            },
        )

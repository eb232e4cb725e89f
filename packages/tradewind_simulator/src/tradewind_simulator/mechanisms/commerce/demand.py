"""How much is wanted: purchases by product and day, from the day's clicks, prices and moods.

The funnel is one Poisson process thinned step by step, so impressions >= clicks >= carts >= purchases hold in every row: purchases
are drawn first, keyed by product and day (a lower price never gives fewer), and the others are added to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from tradewind_simulator import columns
from tradewind_simulator.entities import Arrays
from tradewind_simulator.flows import Flags, Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.mechanisms.commerce.catalogue import Catalogue
from tradewind_simulator.mechanisms.commerce.categories import NAMES
from tradewind_simulator.mechanisms.commerce.neighbours import CreatorsLike, MerchantsLike
from tradewind_simulator.mechanisms.commerce.pricing import Prices
from tradewind_simulator.mechanisms.commerce.traffic import Exposure
from tradewind_simulator.streams import Floats, Integers

_TREND, _AMPLITUDE, _PEAK, _CROSS, _PURCHASES, _CARTS, _CLICKS, _IMPRESSIONS, _QUANTITY, _ORDER = range(10)
_YEAR = 365.25
_LARGE = 50.0
ORDER_DAY = 1 << 36
"""An order's number is its local day times this, plus 36 bits of its first purchase's."""
_HASH_SHIFT = np.uint64(64 - 36)


class DemandParameters(BaseModel):
    """What turns clicks into purchases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    purchases_per_order: float = Field(
        default=1.034,
        ge=1,
        le=3,
        description="Purchases per order. Olist: 3 % of orders hold several products; kept equal to what Baskets joins.",
    )
    bought_share: float = Field(
        default=0.3, gt=0, le=1, description="Purchases per cart. Baymard Institute: about 70 % of carts are abandoned."
    )
    cart_share: float = Field(
        default=0.13, gt=0, lt=1, description="Carts per click at the reference price. Chosen: retail benchmarks lie about 10 %."
    )
    usual_response: float = Field(
        default=1.23,
        gt=0,
        le=5,
        description="Mean of all factors on carts on an early day (promotions, subsidies, lifts). Chosen: measured; orders a day at the start are divided by it.",
    )
    quantity_weights: tuple[float, ...] = Field(
        default=(0.932, 0.049, 0.012, 0.005, 0.002, 0.001),
        min_length=1,
        description="Shares of purchases of 1, 2, 3… units. Olist: 10 % of orders hold several items, most of them of one product.",
    )
    trend_sd_per_year: float = Field(
        default=0.25, ge=0, le=3, description="Standard deviation of products' growth (log per year). Chosen: winners and losers."
    )
    season_amplitude: float = Field(
        default=0.25, ge=0, lt=1, description="Greatest yearly swing of a category (log). Chosen: toys and garden against stationery."
    )
    cross_elasticity: tuple[float, float] = Field(
        default=(0.15, 0.6),
        description="Least and greatest elasticity in the mean price of the category's other products. Chosen: substitutes, below own elasticity.",
    )

    def model_post_init(self, _: object) -> None:
        """Refuse weights that are none, and complements."""
        if min(self.quantity_weights) < 0 or sum(self.quantity_weights) <= 0:
            raise ValueError(f"quantity_weights: expected shares of at least 0, not all 0 (found: {self.quantity_weights})")
        low, high = self.cross_elasticity
        if not 0 <= low <= high:
            raise ValueError(f"cross_elasticity: expected 0 <= least <= greatest (found: {self.cross_elasticity})")


@dataclass(frozen=True)
class Purchases:
    """Purchases of a local day: each is some units of one product by one customer; in order of product and ``k``."""

    product: Integers
    """Position of the product."""
    quantity: Integers
    order_number: Integers
    """Number of the order that it opens, where it opens one: unique within the day."""

    def kept(self, wanted: Flags) -> "Purchases":
        """Those that are wanted."""
        return Purchases(self.product[wanted], self.quantity[wanted], self.order_number[wanted])

    def served(self, units: Integers) -> "Purchases":
        """What becomes of them if each gets so many ``units``; those that get none are gone."""
        return Purchases(self.product, units, self.order_number).kept(units > 0)


@dataclass(frozen=True)
class Wanted:
    """What customers would buy if all were in stock, and the counts of the funnel above it, by product position."""

    purchases: Purchases
    rate: Floats
    """Expected purchases."""
    impressions: Integers
    clicks: Integers
    carts: Integers


class Demand:
    """Keeps only the scale of clicks, fixed on the first day; trends and seasons are functions of product, category and day."""

    def __init__(self, parameters: DemandParameters, surroundings: Surroundings) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("demand")
        self._scale = 0.0
        self._quantities = np.cumsum(np.array(parameters.quantity_weights))
        category = np.arange(len(NAMES))
        low, high = parameters.cross_elasticity
        self.cross_elasticity: Floats = low + (high - low) * self._stream.uniform(category, slot=_CROSS)

    def step(
        self, today: Today, catalogue: Catalogue, prices: Prices, exposure: Exposure, merchants: MerchantsLike, creators: CreatorsLike
    ) -> Wanted:
        """What is wanted today."""
        p, number, merchant = self._parameters, catalogue["number"], catalogue["merchant"]
        if self._scale == 0.0:
            self._scale = self._calibrated(catalogue, exposure, merchants)
        # A merchant's demand is shared out over its products: a large catalogue alone sells nothing.
        visited = merchants.demand_lift(today)[merchant] / catalogue["siblings"]
        clicked = self._scale * exposure.click_rate * visited * creators.lift(today, catalogue["category"], number)
        carted = np.minimum(clicked * p.cart_share * self.factor(today, catalogue, prices), 0.9 * clicked)
        rate = carted * p.bought_share
        bought = self._stream.poisson(rate, number, today.number, slot=_PURCHASES)
        carts = bought + self._stream.poisson(carted - rate, number, today.number, slot=_CARTS)
        clicks = carts + self._stream.poisson(clicked - carted, number, today.number, slot=_CLICKS)
        unclicked = np.maximum(exposure.impression_rate - clicked, 0.0)
        impressions = clicks + self._many(unclicked, number, today.number)
        self._tell(today, catalogue, rate, bought)
        return Wanted(self._purchases(today, number, bought), rate, impressions, clicks, carts)

    def factor(self, today: Today, catalogue: Catalogue, prices: Prices) -> Floats:
        """Everything but merchants and creators that moves a product's carts per click; the price law is exact here.

        log factor = elasticity × log ratio + cross × mean log ratio of the category's others + season + trend + the week's shock.
        """
        p, category = self._parameters, catalogue["category"]
        age = (today.number - catalogue["born_day"]) / _YEAR
        growth = p.trend_sd_per_year * self._stream.normal(catalogue["number"], slot=_TREND)
        log = catalogue["elasticity"] * prices.log_ratio + self.cross_elasticity[category] * _others(catalogue, prices.log_ratio)
        return np.asarray(np.exp(np.clip(log + growth * age + self._season(today)[category] + prices.coming, -4.0, 2.5)))

    def arrays(self) -> Arrays:
        """What the next day needs."""
        return {"scale": np.array([self._scale])}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._scale = float(arrays["scale"][0])

    def _calibrated(self, catalogue: Catalogue, exposure: Exposure, merchants: MerchantsLike) -> float:
        """The scale with which the first catalogue's usual clicks and its merchants' sales rates make the world's orders a day.

        Nothing that a lever moves is in it, so that a lever's effect is not taken back.
        """
        p, merchant = self._parameters, catalogue["merchant"]
        visited = merchants.entities["sales_rate"][merchant] / catalogue["siblings"]
        purchases = (exposure.usual_click_rate * visited).sum() * p.cart_share * p.bought_share * p.usual_response
        return float(self._surroundings.orders_per_day * p.purchases_per_order / max(purchases, 1e-9))

    def _many(self, mean: Floats, number: Integers, day: int) -> Integers:
        """Poisson counts; those of large means by the normal with the first term of Cornish and Fisher 1938, which is quicker."""
        large = mean > _LARGE
        z = self._stream.normal(number, day, slot=_IMPRESSIONS)
        counts = np.maximum(np.round(mean + np.sqrt(mean) * z + (z**2 - 1) / 6), 0).astype(np.int64)
        few = np.flatnonzero(~large)
        counts[few] = self._stream.poisson(mean[few], number[few], day, slot=_IMPRESSIONS)
        return counts

    def _season(self, today: Today) -> Floats:
        peak = self._stream.uniform(np.arange(len(NAMES)), slot=_PEAK)
        when = today.date.timetuple().tm_yday / _YEAR
        return np.asarray(self._swing() * np.cos(2 * np.pi * (when - peak)))

    def _swing(self) -> Floats:
        """How far the season moves the log demand of each category."""
        return self._parameters.season_amplitude * self._stream.uniform(np.arange(len(NAMES)), slot=_AMPLITUDE)

    def _purchases(self, today: Today, number: Integers, bought: Integers) -> Purchases:
        product = np.repeat(np.arange(len(number)), bought)
        k = np.arange(len(product)) - np.repeat(np.cumsum(bought) - bought, bought)
        named = number[product]
        quantity = 1 + self._stream.choice(self._quantities, named, k, today.number, slot=_QUANTITY)
        low = (self._stream.bits(named, k, today.number, slot=_ORDER) >> _HASH_SHIFT).astype(np.int64)
        # Two purchases with the same 36 bits would be one order: of those, the first by product and k stays.
        first = np.zeros(len(low), dtype=bool)
        first[np.unique(low, return_index=True)[1]] = True
        return Purchases(product, quantity, today.number * ORDER_DAY + low).kept(first)

    def _tell(self, today: Today, catalogue: Catalogue, rate: Floats, bought: Integers) -> None:
        shown = np.flatnonzero(catalogue["is_active"])
        self._surroundings.truth.append(
            "product_demand",
            {
                "product_id": columns.ids("p", catalogue["number"][shown]),
                "date": columns.dates(np.full(len(shown), self._surroundings.days.utc_day(today.number))),
                "purchases_rate": columns.floats(rate[shown]),
                "purchases_count": columns.integers(bought[shown]),
            },
        )
        if today.number == 0:
            self._surroundings.truth.append(
                "cross_price",
                {
                    "category": columns.words(np.arange(len(NAMES)), NAMES),
                    "cross_elasticity": columns.floats(self.cross_elasticity),
                    "season_log": columns.floats(self._swing()),
                },
            )


def _others(catalogue: Catalogue, log_ratio: Floats) -> Floats:
    """Mean log ratio of the other products on the shelves of the same category; 0 where there is none."""
    category, active = catalogue["category"], catalogue["is_active"]
    shown = np.where(active, log_ratio, 0.0)
    total = np.bincount(category, weights=shown, minlength=len(NAMES))[category] - shown
    count = np.bincount(category, weights=active, minlength=len(NAMES))[category] - active
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), 0.0))

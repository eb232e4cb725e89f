"""Creators: people who show products to their followers; they join, are active in pulses, and stop.

A creator speaks of its niche's products, of some of them much more than of others (affinity). On a day on which it is active it
lifts the clicks on those; of the orders of a lifted product, the share of the lift is credited to it, as links do. Magnitudes
are chosen; the tail of followers is lognormal, as in surveys of influencers, with few of more than 100,000.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import betaincinv

from tradewind_simulator import columns
from tradewind_simulator.entities import Arrays, Entities
from tradewind_simulator.flows import Today
from tradewind_simulator.marketplace import Surroundings
from tradewind_simulator.streams import Floats, Integers

CREATORS_PER_DAY = 1000
"""Bound of a day's newcomers: creator number = day * 1000 + k; k < 500 joined that day, the others were there on the first."""
CHANNELS = ("video", "short_video", "blog", "messaging")
_CHANNEL_SHARES = np.cumsum([0.25, 0.45, 0.10, 0.20])
TIERS = ("nano", "micro", "macro")
_TIER_STARTS = np.array([10_000, 100_000])
"""Followers from which a creator is micro, macro; the usual words of the trade."""
(_CATEGORY, _FOLLOWERS, _CHANNEL, _STATE, _CONVERSION, _ACTIVITY, _LIFE, _JOINS, _PULSE, _PICK, _AFFINITY, _CREDIT) = range(12)
_COLUMNS: dict[str, npt.DTypeLike] = {
    "category": np.int64, "followers": np.int64, "conversion": np.float64, "activity": np.float64, "reach": np.float64,
    "died_day": np.int64,
}  # fmt: skip


class CreatorsParameters(BaseModel):
    """Creators and what they do to demand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    initial_per_order: float = Field(default=0.10, ge=0, le=10, description="Initial creators per order a day; chosen.")
    initial_least: int = Field(default=6, ge=0, le=10_000, description="Initial creators beside those; chosen.")
    arrivals_per_order: float = Field(default=0.0007, ge=0, le=1, description="Creators that join a day, per order a day; chosen.")
    life_days: float = Field(default=220.0, gt=0, description="Mean days that a creator stays, exponential; chosen.")
    followers: float = Field(default=8_000.0, gt=0, description="Median followers; chosen.")
    followers_sigma: float = Field(default=1.5, ge=0, le=5, description="Log standard deviation of followers; chosen.")
    conversion_sigma: float = Field(default=0.6, ge=0, le=5, description="Log standard deviation of the lift per follower; chosen.")
    reach_power: float = Field(
        default=0.4, ge=0, le=1, description="Lift grows with followers to this power: followers of the great heed less; chosen."
    )
    activity: float = Field(default=0.30, ge=0, le=1, description="Mean share of days on which a creator is active; chosen.")
    activity_shape: float = Field(default=3.0, gt=0, description="How alike creators are in that (beta law, sum of its shapes); chosen.")
    picks: float = Field(
        default=0.15, ge=0, le=1, description="Share of its niche's products that a creator shows, at 600 orders a day; chosen."
    )
    lift: float = Field(
        default=0.22, ge=0, le=10, description="Lift of clicks by a creator of median reach on a product of mean affinity; chosen."
    )
    greatest_lift: float = Field(default=3.0, gt=0, le=100, description="Bound of the lift by all creators together; chosen.")


@dataclass(frozen=True)
class _Pushes:
    """The day's pairs of product and creator, in order of the product's position."""

    day: int
    product_numbers: Integers
    starts: Integers
    """Where each product's pairs begin; one more at the end."""
    creators: Integers
    running: Floats
    """Running sum of what the pairs add."""
    credited: Floats
    """By product, the share of its orders that creators are credited with."""


class Creators:
    """All creators that are still there."""

    def __init__(
        self,
        parameters: CreatorsParameters,
        surroundings: Surroundings,
        categories: tuple[str, ...],
        category_weights: Floats,
        states: tuple[str, ...],
        state_weights: Floats,
    ) -> None:
        self.parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("creators")
        self._categories = categories
        self._niches = np.cumsum(category_weights)
        self._states = states
        self._homes = np.cumsum(state_weights)
        self.entities = Entities(**_COLUMNS)
        self._pushes: _Pushes | None = None

    def step(self, today: Today) -> None:
        """Newcomers of the day; who has stopped is let go of."""
        p, scale = self.parameters, self._surroundings.orders_per_day
        if today.number == 0:
            count = min(int(p.initial_per_order * scale) + p.initial_least, CREATORS_PER_DAY // 2 - 1)
            self._add(today, CREATORS_PER_DAY // 2 + np.arange(count, dtype=np.int64))
        count = min(int(self._stream.poisson(p.arrivals_per_order * scale, today.number, slot=_JOINS)), CREATORS_PER_DAY // 2 - 1)
        if count:
            self._add(today, today.number * CREATORS_PER_DAY + np.arange(count, dtype=np.int64))
        over = self.entities["died_day"] <= today.number
        if over.any():
            self.entities.keep(~over)

    def lift(self, today: Today, product_category: Integers, product_number: Integers) -> Floats:
        """Factor (at least 1) on the clicks of each product today; remembered for ``credit``."""
        creators, products, added = self._pairs(today, product_category, product_number)
        order = np.lexsort((creators, products))
        creators, products, added = creators[order], products[order], added[order]
        starts = np.searchsorted(products, np.arange(len(product_number) + 1))
        running = np.concatenate([[0.0], np.cumsum(added)])
        whole = np.bincount(products, weights=added, minlength=len(product_number))
        bound = self.parameters.greatest_lift
        lift = 1.0 + bound * -np.expm1(-whole / bound)
        self._pushes = _Pushes(
            today.number, np.asarray(product_number), starts, self.entities["number"][creators], running, 1.0 - 1.0 / lift
        )
        return lift

    def credit(self, order_numbers: Integers, product_numbers: Integers, today: Today) -> Integers:
        """Number of the creator credited with each item of today's orders, given by order and product number; -1 none."""
        credited = np.full(len(order_numbers), -1, dtype=np.int64)
        pushes = self._pushes
        if pushes is None or pushes.day != today.number or not len(pushes.creators) or not len(order_numbers):
            return credited
        sorter = np.argsort(pushes.product_numbers, kind="stable")
        place = sorter[np.searchsorted(pushes.product_numbers, product_numbers, sorter=sorter)]
        u = self._stream.uniform(order_numbers, product_numbers, slot=_CREDIT)
        share = pushes.credited[place]
        hit = np.flatnonzero((u < share) & (pushes.starts[place] < pushes.starts[place + 1]))
        first, last = pushes.starts[place[hit]], pushes.starts[place[hit] + 1]
        low, high = pushes.running[first], pushes.running[last]
        found = np.searchsorted(pushes.running, low + (high - low) * u[hit] / share[hit], side="right") - 1
        credited[hit] = pushes.creators[np.clip(found, first, last - 1)]
        return credited

    def arrays(self) -> Arrays:
        """State, for a checkpoint; the day's pairs are not kept over night."""
        return self.entities.arrays("creator.")

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self.entities.restore(arrays, "creator.")
        self._pushes = None

    def _pairs(self, today: Today, product_category: Integers, product_number: Integers) -> tuple[Integers, Integers, Floats]:
        """Positions of creators active today and of products that they show, and what each pair adds to the lift."""
        e, p = self.entities, self.parameters
        active = np.flatnonzero(self._stream.bernoulli(e["activity"], e["number"], today.number, slot=_PULSE))
        by_category = np.argsort(product_category, kind="stable")
        bounds = np.searchsorted(product_category[by_category], np.arange(len(self._categories) + 1))
        first = bounds[e["category"][active]]
        counts = bounds[e["category"][active] + 1] - first
        creators = np.repeat(active, counts)
        offsets = np.arange(len(creators)) - np.repeat(np.cumsum(counts) - counts, counts)
        products = by_category[np.repeat(first, counts) + offsets]
        wanted = min(1.0, p.picks * 600.0 / max(self._surroundings.orders_per_day, 1.0))
        shown = self._stream.uniform(e["number"][creators], product_number[products], slot=_PICK) < wanted
        creators, products = creators[shown], products[shown]
        affinity = self._stream.exponential(e["number"][creators], product_number[products], slot=_AFFINITY)
        return creators, products, p.lift * e["reach"][creators] * affinity

    def _add(self, today: Today, numbers: Integers) -> None:
        p, stream = self.parameters, self._stream
        followers = np.maximum(p.followers * np.exp(p.followers_sigma * stream.normal(numbers, slot=_FOLLOWERS)), 1.0).astype(np.int64)
        conversion = np.exp(p.conversion_sigma * stream.normal(numbers, slot=_CONVERSION))
        shape = p.activity_shape
        activity = np.asarray(
            betaincinv(shape * p.activity + 1e-9, shape * (1 - p.activity) + 1e-9, stream.uniform(numbers, slot=_ACTIVITY))
        )
        life = np.minimum(p.life_days * stream.exponential(numbers, slot=_LIFE), 10_000.0)
        category = stream.choice(self._niches, numbers, slot=_CATEGORY)
        reach = conversion * (followers / p.followers) ** p.reach_power
        died_day = today.number + 1 + life.astype(np.int64)
        self.entities.add(
            number=numbers, category=category, followers=followers, conversion=conversion, activity=activity, reach=reach, died_day=died_day
        )
        ids = columns.ids("w", numbers)
        joined_at = np.full(len(numbers), today.start, dtype=np.int64)
        self._surroundings.exports.append(
            "creators",
            joined_at,
            {
                "creator_id": ids,
                "joined_at": columns.instants(joined_at),
                "channel": columns.words(stream.choice(_CHANNEL_SHARES, numbers, slot=_CHANNEL), CHANNELS),
                "category": columns.words(category, self._categories),
                "followers_count": columns.integers(followers),
                "state": columns.words(stream.choice(self._homes, numbers, slot=_STATE), self._states),
            },
        )
        self._surroundings.truth.append(
            "creators",
            {
                "creator_id": ids,
                "conversion": columns.floats(conversion),
                "activity": columns.floats(activity),
                "reach": columns.floats(reach),
                "tier": columns.words(np.searchsorted(_TIER_STARTS, followers, side="right"), TIERS),
                "joined_day": columns.integers(np.full(len(numbers), today.number)),
                "died_day": columns.integers(died_day),
            },
        )

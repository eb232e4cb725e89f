"""What is shown to whom: a fixed pool of impressions a day, shared out over categories and positions; clicks follow.

A day's pool is given, so what one product gains others lose. Within a category products are ranked by quality, popularity and
boosts; impressions and examination fall with the position (Joachims et al. 2005; position-based model of Craswell et al. 2008),
clicks saturate with the day's exposure and tire with that of the weeks before.
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
from tradewind_simulator.mechanisms.commerce.categories import NAMES, SHARES
from tradewind_simulator.streams import Floats, Integers

ARMS = ("explored", "promoted_by_lot", "promoted_by_popularity")
_ATTRACTIVE, _CHURN, _EXPLORED, _EXPLORED_SCORE, _BY_LOT, _BY_POPULARITY = range(6)
_WEEK = 7


class TrafficParameters(BaseModel):
    """The pool, the ranking, and what clicks depend on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    impressions_per_order: float = Field(
        default=800.0,
        gt=0,
        le=100_000,
        description="Impressions a day per order a day. Chosen: with the rates below 2 to 3 % of impressions are clicked.",
    )
    clicks_per_order: float = Field(
        default=22.0,
        gt=1,
        le=10_000,
        description="Clicks per order. Chosen: 4 to 5 % of product visits convert, at the upper end of retail benchmarks (2 to 4 % of sessions).",
    )
    rank_exponent: float = Field(
        default=0.55,
        ge=0,
        le=3,
        description="Fall of impressions with the rank in the category (power). Chosen: Zipf-like, as catalogues' sales are.",
    )
    slots: int = Field(default=24, ge=1, le=1_000, description="Positions of a list. Chosen: a page.")
    position_exponent: float = Field(
        default=0.5,
        ge=0,
        le=3,
        description="Fall of examination with the position (power). Joachims et al. 2005: a tenth result is looked at a few times less often than the first.",
    )
    quality_weight: float = Field(
        default=1.5,
        ge=0,
        le=10,
        description="Weight of quality (0 to 1) in the log ranking score. Chosen: beside popularity, not above it.",
    )
    churn_log_sd: float = Field(
        default=0.35, ge=0, le=5, description="Standard deviation of the daily noise of the score (log). Chosen: positions move."
    )
    attraction_quality: float = Field(
        default=1.2, ge=0, le=10, description="Log click rate per quality (0 to 1). Chosen: best to worst threefold."
    )
    attraction_popularity: float = Field(
        default=0.35, ge=0, le=3, description="Log click rate per log popularity. Chosen: what is wanted is clicked."
    )
    attraction_log_sd: float = Field(
        default=0.5,
        ge=0,
        le=3,
        description="Standard deviation of the rest of log attractiveness. Chosen: looks matter as much as popularity.",
    )
    saturation: float = Field(
        default=0.4,
        gt=0,
        le=100,
        description="Clicks at which a product's response is halved, as a share of its category's usual clicks. Chosen: concave for the head, straight for tails.",
    )
    fatigue: float = Field(
        default=1.5,
        ge=0,
        le=100,
        description="Loss of click rate per share of the category's pool held lately, as 1 / (1 + fatigue × share). Chosen: a fifth of the pool costs a quarter of the clicks.",
    )
    fatigue_half_life_days: float = Field(
        default=14.0, gt=0, le=1_000, description="Half-life of what has been seen, days. Chosen: two weeks."
    )
    explored_share: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="Share of product-days whose rank is drawn at random: identifies the effect of the position. Chosen: what platforms afford.",
    )
    promoted_by_lot_share: float = Field(
        default=0.02, ge=0, le=1, description="Share of product-weeks promoted by lot. Chosen: enough to compare with."
    )
    promoted_by_popularity_share: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="Share of product-weeks of median popularity promoted because they sell: proportional to popularity. Chosen: as the lot's.",
    )
    promotion_boost: float = Field(
        default=1.2,
        ge=0,
        le=10,
        description="What a promotion adds to the log score, and to the weight of its impressions. Chosen: brings a middling product up front.",
    )


@dataclass(frozen=True)
class Exposure:
    """A local day's exposure by product position: expected impressions and clicks; all 0 for what is off the shelves."""

    impression_rate: Floats
    click_rate: Floats
    position: Floats
    """Mean position in the lists, from 1; NaN where it was never shown."""
    is_promoted: Flags
    usual_click_rate: Floats
    """Expected clicks without boosts, moods and levers, at the demand of an average day: what scales are made of. 0 after the first day."""


class Traffic:
    """Keeps how much of its category's pool each product held lately, and the scale of click rates fixed on the first day."""

    def __init__(self, parameters: TrafficParameters, surroundings: Surroundings) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("traffic")
        self._scale = 0.0
        self._held: Floats = np.zeros(0)

    def step(self, today: Today, catalogue: Catalogue) -> Exposure:
        """Share out the day's pool."""
        p, number, category = self._parameters, catalogue["number"], catalogue["category"]
        attraction = self._attraction(catalogue)
        usual = self._usual(catalogue, attraction) if self._scale == 0.0 else np.zeros(len(number))
        lever = self._surroundings.interventions.factor("exposure", today.date)
        explored, lot, popular = self._arms(today, catalogue)
        is_promoted = (lot | popular) & (lever > 0)
        boost = p.promotion_boost * lever * (lot | popular)
        score = self._score(catalogue) + p.churn_log_sd * self._stream.normal(number, today.number, slot=_CHURN) + boost
        score = np.where(explored, self._stream.normal(number, today.number, slot=_EXPLORED_SCORE), score)
        share, position = self._shared(catalogue, score, np.exp(boost))
        self._hold(share, len(self._held))
        pool = self._pools(catalogue)[category] * today.demand
        examined = attraction * self._scale * position**-p.position_exponent / (1 + p.fatigue * self._held)
        clicks = self._saturated(catalogue, pool * share * examined, today.demand)
        self._fade(share)
        self._tell(today, number, (explored & catalogue["is_active"], lot & is_promoted, popular & is_promoted & ~lot))
        return Exposure(
            impression_rate=pool * share,
            click_rate=np.minimum(clicks, 0.8 * pool * share),
            position=np.where(share > 0, position, np.nan),
            is_promoted=is_promoted & catalogue["is_active"],
            usual_click_rate=usual,
        )

    def arrays(self) -> Arrays:
        """What the next day needs."""
        return {"scale": np.array([self._scale]), "held": self._held.copy()}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from a checkpoint."""
        self._scale = float(arrays["scale"][0])
        self._held = np.array(arrays["held"], dtype=np.float64)

    def _attraction(self, catalogue: Catalogue) -> Floats:
        p = self._parameters
        own = p.attraction_log_sd * self._stream.normal(catalogue["number"], slot=_ATTRACTIVE)
        liked = p.attraction_quality * (catalogue["quality"] - 0.5) + p.attraction_popularity * np.log(catalogue["popularity"])
        return np.asarray(np.exp(liked + own))

    def _score(self, catalogue: Catalogue) -> Floats:
        return np.asarray(np.log(catalogue["popularity"]) + self._parameters.quality_weight * catalogue["quality"])

    def _arms(self, today: Today, catalogue: Catalogue) -> tuple[Flags, Flags, Flags]:
        p, number = self._parameters, catalogue["number"]
        week = (today.number + number % _WEEK) // _WEEK
        explored = self._stream.bernoulli(p.explored_share, number, today.number, slot=_EXPLORED)
        lot = self._stream.bernoulli(p.promoted_by_lot_share, number, week, slot=_BY_LOT)
        chance = np.minimum(p.promoted_by_popularity_share * catalogue["popularity"], 0.5)
        return explored, lot, self._stream.bernoulli(chance, number, week, slot=_BY_POPULARITY)

    def _shared(self, catalogue: Catalogue, score: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Share of its category's pool and mean position of each product, by its rank among those on the shelves."""
        p, active, category = self._parameters, catalogue["is_active"], catalogue["category"]
        order = np.lexsort((catalogue["number"], -score, np.where(active, category, len(NAMES))))
        shown = order[: int(np.count_nonzero(active))]
        count = np.bincount(category[shown], minlength=len(NAMES))
        rank = np.arange(len(shown)) - np.repeat(np.cumsum(count) - count, count)
        falls = (rank + 3.0) ** -p.rank_exponent * weight[shown]
        whole = np.bincount(category[shown], weights=falls, minlength=len(NAMES))
        share, position = np.zeros(len(score)), np.ones(len(score))
        share[shown] = falls / whole[category[shown]]
        position[shown] = 1 + (p.slots - 1) * (rank / np.maximum(count, 10)[category[shown]]) ** 0.8
        return share, position

    def _open(self, catalogue: Catalogue) -> Floats:
        """Share of the pool by category; those without a product on the shelves leave theirs to the others."""
        present = np.bincount(catalogue["category"], weights=catalogue["is_active"], minlength=len(NAMES)) > 0
        shares = SHARES * present
        return np.asarray(shares / max(shares.sum(), 1e-12))

    def _pools(self, catalogue: Catalogue) -> Floats:
        return self._surroundings.orders_per_day * self._parameters.impressions_per_order * self._open(catalogue)

    def _saturated(self, catalogue: Catalogue, clicks: Floats, demand: float) -> Floats:
        """Clicks as the crowd's interest runs out: its size is the category's usual clicks, times the day's demand."""
        crowd = self._surroundings.orders_per_day * self._parameters.clicks_per_order * demand * self._open(catalogue)
        return np.asarray(clicks / (1 + clicks / np.maximum(self._parameters.saturation * crowd, 1e-9)[catalogue["category"]]))

    def _usual(self, catalogue: Catalogue, attraction: Floats) -> Floats:
        """Usual clicks of the first catalogue; fixes the scale of click rates so that they sum to what the parameters say."""
        p = self._parameters
        share, position = self._shared(catalogue, self._score(catalogue), np.ones(len(catalogue)))
        straight = self._pools(catalogue)[catalogue["category"]] * share * attraction
        straight = straight * position**-p.position_exponent / (1 + p.fatigue * share)
        wanted = self._surroundings.orders_per_day * p.clicks_per_order
        low, high = 0.0, 1e3
        for _ in range(60):
            middle = (low + high) / 2
            total = self._saturated(catalogue, middle * straight, 1.0).sum()
            low, high = (middle, high) if total < wanted else (low, middle)
        self._scale = high
        return self._saturated(catalogue, high * straight, 1.0)

    def _hold(self, share: Floats, known: int) -> None:
        """Products seen for the first time begin as tired as their place makes them."""
        if len(share) > known:
            self._held = np.concatenate((self._held, share[known:]))

    def _fade(self, share: Floats) -> None:
        kept = 0.5 ** (1 / self._parameters.fatigue_half_life_days)
        self._held = kept * self._held + (1 - kept) * share

    def _tell(self, today: Today, number: Integers, arms: tuple[Flags, ...]) -> None:
        truth, p = self._surroundings.truth, self._parameters
        product = np.concatenate([number[arm] for arm in arms])
        truth.append(
            "exposure_arms",
            {
                "product_id": columns.ids("p", product),
                "date": columns.dates(np.full(len(product), self._surroundings.days.utc_day(today.number))),
                "arm": columns.words(np.repeat(np.arange(len(arms)), [np.count_nonzero(arm) for arm in arms]), ARMS),
            },
        )
        if today.number == 0:
            values = {
                "scale": self._scale,
                "position_exponent": p.position_exponent,
                "rank_exponent": p.rank_exponent,
                "saturation": p.saturation,
                "fatigue": p.fatigue,
                "fatigue_half_life_days": p.fatigue_half_life_days,
                "promotion_boost": p.promotion_boost,
            }
            truth.append("exposure", {name: columns.floats(np.array([value])) for name, value in values.items()})

"""Prices: what merchants ask, what costs push, what an experiment draws, what the platform pays.

A product's price stands for a week (weeks of different products turn on different days). Merchants know a part of the demand that
is coming and price by it: their arm is confounded. In the experiment's product-weeks the price is drawn at random: it is not. Unit
costs move by category and prices follow with a pass-through below 1: an instrument.
"""

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
from tradewind_simulator.mechanisms.commerce.neighbours import MerchantsLike
from tradewind_simulator.streams import Floats, Integers

ARMS = ("merchant", "experiment")
_NOISE, _PROMOTED, _DEPTH, _ARM, _DRAWN, _COMING, _SHOCK_DAY, _SHOCK_SIZE, _TELLS = range(9)
_WEEK, _YEAR = 7, 365
UNKNOWN_COST = columns.NO_MONEY


class PricingParameters(BaseModel):
    """How prices move."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inflation_per_year: float = Field(
        default=0.045,
        ge=-0.5,
        le=2,
        description="Drift of list prices and costs, share per year. IPCA, IBGE: 4.6 % in 2023, 4.8 % in 2024.",
    )
    noise_log_sd: float = Field(
        default=0.06,
        ge=0,
        le=0.5,
        description="Weekly noise of the log price, as if answering competitors. Chosen: below a usual price step.",
    )
    promotion_share: float = Field(
        default=0.08,
        ge=0,
        le=1,
        description="Share of product-weeks on promotion. Chosen: well above the experiment's noise, below grocery's 20 to 30 %.",
    )
    campaign_promotion_share: float = Field(default=0.35, ge=0, le=1, description="The same on days of a campaign. Chosen: a third joins.")
    promotion_depth: tuple[float, float] = Field(
        default=(0.08, 0.25), description="Least and greatest markdown, share. Chosen: usual online promotions."
    )
    experiment_share: float = Field(
        default=0.06,
        ge=0,
        le=1,
        description="Share of product-weeks whose price is drawn at random. Chosen: enough to identify elasticities.",
    )
    experiment_log_range: float = Field(
        default=0.25, ge=0, le=1, description="Greatest deviation of an experiment's log price from the reference. Chosen: -22 % to +28 %."
    )
    coming_demand_log_sd: float = Field(
        default=0.25,
        ge=0,
        le=1.5,
        description="Standard deviation of a product-week's demand shock (log). Chosen: nearly a promotion's effect.",
    )
    anticipation: float = Field(
        default=0.12,
        ge=0,
        le=2,
        description="Log price per log demand shock that merchants put on: the confounder. Chosen: biases a naive elasticity by about half.",
    )
    cost_shock_log_sd: float = Field(
        default=0.16, ge=0, le=1, description="Standard deviation of a category's yearly cost shock (log). Chosen: a strong instrument."
    )
    cost_shock_half_life_days: float = Field(default=90.0, gt=0, le=2_000, description="Half-life of a cost shock, days. Chosen: a season.")
    pass_through: float = Field(
        default=0.6, ge=0, le=2, description="Log price per log cost. Nakamura and Zerom 2010: long-run pass-through well below 1."
    )
    cost_told_share: float = Field(
        default=0.6, ge=0, le=1, description="Share of products whose unit cost the merchant tells. Chosen: some do not."
    )
    greatest_subsidy: float = Field(
        default=0.6, ge=0, lt=1, description="Greatest share of the list price that the platform pays. Chosen: a bound, rarely reached."
    )

    def model_post_init(self, _: object) -> None:
        """Refuse markdowns that are none."""
        low, high = self.promotion_depth
        if not 0 <= low <= high < 1:
            raise ValueError(f"promotion_depth: expected 0 <= least <= greatest < 1 (found: {self.promotion_depth})")


@dataclass(frozen=True)
class Prices:
    """A local day's prices by product position, in cents; ``price`` + ``subsidy`` = ``list_price``."""

    list_price: Integers
    price: Integers
    """What the customer pays."""
    subsidy: Integers
    cost: Integers
    """True unit cost."""
    told_cost: Integers
    """Unit cost where the merchant tells it, else ``columns.NO_MONEY``."""
    is_experiment: Flags
    log_ratio: Floats
    """Log of the price paid over the product's drifted base price."""
    coming: Floats
    """The product-week's demand shock (log, mean effect 1), known to merchants, seen by nobody else."""


class Pricing:
    """The day's prices: a function of the day, the product and its merchant's subsidy; nothing is kept."""

    def __init__(self, parameters: PricingParameters, surroundings: Surroundings) -> None:
        self._parameters = parameters
        self._surroundings = surroundings
        self._stream = surroundings.streams.stream("pricing")

    def step(self, today: Today, catalogue: Catalogue, merchants: MerchantsLike) -> Prices:
        """Prices of all products; those off the shelves have one too."""
        p, number = self._parameters, catalogue["number"]
        week = (today.number + number % _WEEK) // _WEEK
        drift = p.inflation_per_year * today.number / _YEAR
        cost_log = self.cost_log(today.number)[catalogue["category"]]
        is_experiment = self._stream.bernoulli(p.experiment_share, number, week, slot=_ARM)
        coming = p.coming_demand_log_sd * self._stream.normal(number, week, slot=_COMING)
        drawn = p.experiment_log_range * (2 * self._stream.uniform(number, week, slot=_DRAWN) - 1)
        asked = np.where(is_experiment, drawn, self._asked(today, number, week, coming) + p.pass_through * cost_log)
        lever = self._surroundings.interventions.factor("price", today.date)
        list_price = _to_ten_cents(catalogue["list_price"] * np.exp(asked + drift) * lever)
        share = np.clip(merchants.subsidy(today)[catalogue["merchant"]], 0.0, p.greatest_subsidy)
        subsidy = np.round(list_price * share).astype(np.int64)
        price = list_price - subsidy
        cost = np.round(catalogue["cost"] * np.exp(drift + cost_log)).astype(np.int64)
        tells = self._stream.bernoulli(p.cost_told_share, number, slot=_TELLS)
        self._tell(today)
        return Prices(
            list_price=list_price,
            price=price,
            subsidy=subsidy,
            cost=cost,
            told_cost=np.where(tells, cost, UNKNOWN_COST),
            is_experiment=is_experiment,
            log_ratio=np.log(np.maximum(price, 1) / catalogue["list_price"]) - drift,
            coming=coming - 0.5 * p.coming_demand_log_sd**2,
        )

    def cost_log(self, day: int) -> Floats:
        """How far the log unit cost of each category stands from its drift on ``day``: one shock a year, fading."""
        category = np.arange(len(NAMES))
        total = np.zeros(len(NAMES))
        for year in range(day // _YEAR + 1):
            begins = year * _YEAR + 30 + self._stream.integers(300, category, year, slot=_SHOCK_DAY)
            size = self._parameters.cost_shock_log_sd * self._stream.normal(category, year, slot=_SHOCK_SIZE)
            age = day - begins
            total += np.where(age >= 0, size * 0.5 ** (np.maximum(age, 0) / self._parameters.cost_shock_half_life_days), 0.0)
        return total

    def arrays(self) -> Arrays:
        """Nothing is kept."""
        return {}

    def restore(self, arrays: Any) -> None:
        """Nothing was kept."""

    def _asked(self, today: Today, number: Integers, week: npt.NDArray[np.integer[Any]], coming: Floats) -> Floats:
        """Merchants' own log price over the reference, without costs."""
        p = self._parameters
        noise = p.noise_log_sd * self._stream.normal(number, week, slot=_NOISE)
        share = p.campaign_promotion_share if today.campaign else p.promotion_share
        low, high = p.promotion_depth
        depth = low + (high - low) * self._stream.uniform(number, week, slot=_DEPTH)
        markdown = np.where(self._stream.bernoulli(share, number, week, slot=_PROMOTED), np.log1p(-depth), 0.0)
        return np.asarray(noise + markdown + p.anticipation * coming)

    def _tell(self, today: Today) -> None:
        if today.number % _WEEK == 0:
            self._surroundings.truth.append(
                "cost_shocks",
                {
                    "category": columns.words(np.arange(len(NAMES)), NAMES),
                    "date": columns.dates(np.full(len(NAMES), self._surroundings.days.utc_day(today.number))),
                    "cost_log": columns.floats(self.cost_log(today.number)),
                },
            )
        if today.number == 0:
            p = self._parameters
            self._surroundings.truth.append(
                "pricing",
                {
                    "pass_through": columns.floats(np.array([p.pass_through])),
                    "anticipation": columns.floats(np.array([p.anticipation])),
                    "coming_demand_log_sd": columns.floats(np.array([p.coming_demand_log_sd])),
                    "experiment_share": columns.floats(np.array([p.experiment_share])),
                    "experiment_log_range": columns.floats(np.array([p.experiment_log_range])),
                },
            )


def _to_ten_cents(cents: Floats) -> Integers:
    return np.maximum(np.round(cents / 10) * 10, 100).astype(np.int64)

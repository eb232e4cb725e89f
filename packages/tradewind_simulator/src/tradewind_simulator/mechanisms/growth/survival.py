"""When merchants give up: buy-till-you-die, with a hazard that answers to what the marketplace does to them.

Each merchant has a latent death rate, gamma over merchants, as in the Pareto/NBD model (Schmittlein, Morrison, Colombo 1987,
"Counting your customers: who are they and what will they do next?", Management Science 33). Here the hazard of a day is that rate
times factors of rating, tier, lateness, sales and support. A merchant dies on the day on which its hazards, summed up, pass its
resistance, an exponential draw of its own: so of two worlds the one with the higher hazards never has the later death.
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import gammaincinv

from tradewind_simulator.streams import Floats, Integers, Stream

_RATE, _RESISTANCE = 0, 1
_DAYS_PER_YEAR = 365.0


class SurvivalParameters(BaseModel):
    """The law of merchants' deaths."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deaths_per_year: float = Field(default=0.42, ge=0, le=5, description="Mean death rate; chosen: with low sales' factor about half of "
                                   "the merchants are silent after a year (Olist: 56 % of those first seen 300 days ago have been for 90).")  # fmt: skip
    rate_shape: float = Field(default=0.9, gt=0, le=100, description="Shape of the gamma law of death rates; chosen near the 0.6 to 1 that "
                              "Schmittlein and Peterson (1994) report.")  # fmt: skip
    rating_effect: float = Field(default=-0.9, le=0, ge=-5, description="On the log hazard, per star above the typical rating; chosen.")
    tier_effect: float = Field(default=-0.3, le=0, ge=-5, description="On the log hazard, per tier above bronze; chosen.")
    late_effect: float = Field(
        default=2.5, ge=0, le=20, description="On the log hazard, per share of late parcels above the typical; chosen."
    )
    low_sales_effect: float = Field(default=0.9, ge=0, le=5, description="On the log hazard of a merchant that sells nothing; chosen.")
    low_sales_orders: float = Field(
        default=8.0, gt=0, description="Orders in 28 days at which the effect of low sales is down to 37 %; chosen."
    )
    patience_days: int = Field(default=60, ge=0, description="Days from joining in which low sales don't count; chosen.")
    typical_rating: float = Field(default=4.1, ge=1, le=5, description="Stars; Olist's mean review score is 4.09.")
    typical_late_share: float = Field(default=0.075, ge=0, le=1, description="Share of parcels; Olist, about 7.5 %.")
    greatest_log_factor: float = Field(
        default=2.0, gt=0, le=5, description="Bound of the log of all factors together; chosen: no one dies for sure."
    )


@dataclass(frozen=True)
class Standing:
    """How merchants stand as of last night: stars, tier (0 bronze to 2 gold), late share, orders of 28 days, days since joining."""

    rating: Floats
    tier: Integers
    late_share: Floats
    sales_28d: Floats
    age_days: Integers


class Survival:
    """The latent law of each merchant and the hazard of a day."""

    def __init__(self, parameters: SurvivalParameters, stream: Stream) -> None:
        self._parameters = parameters
        self._stream = stream

    def rates(self, numbers: Integers) -> Floats:
        """Latent deaths per day of merchants."""
        shape = self._parameters.rate_shape
        standard = np.asarray(gammaincinv(shape, self._stream.uniform(numbers, slot=_RATE)))
        return standard * (self._parameters.deaths_per_year / _DAYS_PER_YEAR / shape)

    def resistances(self, numbers: Integers) -> Floats:
        """The summed hazard at which each merchant dies."""
        return self._stream.exponential(numbers, slot=_RESISTANCE)

    def hazards(self, rates: Floats, standing: Standing, support: Floats | float) -> Floats:
        """Deaths per day of merchants today; ``support`` is what lowers the log hazard (negative: raises it)."""
        p = self._parameters
        # Beyond patience_days low sales weigh fully; before, not at all.
        low = np.where(standing.age_days > p.patience_days, np.exp(-standing.sales_28d / p.low_sales_orders), 0.0)
        factor = (
            p.rating_effect * (standing.rating - p.typical_rating)
            + p.tier_effect * standing.tier
            + p.late_effect * (standing.late_share - p.typical_late_share)
            + p.low_sales_effect * low
            - support
        )
        return rates * np.exp(np.clip(factor, -p.greatest_log_factor, p.greatest_log_factor))

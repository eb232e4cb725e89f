"""What is so of a merchant from the start and stays so: a function of its number, and of its latent quality.

Aggregates of Olist's public data (CC BY-NC-SA 4.0; snapshot of 2018-07-01) where a source is given as "Olist".
"""

from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import ndtr, ndtri

from tradewind_simulator.streams import Floats, Integers, Stream, Streams

LEAD_TYPES = ("online_medium", "online_big", "industry", "offline", "online_small", "online_beginner", "online_top")
"""What kind of seller it is, in the words of Olist's funnel; ``Merchants.entities["segment"]`` points here."""
_LEAD_TYPE_SHARES = (0.399, 0.151, 0.149, 0.126, 0.091, 0.065, 0.019)
"""Olist, won deals."""
FIRST_WON_MERCHANT = 1_000_000
"""Merchant number of the lead 0; the initial merchants have the numbers below."""
_STEPS = (0.7548776662466927, 0.5698402909980532)
"""Steps of an additive recurrence that fills the square evenly: powers of the inverse of the plastic number (Roberts 2018, "R2")."""
_SHIFTS = 100
_AREA, _CATEGORY, _KIND, _QUALITY, _SALES, _GROWTH, _HANDLING, _SPREAD, _CANCEL, _TENURE = range(10)


class Places(Protocol):
    """What of ``Geography`` merchants need: areas by position, with the share of merchants that ship from there."""

    area_ids: tuple[str, ...]
    area_state: Integers
    area_city: Integers
    states: tuple[str, ...]
    city_names: tuple[str, ...]
    origin_weight: Floats


class MerchantTraitsParameters(BaseModel):
    """Laws of merchants' latent traits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    initial_standing: float = Field(
        default=0.25, ge=-3, le=3, description="Mean normal score of the initial merchants' quality; chosen: survivors."
    )
    sales_sigma: float = Field(
        default=1.8,
        ge=0,
        le=3,
        description="Log standard deviation of sales rates, lognormal as in Abe (2009); Olist: quartiles of sellers' orders over their"
        " mean 0.066, 0.20, 0.76, which lognormal with 1.8 gives as 0.06, 0.20, 0.67; Gini 0.79.",
    )
    greatest_sales: float = Field(
        default=1.9,
        ge=0,
        le=6,
        description="Bound of the normal score of sales rates; chosen: no one merchant is a fifth of a small world.",
    )
    growth_sigma: float = Field(default=0.35, ge=0, le=3, description="Standard deviation of the log growth of sales a year; chosen.")
    handling_hours: float = Field(
        default=45.0,
        gt=0,
        le=1000,
        description="Median over merchants of the median hours from approval to hand-over; Olist: 41 over sellers, 47 over orders.",
    )
    handling_sigma: float = Field(
        default=0.60, ge=0, le=3, description="Log standard deviation of those medians beside quality; Olist: 0.63 in all."
    )
    handling_quality: float = Field(
        default=-0.20, le=0, ge=-3, description="On the log of those hours, per standard deviation of quality; chosen."
    )
    handling_spread: float = Field(
        default=0.80, ge=0, le=3, description="Log standard deviation within a merchant, at median quality; Olist: 0.88 in all."
    )
    cancel_share: float = Field(
        default=0.005, ge=0, le=1, description="Orders that a merchant of median quality cancels; Olist: 0.7 % cancelled in all."
    )
    cancel_quality: float = Field(
        default=-0.5, le=0, ge=-3, description="On the log of that share, per standard deviation of quality; chosen."
    )
    tenure_days: float = Field(default=240.0, gt=0, description="Mean days since joining of the initial merchants, exponential; chosen.")


class MerchantTraits:
    """Draws keyed by merchants' numbers. ``standing`` is latent quality as a normal score, ``quality`` the same from 0 to 1."""

    def __init__(
        self,
        parameters: MerchantTraitsParameters,
        streams: Streams,
        places: Places,
        categories: tuple[str, ...],
        category_weights: Floats,
    ) -> None:
        self._parameters = parameters
        self._stream: Stream = streams.stream("merchant traits")
        self.places = places
        self.categories = categories
        self._areas = np.cumsum(places.origin_weight)
        self._categories = np.cumsum(category_weights)
        self._kinds = np.cumsum(_LEAD_TYPE_SHARES)

    def area(self, numbers: Integers) -> Integers:
        """Position of the area that each ships from."""
        return self._stream.choice(self._areas, numbers, slot=_AREA)

    def category(self, numbers: Integers) -> Integers:
        """Position of the category that each sells most of."""
        return self._stream.choice(self._categories, numbers, slot=_CATEGORY)

    def kind(self, numbers: Integers) -> Integers:
        """Position in ``LEAD_TYPES``."""
        return self._stream.choice(self._kinds, numbers, slot=_KIND)

    def initial_standing(self, numbers: Integers) -> Floats:
        """Quality of merchants that are there at the start."""
        return self._parameters.initial_standing + self._stream.normal(numbers, slot=_QUALITY)

    def initial_tenure(self, numbers: Integers) -> Integers:
        """Days since they joined."""
        return np.minimum(self._parameters.tenure_days * self._stream.exponential(numbers, slot=_TENURE), 3000.0).astype(np.int64)

    def sales_rate(self, numbers: Integers) -> Floats:
        """Latent scale of sales; mean 1 over merchants."""
        sigma, bound = self._parameters.sales_sigma, self._parameters.greatest_sales
        score: Floats = np.minimum(ndtri(self._spread(numbers, _SALES, _STEPS[0])), bound)
        # Mean of exp(sigma * min(z, bound)) for a standard normal z.
        mean = np.exp(sigma**2 / 2) * ndtr(bound - sigma) + np.exp(sigma * bound) * ndtr(-bound)
        return np.asarray(np.exp(sigma * score) / mean)

    def growth(self, numbers: Integers) -> Floats:
        """Latent log growth of sales a year."""
        return self._parameters.growth_sigma * self._stream.normal(numbers, slot=_GROWTH)

    def handling_hours(self, numbers: Integers, standing: Floats) -> Floats:
        """Median hours from approval to hand-over."""
        p = self._parameters
        log_hours = p.handling_sigma * ndtri(self._spread(numbers, _HANDLING, _STEPS[1])) + p.handling_quality * standing
        return np.asarray(p.handling_hours * np.exp(log_hours))

    def handling_sigma(self, numbers: Integers, standing: Floats) -> Floats:
        """Log standard deviation of those hours over a merchant's parcels: the better, the steadier."""
        p = self._parameters
        return p.handling_spread * np.exp(0.15 * self._stream.normal(numbers, slot=_SPREAD) - 0.1 * standing)

    def cancel_probability(self, numbers: Integers, standing: Floats) -> Floats:
        """Share of its orders that it cancels."""
        p = self._parameters
        log_share = p.cancel_quality * standing + 0.5 * self._stream.normal(numbers, slot=_CANCEL)
        return np.minimum(p.cancel_share * np.exp(log_share), 1.0)

    def _spread(self, numbers: Integers, slot: int, step: float) -> Floats:
        """Uniform draws; those of the initial merchants are spread evenly, so that a world of a hundred has the law of thousands."""
        shifted = (float(self._stream.uniform(0, slot=_SHIFTS + slot)) + numbers * step) % 1.0
        alone = self._stream.uniform(numbers, slot=slot)
        return np.where(numbers < FIRST_WON_MERCHANT, np.clip(shifted, 1e-9, 1 - 1e-9), alone)


def quality(standing: Floats) -> Floats:
    """Latent quality from 0 to 1 of its normal score."""
    return np.asarray(ndtr(standing))

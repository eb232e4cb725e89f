"""Means over parcels with an interval over order days: parcels of one day share the network's state, so rows alone would claim too much."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_DAYS = 4
"""Days below which no interval is given: chosen, Student's factor is above 4 there."""


@dataclass(frozen=True)
class Mean:
    """A mean, and half of its 95 % interval; NaN where it can't be said."""

    value: float
    half: float

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - self.half

    def beyond(self, claimed: float) -> float:
        """How far ``claimed`` lies outside of the interval; 0 inside."""
        return max(0.0, abs(self.value - claimed) - self.half)


def mean_over_days(values: Floats, weights: Floats, day: Floats) -> Mean:
    """The weighted mean of ``values`` [n] and its interval, with the days (any numbers) as clusters.

    The variance of a ratio of sums over clusters, linearised (Cochran 1977, "Sampling Techniques", section 6.4), with Student's quantile
    of days - 1 degrees of freedom.
    """
    rows = np.flatnonzero((weights > 0) & ~np.isnan(values))
    if not len(rows):
        return Mean(float("nan"), float("nan"))
    _, group = np.unique(day[rows], return_inverse=True)
    mass = np.bincount(group, weights=weights[rows])
    total = np.bincount(group, weights=weights[rows] * values[rows])
    value, clusters = float(total.sum() / mass.sum()), len(mass)
    if clusters < LEAST_DAYS:
        return Mean(value, float("nan"))
    residual = total - value * mass
    error = math.sqrt(clusters / (clusters - 1) * float(residual @ residual)) / float(mass.sum())
    return Mean(value, student_quantile(clusters - 1, 0.975) * error)


def student_quantile(degrees: int, level: float) -> float:
    """The quantile of Student's law, by its expansion about the normal one (Abramowitz and Stegun 1964, 26.7.5): within 1 % from 3 degrees on."""
    z = NormalDist().inv_cdf(level)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return float(sum(term / degrees**power for power, term in enumerate(terms)))

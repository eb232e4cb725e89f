"""What a forecast of days is judged by: weighted, over rows whose outcome is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000
"""Bootstrap resamples: chosen, enough for the 2.5 and 97.5 % points of a mean."""


@dataclass(frozen=True)
class Metrics:
    """Errors in days; ``coverage`` (0 to 1) and ``width_days`` of [p10, p90]. NaN where the forecast has no such quantile."""

    mae_days: float
    bias_days: float
    pinball_p10: float
    pinball_p90: float
    coverage: float
    width_days: float
    n: int


def pinball(actual: Floats, forecast: Floats, quantile: float) -> Floats:
    """The loss of a quantile forecast, row by row (Koenker and Bassett 1978, Econometrica 46)."""
    error = actual - forecast
    return np.maximum(quantile * error, (quantile - 1.0) * error)


def measure(actual: Floats, forecast: Floats, weights: Floats) -> Metrics:
    """The metrics of ``forecast`` [n, 3] (p10, p50, p90) against ``actual`` [n]; rows with weight 0 do not count."""
    rows = weights > 0
    y, q, w = actual[rows], forecast[rows], weights[rows]
    if not len(y):
        nan = float("nan")
        return Metrics(nan, nan, nan, nan, nan, nan, 0)

    def mean(values: Floats) -> float:
        return float(np.average(values, weights=w))

    inside = ((y >= q[:, 0]) & (y <= q[:, 2])).astype(np.float64)
    return Metrics(
        mae_days=mean(np.abs(y - q[:, 1])),
        bias_days=mean(q[:, 1] - y),
        pinball_p10=mean(pinball(y, q[:, 0], 0.1)),
        pinball_p90=mean(pinball(y, q[:, 2], 0.9)),
        coverage=float("nan") if np.isnan(q[:, [0, 2]]).any() else mean(inside),
        width_days=mean(q[:, 2] - q[:, 0]),
        n=len(y),
    )


def paired_difference(ours: Floats, theirs: Floats, weights: Floats, groups: np.ndarray, seed: int) -> tuple[float, float, float]:
    """Mean of ``ours`` - ``theirs`` (weighted) and its 95 % bootstrap interval, resampling whole ``groups``.

    Order days are the groups: the errors of one day share the network's state, so rows alone would claim too much.
    """
    _, group = np.unique(groups, return_inverse=True)
    total = np.bincount(group, weights=weights * (ours - theirs))
    mass = np.bincount(group, weights=weights)
    picks = np.random.default_rng(seed).integers(0, len(mass), (RESAMPLES, len(mass)))
    means = total[picks].sum(axis=1) / np.maximum(mass[picks].sum(axis=1), 1e-12)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(total.sum() / mass.sum()), float(low), float(high)

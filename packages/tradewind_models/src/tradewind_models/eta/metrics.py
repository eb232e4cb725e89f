"""What a forecast of days is judged by: weighted, over rows whose outcome is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewind_models.bootstrap import mean_with_interval

Floats = NDArray[np.float64]


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


def row_values(actual: Floats, forecast: Floats) -> dict[str, Floats]:
    """By metric: the values [n] whose weighted mean it is. NaN where the forecast has no such quantile or the outcome is not known."""
    inside = ((actual >= forecast[:, 0]) & (actual <= forecast[:, 2])).astype(np.float64)
    return {
        "mae_days": np.abs(actual - forecast[:, 1]),
        "bias_days": forecast[:, 1] - actual,
        "pinball_p10": pinball(actual, forecast[:, 0], 0.1),
        "pinball_p90": pinball(actual, forecast[:, 2], 0.9),
        "coverage": np.where(np.isnan(forecast[:, [0, 2]]).any(axis=1) | np.isnan(actual), np.nan, inside),
        "width_days": forecast[:, 2] - forecast[:, 0],
    }


def measure(actual: Floats, forecast: Floats, weights: Floats) -> Metrics:
    """The metrics of ``forecast`` [n, 3] (p10, p50, p90) against ``actual`` [n]; rows with weight 0 do not count."""
    rows = weights > 0
    values = row_values(actual[rows], forecast[rows])
    known = int(rows.sum())
    return Metrics(**{name: float(np.average(v, weights=weights[rows])) if known else float("nan") for name, v in values.items()}, n=known)


def intervals(actual: Floats, forecast: Floats, weights: Floats, days: np.ndarray, seed: int) -> dict[str, tuple[float, float]]:
    """By metric of ``measure``: the 95 % interval of its value, resampling whole ``days`` [n]; NaN where it can't be told."""
    rows = weights > 0
    values = row_values(actual[rows], forecast[rows])
    return {name: mean_with_interval(v, weights[rows], days[rows], seed)[1:] for name, v in values.items()}


@dataclass(frozen=True)
class Level:
    """The share of outcomes (0 to 1) at or below the quantile that claims ``claimed``, and its 95 % interval."""

    claimed: float
    observed: float
    low: float
    high: float


def levels(actual: Floats, forecast: Floats, weights: Floats, quantiles: Sequence[float], days: np.ndarray, seed: int) -> tuple[Level, ...]:
    """What each of ``quantiles`` (columns of ``forecast`` [n, quantiles]) claims beside what came; empty where no outcome is known."""
    rows = weights > 0
    if not rows.any():
        return ()
    y, w = actual[rows], weights[rows]
    below = [(y <= column).astype(np.float64) for column in forecast[rows].T]
    return tuple(
        Level(claimed, float(np.average(share, weights=w)), *mean_with_interval(share, w, days[rows], seed)[1:])
        for claimed, share in zip(quantiles, below, strict=True)
    )

"""Distances between what is simulated and what is real: pure functions of arrays, each with a known answer for equal inputs (0)."""

import math
from collections.abc import Mapping

import numpy as np

from tradewind_simulator.streams import Floats

PROBABILITIES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
"""Where published distributions are known: their quantiles at these."""


def kolmogorov_smirnov(one: Floats, other: Floats) -> float:
    """Greatest difference between the two empirical distribution functions: 0 to 1 (NaN where one is empty)."""
    if not len(one) or not len(other):
        return float("nan")
    one, other = np.sort(one), np.sort(other)
    at = np.concatenate([one, other])
    return float(np.max(np.abs(share_up_to(one, at) - share_up_to(other, at))))


def distance_at_quantiles(values: Floats, quantiles: Floats) -> float:
    """The same against a distribution of which only the quantiles at ``PROBABILITIES`` are known: a lower bound of it.

    Where values tie with a quantile (weights in steps of 50 g), any share between those below it and those up to it agrees.
    """
    if not len(values):
        return float("nan")
    ordered = np.sort(values)
    below = np.searchsorted(ordered, quantiles, side="left") / len(ordered)
    up_to = share_up_to(ordered, quantiles)
    wanted = np.asarray(PROBABILITIES)
    return float(np.max(np.maximum(0.0, np.maximum(below - wanted, wanted - up_to))))


def share_up_to(ordered: Floats, at: Floats) -> Floats:
    """Empirical distribution function of ``ordered`` (ascending) at the points ``at``."""
    share: Floats = np.searchsorted(ordered, at, side="right") / len(ordered)
    return share


def wasserstein(one: Floats, other: Floats) -> float:
    """Mean distance by which one must be moved to become the other, in their unit (NaN where one is empty)."""
    if not len(one) or not len(other):
        return float("nan")
    one, other = np.sort(one), np.sort(other)
    at = np.sort(np.concatenate([one, other]))
    return float(np.sum(np.abs(share_up_to(one, at[:-1]) - share_up_to(other, at[:-1])) * np.diff(at)))


def total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Half the sum of the absolute differences of the shares of each category: 0 to 1. Weights need not sum to 1."""
    whole, rest = sum(one.values()), sum(other.values())
    if not whole or not rest:
        return float("nan")
    names = one.keys() | other.keys()
    return 0.5 * sum(abs(one.get(name, 0.0) / whole - other.get(name, 0.0) / rest) for name in sorted(names))


def noise_of_distribution(count: int, other: int | None = None) -> float:
    """Kolmogorov-Smirnov distance that samples of these sizes from one law exceed in 5 % of cases (``other`` None: the law is known)."""
    return 1.358 * math.sqrt((1 / count if count else math.inf) + (1 / other if other else 0.0))


def noise_of_rate(rate: float, count: int) -> float:
    """Difference from ``rate`` that a sample of ``count`` exceeds in 5 % of cases."""
    return 1.96 * math.sqrt(rate * (1 - rate) / count) if count else math.inf


def noise_of_shares(shares: Mapping[str, float], count: int) -> float:
    """Total variation that a sample of ``count`` has on average from ``shares``, and half as much again."""
    whole = sum(shares.values())
    if not count or not whole:
        return math.inf
    deviations = (math.sqrt(2 * p * (1 - p) / (math.pi * count)) for p in (weight / whole for weight in shares.values()))
    return 0.75 * sum(deviations)


def lorenz(values: Floats) -> tuple[Floats, Floats]:
    """Points of the Lorenz curve: share of holders, from the poorest, and the share that they hold together."""
    ordered = np.sort(values)
    held = np.concatenate([[0.0], np.cumsum(ordered)])
    return np.linspace(0.0, 1.0, len(held)), held / held[-1]


def gini(values: Floats) -> float:
    """Twice the area between the Lorenz curve and the diagonal: 0 (all alike) to 1 (NaN where there is nothing)."""
    if not len(values) or np.sum(values) == 0:
        return float("nan")
    holders, held = lorenz(values)
    return float(1.0 - np.sum((held[1:] + held[:-1]) * np.diff(holders)))

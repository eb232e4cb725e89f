"""How far a sample lies from a sealed shape, and how far it would lie by chance alone.

Numbers by the Wasserstein distance in standard deviations of the reference: the integral of the gap between two distribution
functions (Vallender 1974, Theory of Probability and its Applications 18), between the sealed 1 % and 99 % points. Not by the population stability index: an
input that all parcels of a lane share moves a hair each day and takes a tenth of the rows over a bin's edge; on the public Olist data
the index then calls each quiet week a disaster, the distance does not.
Under one population the gap of two empirical functions of m and n rows is a Brownian bridge times sqrt(1/m + 1/n) (Doob 1949, Annals of
Mathematical Statistics 20).

Texts by the population stability index (PSI; Siddiqi 2006, "Credit Risk Scorecards"): the sum of (q - p) ln(q / p) over values, Jeffreys'
divergence. Under one population it is (1/m + 1/n) times a chi-squared variable with values - 1 degrees of freedom (Yurdakul 2018,
"Statistical Properties of Population Stability Index", dissertation, Western Michigan University).

What is left of a distance above the chance of ``alarm_share`` is its excess: zero where nothing moved, at any number of rows.
"""

import functools
import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PSEUDO_ROWS = 0.5
"""Rows added to each value of both sides, so that a value without rows is finite: Jeffreys' prior of a multinomial."""
BRIDGES = 4000
"""Brownian bridges drawn: chosen, four of them lie beyond the 99.9 % point."""


def wasserstein(points: Floats, reference: Floats, window: Floats, spread: float) -> float:
    """The distance of two distribution functions [points] given at ascending ``points``, in units of ``spread``."""
    return float(np.sum(np.abs(reference - window)[:-1] * np.diff(points)) / spread)


def wasserstein_by_chance(points: Floats, reference: Floats, spread: float, rows: tuple[float, float], alarm_share: float) -> float:
    """The distance that two samples of one population of these ``rows`` exceed with probability ``alarm_share``."""
    if len(points) < 2:
        return 0.0
    draws = np.abs(_bridges(tuple(reference[:-1].tolist()))) @ np.diff(points)
    return float(np.quantile(draws, 1 - alarm_share)) * math.sqrt(1 / rows[0] + 1 / rows[1]) / spread


def stability_index(reference: Floats, window: Floats) -> float:
    """The PSI of two arrays of counts [values]; 0 where either side has no rows or there is one value only."""
    if len(reference) < 2 or reference.sum() <= 0 or window.sum() <= 0:
        return 0.0
    p, q = _shares(reference), _shares(window)
    return float(np.sum((q - p) * np.log(q / p)))


def index_by_chance(reference: Floats, window: Floats, alarm_share: float) -> float:
    """The PSI that two samples of one population of these sizes exceed with probability ``alarm_share``."""
    rows = float(reference.sum()), float(window.sum())
    if len(reference) < 2 or min(rows) <= 0:
        return 0.0
    return chi_squared_quantile(len(reference) - 1, 1 - alarm_share) * (1 / rows[0] + 1 / rows[1])


def share_rise(before: float, rows_before: float, now: float, rows_now: float, alarm_share: float) -> float:
    """By how much a share (0 to 1) rose, less what chance explains: the one-sided two-proportion test with pooled variance."""
    if min(rows_before, rows_now) <= 0:
        return 0.0
    # One row more of each kind keeps the variance of a share of 0 above 0 (Agresti and Caffo 2000, The American Statistician 54).
    pooled = (before * rows_before + now * rows_now + 1) / (rows_before + rows_now + 2)
    noise = NormalDist().inv_cdf(1 - alarm_share) * math.sqrt(pooled * (1 - pooled) * (1 / rows_before + 1 / rows_now))
    return max(0.0, now - before - noise)


def chi_squared_quantile(degrees: int, level: float) -> float:
    """The quantile of the chi-squared law, by Wilson and Hilferty (1931, PNAS 17): within 1 % from 2 degrees on."""
    third = 2 / (9 * degrees)
    return float(degrees * (1 - third + NormalDist().inv_cdf(level) * math.sqrt(third)) ** 3)


def _shares(counts: Floats) -> Floats:
    smooth = np.asarray(counts, dtype=np.float64) + PSEUDO_ROWS
    return np.asarray(smooth / smooth.sum(), dtype=np.float64)


@functools.lru_cache(maxsize=256)
def _bridges(levels: tuple[float, ...]) -> Floats:
    """Brownian bridges [BRIDGES, levels] at ascending ``levels`` (0 to 1); seeded, so that a report is the same twice."""
    at = np.array([0.0, *levels, 1.0])
    steps = np.random.default_rng(7).standard_normal((BRIDGES, len(at) - 1)) * np.sqrt(np.maximum(np.diff(at), 0.0))
    walk = np.cumsum(steps, axis=1)
    return np.asarray(walk[:, :-1] - at[1:-1] * walk[:, -1:])

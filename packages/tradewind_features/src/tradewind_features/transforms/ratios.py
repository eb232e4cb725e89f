"""Amounts on a log scale."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log_ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """log(numerator / denominator); NaN where either is not above zero or not known."""
    upper, lower = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    known = (upper > 0) & (lower > 0)
    return np.log(np.where(known, upper, np.nan)) - np.log(np.where(known, lower, np.nan))

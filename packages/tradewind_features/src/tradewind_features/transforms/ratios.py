"""Amounts on a log scale."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def log1p_amount(amount: ArrayLike) -> NDArray[np.float64]:
    """log(1 + amount); NaN where the amount is negative or not known."""
    values = np.asarray(amount, dtype=np.float64)
    return np.log1p(np.where(values >= 0, values, np.nan))


def log_ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """log(numerator / denominator); NaN where either is not above zero or not known."""
    upper, lower = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    known = (upper > 0) & (lower > 0)
    return np.log(np.where(known, upper, np.nan)) - np.log(np.where(known, lower, np.nan))

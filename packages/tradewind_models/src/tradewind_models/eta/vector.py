"""From named columns to the model's answer. Shared by the fit and the predictor, so it imports numpy and nothing heavy."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import FeatureField

Floats = NDArray[np.float64]


class Booster(Protocol):
    """What is asked of a LightGBM booster."""

    def predict(self, data: Floats, num_threads: int) -> Floats:
        """Raw scores, one per row."""


def matrix(columns: Mapping[str, np.ndarray], fields: Sequence[FeatureField], vocabularies: Mapping[str, Sequence[str]]) -> Floats:
    """The input matrix [n, fields], float64: numbers as they are, text as its code; whatever is absent or unknown is NaN.

    Raises:
        ValueError: no column at all, or columns of several lengths.
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise ValueError(f"columns of one length are expected (found lengths: {sorted(lengths)})")
    rows = lengths.pop()
    result = np.full((rows, len(fields)), np.nan)
    for position, field in enumerate(fields):
        values = columns.get(field.column)
        if values is not None:
            result[:, position] = _codes(values, vocabularies[field.column]) if field.dtype == "string" else _numbers(values)
    return result


def relative_days(ensembles: Sequence[Sequence[Booster]], inputs: Floats) -> Floats:
    """The frozen trees' quantiles [n, quantiles] in days at the network's level 1, before calibration; not yet sorted.

    ``ensembles`` hold one booster of log days per quantile and fold; folds are averaged.
    """
    return np.asarray(np.exp(np.column_stack([np.mean([b.predict(inputs, num_threads=1) for b in folds], axis=0) for folds in ensembles])))


def answer(relative: Floats, factors: Floats) -> Floats:
    """Days [n, quantiles]: each quantile times its factor, then sorted within the row so that none crosses.

    Sorting never makes the pinball loss worse (Chernozhukov, Fernández-Val, Galichon 2010, Econometrica 78).
    """
    return np.sort(relative * factors, axis=1)


def days_at(quantile_days: Floats, quantiles: Sequence[float], confidence: float) -> Floats:
    """Days [n] within which a parcel arrives with probability ``confidence``.

    Log days are interpolated linearly over the normal score of the probability, through the quantiles of the answer;
    outside of them the outermost slope continues.

    Raises:
        ValueError: ``confidence`` is not within 0.01 to 0.99.
    """
    if not 0.01 <= confidence <= 0.99:
        raise ValueError(f"confidence is within 0.01 to 0.99 (found: {confidence})")
    scores = np.array([NormalDist().inv_cdf(q) for q in quantiles])
    score = NormalDist().inv_cdf(confidence)
    right = int(np.clip(np.searchsorted(scores, score), 1, len(scores) - 1))
    share = (score - scores[right - 1]) / (scores[right] - scores[right - 1])
    low, high = np.log(quantile_days[:, right - 1]), np.log(quantile_days[:, right])
    return np.asarray(np.exp(low + share * (high - low)))


def _numbers(values: np.ndarray) -> Floats:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _codes(values: np.ndarray, vocabulary: Sequence[str]) -> Floats:
    codes = {value: float(code) for code, value in enumerate(vocabulary)}
    return np.array([codes.get(value, np.nan) for value in values.tolist()], dtype=np.float64)

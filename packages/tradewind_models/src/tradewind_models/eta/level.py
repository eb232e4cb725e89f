"""The network's speed by order day, as far as it was known when the model is fitted."""

import numpy as np
from numpy.typing import NDArray

from tradewind_models.eta.censoring import life_table
from tradewind_models.eta.config import LevelConfig
from tradewind_models.eta.frame import TrainingFrame

Floats = NDArray[np.float64]

LEAST_EVENTS = 50
"""Order days whose window holds fewer deliveries take the next day's level: chosen, a median of fewer says little."""


def level_by_order_day(frame: TrainingFrame, scale: Floats, config: LevelConfig) -> Floats:
    """The median of duration / ``scale`` [n] around each row's order day, from the period life table.

    The window of an order day p is [p, p + window_days), cut at the frame's last whole day and never shorter than
    ``least_days``. Parcels under way count with the days they have been seen, so the newest days are not too fast.
    """
    table = life_table(frame.ordered_days, frame.delivered_days, scale, frame.until_days)
    end = int(np.floor(frame.until_days))
    first = table.first_day
    levels = np.full(end - first + 1, np.nan)
    for day in range(first, end + 1):
        high = min(day + config.window_days, end)
        levels[day - first] = table.quantile(0.5, min(day, end - config.least_days), high, LEAST_EVENTS)
    filled = _filled(np.where(levels > 0, levels, np.nan))
    return filled[np.floor(frame.ordered_days).astype(np.int64) - first]


def _filled(levels: Floats) -> Floats:
    """Unknown levels take the next known one, those after the last known take that; all unknown: 1."""
    known = np.flatnonzero(~np.isnan(levels))
    if not len(known):
        return np.ones_like(levels)
    following = np.searchsorted(known, np.arange(len(levels)), side="left").clip(max=len(known) - 1)
    return np.asarray(levels[known[following]])

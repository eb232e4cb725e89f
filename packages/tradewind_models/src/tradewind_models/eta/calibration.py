"""The calibration that follows each day: the trees stay frozen, one factor per quantile moves with what has arrived."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradewind_models.eta.censoring import LifeTable, life_table
from tradewind_models.eta.config import CalibrationConfig
from tradewind_models.eta.frame import MICROSECONDS_PER_DAY, TrainingFrame, days

Floats = NDArray[np.float64]

PUBLICATION_LAG_DAYS = 1 / 24
"""The table of a day is served an hour after the day begins, as the features are (their declared publication lag)."""
LONGEST_WAY_DAYS = 150
"""Parcels ordered longer than this before a window are not looked for in it: chosen, far beyond what still arrives."""


@dataclass(frozen=True)
class CalibrationTable:
    """The factors [quantiles] that answers are multiplied by, from what was known before the UTC day ``day`` (days since 1970).

    ``events`` deliveries stood in the window of the shape; ``flow`` is hand-overs divided by deliveries of the last days.
    """

    day: int
    factors: tuple[float, ...]
    events: float
    flow: float

    @property
    def at(self) -> np.datetime64:
        """The instant (UTC) up to which facts were used."""
        return np.datetime64(self.day * MICROSECONDS_PER_DAY, "us")


def neutral(day: int, quantiles: int) -> CalibrationTable:
    """The table that changes nothing."""
    return CalibrationTable(day, (1.0,) * quantiles, 0.0, 1.0)


def daily_tables(
    relative: Floats, frame: TrainingFrame, wanted: Sequence[int], median: int, config: CalibrationConfig
) -> list[CalibrationTable]:
    """The calibration table of each UTC day in ``wanted``; the one of day t uses facts before t only.

    ``relative`` [n, quantiles] are the frozen trees' days for the rows of ``frame``; ``median`` is the median's position.
    """
    if not config.enabled or not len(frame):
        return [neutral(day, relative.shape[1]) for day in wanted]
    earliest = min(wanted) - config.shape_window_days - LONGEST_WAY_DAYS
    rows = np.flatnonzero(frame.ordered_days >= earliest)
    recent = frame.take(rows)
    until = min(recent.until_days, float(max(wanted)))
    tables = [life_table(recent.ordered_days, recent.delivered_days, relative[rows, a], until) for a in range(relative.shape[1])]
    handed_over, delivered = days(frame.handed_over_at), frame.delivered_days
    return [_table(day, tables, _flow(handed_over, delivered, day, config.flow_days), median, config) for day in wanted]


def _table(day: int, tables: list[LifeTable], flow: float, median: int, config: CalibrationConfig) -> CalibrationTable:
    factors = tuple(
        _factor(table, level, day, config) * flow**config.flow_exponent for table, level in zip(tables, config.levels, strict=True)
    )
    events = tables[median].distribution(day - config.shape_window_days, day)[1]
    return CalibrationTable(day, factors, events, flow)


def _factor(table: LifeTable, level: float, day: int, config: CalibrationConfig) -> float:
    """The factor of one quantile at ``day``, before the flow; 1 where too little has arrived to say."""

    def quantile(wanted: float, window: int) -> float:
        return table.quantile(wanted, day - window, day, config.least_events)

    shape, centre = quantile(level, config.shape_window_days), quantile(0.5, config.shape_window_days)
    recent = quantile(0.5, config.level_window_days)
    if np.isnan(shape) or shape <= 0 or centre <= 0:
        return 1.0
    return shape if np.isnan(recent) or recent <= 0 else shape * float((recent / centre) ** config.level_share)


def _flow(handed_over: Floats, delivered: Floats, day: int, window: int) -> float:
    """Hand-overs divided by deliveries in the ``window`` days before ``day``; 1 where either is none."""
    inflow = float(np.sum((handed_over >= day - window) & (handed_over < day)))
    outflow = float(np.sum((delivered >= day - window) & (delivered < day)))
    return inflow / outflow if inflow and outflow else 1.0

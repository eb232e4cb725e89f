"""Live errors of one window's answers, with the truth as known at an instant, beside the lane median of its own time.

Young parcels whose outcome is known are the quick ones. So errors are measured once a window is ripe, delivered parcels stand for those
under way by the family's weights (inverse probability of having been seen), and how many are under way is said. Whether a parcel was there when its p90
had passed needs no outcome: that share is judged among parcels whose p90 has passed, which depends on the answer and the clock only.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tradewind_lifecycle.holdouts import LaneQuantiles, microseconds
from tradewind_lifecycle.monitoring.over_days import Mean, mean_over_days
from tradewind_lifecycle.monitoring.shapes import numbers_of, weighted_median
from tradewind_lifecycle.monitoring.windows import first_answers, shipments
from tradewind_models.eta.censoring import censoring_weights
from tradewind_models.eta.frame import days
from tradewind_models.eta.metrics import pinball

Floats = NDArray[np.float64]

CENSORING_FLOOR = 0.05
"""As in the family's own evaluation: no parcel counts for more than twenty."""


class Live(BaseModel):
    """A window's outcomes as known at ``known_at``. Errors in days, shares 0 to 1; each ``_half`` is half of a 95 % interval over days.

    ``asked`` answers belong to ``parcels`` parcels that the labels know, of which ``delivered`` and ``under_way``; ``unnamed`` answers are
    logged without order or merchant, ``unmatched`` shipments are none of the labels' (or one of several of the same order and merchant).
    None: can't be said yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    known_at: dt.datetime
    asked: int
    parcels: int
    delivered: int
    under_way: int
    unnamed: int = 0
    unmatched: int = 0
    mae_days: float | None = None
    mae_half: float | None = None
    lane_mae_days: float | None = None
    difference_days: float | None = None
    difference_half: float | None = None
    bias_days: float | None = None
    bias_half: float | None = None
    below_p50: float | None = None
    below_p50_half: float | None = None
    coverage: float | None = None
    coverage_half: float | None = None
    pinball_p10: float | None = None
    pinball_p90: float | None = None
    mean_days: float | None = None
    median_days: float | None = None
    overdue: float | None = None
    overdue_half: float | None = None
    p90_passed: int = 0


@dataclass(frozen=True, eq=False)
class _Answered:
    """Parcels with answer [n, 3], lane median [n], purchase and outcome as known: all in days, NaN where not known."""

    quantiles: Floats
    lane: Floats
    ordered: Floats
    duration: Floats
    until: float
    zone_day: Floats


def live_of(rows: pa.Table, labels: pa.Table, lanes: LaneQuantiles | None, known_at: dt.datetime) -> Live:
    """The live errors of flat log rows; ``labels`` as known at ``known_at``, ``lanes`` those known at the window's start (None: nothing was)."""
    if not rows.num_rows:
        return Live(known_at=known_at, asked=0, parcels=0, delivered=0, under_way=0)
    parcels = first_answers(rows)
    outcomes = pd.Index(shipments(labels).to_pylist())
    # Of an order that a merchant sent in several parcels the log does not say which was asked about: it is left out.
    sole = np.flatnonzero(~outcomes.duplicated(keep=False))
    place = outcomes[sole].get_indexer(pd.Index(parcels["shipment"].to_pylist()))
    position = np.where(place >= 0, sole[place], -1) if len(sole) else np.full(parcels.num_rows, -1)
    found = parcels.filter(pa.array(position >= 0))
    truth = labels.take(position[position >= 0])
    answered = _answered(found, truth, lanes, known_at)
    known = int((~np.isnan(answered.duration)).sum())
    counted = Live(
        known_at=known_at,
        asked=rows.num_rows,
        parcels=found.num_rows,
        delivered=known,
        under_way=found.num_rows - known,
        unnamed=rows["shipment"].null_count,
        unmatched=parcels.num_rows - found.num_rows,
    )
    return counted.model_copy(update={**_errors(answered), **_overdue(answered)})


def _answered(found: pa.Table, truth: pa.Table, lanes: LaneQuantiles | None, known_at: dt.datetime) -> _Answered:
    ordered = days(np.asarray(truth["event_timestamp"].to_numpy()))
    return _Answered(
        quantiles=np.column_stack([numbers_of(found, name) for name in ("p10_days", "p50_days", "p90_days")]),
        lane=lanes.days(truth)[:, 1] if lanes is not None else np.full(found.num_rows, np.nan),
        ordered=ordered,
        duration=numbers_of(truth, "duration_days"),
        until=float(days(np.array([microseconds(known_at)]))[0]),
        zone_day=np.floor(ordered),
    )


def _errors(answered: _Answered) -> dict[str, float | None]:
    weights = censoring_weights(answered.ordered, answered.duration, answered.until, np.inf, CENSORING_FLOOR)
    rows = np.flatnonzero(weights > 0)
    if not len(rows):
        return {}
    actual, answer, lane = answered.duration[rows], answered.quantiles[rows], answered.lane[rows]
    weight, day = weights[rows], answered.zone_day[rows]
    wrong, lane_wrong = np.abs(actual - answer[:, 1]), np.abs(actual - lane)
    mae, difference = mean_over_days(wrong, weight, day), mean_over_days(wrong - lane_wrong, weight, day)
    bias = mean_over_days(answer[:, 1] - actual, weight, day)
    coverage = mean_over_days(((actual >= answer[:, 0]) & (actual <= answer[:, 2])).astype(np.float64), weight, day)
    return {
        **_said("mae", mae, "_days"),
        **_said("difference", difference, "_days"),
        **_said("bias", bias, "_days"),
        **_said("coverage", coverage, ""),
        **_said("below_p50", mean_over_days((actual <= answer[:, 1]).astype(np.float64), weight, day), ""),
        "lane_mae_days": _plain(mean_over_days(lane_wrong, weight, day).value),
        "pinball_p10": _plain(float(np.average(pinball(actual, answer[:, 0], 0.1), weights=weight))),
        "pinball_p90": _plain(float(np.average(pinball(actual, answer[:, 2], 0.9), weights=weight))),
        "mean_days": _plain(float(np.average(actual, weights=weight))),
        "median_days": _plain(weighted_median(actual, weight)),
    }


def _overdue(answered: _Answered) -> dict[str, float | int | None]:
    """Among parcels whose p90 has passed: the share that was not there by then."""
    passed = answered.until - answered.ordered >= answered.quantiles[:, 2]
    late = ~(answered.duration <= answered.quantiles[:, 2])
    found = mean_over_days(late.astype(np.float64), passed.astype(np.float64), answered.zone_day)
    return {**_said("overdue", found, ""), "p90_passed": int(passed.sum())}


def _said(name: str, mean: Mean, unit: str) -> dict[str, float | None]:
    return {f"{name}{unit}": _plain(mean.value), f"{name}_half": _plain(mean.half)}


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

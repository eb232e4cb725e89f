"""From a table of parcels with features to what a family fits and is judged on: frames, baselines, slices."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tradewind_contracts.instants import UTC
from tradewind_models.eta import EtaConfig, Holdout, TooFewRowsError, TrainingFrame
from tradewind_models.eta.censoring import censoring_weights
from tradewind_models.eta.gates import LANE_MEDIAN, PROMISE

Floats = NDArray[np.float64]

LEAST_LANE_ROWS = 20
"""Lanes with fewer delivered parcels take the median of all (the baseline's definition)."""
VOLUME_BANDS = ((1, "none"), (10, "below 10"), (50, "10 to 49"), (200, "50 to 199"), (np.inf, "200 and more"))
"""Merchant's parcels handed over in the last 90 days: upper bound (exclusive) and name."""
DISTANCE_BANDS = (
    (100, "below 100 km"),
    (500, "100 to 499 km"),
    (1000, "500 to 999 km"),
    (2000, "1000 to 1999 km"),
    (np.inf, "2000 km and more"),
)


@dataclass(frozen=True)
class LaneQuantiles:
    """p10, p50 and p90 of days by origin state and destination state, and of all: the naive baseline's memory."""

    lanes: dict[tuple[str | None, str | None], Floats]
    overall: Floats

    def days(self, table: pa.Table) -> Floats:
        """Days [n, 3] for the rows of ``table`` (origin_state, destination_state)."""
        pairs = zip(table["origin_state"].to_pylist(), table["destination_state"].to_pylist(), strict=True)
        return np.array([self.lanes.get(pair, self.overall) for pair in pairs]).reshape(-1, 3)


def microseconds(instant: dt.datetime) -> np.datetime64:
    """A zoned instant as numpy has it: UTC, microseconds."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def frame_of(table: pa.Table, config: EtaConfig, observed_until: dt.datetime) -> TrainingFrame:
    """The family's frame of label rows with features (``outcome_at`` is the delivery)."""
    names = [field.column for field in config.features]
    renamed = table.append_column("delivered_at", table["outcome_at"])
    if "ordered_at" not in table.column_names:
        renamed = renamed.append_column("ordered_at", table["event_timestamp"])
    return TrainingFrame.from_table(renamed, names, microseconds(observed_until))


def lane_quantiles(table: pa.Table, frame: TrainingFrame, as_of: dt.datetime) -> LaneQuantiles:
    """The lanes' quantiles over all parcels delivered before ``as_of``; ``frame`` has the rows of ``table``.

    Raises:
        TooFewRowsError: nothing was delivered before ``as_of``.
    """
    rows = np.flatnonzero((frame.delivered_at < microseconds(as_of)) & (frame.ordered_at < microseconds(as_of)))
    if not len(rows):
        raise TooFewRowsError(f"nothing was delivered before {as_of.isoformat()}")
    duration = frame.duration_days[rows]
    origin, destination = (np.array(table[name].to_pylist(), dtype=object)[rows] for name in ("origin_state", "destination_state"))
    of_lane: dict[tuple[str | None, str | None], list[float]] = {}
    for pair, days in zip(zip(origin, destination, strict=True), duration, strict=True):
        of_lane.setdefault(pair, []).append(days)
    levels = (0.1, 0.5, 0.9)
    lanes = {pair: np.quantile(found, levels) for pair, found in of_lane.items() if len(found) >= LEAST_LANE_ROWS}
    return LaneQuantiles(lanes, np.quantile(duration, levels))


def promise_days(table: pa.Table) -> Floats:
    """Days [n] from purchase to the promise printed then; NaN where there was none."""
    promised = np.asarray(table["promised_at"].to_numpy()).astype("datetime64[us]")
    ordered = np.asarray(table["event_timestamp"].to_numpy()).astype("datetime64[us]")
    return np.where(np.isnat(promised), np.nan, (promised - ordered).astype(np.int64) / 86_400e6)


def holdout_of(
    table: pa.Table, frame: TrainingFrame, start: dt.datetime, end: dt.datetime, lanes: LaneQuantiles, config: EtaConfig
) -> Holdout:
    """The orders placed in [start, end), judged by what ``frame`` knows, beside promise and lane median.

    Parcels still under way at the frame's ``observed_until`` weigh 0, and delivered ones stand for them by the inverse
    probability of having been seen: among all orders of the span, as if it were the recent window.
    """
    rows = np.flatnonzero((frame.ordered_at >= microseconds(start)) & (frame.ordered_at < microseconds(end)))
    judged = table.take(rows)
    weights = censoring_weights(frame.ordered_days[rows], frame.duration_days[rows], frame.until_days, np.inf, config.censoring.floor)
    promise = np.full((len(rows), 3), np.nan)
    promise[:, 1] = promise_days(judged)
    return Holdout(
        frame=frame,
        rows=rows,
        weights=weights,
        baselines={LANE_MEDIAN: lanes.days(judged), PROMISE: promise},
        slices=slices_of(judged),
    )


def slices_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Each row's value of the dimensions by which the ETA is judged."""
    return {
        "destination_state": _text(table, "destination_state"),
        "category": _text(table, "category"),
        "merchant_volume": _banded(_numbers(table, "merchant_handling_90d__parcels_count_90d"), VOLUME_BANDS),
        "distance": _banded(_numbers(table, "parcel_request__distance_km"), DISTANCE_BANDS),
    }


def _text(table: pa.Table, name: str) -> np.ndarray:
    return np.array([value if value is not None else "unknown" for value in table[name].to_pylist()], dtype=object)


def _numbers(table: pa.Table, name: str) -> Floats:
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _banded(values: Floats, bands: tuple[tuple[float, str], ...]) -> np.ndarray:
    bounds, names = np.array([bound for bound, _ in bands]), np.array([name for _, name in bands], dtype=object)
    found = names[np.searchsorted(bounds, np.nan_to_num(values), side="right").clip(max=len(bands) - 1)]
    return np.where(np.isnan(values), "unknown", found)

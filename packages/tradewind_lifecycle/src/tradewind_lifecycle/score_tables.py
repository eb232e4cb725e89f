"""The form in which scored parcels leave: one row per parcel, written whole or not at all."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tradewind_contracts.files import atomic_file
from tradewind_lifecycle.holdouts import promise_days

Floats = NDArray[np.float64]


def score_table(judged: pa.Table, quantile_days: Floats, lane_median_days: Floats) -> pa.Table:
    """Scored parcels: ids, purchase, p10 to p90, what happened (null if never delivered in the data), promise and lane median, all in days.

    ``judged`` are label rows [n], ``quantile_days`` [n, 3], ``lane_median_days`` [n].
    """
    columns: dict[str, Any] = {name: judged[name] for name in ("order_id", "merchant_id", "event_timestamp")}
    for position, name in enumerate(("p10_days", "p50_days", "p90_days")):
        columns[name] = pa.array(quantile_days[:, position])
    columns["actual_days"] = judged["duration_days"]
    columns["promise_days"] = _nullable(promise_days(judged))
    columns["lane_median_days"] = pa.array(lane_median_days)
    return pa.table(columns).sort_by([("event_timestamp", "ascending"), ("order_id", "ascending"), ("merchant_id", "ascending")])


def prediction_table(judged: pa.Table, quantile_days: Floats, lane_median_days: Floats, weights: Floats) -> pa.Table:
    """Scored parcels of a holdout for plots, in the holdout's order: the score's columns, weight, state, category and distance."""
    distance = "parcel_request__distance_km"
    columns: dict[str, Any] = {
        name: judged[name] for name in ("parcel_id", "order_id", "merchant_id", "event_timestamp", "destination_state", "category")
    }
    columns["ordered_at"] = judged["event_timestamp"]
    columns["distance_km"] = judged[distance] if distance in judged.column_names else pa.nulls(judged.num_rows, pa.float64())
    for position, name in enumerate(("p10_days", "p50_days", "p90_days")):
        columns[name] = pa.array(quantile_days[:, position])
    columns["actual_days"] = judged["duration_days"]
    columns["weight"] = pa.array(weights)
    columns["promise_days"] = _nullable(promise_days(judged))
    columns["lane_median_days"] = pa.array(lane_median_days)
    return pa.table(columns)


def write_scores(table: pa.Table, out: Path) -> None:
    """Write ``table`` as Parquet to ``out``, atomically.

    Raises:
        StateError: the file system refuses; what stood there stays.
    """
    with atomic_file(out) as partial:
        pq.write_table(table, partial, compression="zstd")


def _nullable(values: Floats) -> Any:
    return pa.array(values, mask=np.isnan(values))

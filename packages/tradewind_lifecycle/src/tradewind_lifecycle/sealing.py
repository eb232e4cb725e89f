"""From an evaluation to what a version seals: plain numbers, NaN said as null, the main metric first."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tradewind_registry.records import Metrics

QUANTILE_COLUMNS = {0.1: "p10_days", 0.5: "p50_days", 0.9: "p90_days"}
"""The column of a predictions table for each level."""


def evaluation_fields(evaluation: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The fields ``rows``, ``metrics``, ``baselines``, ``differences`` and ``slices`` of a ``VersionDraft``.

    ``evaluation`` is the ``to_json()`` of a family's Evaluation, with ``rows``, in the form of ``tradewind_contracts.gates``. A slice's
    ``intervals`` (by metric of the model's own) become its metrics ``<metric>_low`` and ``<metric>_high``.

    Raises:
        KeyError: it has no metrics of ``model``.
    """
    overall = {name: plain_metrics(metrics) for name, metrics in evaluation["overall"].items()}
    slices: dict[str, dict[str, dict[str, Metrics]]] = {}
    for part in evaluation.get("slices", ()):
        values = slices.setdefault(part["dimension"], {})
        values[part["value"]] = {name: plain_metrics(metrics) for name, metrics in part["models"].items()}
        for metric, ends in part.get("intervals", {}).items():
            values[part["value"]][model].update(plain_metrics({f"{metric}_{end}": ends[end] for end in ("low", "high")}))
    return {
        "rows": evaluation["rows"],
        "metrics": overall.pop(model),
        "baselines": overall,
        "differences": {name: plain_metrics(difference) for name, difference in evaluation.get("differences", {}).items()},
        "slices": slices,
    }


def intervals_of(evaluation: Mapping[str, Any]) -> dict[str, Metrics]:
    """The field ``intervals`` of a ``VersionDraft``: ``low`` and ``high`` by metric."""
    return {metric: plain_metrics(ends) for metric, ends in evaluation.get("intervals", {}).items()}


def plain_metrics(metrics: Mapping[str, Any]) -> Metrics:
    """Metrics as JSON has them: what is NaN, infinite or absent is null."""
    return {name: None if value is None or not math.isfinite(value) else float(value) for name, value in metrics.items()}


def observed_levels(predictions: pa.Table) -> Metrics:
    """The weighted share of outcomes (0 to 1) at or below each quantile, by its level as text (``0.9``).

    ``predictions`` has ``p10_days``, ``p50_days``, ``p90_days``, ``actual_days`` (null: not known) and ``weight``.
    """
    actual, weight = column(predictions, "actual_days"), column(predictions, "weight")
    known = np.isfinite(actual) & (weight > 0)
    if not known.any():
        return {str(level): None for level in QUANTILE_COLUMNS}
    return {
        str(level): float(np.average(actual[known] <= column(predictions, name)[known], weights=weight[known]))
        for level, name in QUANTILE_COLUMNS.items()
    }


def column(table: pa.Table, name: str) -> np.ndarray:
    """A numeric column [rows] as float64, with NaN for null."""
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)

"""The second verb: the model beside its baselines, overall and by slice, as it would have answered day by day."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradewind_models.bootstrap import mean_with_interval, paired_difference
from tradewind_models.eta.calibration import CalibrationTable
from tradewind_models.eta.frame import TrainingFrame
from tradewind_models.eta.metrics import Level, Metrics, intervals, levels, measure
from tradewind_models.eta.model import EtaModel, follow

Floats = NDArray[np.float64]

MODEL = "eta"
"""The model's own name in tables of metrics."""
LEAST_SLICE_ROWS = 30
"""Slices with fewer delivered rows are left out: their means say nothing."""


@dataclass(frozen=True, eq=False)
class Holdout:
    """Rows to judge on.

    ``frame`` holds them and the parcels before them (which the calibration follows), with what is known when the
    evaluation is made; ``rows`` [m] are the judged positions in it. ``weights`` [m] are those of censoring (0: outcome
    not known), ``baselines`` map a name to days [m, 3] with NaN for quantiles it does not give, ``slices`` a dimension
    to each row's value [m].
    """

    frame: TrainingFrame
    rows: np.ndarray
    weights: Floats
    baselines: Mapping[str, Floats]
    slices: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Slice:
    """One value of one dimension: the metrics of the model and of each baseline there; ``mae_interval`` is the model's (95 %)."""

    dimension: str
    value: str
    metrics: Mapping[str, Metrics]
    mae_interval: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics overall and per slice; ``differences`` are MAE of the model minus the baseline's: mean, low, high (95 %).

    ``intervals`` (95 %) and ``levels`` are the model's own. All intervals resample whole order days. ``predictions`` [m, 3] and
    ``actual_days`` [m] belong to the holdout's rows.
    """

    rows: int
    under_way: int
    overall: Mapping[str, Metrics]
    slices: tuple[Slice, ...]
    differences: Mapping[str, tuple[float, float, float]]
    intervals: Mapping[str, tuple[float, float]]
    levels: tuple[Level, ...]
    calibration: tuple[CalibrationTable, ...]
    predictions: Floats
    actual_days: Floats
    weights: Floats

    def to_json(self) -> dict[str, Any]:
        """The evaluation without its rows, in the form that gates read (``tradewind_contracts.gates``); what is NaN is null."""
        found = {
            "rows": self.rows,
            "under_way": self.under_way,
            "overall": {name: asdict(metrics) for name, metrics in self.overall.items()},
            "slices": [
                {
                    "dimension": s.dimension,
                    "value": s.value,
                    "n": s.metrics[MODEL].n,
                    "models": {name: asdict(metrics) for name, metrics in s.metrics.items()},
                    "intervals": {"mae_days": {"low": s.mae_interval[0], "high": s.mae_interval[1]}},
                }
                for s in self.slices
            ],
            "differences": {name: {"mae_days": d[0], "low": d[1], "high": d[2]} for name, d in self.differences.items()},
            "intervals": {name: {"low": low, "high": high} for name, (low, high) in self.intervals.items()},
            "levels": [asdict(level) for level in self.levels],
            "calibration": [asdict(table) for table in self.calibration],
        }
        plain: dict[str, Any] = _plain(found)
        return plain


def evaluate(model: EtaModel, holdout: Holdout) -> Evaluation:
    """Judge ``model`` on ``holdout``: trees frozen, the calibration following each day, baselines on the same rows and weights."""
    predictions, tables = follow(model, holdout.frame, holdout.rows)
    actual = holdout.frame.duration_days[holdout.rows]
    forecasts = {MODEL: predictions, **holdout.baselines}
    day = np.floor(holdout.frame.ordered_days[holdout.rows])
    known = np.flatnonzero(holdout.weights > 0)
    errors = {name: np.abs(actual - forecast[:, 1])[known] for name, forecast in forecasts.items()}
    seed = model.config.seed
    return Evaluation(
        rows=len(holdout.rows),
        under_way=int(np.isnan(actual).sum()),
        overall={name: measure(actual, forecast, holdout.weights) for name, forecast in forecasts.items()},
        slices=tuple(_slices(actual, forecasts, holdout, day, seed)),
        differences={
            name: paired_difference(errors[MODEL], errors[name], holdout.weights[known], day[known], seed)
            for name in holdout.baselines
            if len(known)
        },
        intervals=intervals(actual, predictions, holdout.weights, day, seed),
        levels=levels(actual, predictions, holdout.weights, model.config.quantiles, day, seed),
        calibration=tuple(tables),
        predictions=predictions,
        actual_days=actual,
        weights=holdout.weights,
    )


def _slices(actual: Floats, forecasts: Mapping[str, Floats], holdout: Holdout, day: Floats, seed: int) -> list[Slice]:
    found = []
    for dimension, values in holdout.slices.items():
        text = np.array([str(value) for value in values])
        for value in np.unique(text):
            rows = (text == value) & (holdout.weights > 0)
            if rows.sum() >= LEAST_SLICE_ROWS:
                y, w = actual[rows], holdout.weights[rows]
                metrics = {name: measure(y, forecast[rows], w) for name, forecast in forecasts.items()}
                _, low, high = mean_with_interval(np.abs(y - forecasts[MODEL][rows, 1]), w, day[rows], seed)
                found.append(Slice(dimension, str(value), metrics, (low, high)))
    return found


def _plain(value: Any) -> Any:
    """The same JSON values with null for NaN and infinities."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

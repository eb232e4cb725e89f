"""Backtest: fit on what was known at an instant, then answer the orders of the following days as the service would have."""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_lifecycle import labels
from tradewind_lifecycle.holdouts import frame_of, holdout_of, lane_quantiles, microseconds
from tradewind_lifecycle.score_tables import score_table, write_scores
from tradewind_lifecycle.training_sets import build
from tradewind_models.eta import EtaConfig, TooFewRowsError, evaluate, fit
from tradewind_models.eta.evaluation import MODEL
from tradewind_models.eta.gates import LANE_MEDIAN
from tradewind_models.eta.plain import PLAIN_MODELS, plain_days
from tradewind_models.eta.predictor import FAMILY

Floats = NDArray[np.float64]
Progress = Callable[[str], None]


class BacktestReport(BaseModel):
    """What a backtest found: parcels scored, of which delivered in the data, and the metrics of each model by name.

    ``metrics`` are in days; ``coverage`` is 0 to 1. ``differences``: MAE minus the baseline's, mean, low, high (95 %).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: dt.datetime
    days: int
    rows: int
    delivered: int
    metrics: dict[str, dict[str, float | None]]
    differences: dict[str, tuple[float, float, float]]
    out: Path


def backtest(
    settings: Settings,
    family: str,
    as_of: dt.datetime,
    days: int,
    out: Path,
    config: EtaConfig | None = None,
    progress: Progress = lambda _: None,
) -> BacktestReport:
    """Fit on what was known at ``as_of`` (zoned) and score every order placed in the ``days`` after it into ``out`` (Parquet).

    Features are those that each order had at its purchase. Trees stay frozen; the calibration table of each day uses
    the deliveries before it. Outcomes are whatever the landed archive shows, however far it reaches.

    Raises:
        SettingsError: another family, no orders in the span, or too little known at ``as_of``.
        StateError: nothing is published, or ``out`` can't be written.
    """
    if family != FAMILY:
        raise SettingsError(f"backtest {family!r}: no such family; there is {FAMILY!r}")
    config = config or EtaConfig()
    end = as_of + dt.timedelta(days=days)
    entity_rows = _entity_rows(settings, as_of, end)
    progress(f"{entity_rows.num_rows:,} parcels ordered before {iso(end)}")
    table = build(config.service, entity_rows, settings, progress)
    frame = frame_of(table, config, _end_of_data(table))
    known = frame.known_at(microseconds(as_of))
    try:
        model = fit(known, config)
    except TooFewRowsError as error:
        raise SettingsError(f"as_of {iso(as_of)}: {error}; choose a later as_of") from error
    progress(f"fitted on {int((~np.isnan(known.duration_days)).sum()):,} parcels delivered before {iso(as_of)}")
    lanes = lane_quantiles(table, frame, as_of)
    holdout = holdout_of(table, frame, as_of, end, lanes, config)
    judged = table.take(holdout.rows)
    plain = _plain_baselines(table, holdout.rows, as_of, config)
    # The archive's own end is far behind the span: what it shows delivered counts once each.
    weights = (~np.isnan(frame.duration_days[holdout.rows])).astype(np.float64)
    found = evaluate(model, replace(holdout, weights=weights, baselines={**holdout.baselines, **plain}))
    write_scores(score_table(judged, found.predictions, holdout.baselines[LANE_MEDIAN][:, 1]), out)
    progress(f"{len(holdout.rows):,} parcels scored into {out}")
    return BacktestReport(
        as_of=as_of,
        days=days,
        rows=found.rows,
        delivered=found.rows - found.under_way,
        metrics={name: _plain(asdict(metrics)) for name, metrics in found.overall.items()},
        differences=dict(found.differences),
        out=out,
    )


def metrics_lines(report: BacktestReport) -> list[str]:
    """The metrics as aligned text: one line per model, its own first."""
    columns = ("mae_days", "pinball_p10", "pinball_p90", "coverage", "width_days")
    width = max(len(name) for name in report.metrics) + 1
    lines = [f"{'n = ' + format(report.delivered, ','):<{width}}" + "".join(f"{name:>14}" for name in columns)]
    for name in (MODEL, *(other for other in report.metrics if other != MODEL)):
        values = (report.metrics[name][column] for column in columns)
        lines.append(f"{name:<{width}}" + "".join(f"{'–' if value is None else format(value, '.3f'):>14}" for value in values))
    return lines


def _entity_rows(settings: Settings, as_of: dt.datetime, end: dt.datetime) -> pa.Table:
    every = labels.read_labels(settings)
    if not labels.placed_between(every, as_of, end).num_rows:
        instants = every["event_timestamp"].to_numpy()
        span = f"{instants.min()} to {instants.max()}" if len(instants) else "none at all"
        raise SettingsError(f"as_of {iso(as_of)}: no order was placed from then to {iso(end)} (orders: {span}); choose an earlier as_of")
    return labels.placed_between(every, None, end)


def _plain_baselines(table: pa.Table, rows: np.ndarray, as_of: dt.datetime, config: EtaConfig) -> dict[str, Floats]:
    """Days [rows, quantiles] of each plain model, fitted on what was known at ``as_of`` as ours is."""
    found = {}
    for plain in PLAIN_MODELS:
        frame = frame_of(table, config.model_copy(update={"features": plain.features}), _end_of_data(table))
        asked = {name: values[rows] for name, values in frame.columns.items()}
        found[plain.name] = plain_days(frame.known_at(microseconds(as_of)), asked, plain, config)
    return found


def _end_of_data(table: pa.Table) -> dt.datetime:
    """The instant up to which the archive shows anything; its last delivery is still before it."""
    latest: dt.datetime = table["observed_until_at"][0].as_py()
    return latest + dt.timedelta(microseconds=1)


def _plain(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: None if value != value else float(value) for name, value in metrics.items()}

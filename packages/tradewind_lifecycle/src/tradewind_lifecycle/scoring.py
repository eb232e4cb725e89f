"""Scoring: what the champion says of the orders of any span, as a table."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import SettingsError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle import labels
from tradewind_lifecycle.holdouts import frame_of, holdout_of, lane_quantiles
from tradewind_lifecycle.score_tables import score_table, write_scores
from tradewind_lifecycle.training_sets import build
from tradewind_models.eta import follow, read
from tradewind_models.eta.calibration import LONGEST_WAY_DAYS
from tradewind_models.eta.config import CalibrationConfig
from tradewind_models.eta.gates import LANE_MEDIAN
from tradewind_models.eta.predictor import FAMILY
from tradewind_registry import CHAMPION, RegistryClient

Progress = Callable[[str], None]

NIGHT = dt.timedelta(days=1)
"""Span of the nightly table: the orders of the last day before the world's clock."""


class ScoreReport(BaseModel):
    """What was scored: the version, the span of purchases, the rows and the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    start: dt.datetime
    end: dt.datetime
    rows: int
    out: Path


def score(
    settings: Settings,
    start: dt.datetime,
    end: dt.datetime,
    out: Path,
    known_at: dt.datetime | None = None,
    progress: Progress = lambda _: None,
) -> ScoreReport:
    """Score every order placed in [start, end) (zoned) with the champion, with the features that it had at its purchase.

    The table has the backtest's columns. Trees are the champion's, the calibration follows each day; the lane median is
    the one known at ``start``. ``known_at`` cuts what is seen; without it, all that the data shows. Orders that the champion's trees were fitted to are answered by the trees blind to them.

    Raises:
        SettingsError: the span is empty, or nothing was delivered before it.
        NotFoundError: there is no champion.
        StateError: nothing is published, or ``out`` can't be written.
    """
    if start >= end:
        raise SettingsError(f"score from {iso(start)} to {iso(end)}: the span ends before it begins")
    with RegistryClient.open(settings) as registry:
        version = registry.resolve(f"{FAMILY}@{CHAMPION}")
        model = read(registry.open_bundle(version))
    every = labels.read_labels(settings)
    every = labels.known_at(every, known_at) if known_at else every
    if not labels.placed_between(every, start, end).num_rows:
        raise SettingsError(f"score from {iso(start)} to {iso(end)}: no order was placed then")
    history = start - dt.timedelta(days=history_days(model.config.calibration))
    table = build(model.config.service, labels.placed_between(every, history, end), settings, progress)
    until: dt.datetime = every["observed_until_at"][0].as_py() + dt.timedelta(microseconds=1)
    frame = frame_of(table, model.config, until)
    past = labels.placed_between(every, None, start)
    try:
        lanes = lane_quantiles(past, frame_of(past, model.config.model_copy(update={"features": ()}), until), start)
    except ValueError as error:
        raise SettingsError(f"score from {iso(start)}: {error}") from error
    holdout = holdout_of(table, frame, start, end, lanes, model.config)
    quantile_days, _ = follow(model, frame, holdout.rows)
    write_scores(score_table(table.take(holdout.rows), quantile_days, holdout.baselines[LANE_MEDIAN][:, 1]), out)
    progress(f"{len(holdout.rows):,} parcels scored with {version.reference} into {out}")
    return ScoreReport(version=version.reference, start=start, end=end, rows=len(holdout.rows), out=out)


def score_last_day(settings: Settings, progress: Progress = lambda _: None) -> ScoreReport:
    """The nightly table: the orders of the day before the world's clock, into ``scores/eta-<day>.parquet``; the truth is cut at the clock."""
    world = World.read(settings.paths.world_file)
    as_of = world.clock.now()
    out = settings.paths.scores / f"{FAMILY}-{as_of - NIGHT:%Y-%m-%d}.parquet"
    return score(settings, as_of - NIGHT, as_of, out, as_of, progress)


def history_days(config: CalibrationConfig) -> int:
    """Days of purchases before a span that its calibration looks back to."""
    return config.shape_window_days + LONGEST_WAY_DAYS + 1

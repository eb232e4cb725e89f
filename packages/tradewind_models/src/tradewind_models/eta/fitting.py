"""The first verb: from a training frame to a model."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import REQUEST, FeatureField
from tradewind_models.eta.calibration import neutral
from tradewind_models.eta.censoring import censoring_weights
from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.frame import Columns, TrainingFrame
from tradewind_models.eta.level import level_by_order_day
from tradewind_models.eta.model import EtaModel, folds, recalibrate
from tradewind_models.eta.vector import matrix

Floats = NDArray[np.float64]

WORKERS = 2
"""Boosters fitted at a time; it changes nothing in them."""
LEAST_DELIVERED = 20
"""Fewer delivered parcels than this are no training set."""
GOLDEN_ROWS = 48
"""Rows that a bundle carries as proof; as many again with one view absent in turn."""


class TooFewRowsError(ValueError):
    """The training frame holds too few delivered parcels to fit anything."""


def fit(training_set: TrainingFrame, config: EtaConfig) -> EtaModel:
    """Fit the quantile trees on what is known at ``training_set.observed_until``, and calibrate at that instant.

    The trees' target is log(duration / level), with the network's level at the order day taken from a period life
    table; delivered parcels are weighted by the inverse probability of having been seen. Equal rows and config give
    equal trees, whatever the rows' order.

    Raises:
        TooFewRowsError: fewer than ``LEAST_DELIVERED`` parcels are delivered.
    """
    frame = training_set.in_order()
    durations = frame.duration_days
    delivered = np.flatnonzero(~np.isnan(durations))
    if len(delivered) < LEAST_DELIVERED:
        raise TooFewRowsError(
            f"{len(delivered)} of {len(frame)} parcels are delivered before {frame.observed_until}; at least {LEAST_DELIVERED} are needed"
        )
    vocabularies = vocabularies_of(frame.columns, config.features, config.least_category_rows, delivered)
    inputs = _with_cold_rows(matrix(frame.columns, config.features, vocabularies), config)
    weights = _weights(frame, config)[delivered]
    logs = np.log(np.maximum(durations[delivered], config.shortest_days))
    if config.level.enabled:
        scale = _scale(inputs, logs, delivered, weights, config)
        logs = logs - np.log(level_by_order_day(frame, scale, config.level)[delivered])
    ensembles = _ensembles(inputs[delivered], logs, weights, folds(frame.ordered_at[delivered], config.folds), config)
    day = int(np.floor(frame.until_days))
    model = EtaModel(
        config=config,
        vocabularies=vocabularies,
        ensembles=ensembles,
        fitted_at=frame.observed_until,
        calibration=neutral(day, len(config.quantiles)),
        golden=_golden(frame, config),
    )
    return recalibrate(model, frame, frame.observed_until)


def _weights(frame: TrainingFrame, config: EtaConfig) -> Floats:
    if not config.censoring.enabled:
        return np.ones(len(frame))
    knobs = config.censoring
    return censoring_weights(frame.ordered_days, frame.duration_days, frame.until_days, knobs.window_days, knobs.floor)


def vocabularies_of(columns: Columns, fields: Sequence[FeatureField], least: int, rows: np.ndarray) -> dict[str, tuple[str, ...]]:
    """The known values of each text column: those of at least ``least`` of the ``rows``, in alphabetical order."""
    found = {}
    for field in fields:
        if field.dtype == "string":
            values, counts = np.unique([str(v) for v in columns[field.column][rows] if isinstance(v, str)], return_counts=True)
            found[field.column] = tuple(str(v) for v in values[counts >= least])
    return found


def _with_cold_rows(inputs: Floats, config: EtaConfig) -> Floats:
    """``inputs`` with whole views absent in a seeded share of rows, so that the trees learn what to say without them."""
    views = sorted({field.view for field in config.features if field.view != REQUEST})
    if not views or config.cold_share <= 0:
        return inputs
    source = np.random.default_rng(config.seed)
    cold = source.random(len(inputs)) < config.cold_share
    lost = source.integers(0, len(views), len(inputs))
    everything = source.random(len(inputs)) < 1 / 8
    result = inputs.copy()
    for position, field in enumerate(config.features):
        if field.view != REQUEST:
            result[cold & (everything | (lost == views.index(field.view))), position] = np.nan
    return result


def _scale(inputs: Floats, logs: Floats, delivered: np.ndarray, weights: Floats, config: EtaConfig) -> Floats:
    """Days [n] that make parcels comparable: a small median model of what no calendar day can be read from."""
    positions = [i for i, field in enumerate(config.features) if field.column in config.level.scale_features]
    data = _dataset(inputs[delivered][:, positions], logs, weights, [config.features[i] for i in positions])
    booster = _booster(data, 0.5, config.level.scale_rounds, config)
    return np.asarray(np.exp(booster.predict(inputs[:, positions], num_threads=1)))


def _ensembles(inputs: Floats, target: Floats, weights: Floats, fold: np.ndarray, config: EtaConfig) -> tuple[tuple[lgb.Booster, ...], ...]:
    """Boosters [quantile][fold]: the one of a fold is fitted to all other rows (to all rows where there is one fold)."""

    def of_fold(number: int) -> list[lgb.Booster]:
        rows = np.flatnonzero(fold != number) if config.folds > 1 else np.arange(len(target))
        data = _dataset(inputs[rows], target[rows], weights[rows], config.features)
        return [_booster(data, alpha, config.trees.rounds, config) for alpha in config.quantiles]

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        by_fold = list(pool.map(of_fold, range(config.folds)))
    return tuple(zip(*by_fold, strict=True))


def _dataset(inputs: Floats, target: Floats, weights: Floats, fields: Sequence[FeatureField]) -> lgb.Dataset:
    categorical = [i for i, field in enumerate(fields) if field.dtype == "string"]
    names = [field.column for field in fields]
    settings = {"verbose": -1, "num_threads": 1, "force_row_wise": True}
    return lgb.Dataset(
        inputs, target, weight=weights, feature_name=names, categorical_feature=categorical, params=settings, free_raw_data=False
    )


def _booster(data: lgb.Dataset, alpha: float, rounds: int, config: EtaConfig) -> lgb.Booster:
    """One quantile's trees. One thread each: sums are then the same everywhere, and two boosters at a time fill two cores.

    LightGBM's own threads spin at barriers: on a busy machine a fit with two of them took 60 s instead of 5 (measured).
    """
    knobs = config.trees
    parameters = {
        "objective": "quantile",
        "alpha": alpha,
        "num_leaves": knobs.num_leaves,
        "learning_rate": knobs.learning_rate,
        "min_data_in_leaf": min(knobs.min_data_in_leaf, max(len(data.get_label()) // 20, 1)),
        "feature_fraction": knobs.feature_fraction,
        "bagging_fraction": knobs.bagging_fraction,
        "bagging_freq": 1,
        "lambda_l2": knobs.lambda_l2,
        "verbose": -1,
        "num_threads": 1,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
    }
    return lgb.train(parameters, data, num_boost_round=rounds)


def _golden(frame: TrainingFrame, config: EtaConfig) -> dict[str, np.ndarray]:
    """Evenly spaced rows, each twice: as it was, and with one view (in turn) absent."""
    rows = np.unique(np.linspace(0, len(frame) - 1, GOLDEN_ROWS).astype(np.int64))
    views = sorted({field.view for field in config.features})
    result = {}
    for field in config.features:
        values = frame.columns[field.column][rows]
        absent = np.arange(len(rows)) % len(views) == views.index(field.view)
        masked = values.copy()
        masked[absent] = None if field.dtype == "string" else np.nan
        result[field.column] = np.concatenate([values, masked])
    return result

"""Plain quantile models: LightGBM as it comes. Baselines beside the model in a backtest, never served."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import REQUEST, FeatureField
from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.features import FEATURES
from tradewind_models.eta.fitting import WORKERS, vocabularies_of
from tradewind_models.eta.frame import Columns, TrainingFrame
from tradewind_models.eta.vector import matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlainModel:
    """What a plain model looks at, and its only knobs; ``name`` is that of its row in tables of metrics."""

    name: str
    features: tuple[FeatureField, ...]
    rounds: int
    learning_rate: float


REQUEST_FACTS: tuple[FeatureField, ...] = (
    *(FeatureField(view=REQUEST, name=name) for name in ("price", "freight", "weight_g", "volume_cm3", "items_count")),
    *(FeatureField(view=REQUEST, name=name, dtype="string") for name in ("origin_state", "destination_state", "category")),
    *(FeatureField(view="parcel_request", name=name) for name in ("distance_km", "ordered_local_hour", "ordered_local_weekday")),
)
"""What one request says of itself, with both places and the local time: nothing of what happened to other parcels."""

PLAIN_ON_REQUEST = PlainModel("plain_on_request", REQUEST_FACTS, rounds=100, learning_rate=0.1)
"""What a first plain model does: LightGBM's own defaults on the request's facts."""
PLAIN_ON_OUR_FEATURES = PlainModel("plain_on_our_features", FEATURES, rounds=300, learning_rate=0.05)
"""What the feature views alone are worth: more and smaller steps, on the very columns that the family's trees see."""
PLAIN_MODELS = (PLAIN_ON_REQUEST, PLAIN_ON_OUR_FEATURES)


def plain_days(training_set: TrainingFrame, columns: Columns, plain: PlainModel, config: EtaConfig) -> Floats:
    """Days [n, quantiles] that ``plain`` gives for ``columns``: fitted to delivered parcels only, no weights, no level, no calibration.

    ``training_set`` and ``columns`` hold the columns of ``plain.features``; text is categorical. The quantiles are fitted one
    by one and may cross, as they come.
    """
    frame = training_set.in_order()
    rows = np.flatnonzero(~np.isnan(frame.duration_days))
    vocabularies = vocabularies_of(frame.columns, plain.features, config.least_category_rows, rows)
    inputs, target = matrix(frame.columns, plain.features, vocabularies)[rows], frame.duration_days[rows]
    asked = matrix(columns, plain.features, vocabularies)

    def days_of(alpha: float) -> Floats:
        data = lgb.Dataset(inputs, target, categorical_feature=_text(plain.features), params={"verbose": -1, "num_threads": 1})
        trees = lgb.train(_parameters(alpha, plain, config.seed), data, num_boost_round=plain.rounds)
        return np.asarray(trees.predict(asked, num_threads=1), dtype=np.float64)

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return np.column_stack(list(pool.map(days_of, config.quantiles)))


def _parameters(alpha: float, plain: PlainModel, seed: int) -> dict[str, object]:
    return {
        "objective": "quantile",
        "alpha": alpha,
        "learning_rate": plain.learning_rate,
        "verbose": -1,
        "num_threads": 1,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
    }


def _text(fields: Sequence[FeatureField]) -> list[int]:
    return [position for position, field in enumerate(fields) if field.dtype == "string"]

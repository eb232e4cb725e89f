"""The plain quantile model: LightGBM as it comes, on the same features. A baseline to be beaten, never served."""

from concurrent.futures import ThreadPoolExecutor

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.fitting import WORKERS, vocabularies_of
from tradewind_models.eta.frame import Columns, TrainingFrame
from tradewind_models.eta.vector import matrix

Floats = NDArray[np.float64]

PLAIN = "plain_quantile"
"""Its name in tables of metrics."""
ROUNDS = 300
"""Trees per quantile; the rest is LightGBM's own (31 leaves), with a learning rate of 0.05."""


def plain_days(training_set: TrainingFrame, columns: Columns, config: EtaConfig) -> Floats:
    """Days [n, quantiles] that plain quantile trees give for ``columns``: delivered parcels only, no weights, no level, no calibration."""
    frame = training_set.in_order()
    rows = np.flatnonzero(~np.isnan(frame.duration_days))
    vocabularies = vocabularies_of(frame.columns, config, rows)
    inputs, target = matrix(frame.columns, config.features, vocabularies)[rows], frame.duration_days[rows]
    asked = matrix(columns, config.features, vocabularies)

    def days_of(alpha: float) -> Floats:
        parameters = {
            "objective": "quantile",
            "alpha": alpha,
            "learning_rate": 0.05,
            "verbose": -1,
            "num_threads": 1,
            "seed": config.seed,
            "deterministic": True,
            "force_row_wise": True,
        }
        trees = lgb.train(parameters, lgb.Dataset(inputs, target, params={"verbose": -1, "num_threads": 1}), num_boost_round=ROUNDS)
        return np.asarray(trees.predict(asked, num_threads=1), dtype=np.float64)

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        return np.column_stack(list(pool.map(days_of, config.quantiles)))

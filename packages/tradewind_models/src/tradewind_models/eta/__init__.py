"""The ETA family: quantiles of days from purchase to delivery, by four verbs.

``fit``, ``evaluate`` and ``bundle`` are here; the fourth, ``load``, is in ``tradewind_models.eta.predictor``, all that a
service calls. The whole family needs numpy, LightGBM and contracts only. ``recalibrate`` is the daily job's step: trees frozen, table moved.
"""

from tradewind_models.eta.bundling import bundle, read
from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.evaluation import Evaluation, Holdout, evaluate
from tradewind_models.eta.fitting import TooFewRowsError, fit
from tradewind_models.eta.frame import TrainingFrame
from tradewind_models.eta.model import EtaModel, follow, recalibrate

__all__ = [
    "EtaConfig",
    "EtaModel",
    "Evaluation",
    "Holdout",
    "TooFewRowsError",
    "TrainingFrame",
    "bundle",
    "evaluate",
    "fit",
    "follow",
    "read",
    "recalibrate",
]

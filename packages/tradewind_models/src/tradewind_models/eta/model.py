"""The fitted model: frozen trees and the calibration table of one day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tradewind_models.eta.calibration import PUBLICATION_LAG_DAYS, CalibrationTable, daily_tables
from tradewind_models.eta.config import EtaConfig
from tradewind_models.eta.frame import Columns, TrainingFrame
from tradewind_models.eta.vector import answer, matrix, relative_days

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EtaModel:
    """Quantiles of days from purchase to delivery.

    ``fitted_at`` is the instant whose knowledge the trees hold, ``calibration`` may be of a later day. ``golden`` are
    some input rows that the bundle carries as proof. ``ensembles[quantile][fold]`` has not seen the rows of that fold.
    """

    config: EtaConfig
    vocabularies: Mapping[str, tuple[str, ...]]
    ensembles: tuple[tuple[lgb.Booster, ...], ...]
    fitted_at: np.datetime64
    calibration: CalibrationTable
    golden: Columns

    def relative(self, columns: Columns) -> Floats:
        """The frozen trees' quantiles [n, quantiles] in days, before calibration."""
        return relative_days(self.ensembles, matrix(columns, self.config.features, self.vocabularies))

    def unseen(self, frame: TrainingFrame) -> Floats:
        """The same for the rows of a frame, each ordered before the fit answered only by the trees that are blind to it."""
        inputs = matrix(frame.columns, self.config.features, self.vocabularies)
        fold = np.where(frame.ordered_at < self.fitted_at, folds(frame.ordered_at, self.config.folds), -1)
        result = np.empty((len(frame), len(self.ensembles)))
        for number in (-1, *range(self.config.folds)):
            rows = np.flatnonzero(fold == number)
            blind = self.ensembles if number < 0 else tuple((ensemble[number],) for ensemble in self.ensembles)
            if len(rows):
                result[rows] = relative_days(blind, inputs[rows])
        return result

    def predict(self, columns: Columns) -> Floats:
        """Days [n, quantiles] with the model's own calibration table, ascending within each row."""
        return answer(self.relative(columns), np.array(self.calibration.factors))

    def importance(self) -> dict[str, float]:
        """Each feature's share (0 to 1) of the median trees' gain."""
        gains = np.sum([b.feature_importance("gain") for b in self.ensembles[self.config.median_index]], axis=0)
        total = max(float(gains.sum()), 1e-12)
        return {field.column: float(gain) / total for field, gain in zip(self.config.features, gains, strict=True)}


def folds(ordered_at: np.ndarray, count: int) -> NDArray[np.int64]:
    """The fold [n] of each row: a hash (Knuth's multiplicative) of the second of its purchase, so that it never has to be stored.

    Parcels of one order share it: they share their outcome.
    """
    seconds = ordered_at.astype("datetime64[s]").astype(np.uint64)
    return np.asarray((seconds * np.uint64(2654435761) >> np.uint64(16)) % np.uint64(count)).astype(np.int64)


def recalibrate(model: EtaModel, frame: TrainingFrame, as_of: np.datetime64) -> EtaModel:
    """The same trees with the calibration table of ``as_of``'s UTC day, from what ``frame`` shows before it.

    ``frame`` holds the parcels of at least the shape window and the way before it; what happened after ``as_of`` is not
    looked at.
    """
    known = frame.known_at(as_of)
    day = int(as_of.astype("datetime64[D]").astype(np.int64))
    tables = daily_tables(model.unseen(known), known, [day], model.config.median_index, model.config.calibration)
    return replace(model, calibration=tables[0])


def follow(model: EtaModel, frame: TrainingFrame, rows: np.ndarray) -> tuple[Floats, list[CalibrationTable]]:
    """What the service would have answered to ``rows`` of ``frame`` at their purchase, and the tables of those days.

    Each row gets the table that was published at its purchase (made of facts before the UTC day, served
    ``PUBLICATION_LAG_DAYS`` later); rows that the trees were fitted to are answered by the trees blind to them. Returns
    days [len(rows), quantiles].
    """
    relative = model.unseen(frame)
    day = np.floor(frame.ordered_days[rows] - PUBLICATION_LAG_DAYS).astype(np.int64)
    wanted = sorted(set(day.tolist()))
    if not wanted:
        return np.empty((0, relative.shape[1])), []
    tables = daily_tables(relative, frame, wanted, model.config.median_index, model.config.calibration)
    factors = np.array([table.factors for table in tables])[np.searchsorted(wanted, day)]
    return answer(relative[rows], factors), tables

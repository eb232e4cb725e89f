"""The fourth verb: a bundle that answers."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tradewind_contracts.bundle import GOLDEN_ROWS, BundleContract
from tradewind_contracts.errors import IntegrityError
from tradewind_models.eta.vector import answer, matrix, relative_days

Floats = NDArray[np.float64]

FAMILY = "eta"
TOLERANCE = 1e-6
"""Relative difference at which a golden row no longer counts as the same answer."""


class EtaPredictor:
    """Quantiles of days from purchase to delivery, from a bundle whose golden rows were found to hold."""

    def __init__(self, contract: BundleContract, ensembles: tuple[tuple[lgb.Booster, ...], ...]) -> None:
        self.contract = contract
        self.ensembles = ensembles
        calibration: Any = contract.parameters["calibration"]
        self._factors = np.array(calibration["factors"], dtype=np.float64)
        self._calibrated_at = dt.datetime.fromisoformat(calibration["at"])

    @property
    def calibrated_at(self) -> dt.datetime:
        """The instant (UTC) up to which the calibration table knows facts."""
        return self._calibrated_at

    def predict(self, columns: Mapping[str, np.ndarray]) -> Floats:
        """Days [n, quantiles], ascending within each row.

        ``columns`` map ``FeatureField.column`` to arrays of one length. Absent columns, NaN, ``None``, infinities and
        text that the vocabulary lacks all mean: not known.

        Raises:
            ValueError: no column at all, or columns of several lengths.
        """
        return answer(relative_days(self.ensembles, matrix(columns, self.contract.features, self.contract.vocabularies)), self._factors)


def tree_file(quantile: float, fold: int) -> str:
    """The name of the file that holds the trees of one quantile and fold."""
    return f"p{round(quantile * 100):02d}_fold{fold}.txt"


def load(folder: Path) -> EtaPredictor:
    """The predictor of the bundle in ``folder``, after its golden rows have been answered again.

    Raises:
        IntegrityError: a file is absent or not what the contract says, or a golden row gets another answer.
    """
    contract = BundleContract.read(folder)
    if contract.family != FAMILY:
        raise IntegrityError(f"{folder}: a bundle of the family {contract.family!r}; expected {FAMILY!r}")
    predictor = EtaPredictor(contract, tuple(_ensemble(folder, contract, quantile) for quantile in contract.quantiles))
    expected = np.array(_golden(folder)["quantile_days"], dtype=np.float64)
    found = predictor.predict(golden_columns(folder))
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=TOLERANCE, atol=0.0):
        raise IntegrityError(f"{folder / GOLDEN_ROWS}: the trees do not answer as they did when the bundle was sealed; use another version")
    return predictor


def golden_columns(folder: Path) -> dict[str, np.ndarray]:
    """The inputs of the golden rows in ``folder``, by column."""
    text = {field.column for field in BundleContract.read(folder).features if field.dtype == "string"}
    columns: dict[str, list[Any]] = _golden(folder)["columns"]
    return {name: np.array(values, dtype=object if name in text else np.float64) for name, values in columns.items()}


def _ensemble(folder: Path, contract: BundleContract, quantile: float) -> tuple[lgb.Booster, ...]:
    names = [name for name in contract.files if name.startswith(f"p{round(quantile * 100):02d}_fold")]
    if not names:
        raise IntegrityError(f"{folder}: the contract names no trees for the quantile {quantile}")
    boosters = []
    for name in names:
        try:
            boosters.append(lgb.Booster(model_str=(folder / name).read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, lgb.basic.LightGBMError) as error:
            raise IntegrityError(f"{folder / name}: not LightGBM trees ({error}); take the bundle from the registry again") from error
        if boosters[-1].num_feature() != len(contract.features):
            raise IntegrityError(
                f"{folder / name}: trees of {boosters[-1].num_feature()} features; the contract names {len(contract.features)}"
            )
    return tuple(boosters)


def _golden(folder: Path) -> dict[str, Any]:
    path = folder / GOLDEN_ROWS
    try:
        rows: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path}: not golden rows ({error}); take the bundle from the registry again") from error
    if not rows.get("columns") or not rows.get("quantile_days"):
        raise IntegrityError(f"{path}: holds no rows")
    return rows
